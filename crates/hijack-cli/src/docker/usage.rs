//! Mistakes on the command line, told as Docker tells them, with its exit codes.

use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::failure::REFUSED;

/// Says what is wrong with a command line of `hijack docker`; or, where no more was asked for, helps.
pub(crate) fn mistake(error: &clap::Error, arguments: &[String]) -> ExitCode {
    let Some(verb) = Usage::of(arguments) else { return plainly(error) };
    let Some((text, code)) = verb.judge(error, arguments) else { return plainly(error) };
    eprintln!("{text}");
    ExitCode::from(code)
}

fn plainly(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => ExitCode::SUCCESS,
        _ => ExitCode::from(REFUSED),
    }
}

/// How a verb is used.
#[derive(Debug, Clone, Copy)]
struct Usage {
    verb: &'static str,
    /// What stands behind it.
    operands: &'static str,
    /// How many of those it needs.
    needs: &'static str,
    /// How it refers to its help.
    see: &'static str,
}

const USAGES: [Usage; 6] = [
    Usage {
        verb: "run",
        operands: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
        needs: "requires at least 1 argument",
        see: "See",
    },
    Usage {
        verb: "exec",
        operands: "[OPTIONS] CONTAINER COMMAND [ARG...]",
        needs: "requires at least 2 arguments",
        see: "See",
    },
    Usage { verb: "attach", operands: "[OPTIONS] CONTAINER", needs: "requires 1 argument", see: "Run" },
    Usage { verb: "logs", operands: "[OPTIONS] CONTAINER", needs: "requires 1 argument", see: "Run" },
    Usage { verb: "ps", operands: "[OPTIONS]", needs: "accepts no arguments", see: "Run" },
    Usage { verb: "version", operands: "[OPTIONS]", needs: "accepts no arguments", see: "Run" },
];

impl Usage {
    /// Of the verb that was said.
    fn of(arguments: &[String]) -> Option<Self> {
        let mut words = arguments.iter().skip(2);
        while let Some(word) = words.next() {
            match word.as_str() {
                // Its value is no verb.
                "-H" | "--host" => drop(words.next()),
                word if word.starts_with('-') => {}
                word => return USAGES.into_iter().find(|usage| usage.verb == word),
            }
        }
        None
    }

    /// What is wrong, and the exit code for that.
    fn judge(&self, error: &clap::Error, arguments: &[String]) -> Option<(String, u8)> {
        let of = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        // As clap shows it: `--name <NAME>`, `-e, --env <NAME>`.
        let shown = of(ContextKind::InvalidArg).unwrap_or_default();
        let flag = shown.split([' ', '=', '[']).next().unwrap_or_default();
        let value = of(ContextKind::InvalidValue).unwrap_or_default();
        match error.kind() {
            ErrorKind::UnknownArgument if flag.starts_with("--") => {
                Some(self.flag(&format!("unknown flag: {flag}")))
            }
            ErrorKind::UnknownArgument if flag.starts_with('-') => {
                let letter = flag.chars().nth(1).unwrap_or_default();
                // What was not read of a group such as `-tzi`.
                let group =
                    arguments.iter().find(|word| is_group_with(word, letter)).map_or(flag, String::as_str);
                let rest = group.find(letter).map_or(group, |at| &group[at..]);
                Some(self.flag(&format!("unknown shorthand flag: '{letter}' in -{rest}")))
            }
            ErrorKind::InvalidValue if shown.starts_with('-') && value.is_empty() => {
                Some(self.flag(&format!("flag needs an argument: {}", as_typed(flag, arguments))))
            }
            ErrorKind::ValueValidation if shown.starts_with('-') => {
                let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
                let names = self.names(flag);
                Some(self.flag(&format!("invalid argument {value:?} for \"{names}\" flag: {why}")))
            }
            ErrorKind::UnknownArgument
            | ErrorKind::MissingRequiredArgument
            | ErrorKind::TooFewValues
            | ErrorKind::TooManyValues
            | ErrorKind::WrongNumberOfValues => Some(self.count()),
            _ => None,
        }
    }

    /// A flag's short name and its long one.
    fn names(&self, flag: &str) -> String {
        let command = crate::args::Args::command();
        let verb = command.find_subcommand("docker").and_then(|docker| docker.find_subcommand(self.verb));
        let named = |arg: &&clap::Arg| arg.get_long() == flag.strip_prefix("--");
        match verb.and_then(|verb| verb.get_arguments().find(named)).and_then(clap::Arg::get_short) {
            Some(short) => format!("-{short}, {flag}"),
            None => flag.to_owned(),
        }
    }

    fn flag(&self, text: &str) -> (String, u8) {
        let Self { verb, operands, .. } = self;
        let text = format!(
            "{text}\n\nUsage:  hijack docker {verb} {operands}\n\nRun 'hijack docker {verb} --help' for more information"
        );
        (text, REFUSED)
    }

    /// The wrong number of operands.
    fn count(&self) -> (String, u8) {
        let Self { verb, operands, needs, see } = self;
        let text = format!(
            "docker: 'hijack docker {verb}' {needs}\n\nUsage:  hijack docker {verb} {operands}\n\n{see} 'hijack docker {verb} --help' for more information"
        );
        (text, 1)
    }
}

/// The flag at the end of the command line, by the name that it was called.
fn as_typed(flag: &str, arguments: &[String]) -> String {
    match arguments.last().and_then(|word| word.strip_prefix('-')) {
        Some(group) if !group.starts_with('-') => match group.chars().last() {
            Some(letter) => format!("'{letter}' in -{letter}"),
            None => flag.to_owned(),
        },
        _ => flag.to_owned(),
    }
}

/// Whether a word is a group of short flags such as `-itz`.
fn is_group_with(word: &str, letter: char) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.contains(letter)
}
