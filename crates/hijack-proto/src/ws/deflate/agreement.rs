//! Negotiation of permessage-deflate (RFC 7692 §5 and §7.1): pure decisions over `Sec-WebSocket-Extensions`.

use std::fmt;

use super::{LEAST_BITS, MOST_BITS};
use crate::ws::Role;
use crate::ws::handshake::{Extension, extensions};

/// The extension's name (RFC 7692 §7).
pub const NAME: &str = "permessage-deflate";

/// What an endpoint wants of compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// zlib's level, 0 to 9. Default 1: the levels above cost several times the processor for little less.
    pub level: u32,
    /// Whether the server forgets its context with each message (RFC 7692 §7.1.1.1). Default true: the
    /// compressor is then shared by all connections of a thread instead of taking 256 KiB of each.
    pub server_no_context_takeover: bool,
    /// Whether the client shall do the same (RFC 7692 §7.1.1.2). Default true: else each connection holds up to
    /// 40 KiB to inflate.
    pub client_no_context_takeover: bool,
    /// The largest window of the server, 9 to 15 bits (RFC 7692 §7.1.2.1). Default 15.
    pub server_max_window_bits: u8,
    /// The largest window of the client, 9 to 15 bits (RFC 7692 §7.1.2.2). Default 15. A client that does not
    /// offer to be limited may use 15 whatever stands here.
    pub client_max_window_bits: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            level: 1,
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: MOST_BITS,
            client_max_window_bits: MOST_BITS,
        }
    }
}

/// What both ends agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreement {
    /// zlib's level for what we send; not part of the agreement proper.
    pub level: u32,
    /// The server forgets its context with each message.
    pub server_no_context_takeover: bool,
    /// The client forgets its context with each message.
    pub client_no_context_takeover: bool,
    /// The server's window, 8 to 15 bits.
    pub server_window_bits: u8,
    /// The client's window, 8 to 15 bits; 15 where the client did not offer to be limited.
    pub client_window_bits: u8,
}

impl Config {
    /// What a client offers (RFC 7692 §5.1): one alternative, and that its own window may be limited.
    #[must_use]
    pub fn offer(&self) -> String {
        let mut offer = NAME.to_owned();
        push_flag(&mut offer, SERVER_NO_CONTEXT, self.server_no_context_takeover);
        push_flag(&mut offer, CLIENT_NO_CONTEXT, self.client_no_context_takeover);
        push_bits(&mut offer, SERVER_BITS, self.bits(Role::Server));
        offer.push_str("; ");
        offer.push_str(CLIENT_BITS);
        if self.bits(Role::Client) < MOST_BITS {
            offer.push('=');
            offer.push_str(&self.bits(Role::Client).to_string());
        }
        offer
    }

    /// What a server agrees to: the first of the client's offers that can be fulfilled (RFC 7692 §5). `lines` are
    /// the values of all lines of the field.
    ///
    /// An offer with an unknown, repeated or illegal parameter is passed over, and so is one that asks the server
    /// for a window of 8 bits, which zlib cannot make.
    #[must_use]
    pub fn accept<'h>(&self, lines: impl IntoIterator<Item = &'h [u8]>) -> Option<Agreement> {
        extensions(lines).flatten().find_map(|offer| self.accept_offer(&Parameters::read(&offer)?))
    }

    fn accept_offer(&self, offer: &Parameters) -> Option<Agreement> {
        let asked = offer.server_bits.unwrap_or(MOST_BITS);
        if asked < LEAST_BITS {
            return None;
        }
        let client_bits = match offer.client_bits {
            None => MOST_BITS,
            Some(hint) => self.bits(Role::Client).min(hint.unwrap_or(MOST_BITS)),
        };
        Some(Agreement {
            level: self.level,
            server_no_context_takeover: self.server_no_context_takeover || offer.server_no_context,
            client_no_context_takeover: self.client_no_context_takeover || offer.client_no_context,
            server_window_bits: self.bits(Role::Server).min(asked),
            client_window_bits: client_bits,
        })
    }

    /// What a client finds agreed in the server's answer to its [`offer`](Config::offer): none if the server
    /// declined.
    ///
    /// # Errors
    ///
    /// An [`AnswerError`]: the connection must fail (RFC 6455 §4.1, RFC 7692 §5.1).
    pub fn verify<'h>(
        &self,
        lines: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Option<Agreement>, AnswerError> {
        let mut answers = extensions(lines);
        let Some(answer) = answers.next() else { return Ok(None) };
        let answer = answer.ok_or(AnswerError::Malformed)?;
        if answers.next().is_some() || !answer.name.eq_ignore_ascii_case(NAME) {
            return Err(AnswerError::NotOffered);
        }
        let answer = Parameters::read(&answer).ok_or(AnswerError::Parameter)?;
        self.verify_answer(&answer).map(Some).ok_or(AnswerError::Parameter)
    }

    fn verify_answer(&self, answer: &Parameters) -> Option<Agreement> {
        let server_bits = answer.server_bits.unwrap_or(MOST_BITS);
        // A hint without a value is for offers only (RFC 7692 §7.1.2.2).
        let client_bits = answer.client_bits.map_or(Some(MOST_BITS), |bits| bits)?;
        let forgets = answer.server_no_context || !self.server_no_context_takeover;
        (forgets && server_bits <= self.bits(Role::Server)).then_some(Agreement {
            level: self.level,
            server_no_context_takeover: answer.server_no_context,
            client_no_context_takeover: self.client_no_context_takeover || answer.client_no_context,
            server_window_bits: server_bits,
            client_window_bits: self.bits(Role::Client).min(client_bits),
        })
    }

    fn bits(&self, role: Role) -> u8 {
        let bits = match role {
            Role::Server => self.server_max_window_bits,
            Role::Client => self.client_max_window_bits,
        };
        bits.clamp(LEAST_BITS, MOST_BITS)
    }
}

impl Agreement {
    /// The server's answer that tells it to the client (RFC 7692 §5.1).
    #[must_use]
    pub fn answer(&self) -> String {
        let mut answer = NAME.to_owned();
        push_flag(&mut answer, SERVER_NO_CONTEXT, self.server_no_context_takeover);
        push_flag(&mut answer, CLIENT_NO_CONTEXT, self.client_no_context_takeover);
        push_bits(&mut answer, SERVER_BITS, self.server_window_bits);
        push_bits(&mut answer, CLIENT_BITS, self.client_window_bits);
        answer
    }

    /// The window of what `role` sends, in bits.
    #[must_use]
    pub const fn window_bits(&self, role: Role) -> u8 {
        match role {
            Role::Server => self.server_window_bits,
            Role::Client => self.client_window_bits,
        }
    }

    /// Whether `role` forgets its context with each message.
    #[must_use]
    pub const fn no_context_takeover(&self, role: Role) -> bool {
        match role {
            Role::Server => self.server_no_context_takeover,
            Role::Client => self.client_no_context_takeover,
        }
    }

    /// Whether `role` can compress at all: zlib makes no window of 8 bits. Its messages then go uncompressed,
    /// which is always allowed (RFC 7692 §6).
    #[must_use]
    pub const fn can_compress(&self, role: Role) -> bool {
        self.window_bits(role) >= LEAST_BITS
    }
}

/// Why a client cannot go on with a server's answer about extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// The field is no list of extensions (RFC 6455 §9.1).
    Malformed,
    /// An extension that was not offered, or more than one (RFC 6455 §4.1).
    NotOffered,
    /// A parameter that is unknown, repeated or illegal, or that the offer does not allow (RFC 7692 §7.1).
    Parameter,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "sec-websocket-extensions is no list of extensions",
            Self::NotOffered => "the server answered an extension that was not offered",
            Self::Parameter => "the server answered permessage-deflate with a parameter that it may not use",
        })
    }
}

impl std::error::Error for AnswerError {}

/// The parameters of one offer or answer (RFC 7692 §7.1).
#[derive(Debug, Default)]
struct Parameters {
    server_no_context: bool,
    client_no_context: bool,
    server_bits: Option<u8>,
    /// With or without a value.
    client_bits: Option<Option<u8>>,
}

impl Parameters {
    /// None if this is another extension, or one that does not keep the rules.
    fn read(extension: &Extension<'_>) -> Option<Self> {
        if !extension.name.eq_ignore_ascii_case(NAME) {
            return None;
        }
        let mut read = Self::default();
        for (name, value) in &extension.parameters {
            read.add(name, value.as_deref())?;
        }
        Some(read)
    }

    fn add(&mut self, name: &str, value: Option<&str>) -> Option<()> {
        let bits = value.map(|value| window_bits(value).ok_or(())).transpose().ok();
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is(SERVER_NO_CONTEXT) && value.is_none() && !self.server_no_context {
            self.server_no_context = true;
        } else if is(CLIENT_NO_CONTEXT) && value.is_none() && !self.client_no_context {
            self.client_no_context = true;
        } else if is(SERVER_BITS) && self.server_bits.is_none() {
            self.server_bits = Some(bits??);
        } else if is(CLIENT_BITS) && self.client_bits.is_none() {
            self.client_bits = Some(bits?);
        } else {
            return None;
        }
        Some(())
    }
}

/// 8 to 15 without a leading zero (RFC 7692 §7.1.2).
fn window_bits(text: &str) -> Option<u8> {
    let legal = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|bits| legal && (8..=MOST_BITS).contains(bits))
}

fn push_flag(list: &mut String, name: &str, set: bool) {
    if set {
        list.push_str("; ");
        list.push_str(name);
    }
}

fn push_bits(list: &mut String, name: &str, bits: u8) {
    if bits < MOST_BITS {
        list.push_str("; ");
        list.push_str(name);
        list.push('=');
        list.push_str(&bits.to_string());
    }
}

const SERVER_NO_CONTEXT: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

#[cfg(test)]
mod tests {
    use super::*;

    /// With takeover both ways and full windows, so that an answer shows what the offer asked for.
    const OPEN: Config = Config {
        level: 1,
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: 15,
        client_max_window_bits: 15,
    };
    /// As tight as can be.
    const TIGHT: Config = Config {
        level: 1,
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        server_max_window_bits: 9,
        client_max_window_bits: 9,
    };

    fn answer(config: Config, lines: &[&str]) -> Option<String> {
        config.accept(lines.iter().map(|line| line.as_bytes())).map(|agreement| agreement.answer())
    }

    /// RFC 7692 §5 and §7.1.
    #[test]
    fn answers_offers() {
        let table = [
            ("", None),
            ("permessage-deflate", Some("")),
            ("PerMessage-Deflate", Some("")),
            ("permessage-deflate;", None),
            ("x-webkit-deflate-frame", None),
            ("permessage-bzip2, permessage-deflate", Some("")),
            ("permessage-deflate; server_no_context_takeover", Some("; server_no_context_takeover")),
            ("permessage-deflate; SERVER_no_context_takeover", Some("; server_no_context_takeover")),
            ("permessage-deflate; client_no_context_takeover", Some("; client_no_context_takeover")),
            ("permessage-deflate; server_no_context_takeover=1", None),
            ("permessage-deflate; client_no_context_takeover=\"\"", None),
            ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
            ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", None),
            ("permessage-deflate; server_max_window_bits", None),
            ("permessage-deflate; server_max_window_bits=7", None),
            ("permessage-deflate; server_max_window_bits=8", None),
            ("permessage-deflate; server_max_window_bits=9", Some("; server_max_window_bits=9")),
            ("permessage-deflate; server_max_window_bits=10", Some("; server_max_window_bits=10")),
            ("permessage-deflate; server_max_window_bits=\"10\"", Some("; server_max_window_bits=10")),
            ("permessage-deflate; server_max_window_bits=\"1\\0\"", Some("; server_max_window_bits=10")),
            ("permessage-deflate; server_max_window_bits=15", Some("")),
            ("permessage-deflate; server_max_window_bits=16", None),
            ("permessage-deflate; server_max_window_bits=09", None),
            ("permessage-deflate; server_max_window_bits=+9", None),
            ("permessage-deflate; server_max_window_bits=-9", None),
            ("permessage-deflate; server_max_window_bits=999", None),
            ("permessage-deflate; server_max_window_bits= 9", Some("; server_max_window_bits=9")),
            ("permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", None),
            ("permessage-deflate; client_max_window_bits", Some("")),
            ("permessage-deflate; client_max_window_bits=8", Some("; client_max_window_bits=8")),
            ("permessage-deflate; client_max_window_bits=10", Some("; client_max_window_bits=10")),
            ("permessage-deflate; client_max_window_bits=15", Some("")),
            ("permessage-deflate; client_max_window_bits=0", None),
            ("permessage-deflate; client_max_window_bits=x", None),
            ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", None),
            ("permessage-deflate; unknown", None),
            ("permessage-deflate; server_max_window_bits=8, permessage-deflate", Some("")),
            ("permessage-deflate; unknown=\"a\", permessage-deflate", Some("")),
            ("permessage-deflate; unknown=\"a, b\", permessage-deflate", None),
            ("permessage-deflate; unknown=\"a; permessage-deflate", None),
            (
                "permessage-deflate; client_max_window_bits=11, permessage-deflate; server_max_window_bits=9",
                Some("; client_max_window_bits=11"),
            ),
            ("permessage-deflate ;\tclient_no_context_takeover , ", Some("; client_no_context_takeover")),
        ];
        for (offer, expected) in table {
            let expected = expected.map(|parameters| format!("{NAME}{parameters}"));
            assert_eq!(answer(OPEN, &[offer]), expected, "{offer}");
        }
        let lines = ["permessage-deflate; unknown", "x, permessage-deflate; server_max_window_bits=12"];
        assert_eq!(answer(OPEN, &lines).as_deref(), Some("permessage-deflate; server_max_window_bits=12"));
    }

    /// RFC 7692 §7.1.2.2: the client's window is limited only where it offered that.
    #[test]
    fn never_limits_a_client_that_did_not_offer_it() {
        let flags = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        let server = format!("{flags}; server_max_window_bits=9");
        assert_eq!(answer(TIGHT, &["permessage-deflate"]).as_deref(), Some(&server[..]));
        let both = format!("{server}; client_max_window_bits=9");
        let offer = "permessage-deflate; client_max_window_bits";
        assert_eq!(answer(TIGHT, &[offer]).as_deref(), Some(&both[..]));
        let agreement = TIGHT.accept([&b"permessage-deflate"[..]]).expect("accepted");
        assert_eq!(agreement.window_bits(Role::Client), 15);
    }

    /// RFC 7692 §7.1, for the client.
    #[test]
    fn verifies_answers() {
        let table = [
            (OPEN, "", Ok(None)),
            (OPEN, "permessage-deflate", Ok(Some((15, 15)))),
            (OPEN, "permessage-deflate; client_max_window_bits=8", Ok(Some((15, 8)))),
            (OPEN, "permessage-deflate; server_max_window_bits=8", Ok(Some((8, 15)))),
            (OPEN, "permessage-deflate; client_max_window_bits", Err(AnswerError::Parameter)),
            (OPEN, "permessage-deflate; unknown", Err(AnswerError::Parameter)),
            (OPEN, "permessage-deflate, permessage-deflate", Err(AnswerError::NotOffered)),
            (OPEN, "permessage-bzip2", Err(AnswerError::NotOffered)),
            (OPEN, "permessage-deflate; =", Err(AnswerError::Malformed)),
            (TIGHT, "permessage-deflate", Err(AnswerError::Parameter)),
            (TIGHT, "permessage-deflate; server_no_context_takeover", Err(AnswerError::Parameter)),
            (
                TIGHT,
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
                Ok(Some((9, 9))),
            ),
        ];
        for (config, line, expected) in table {
            let verified = config.verify([line.as_bytes()]);
            let bits = |agreed: Agreement| (agreed.server_window_bits, agreed.client_window_bits);
            assert_eq!(verified.map(|agreed| agreed.map(bits)), expected, "{line}");
        }
    }

    #[test]
    fn both_roles_understand_each_other() {
        for config in [OPEN, TIGHT, Config::default()] {
            for other in [OPEN, TIGHT, Config::default()] {
                let server = other.accept([config.offer().as_bytes()]).expect("accepted");
                let client = config.verify([server.answer().as_bytes()]).expect("legal").expect("accepted");
                assert_eq!(client.server_window_bits, server.server_window_bits);
                assert_eq!(client.client_window_bits, server.client_window_bits);
                assert_eq!(client.client_no_context_takeover, server.client_no_context_takeover);
                assert_eq!(client.server_no_context_takeover, server.server_no_context_takeover);
            }
        }
        assert_eq!(OPEN.offer(), "permessage-deflate; client_max_window_bits");
    }
}
