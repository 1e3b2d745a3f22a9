//! Opening the connection, and what is said when that fails.

use std::sync::Arc;
use std::time::Duration;

use hijack::tls::rustls::ClientConfig;
use hijack::ws::{Config, Deflate, DialError, WebSocket, dial_config};
use hijack::{Client, Decline, Error, Mismatch};
use http::StatusCode;
use http::header::{HeaderName, LOCATION};

use super::insecure;
use super::screen::printable;
use crate::args::Ws;
use crate::exit::{Failure, Kind};

/// Opens the connection that `args` asks for.
pub(super) async fn open(args: &Ws) -> Result<WebSocket, Failure> {
    let mut dial = args.url.dial.clone().subprotocols(args.subprotocol.iter().cloned());
    for (name, value) in &args.header {
        dial = dial.header(name.clone(), value.clone());
    }
    if let Some(path) = &args.unix_socket {
        dial = dial.unix_socket(path);
    }
    if let Some(tls) = tls(args)? {
        dial = dial.by(Client::builder().tls(tls).build());
    }
    let dial = dial.configure(|config| configure(config, args));
    dial_config(&dial).await.map_err(|error| refused(&args.url.text, error))
}

fn configure(config: &mut Config, args: &Ws) {
    // Nothing is held here, so nothing is too large.
    config.limits.frame_len = u64::MAX;
    config.limits.message_len = u64::MAX;
    config.limits.fragments = u32::MAX;
    config.ping_after = (args.ping > 0).then(|| Duration::from_secs(args.ping.into()));
    config.close_timeout = CLOSE_TIMEOUT;
    config.deflate = args.compress.then(Deflate::default);
}

/// Longer than a library's: what was sent last may have to be answered over a slow line before the Close is.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

fn tls(args: &Ws) -> Result<Option<Arc<ClientConfig>>, Failure> {
    if let Some(authorities) = &args.ca {
        return Ok(Some(hijack::tls::client_config_with(authorities, None)?));
    }
    Ok(args.insecure.then(insecure::client_config).transpose()?)
}

fn refused(url: &str, error: DialError) -> Failure {
    match error {
        DialError::Declined(decline) => Failure::new(Kind::Refused, declined(url, &decline)),
        DialError::Mismatch(mismatch) => Failure::new(
            Kind::Refused,
            format!(
                "cannot open a WebSocket at {url}: the server switched protocols, but {mismatch} (is that a WebSocket server?)"
            ),
        ),
        DialError::Http(error) => {
            let kind = match error {
                Error::Config(_) | Error::Encode(_) => Kind::Other,
                _ => Kind::Unreachable,
            };
            Failure::new(kind, format!("cannot open a WebSocket at {url}: {error}"))
        }
        error => Failure::new(Kind::Other, error.to_string()),
    }
}

/// Status, body and advice: each on lines of its own, since a body may have many.
fn declined(url: &str, decline: &Decline) -> String {
    let status = decline.head.status();
    let answered = match decline.mismatch {
        Mismatch::Status(_) => format!("the server answered {status}"),
        mismatch => mismatch.to_string(),
    };
    let mut text = format!("cannot open a WebSocket at {url}: {answered}");
    if let Some(advice) = advice(decline) {
        text += &format!(" ({advice})");
    }
    let shown = &decline.body[..decline.body.len().min(SHOWN_LEN)];
    for line in String::from_utf8_lossy(shown).trim_end().lines() {
        text += &format!("\n  {}", printable(line));
    }
    if shown.len() < decline.body.len() || !decline.complete && !shown.is_empty() {
        text += "\n  …";
    }
    text
}

/// Bytes of a body that are shown.
const SHOWN_LEN: usize = 2048;

fn advice(decline: &Decline) -> Option<String> {
    let value = |name: HeaderName| decline.head.headers().get(name)?.to_str().map(printable).ok();
    let status = decline.head.status();
    Some(match status {
        StatusCode::UNAUTHORIZED => "give credentials, as by --header 'Authorization: Bearer TOKEN'".into(),
        StatusCode::FORBIDDEN => "does it want credentials, or another --header 'Origin: …'?".into(),
        StatusCode::NOT_FOUND => "is the path right?".into(),
        StatusCode::UPGRADE_REQUIRED => match value(http::header::SEC_WEBSOCKET_VERSION) {
            Some(version) if version != "13" => {
                format!("it speaks version {version} of the protocol, this program version 13")
            }
            _ => match value(http::header::UPGRADE) {
                Some(other) if !other.eq_ignore_ascii_case("websocket") => {
                    format!("it upgrades to {other}, not to websocket: is the path right?")
                }
                _ => "did a proxy on the way drop the upgrade?".into(),
            },
        },
        _ if status.is_redirection() => format!("it is at {}", value(LOCATION)?),
        _ if status.is_success() => "an ordinary answer: is the path right?".into(),
        _ if status.is_server_error() => "the server, or one behind it, is at fault".into(),
        _ => return None,
    })
}
