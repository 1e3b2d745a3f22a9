//! TOML with the place of everything: tables whose keys are known, and values of the kinds that a configuration has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Mistake, Places};
use crate::{nearest, units};

/// Reads values, and gathers mistakes instead of stopping at the first one.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// Where relative paths begin: beside the file.
    folder: PathBuf,
    /// What an environment variable holds.
    variable: &'a dyn Fn(&str) -> Option<String>,
    pub(super) places: Places,
    mistakes: Vec<Mistake>,
}

/// A table whose keys are known.
pub(super) struct Section<'t> {
    /// Its name, as `route.chat`; empty for the file itself.
    path: String,
    table: &'t DeTable<'t>,
}

impl Section<'_> {
    /// The full name of a key.
    pub(super) fn key(&self, name: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let quoted = format!("{name:?}");
        let name = if !name.is_empty() && name.chars().all(plain) { name } else { &quoted };
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("{}{dot}{name}", self.path)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Whether it says `name = false`, where a table may stand.
    pub(super) fn is_false(&self, name: &str) -> bool {
        self.table.get(name).is_some_and(|value| value.get_ref().as_bool() == Some(false))
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, file: &str, variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let folder = Path::new(file).parent().map(Path::to_owned).unwrap_or_default();
        Self { text, folder, variable, places: Places::in_file(file), mistakes: Vec::new() }
    }

    /// What is wrong, if anything is.
    pub(super) fn finish(mut self) -> Result<Places, ConfigError> {
        self.mistakes.sort_by_key(Places::line_of);
        ConfigError::of(self.mistakes)?;
        Ok(self.places)
    }

    /// The file itself, unless it is no TOML.
    pub(super) fn parse(&mut self) -> Option<DeTable<'a>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(table.into_inner()),
            Err(error) => {
                let line = self.line(error.span().map_or(0, |span| span.start));
                let message = error.message().lines().collect::<Vec<_>>().join(", ");
                self.mistakes.push(Mistake::new(self.places.at_line(line), "", message));
                None
            }
        }
    }

    /// The file as a table of `known` keys.
    pub(super) fn root<'t>(&mut self, table: &'t DeTable<'t>, known: &[&str]) -> Section<'t> {
        let section = Section { path: String::new(), table };
        self.refuse_unknown(&section, known);
        section
    }

    /// A table within, of `known` keys.
    pub(super) fn section<'t>(
        &mut self,
        of: &Section<'t>,
        name: &str,
        known: &[&str],
    ) -> Option<Section<'t>> {
        let section = self.tables(of, name)?;
        self.refuse_unknown(&section, known);
        Some(section)
    }

    /// Tables within a table, each with its name, in the order of the file.
    pub(super) fn named<'t>(
        &mut self,
        of: &Section<'t>,
        name: &str,
        known: &[&str],
    ) -> Vec<(String, Section<'t>)> {
        let Some(outer) = self.tables(of, name) else { return Vec::new() };
        let mut keys: Vec<_> = outer.table.keys().collect();
        keys.sort_by_key(|key| key.span().start);
        let mut sections = Vec::new();
        for key in keys {
            let line = self.line(key.span().start);
            self.places.set_line(&outer.key(key.get_ref()), line);
            if let Some(section) = self.section(&outer, key.get_ref(), known) {
                sections.push((key.get_ref().to_string(), section));
            }
        }
        sections
    }

    /// A table of which any key is allowed.
    fn tables<'t>(&mut self, of: &Section<'t>, name: &str) -> Option<Section<'t>> {
        let value = self.value(of, name)?;
        match value.as_table() {
            Some(table) => Some(Section { path: of.key(name), table }),
            None => self.wrong(of, name, value, "a table"),
        }
    }

    pub(super) fn text(&mut self, of: &Section<'_>, name: &str) -> Option<String> {
        let value = self.value(of, name)?;
        match value.as_str() {
            Some(text) => Some(text.to_owned()),
            None => self.wrong(of, name, value, "text in quotes"),
        }
    }

    /// A list of texts; one alone is a list of one.
    pub(super) fn texts(&mut self, of: &Section<'_>, name: &str) -> Option<Vec<String>> {
        let value = self.value(of, name)?;
        if let Some(text) = value.as_str() {
            return Some(vec![text.to_owned()]);
        }
        let texts: Option<Vec<String>> = value.as_array().and_then(|array| {
            array.iter().map(|value| value.get_ref().as_str().map(str::to_owned)).collect()
        });
        texts.or_else(|| self.wrong(of, name, value, "a list of texts, such as [\"a\", \"b\"]"))
    }

    /// Text that `read` understands; if not it says what was expected.
    pub(super) fn parsed<T>(
        &mut self,
        of: &Section<'_>,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(of, name)?;
        read(&text).map_err(|wrong| self.mistake(of, name, wrong)).ok()
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, of: &Section<'_>, name: &str, words: &[(&str, T)]) -> Option<T> {
        self.parsed(of, name, |text| match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(*meaning),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(format!("{text:?} is none of {}", known.join(", ")))
            }
        })
    }

    pub(super) fn truth(&mut self, of: &Section<'_>, name: &str) -> Option<bool> {
        let value = self.value(of, name)?;
        value.as_bool().or_else(|| self.wrong(of, name, value, "true or false"))
    }

    pub(super) fn number<T: TryFrom<u64>>(&mut self, of: &Section<'_>, name: &str) -> Option<T> {
        let value = self.value(of, name)?;
        match integer(value).and_then(|number| T::try_from(number).ok()) {
            Some(number) => Some(number),
            None => self.wrong(of, name, value, "a whole number, such as 1000"),
        }
    }

    pub(super) fn duration(&mut self, of: &Section<'_>, name: &str) -> Option<Duration> {
        let value = self.value(of, name)?;
        match value.as_str().and_then(units::duration) {
            Some(duration) => Some(duration),
            None => self.wrong(of, name, value, &format!("{} in quotes", units::DURATION)),
        }
    }

    pub(super) fn size<T: TryFrom<u64>>(&mut self, of: &Section<'_>, name: &str) -> Option<T> {
        let value = self.value(of, name)?;
        let bytes = value.as_str().map_or_else(|| integer(value), units::size);
        match bytes.and_then(|bytes| T::try_from(bytes).ok()) {
            Some(bytes) => Some(bytes),
            None => self.wrong(of, name, value, &format!("{}, in quotes where it has a unit", units::SIZE)),
        }
    }

    /// The path of a file; a relative one begins beside the configuration.
    pub(super) fn path(&mut self, of: &Section<'_>, name: &str) -> Option<PathBuf> {
        let text = self.text(of, name)?;
        Some(self.folder.join(text))
    }

    /// What an environment variable holds.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name)
    }

    pub(super) fn mistake(&mut self, of: &Section<'_>, name: &str, text: impl Into<String>) {
        let key = if name.is_empty() { of.path.clone() } else { of.key(name) };
        self.mistakes.push(Mistake::new(self.places.place_of(&key), key, text));
    }

    /// Notes that a key is missing, unless it is there with a slip of the pen, which was noted already.
    pub(super) fn refuse_missing(&mut self, of: &Section<'_>, name: &str, text: &str) {
        let slip = |key: &str| nearest::nearest(key, [name]).is_some();
        if !of.has(name) && !of.table.keys().any(|key| slip(key.get_ref())) {
            self.mistake(of, name, text);
        }
    }

    fn value<'t>(&mut self, of: &Section<'t>, name: &str) -> Option<&'t DeValue<'t>> {
        Some(of.table.get(name)?.get_ref())
    }

    /// Notes that a value is of another kind. It shows no more than the kind: it may be a secret.
    fn wrong<T>(&mut self, of: &Section<'_>, name: &str, value: &DeValue<'_>, expected: &str) -> Option<T> {
        let found = match value {
            DeValue::String(_) => "other text",
            value => value.type_str(),
        };
        self.mistake(of, name, format!("expected {expected}, found {found}"));
        None
    }

    /// Notes the place of every key, and those that nobody knows.
    fn refuse_unknown(&mut self, section: &Section<'_>, known: &[&str]) {
        for key in section.table.keys() {
            let line = self.line(key.span().start);
            self.places.set_line(&section.key(key.get_ref()), line);
            if known.contains(&key.get_ref().as_ref()) {
                continue;
            }
            let cure = match nearest::nearest(key.get_ref(), known.iter().copied()) {
                Some(nearest) => format!("`{nearest}` may be meant"),
                None => format!("the keys here are {}", known.join(", ")),
            };
            self.mistake(section, key.get_ref(), format!("unknown key, {cure}"));
        }
    }

    /// The line of a byte, counted from 1.
    fn line(&self, at: usize) -> usize {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
