//! The hand-written streams in `corpus/requests` and `corpus/responses`. The first file of each folder explains
//! their format.

use std::collections::HashSet;
use std::path::Path;

use crate::escape::{Unescaped, unescape};
use crate::{Role, Stream};

/// All hand-written streams for a role, in the order of the files.
///
/// # Errors
///
/// A sentence with file and line: an unreadable file, a malformed line, a name used twice.
pub fn read(role: Role) -> Result<Vec<Stream>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("corpus/{}s", role.noun()));
    let unreadable = |error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.sort();

    let mut streams = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(unreadable)?;
        for (number, line) in text.lines().enumerate() {
            if !line.is_empty() && !line.starts_with('#') {
                let place = |error| format!("{}:{}: {error}", file.display(), number + 1);
                streams.push(parse_line(role, line).map_err(place)?);
            }
        }
    }
    check_names(&streams)?;
    Ok(streams)
}

/// `name: bytes`. A stream of responses that does not say otherwise answers a GET.
fn parse_line(role: Role, line: &str) -> Result<Stream, String> {
    let (name, text) = line.split_once(':').ok_or("no colon behind the name")?;
    let text = text.strip_prefix(' ').unwrap_or(text);
    let is_asked = role == Role::Server || text.starts_with(r"\{");
    let Unescaped { bytes, asks } = unescape(&format!("{}{text}", if is_asked { "" } else { r"\{GET}" }))?;
    let stream = Stream { name: name.to_owned(), bytes, asks, expected: None };
    if stream.role() == role { Ok(stream) } else { Err("a request among requests".to_owned()) }
}

fn check_names(streams: &[Stream]) -> Result<(), String> {
    let mut seen = HashSet::new();
    match streams.iter().find(|stream| !seen.insert(&stream.name)) {
        Some(twice) => Err(format!("the name {} stands there twice", twice.name)),
        None => Ok(()),
    }
}
