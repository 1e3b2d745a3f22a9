//! The hand-written streams in `corpus/*.txt`. The first of those files explains their format.

use std::collections::HashSet;
use std::path::Path;

use crate::Stream;
use crate::escape::unescape;

/// All hand-written streams, in the order of the files.
///
/// # Errors
///
/// A sentence with file and line: an unreadable file, a malformed line, a name used twice.
pub fn read() -> Result<Vec<Stream>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
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
                streams.push(parse_line(line).map_err(place)?);
            }
        }
    }
    check_names(&streams)?;
    Ok(streams)
}

/// `name: bytes`.
fn parse_line(line: &str) -> Result<Stream, String> {
    let (name, text) = line.split_once(':').ok_or("no colon behind the name")?;
    let bytes = unescape(text.strip_prefix(' ').unwrap_or(text))?;
    Ok(Stream { name: name.to_owned(), bytes, expected: None })
}

fn check_names(streams: &[Stream]) -> Result<(), String> {
    let mut seen = HashSet::new();
    match streams.iter().find(|stream| !seen.insert(&stream.name)) {
        Some(twice) => Err(format!("the name {} stands there twice", twice.name)),
        None => Ok(()),
    }
}
