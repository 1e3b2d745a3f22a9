//! Variables and labels: from the command line, and from files.

use std::ffi::OsStr;
use std::fs;

/// What files and flags say together, the flags last. A name without a value has the value that it has here; one that
/// has none is left out of a file, and unset by a flag.
pub(super) fn variables(files: &[String], flags: &[String]) -> Result<Vec<String>, String> {
    let here = |name: &str| std::env::var_os(name);
    let mut variables = Vec::new();
    for file in files {
        let text = fs::read(file).map_err(|error| cannot_open(file, &error))?;
        variables.extend(lines(&text, |name| here(name).map(|value| text_of(&value)))?);
    }
    for flag in flags {
        variables.push(of_flag(flag, here(flag).as_deref())?);
    }
    Ok(variables)
}

fn of_flag(flag: &str, here: Option<&OsStr>) -> Result<String, String> {
    if flag.is_empty() || flag.starts_with('=') {
        return Err(format!("invalid environment variable: {flag}"));
    }
    match here {
        Some(value) if !flag.contains('=') => Ok(format!("{flag}={}", text_of(value))),
        _ => Ok(flag.to_owned()),
    }
}

fn text_of(value: &OsStr) -> String {
    value.to_string_lossy().into_owned()
}

fn cannot_open(file: &str, error: &std::io::Error) -> String {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    format!("open {file}: {why}")
}

/// The lines of a file that say something.
fn lines(text: &[u8], here: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, String> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut said = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = str::from_utf8(line).map_err(|_| format!("invalid utf8 bytes at line {}", number + 1))?;
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').map_or((line, None), |(name, value)| (name, Some(value)));
        if name.is_empty() {
            return Err(format!("no variable name on line '{line}'"));
        }
        if name.contains([' ', '\t']) {
            return Err(format!("variable '{name}' contains whitespaces"));
        }
        match value {
            Some(_) => said.push(line.to_owned()),
            None => said.extend(here(name).map(|value| format!("{name}={value}"))),
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_taken_as_it_is() {
        let here = Some(OsStr::new("here"));
        let table = [
            ("A=b", None, Ok("A=b")),
            ("A=", None, Ok("A=")),
            ("A=b=c", here, Ok("A=b=c")),
            ("A", here, Ok("A=here")),
            ("A", None, Ok("A")),
            ("=b", None, Err("invalid environment variable: =b")),
            ("", None, Err("invalid environment variable: ")),
        ];
        for (flag, here, expected) in table {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(of_flag(flag, here), expected, "{flag}");
        }
    }

    #[test]
    fn a_file_has_comments_and_names_of_ours() {
        let file = "\u{feff}# a comment\n\n A=1 # no comment \nB\r\nNOWHERE\nC=x=y\nD=";
        let here = |name: &str| (name == "B").then(|| "here".to_owned());
        assert_eq!(
            lines(file.as_bytes(), here),
            Ok(["A=1 # no comment ", "B=here", "C=x=y", "D="].map(str::to_owned).to_vec())
        );
        assert_eq!(lines(b"=x", here), Err("no variable name on line '=x'".to_owned()));
        assert_eq!(lines(b"A B=x", here), Err("variable 'A B' contains whitespaces".to_owned()));
        assert_eq!(lines(b"A=1\nB=\xff", here), Err("invalid utf8 bytes at line 2".to_owned()));
    }
}
