//! One stream's verdicts side by side.

use std::fmt;

use crate::classes::{Class, Refusal};
use crate::escape::{escape, escape_stream};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::{Accepted, Stream};

/// What everybody made of one stream.
#[derive(Debug)]
pub struct Comparison<'a> {
    stream: &'a Stream,
    ours: Ours,
    go: &'a [Accepted],
    node: &'a [Accepted],
}

impl<'a> Comparison<'a> {
    /// Runs ours on the stream and puts the peers' verdicts beside it.
    #[must_use]
    pub fn new(stream: &'a Stream, go: &'a [Accepted], node: &'a [Accepted]) -> Self {
        Self { stream, ours: Ours::of(stream, usize::MAX), go, node }
    }

    /// How many messages both peers accept, and how many of those ours accepts.
    #[must_use]
    pub fn agreement(&self) -> (usize, usize) {
        let both = common_prefix(self.go.iter(), self.node.iter());
        (both, common_prefix(self.ours_accepted(), self.go[..both].iter()))
    }

    /// Checks every rule; gives the classes of the exceptions.
    ///
    /// # Errors
    ///
    /// The first broken rule, as a sentence.
    pub fn check(&self) -> Result<Vec<&'static Class>, String> {
        if Ours::of(self.stream, 1) != self.ours {
            return Err("ours reads the stream differently byte by byte".to_owned());
        }
        self.check_expected()?;
        let peers = [(Peer::Go, self.go), (Peer::Node, self.node)];
        let exceptions = peers.map(|(peer, theirs)| self.check_prefix(peer, theirs));
        let mut classes = Vec::new();
        for exception in exceptions {
            classes.extend(exception?);
        }
        Ok(classes)
    }

    /// What ours accepts must be a prefix of what the peer accepts, or an exception of a known class.
    fn check_prefix(&self, peer: Peer, theirs: &[Accepted]) -> Result<Option<&'static Class>, String> {
        let index = common_prefix(self.ours_accepted(), theirs.iter());
        let noun = self.stream.role().noun();
        if index == self.ours.messages.len() {
            return Ok(None);
        }
        if index < theirs.len() {
            return Err(format!("ours and {peer} read {noun} {} differently", index + 1));
        }
        let refusal = Refusal { peer, stream: self.stream, ours: &self.ours, index };
        let class = refusal.class();
        class.map(Some).ok_or_else(|| format!("{peer} refuses {noun} {}, which is of no class", index + 1))
    }

    /// A stream that is valid by construction is accepted in full by everybody.
    fn check_expected(&self) -> Result<(), String> {
        let Some(expected) = &self.stream.expected else { return Ok(()) };
        let accepts_all = |theirs: &mut dyn Iterator<Item = &Accepted>| theirs.eq(expected.iter());
        let verdicts: [(&str, bool); 3] = [
            ("ours", accepts_all(&mut self.ours_accepted())),
            ("Go", accepts_all(&mut self.go.iter())),
            ("Node", accepts_all(&mut self.node.iter())),
        ];
        match verdicts.iter().find(|(_, all)| !all) {
            Some((who, _)) => {
                Err(format!("the stream is valid, yet {who} does not accept all of it as it is"))
            }
            None => Ok(()),
        }
    }

    fn ours_accepted(&self) -> impl Iterator<Item = &Accepted> {
        self.ours.messages.iter().map(|message| &message.accepted)
    }
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}: {}", self.stream.name, escape_stream(self.stream))?;
        writeln!(f, "    ours {} ({})", list(self.ours_accepted()), self.ours.end)?;
        writeln!(f, "    Go   {}", list(self.go.iter()))?;
        write!(f, "    Node {}", list(self.node.iter()))
    }
}

fn common_prefix<'a>(
    one: impl Iterator<Item = &'a Accepted>,
    other: impl Iterator<Item = &'a Accepted>,
) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

/// `[/a, /b ‹body›]`, `[200 ‹body›, 304]`.
fn list<'a>(messages: impl Iterator<Item = &'a Accepted>) -> String {
    let text = |message: &Accepted| match &message.body[..] {
        [] => escape(&message.start),
        body => format!("{} ‹{}›", escape(&message.start), escape(body)),
    };
    format!("[{}]", messages.map(text).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Accepted, Comparison, Stream};

    const LF: &[u8] = b"GET / HTTP/1.1\nHost: a\n\n";
    const CRLF: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn accepted(target: &str) -> Vec<Accepted> {
        vec![Accepted { start: target.into(), body: Vec::new() }]
    }

    /// The names of the classes, or the rule that is broken.
    fn check(bytes: &[u8], go: &[Accepted], node: &[Accepted]) -> Result<Vec<&'static str>, String> {
        let stream = Stream { name: "test".to_owned(), bytes: bytes.to_vec(), asks: vec![], expected: None };
        let classes = Comparison::new(&stream, go, node).check()?;
        Ok(classes.iter().map(|class| class.name).collect())
    }

    #[test]
    fn takes_refusals_of_a_class_for_exceptions() {
        assert_eq!(check(CRLF, &accepted("/"), &accepted("/")), Ok(vec![]));
        assert_eq!(check(LF, &accepted("/"), &[]), Ok(vec!["bare LF in a head"]));
        assert!(check(LF, &[], &accepted("/")).is_err_and(|rule| rule.contains("Go refuses request 1")));
        assert!(check(CRLF, &accepted("/"), &[]).is_err_and(|rule| rule.contains("Node refuses request 1")));
    }

    #[test]
    fn excuses_no_other_reading() {
        let rule = check(LF, &accepted("/"), &accepted("/other"));
        assert!(rule.is_err_and(|rule| rule.contains("differently")));
    }

    #[test]
    fn wants_all_of_a_valid_stream() {
        let stream = Stream {
            name: "test".to_owned(),
            bytes: CRLF.to_vec(),
            asks: vec![],
            expected: Some(accepted("/")),
        };
        assert!(Comparison::new(&stream, &accepted("/"), &accepted("/")).check().is_ok());
        assert!(Comparison::new(&stream, &accepted("/"), &[]).check().is_err());
    }

    #[test]
    fn counts_what_both_accept() {
        let stream = Stream { name: "test".to_owned(), bytes: b"GET".to_vec(), asks: vec![], expected: None };
        assert_eq!(Comparison::new(&stream, &accepted("/"), &accepted("/")).agreement(), (1, 0));
        assert_eq!(Comparison::new(&stream, &accepted("/"), &accepted("/a")).agreement(), (0, 0));
    }
}
