//! What must hold for any text that is read as a filter: for the fuzz target and for the test that replays its corpus.

use hijack_gateway::{ConnectionView, Filter};

/// A filter that is understood is written as one that means the same; one that is not is refused with a place within
/// it, in words that cannot steer a terminal.
///
/// # Panics
///
/// Where that is not so.
pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match text.parse::<Filter>() {
        Ok(filter) => {
            assert!(text.len() <= Filter::MAX_LEN);
            let written = filter.to_string();
            // Spelled out it may be longer than what is read.
            if written.len() <= Filter::MAX_LEN {
                assert_eq!(written.parse().as_ref(), Ok(&filter), "{text} as {written}");
            }
            for view in [ConnectionView::default(), view()] {
                assert!(filter.matches(&view) || !filter.is_empty(), "the empty filter means all");
            }
        }
        Err(error) => {
            assert!(error.position() <= text.chars().count() + 1, "{text}: {error}");
            let said = error.to_string();
            assert!(said.len() < 1_000 && !said.contains(char::is_control), "{text}: {said}");
        }
    }
}

fn view() -> ConnectionView {
    let mut view = ConnectionView::default();
    view.route = "chat".into();
    view.peer = "[::1]:40001".into();
    view.subject = Some("alice".into());
    view.state = "closed".into();
    view.code = Some(1006);
    view.tags = vec!["vip".into(), "ü".into()];
    view
}
