//! Mistakes in a configuration: where, which key, what is wrong and what would be right.

use std::collections::BTreeMap;
use std::fmt;

/// Everything that is wrong with a configuration, a line each.
///
/// ```
/// use hijack_gateway::Config;
///
/// let text = "[route.chat]\nupstrem = \"http://127.0.0.1:9090\"\n";
/// let error = Config::from_toml(text, "gateway.toml").unwrap_err();
/// let first = error.mistakes().next().unwrap().to_string();
/// assert_eq!(first, "gateway.toml:2: route.chat.upstrem: unknown key, `upstream` may be meant");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    mistakes: Vec<Mistake>,
}

/// One thing that is wrong with a configuration. It never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    place: String,
    key: String,
    text: String,
}

impl ConfigError {
    /// An error, if there is a mistake.
    pub(super) fn of(mistakes: Vec<Mistake>) -> Result<(), Self> {
        if mistakes.is_empty() { Ok(()) } else { Err(Self { mistakes }) }
    }

    pub(super) fn one(mistake: Mistake) -> Self {
        Self { mistakes: vec![mistake] }
    }

    /// Each mistake, in the order of the file.
    pub fn mistakes(&self) -> impl Iterator<Item = &Mistake> {
        self.mistakes.iter()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.mistakes.iter().enumerate() {
            write!(f, "{}{mistake}", if i > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Mistake {
    pub(super) fn new(place: String, key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place, key: key.into(), text: text.into() }
    }

    /// The key, such as `route.chat.upstream`; empty where the file as a whole is meant.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.place, &self.key] {
            write!(f, "{part}{}", if part.is_empty() { "" } else { ": " })?;
        }
        f.write_str(&self.text)
    }
}

/// Where each key of a configuration was said: in a line of a file, or by a flag.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    file: String,
    lines: BTreeMap<String, usize>,
    flags: BTreeMap<String, String>,
}

impl Places {
    pub(super) fn in_file(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    pub(super) fn set_line(&mut self, key: &str, line: usize) {
        self.lines.insert(key.to_owned(), line);
    }

    pub(super) fn set_flag(&mut self, key: &str, flag: &str) {
        self.flags.insert(key.to_owned(), flag.to_owned());
    }

    /// Where `key` was said, or the nearest table that it would stand in.
    pub(super) fn place_of(&self, key: &str) -> String {
        let mut prefix = key;
        loop {
            if let Some(flag) = self.flags.get(prefix) {
                return flag.clone();
            }
            if let Some(line) = self.lines.get(prefix) {
                return self.at_line(*line);
            }
            match prefix.rfind('.') {
                Some(dot) => prefix = &prefix[..dot],
                None => return self.file.clone(),
            }
        }
    }

    /// The line of a mistake; the first for what has none.
    pub(super) fn line_of(mistake: &Mistake) -> usize {
        mistake.place.rsplit(':').next().and_then(|line| line.parse().ok()).unwrap_or_default()
    }

    pub(super) fn at_line(&self, line: usize) -> String {
        format!("{}:{line}", self.file)
    }
}
