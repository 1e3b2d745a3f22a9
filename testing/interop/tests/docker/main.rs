//! Our client for Docker's streams against the real dockerd, and against podman, which speaks the same API: nothing is
//! lost, nothing hangs, exit codes and refusals are the daemon's. Each test has a daemon of its own.
//!
//! `HIJACK_DOCKER_ROUNDS` is how often short commands run in a row (20).

mod attach;
mod bulk;
mod exec;
mod hosts;
mod http2;
mod logs;
mod rounds;
mod site;
mod terminal;
mod websocket;

/// `module, runner { file: cases }`.
macro_rules! cases {
    ($($module:ident, $run:ident { $($file:ident: $($case:ident)+;)+ })+) => {$(
        mod $module {
            $($(
                #[test]
                fn $case() {
                    super::site::$run(super::$file::$case);
                }
            )+)+
        }
    )+};
}

cases! {
    dockerd, run {
        attach: stdin_ends_and_output_goes_on outputs_are_told_apart_and_an_early_end_counts refusals_say_why
            a_container_that_ended several_clients ends_of_containers dropped_handles_leave_nothing;
        exec: streams_and_exit_codes what_goes_wrong a_process_outlives_its_client a_process_left_alone a_terminal_of_its_own;
        terminal: output_is_raw detach_keys prompts_and_sizes;
        logs: lines_of_both_outputs followed_to_the_end;
        rounds: short_commands_lose_no_line early_input_is_delivered;
        bulk: megabytes_through_cat a_pause_holds_the_process_up;
        hosts: tcp ssh a_daemon_that_goes_away;
        http2: grpc session;
        websocket: attach_over_a_websocket;
    }

    // What is left out is podman's own (4.3.1): it has its own words for refusals, tells no exit code of containers that
    // are removed at their end, breaks its frames where it replays logs, takes a detached
    // process to run for longer than it does, does not end a stream that it detached from, and
    // has neither WebSocket nor `/grpc` and `/session`.
    podman, run_by_podman {
        attach: stdin_ends_and_output_goes_on outputs_are_told_apart_and_an_early_end_counts
            dropped_handles_leave_nothing;
        exec: streams_and_exit_codes a_process_outlives_its_client a_terminal_of_its_own;
        terminal: output_is_raw prompts_and_sizes;
        logs: lines_of_both_outputs followed_to_the_end;
        rounds: short_commands_lose_no_line early_input_is_delivered;
        bulk: megabytes_through_cat a_pause_holds_the_process_up;
        hosts: tcp a_daemon_that_goes_away;
    }
}
