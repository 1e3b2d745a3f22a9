//! Connections as a table that fits the terminal.

use hijack_gateway::ConnectionView;

use super::units::{short_ms, short_size};
use crate::ws::printable;

/// A column: its head, its cells, and what becomes of it where the terminal is narrow.
struct Column {
    head: &'static str,
    cell: fn(&ConnectionView) -> String,
    right: bool,
    /// Characters that a cell is cut to at the most; none are not cut.
    least: Option<usize>,
    /// Who goes first where cutting is not enough: the largest.
    rank: u8,
}

const fn column(head: &'static str, rank: u8, least: usize, cell: fn(&ConnectionView) -> String) -> Column {
    Column { head, cell, right: false, least: Some(least), rank }
}

const fn number(head: &'static str, rank: u8, cell: fn(&ConnectionView) -> String) -> Column {
    Column { head, cell, right: true, least: None, rank }
}

const LIVE: [Column; 14] = [
    number("ID", 0, |view| view.id.to_string()),
    column("ROUTE", 2, 8, |view| printable(&view.route)),
    column("PEER", 1, 21, |view| printable(&view.peer)),
    column("SUBJECT", 3, 12, |view| text(&view.subject)),
    column("PROTOCOL", 5, 9, |view| printable(&view.protocol)),
    column("STATE", 6, 7, |view| printable(&view.state)),
    number("AGE", 4, |view| short_ms(view.age_ms)),
    number("IDLE", 4, |view| short_ms(view.idle_ms)),
    number("IN", 7, |view| short_size(view.bytes_in)),
    number("OUT", 7, |view| short_size(view.bytes_out)),
    number("MSGS IN", 8, |view| view.messages_in.to_string()),
    number("MSGS OUT", 8, |view| view.messages_out.to_string()),
    column("TAGS", 9, 8, |view| printable(&view.tags.join(","))),
    column("UPSTREAM", 10, 12, |view| printable(&view.upstream)),
];

const ENDED: [Column; 10] = [
    number("ID", 0, |view| view.id.to_string()),
    column("ROUTE", 2, 8, |view| printable(&view.route)),
    column("PEER", 1, 21, |view| printable(&view.peer)),
    column("SUBJECT", 3, 12, |view| text(&view.subject)),
    number("AGE", 5, |view| short_ms(view.age_ms)),
    number("IN", 7, |view| short_size(view.bytes_in)),
    number("OUT", 7, |view| short_size(view.bytes_out)),
    column("ENDED BY", 1, 8, |view| text(&view.closed_by)),
    number("CODE", 1, |view| view.code.map(|code| code.to_string()).unwrap_or_default()),
    column("REASON", 4, 16, |view| text(&view.reason)),
];

fn text(text: &Option<String>) -> String {
    text.as_deref().map(printable).unwrap_or_default()
}

/// A table of `views`, a line each, no line wider than `width`.
pub(super) fn table(views: &[ConnectionView], ended: bool, width: Option<usize>) -> String {
    let (mut columns, mut cells) = filled(if ended { &ENDED } else { &LIVE }, views);
    let widths = loop {
        let widths = natural(&columns, &cells);
        match width.map_or(Ok(widths.clone()), |width| fit(&columns, widths, width)) {
            Ok(widths) => break widths,
            Err(gone) => {
                columns.remove(gone);
                cells.remove(gone);
            }
        }
    };
    let heads: Vec<&str> = columns.iter().map(|column| column.head).collect();
    let mut lines = line(&columns, &widths, &heads);
    for row in 0..views.len() {
        let row: Vec<&str> = cells.iter().map(|cells| cells[row].as_str()).collect();
        lines += &line(&columns, &widths, &row);
    }
    lines
}

/// The columns that say something, and their cells: what is empty everywhere is left out.
fn filled<'c>(columns: &'c [Column], views: &[ConnectionView]) -> (Vec<&'c Column>, Vec<Vec<String>>) {
    let cells = |column: &Column| views.iter().map(column.cell).collect::<Vec<String>>();
    let says = |(column, cells): &(&Column, Vec<String>)| {
        views.is_empty() || column.rank == 0 || cells.iter().any(|cell| !cell.is_empty())
    };
    columns.iter().map(|column| (column, cells(column))).filter(says).unzip()
}

/// Spaces between two columns.
const GAP: usize = 2;

/// The widths that cut nothing.
fn natural(columns: &[&Column], cells: &[Vec<String>]) -> Vec<usize> {
    let width = |(column, cells): (&&Column, &Vec<String>)| {
        cells.iter().map(|cell| len(cell)).fold(len(column.head), usize::max)
    };
    columns.iter().zip(cells).map(width).collect()
}

/// Makes the widest columns narrower; if that is not enough, says which one must go.
fn fit(columns: &[&Column], mut widths: Vec<usize>, width: usize) -> Result<Vec<usize>, usize> {
    loop {
        let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let excess = total.saturating_sub(width);
        if excess == 0 {
            return Ok(widths);
        }
        let least = |i: usize| columns[i].least.map_or(usize::MAX, |least| least.max(len(columns[i].head)));
        let can_cut = |i: &usize| widths[*i] > least(*i);
        if let Some(widest) = (0..widths.len()).filter(can_cut).max_by_key(|i| widths[*i]) {
            // No further than to the next widest at once, so that all share in it.
            let others = (0..widths.len()).filter(|i| *i != widest).filter(can_cut).map(|i| widths[i]);
            let down_to = others.max().unwrap_or(0).clamp(least(widest), widths[widest] - 1);
            widths[widest] = down_to.max(widths[widest].saturating_sub(excess));
            continue;
        }
        match (0..columns.len()).filter(|i| columns[*i].rank > 0).max_by_key(|i| columns[*i].rank) {
            Some(gone) => return Err(gone),
            None => return Ok(widths),
        }
    }
}

fn line(columns: &[&Column], widths: &[usize], cells: &[&str]) -> String {
    let mut line = String::new();
    for ((column, width), cell) in columns.iter().zip(widths).zip(cells) {
        if !line.is_empty() {
            line += &" ".repeat(GAP);
        }
        let cell = cut(cell, *width);
        let space = " ".repeat(width.saturating_sub(len(&cell)));
        line += &if column.right { space + &cell } else { cell + &space };
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

/// At most `width` characters of `text`, with a mark where it is cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if len(text) <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn len(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views() -> Vec<ConnectionView> {
        let mut one = ConnectionView::default();
        one.id = 7;
        one.route = "chat".into();
        one.peer = "192.0.2.7:40001".into();
        one.subject = Some("alice\x1b[2J".into());
        one.protocol = "websocket".into();
        one.state = "open".into();
        one.age_ms = 3_725_000;
        one.idle_ms = 400;
        one.bytes_in = 1_500;
        one.bytes_out = 5 << 20;
        one.messages_in = 12;
        one.upstream = "http://127.0.0.1:9090".into();
        let mut other = one.clone();
        other.id = 1_000;
        other.subject = Some("a-very-long-name-of-somebody@example.org".into());
        other.tags = vec!["vip".into(), "beta".into()];
        vec![one, other]
    }

    #[test]
    fn a_wide_terminal_shows_all() {
        let expected = "\x20\x20\
ID  ROUTE  PEER             SUBJECT                                   PROTOCOL   STATE    AGE  IDLE      IN   OUT  MSGS IN  MSGS OUT  TAGS      UPSTREAM
   7  chat   192.0.2.7:40001  alice\\u{1b}[2J                            websocket  open   1h02m  0.4s  1.4KiB  5MiB       12         0            http://127.0.0.1:9090
1000  chat   192.0.2.7:40001  a-very-long-name-of-somebody@example.org  websocket  open   1h02m  0.4s  1.4KiB  5MiB       12         0  vip,beta  http://127.0.0.1:9090
";
        assert_eq!(table(&views(), false, None), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 12..200 {
            let text = table(&views(), false, Some(width));
            assert_eq!(text.lines().count(), 3);
            for line in text.lines() {
                assert!(len(line) <= width, "{width}: {line:?}");
            }
            assert!(text.starts_with("  ID"), "{text}");
        }
        let narrow = "\x20\x20\
ID  ROUTE  PEER             SUBJECT           PROTOCOL   STATE    AGE  IDLE
   7  chat   192.0.2.7:40001  alice\\u{1b}[2J    websocket  open   1h02m  0.4s
1000  chat   192.0.2.7:40001  a-very-long-nam…  websocket  open   1h02m  0.4s
";
        assert_eq!(table(&views(), false, Some(77)), narrow);
    }

    #[test]
    fn ended_ones_show_how_they_ended() {
        let mut view = views().remove(0);
        view.closed_by = Some("client".into());
        view.code = Some(1006);
        view.reason = Some("reset".into());
        view.subject = None;
        let expected = "\
ID  ROUTE  PEER               AGE      IN   OUT  ENDED BY  CODE  REASON
 7  chat   192.0.2.7:40001  1h02m  1.4KiB  5MiB  client    1006  reset
";
        assert_eq!(table(&[view], true, Some(80)), expected);
    }
}
