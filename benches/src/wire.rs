//! The words and bytes on which servers and load agree.

/// Path of the ordinary answer.
pub const PLAIN_PATH: &str = "/plain";
/// Body of the ordinary answer.
pub const PLAIN_BODY: &str = "hello, world\n";
/// Its media type.
pub const PLAIN_TYPE: &str = "text/plain";
/// Path of the takeover.
pub const ECHO_PATH: &str = "/echo";
/// The protocol asked for in `Upgrade`, and named in the 101.
pub const ECHO_PROTOCOL: &str = "echo";
/// Length of the message that is sent once and comes back once.
pub const MESSAGE_LEN: usize = 64;
/// The line that asks a server for its [`Heap`](crate::servers::Heap).
pub const HEAP_COMMAND: &str = "heap";
