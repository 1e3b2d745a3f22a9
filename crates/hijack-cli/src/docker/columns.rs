//! Text in columns, by the rules of Go's `text/tabwriter`, which Docker's tables follow.

/// Aligns what stands between tabs. A column is as wide as its widest cell in neighbouring lines, and `padding` more, and
/// not narrower than `least`; behind the last tab of a line nothing is aligned.
pub(super) fn aligned(text: &str, least: usize, padding: usize) -> String {
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let mut out = String::new();
    for (row, cells) in lines.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            out.push_str(cell);
            if column + 1 < cells.len() {
                let width = width_at(&lines, row, column) + padding;
                out.extend(std::iter::repeat_n(' ', width.max(least) - width_of(cell)));
            }
        }
        out.push('\n');
    }
    out
}

/// The widest cell in the neighbouring lines that have this column.
fn width_at(lines: &[Vec<&str>], row: usize, column: usize) -> usize {
    let has = |cells: &&Vec<&str>| cells.len() > column + 1;
    let above = lines[..row].iter().rev().take_while(has);
    let below = lines[row..].iter().take_while(has);
    above.chain(below).map(|cells| width_of(cells[column])).max().unwrap_or_default()
}

fn width_of(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_neighbouring_lines() {
        let text = "ID\tNAME\tSTATE\n1\ta-long-name\tup\n22\tx\tdown";
        let expected = "\
ID   NAME          STATE
1    a-long-name   up
22   x             down
";
        assert_eq!(aligned(text, 5, 3), expected);
        // A line without the column is the end of it.
        let text = "Client:\n a:\tb\nServer:\n longer:\tc\n x:\td";
        assert_eq!(aligned(text, 4, 1), "Client:\n a: b\nServer:\n longer: c\n x:      d\n");
    }
}
