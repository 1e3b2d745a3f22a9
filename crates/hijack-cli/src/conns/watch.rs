//! `hijack conns list --watch`: a table that is kept up to date, or a line for each that opens and closes.

use std::time::Duration;

use hijack_gateway::ConnectionView;

use super::args::Query;
use super::{Gateway, connections, how_it_ended, skipped, table};
use crate::exit::{Failure, Kind};
use crate::ws::printable;

/// How often the table is made anew.
const EVERY: Duration = Duration::from_secs(1);

impl Gateway {
    pub(super) async fn watch(&self, query: Option<&Query>, limit: Option<usize>) -> Result<(), Failure> {
        if !self.terminal.is_terminal() || self.reach.json {
            return self.follow(query).await;
        }
        let ended = query.is_some_and(|query| query.filter.asks_for_closed());
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tick.tick().await;
            let views = self.views(self.connections(query, limit).await?)?;
            let text = screen(&views, ended, self.terminal.width(), self.terminal.height());
            // To the upper left, and nothing below what is written.
            self.terminal.print(&format!("\x1b[H\x1b[J{text}"))?;
        }
    }

    /// Prints what opens and closes, for programs.
    async fn follow(&self, query: Option<&Query>) -> Result<(), Failure> {
        let doing = "watch the connections";
        let mut events = self.api.events(doing, "/api/events".into()).await?;
        while let Some(event) = events.next(doing).await? {
            let value = self.parse(doing, &event.data)?;
            if event.name == "skipped" {
                self.terminal.note(&skipped(&value, "events"));
                continue;
            }
            if !matches!(event.name.as_str(), "opened" | "closed") {
                continue;
            }
            let view: ConnectionView = self.read(doing, value.clone())?;
            if query.is_some_and(|query| !query.filter.matches(&view)) {
                continue;
            }
            if self.reach.json {
                self.print_values(&[serde_json::json!({ "event": event.name, "connection": value })])?;
            } else {
                self.terminal.print(&line(&event.name, &view))?;
            }
        }
        let text = format!("cannot {doing} any longer: the gateway ended the stream (did it restart?)");
        Err(Failure::new(Kind::Broken, text))
    }
}

/// As much of the table as is seen at once, and how many there are.
fn screen(views: &[ConnectionView], ended: bool, width: Option<usize>, height: Option<usize>) -> String {
    // The head, the last line, and the one that the cursor is in.
    let rows = height.map_or(views.len(), |height| height.saturating_sub(3)).min(views.len());
    let more = if rows < views.len() { format!(", {rows} of them shown") } else { String::new() };
    let table = table::table(&views[..rows], ended, width);
    format!("{table}{}{more}; ^C ends\n", connections(views.len() as u64))
}

fn line(event: &str, view: &ConnectionView) -> String {
    let subject = view.subject.as_deref().unwrap_or("-");
    let end = if event == "closed" { format!(" {}", how_it_ended(view)) } else { String::new() };
    let line = format!("{event} {} {} {} {subject} {}{end}", view.id, view.route, view.peer, view.protocol);
    format!("{}\n", printable(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(id: u64) -> ConnectionView {
        let mut view = ConnectionView::default();
        view.id = id;
        view.route = "chat".into();
        view.peer = "unix".into();
        view.protocol = "tcp".into();
        view
    }

    #[test]
    fn the_screen_is_never_higher_than_the_terminal() {
        let views: Vec<ConnectionView> = (1..=50).map(view).collect();
        for height in 4..60 {
            let text = screen(&views, false, Some(80), Some(height));
            assert!(text.lines().count() < height, "{height}: {text}");
        }
        assert!(
            screen(&views, false, Some(80), Some(10))
                .ends_with("\n50 connections, 7 of them shown; ^C ends\n")
        );
        assert!(screen(&views[..1], false, Some(80), Some(10)).ends_with("\n1 connection; ^C ends\n"));
    }

    #[test]
    fn a_line_says_what_happened() {
        let mut one = view(7);
        assert_eq!(line("opened", &one), "opened 7 chat unix - tcp\n");
        one.subject = Some("al\x1bice".into());
        one.closed_by = Some("operator".into());
        one.code = Some(1012);
        one.reason = Some("restart".into());
        let expected = "closed 7 chat unix al\\u{1b}ice tcp was closed by the operator with 1012: restart\n";
        assert_eq!(line("closed", &one), expected);
    }
}
