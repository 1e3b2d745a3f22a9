//! The page that shows what is served, with the words of Go's `/debug/rpc`, and the reading of either.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::methods::MethodInfo;

/// The page: each service with its methods and how often they were called.
pub(super) fn page(services: &BTreeMap<String, Vec<MethodInfo>>) -> String {
    let mut page = String::from("<!doctype html>\n<html>\n<title>Services</title>\n<body>\n");
    for (service, methods) in services {
        let _ = write!(page, "<hr>\nService {}\n<hr>\n<table>\n", escaped(service));
        page.push_str("<tr><th>Method</th><th>Calls</th></tr>\n");
        for MethodInfo { name, args, reply, calls } in methods {
            let signature = format!("{name}({args}, {reply}) error");
            let _ = writeln!(page, "<tr><td>{}</td><td>{calls}</td></tr>", escaped(&signature));
        }
        page.push_str("</table>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// Reads such a page, Go's or ours: services and their methods, in its order. What is not understood is left out.
#[must_use]
pub fn read_page(page: &str) -> Vec<(String, Vec<MethodInfo>)> {
    let mut services = Vec::new();
    for section in page.split("Service ").skip(1) {
        let name = section.split(['\n', '<']).next().unwrap_or_default().trim();
        let cells: Vec<_> = section.split("<td").skip(1).filter_map(cell).collect();
        let methods = cells.chunks_exact(2).filter_map(|pair| method(&pair[0], &pair[1])).collect();
        services.push((unescaped(name), methods));
    }
    services
}

/// The text of a cell, of what stands behind its `<td`.
fn cell(rest: &str) -> Option<String> {
    let (_, text) = rest.split_once('>')?;
    let (text, _) = text.split_once("</td>")?;
    Some(unescaped(text.trim()))
}

/// `Name(args, reply) error`, and a count.
fn method(signature: &str, calls: &str) -> Option<MethodInfo> {
    let (name, rest) = signature.split_once('(')?;
    let types = rest.strip_suffix(") error")?;
    let (args, reply) = split_types(types)?;
    Some(MethodInfo {
        name: name.to_owned(),
        args: args.to_owned(),
        reply: reply.to_owned(),
        calls: calls.parse().ok()?,
    })
}

/// Two types at the comma between them, which is the first one outside of brackets: `map[string]main.Pair[int,string]`
/// and `(i32, Option<u8>)` have others.
fn split_types(types: &str) -> Option<(&str, &str)> {
    let mut depth = 0_i32;
    let mut before = ' ';
    for (at, c) in types.char_indices() {
        match (before, c) {
            // The arrow of a function of Rust's.
            ('-', '>') => {}
            (_, '(' | '[' | '{' | '<') => depth += 1,
            // The second one is the arrow of a channel of Go's.
            (_, ')' | ']' | '}' | '>') | ('<', '-') => depth -= 1,
            (_, ',') if depth == 0 => return Some((&types[..at], types[at + 1..].trim_start())),
            _ => {}
        }
        before = c;
    }
    None
}

const ESCAPES: [(&str, &str); 5] =
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&#34;"), ("'", "&#39;")];

fn escaped(text: &str) -> String {
    ESCAPES.iter().fold(text.to_owned(), |text, (plain, escape)| text.replace(plain, escape))
}

fn unescaped(text: &str) -> String {
    ESCAPES.iter().rev().fold(text.to_owned(), |text, (plain, escape)| text.replace(escape, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, args: &str, reply: &str, calls: u64) -> MethodInfo {
        MethodInfo { name: name.into(), args: args.into(), reply: reply.into(), calls }
    }

    #[test]
    fn our_page_is_read_as_it_was_written() {
        let arith = vec![info("Divide", "Args", "Quotient", 0), info("Multiply", "Vec<Args>", "i64", 12)];
        let services = BTreeMap::from([("a.b".to_owned(), vec![]), ("Arith".to_owned(), arith)]);
        let read = read_page(&page(&services));
        assert_eq!(read, services.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn types_may_have_commas_of_their_own() {
        let table = [
            ("*main.Args, *int", "*main.Args", "*int"),
            ("map[string]struct { A int; B int }, *[]int", "map[string]struct { A int; B int }", "*[]int"),
            (
                "main.Pair[int,string], *main.Pair[int,string]",
                "main.Pair[int,string]",
                "*main.Pair[int,string]",
            ),
            ("func(int, string) (bool, error), *int", "func(int, string) (bool, error)", "*int"),
            ("struct { A <-chan int; B chan<- int }, *int", "struct { A <-chan int; B chan<- int }", "*int"),
            ("(i32, Option<B>), HashMap<String, i64>", "(i32, Option<B>)", "HashMap<String, i64>"),
            ("fn(u8, u8) -> u8, ()", "fn(u8, u8) -> u8", "()"),
        ];
        for (types, args, reply) in table {
            assert_eq!(split_types(types), Some((args, reply)), "{types}");
        }
        assert_eq!(split_types("(i32, i64)"), None);
    }

    #[test]
    fn gos_page_is_read() {
        let page = "<html>\n\t<body>\n\t<title>Services</title>\n\t\n\t<hr>\n\tService Arith\n\t<hr>\n\t\t<table>\n\
            \t\t<th align=center>Method</th><th align=center>Calls</th>\n\t\t\n\t\t\t<tr>\n\
            \t\t\t<td align=left font=fixed>Multiply(*main.Args, *int) error</td>\n\
            \t\t\t<td align=center>3</td>\n\t\t\t</tr>\n\t\t\n\t\t</table>\n\t\n\t</body>\n\t</html>";
        let read = read_page(page);
        assert_eq!(read, [("Arith".to_owned(), vec![info("Multiply", "*main.Args", "*int", 3)])]);
        assert_eq!(read_page("404 page not found\n"), []);
    }
}
