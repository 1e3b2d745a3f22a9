//! Gates for [`Server::auth`](crate::Server::auth).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};

use crate::{Asked, Reject, Way};

/// Who was let in by a gate of this module: among [`Takeover::extensions`](crate::Takeover::extensions).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User(pub String);

/// Users and passwords (RFC 7617), in `Authorization`, and for a `CONNECT` in `Proxy-Authorization`, where gRPC's own
/// clients put those of a proxy's URL. `check` is given both; who does not pass is answered 401 or 407.
///
/// ```
/// use hijack_tonic::{Server, auth};
///
/// let server = Server::new(Default::default())
///     .auth(auth::basic("grpc", |user, password| user == "agent" && password == "secret"));
/// # let _ = server;
/// ```
///
/// # Panics
///
/// If `realm` cannot stand between quotes.
pub fn basic(
    realm: &str,
    check: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
) -> impl Fn(&mut Asked<'_>) -> Result<(), Reject> + Send + Sync + 'static {
    assert!(!realm.contains(['"', '\\']), "a realm without quotes and backslashes");
    let challenge =
        HeaderValue::try_from(format!("Basic realm=\"{realm}\"")).expect("a realm without controls");
    move |asked| {
        let credentials = credentials(asked.headers(), asked.way());
        let user = credentials.and_then(|credentials| {
            let (user, password) = credentials.split_once(':')?;
            check(user, password).then(|| User(user.to_owned()))
        });
        let Some(user) = user else { return Err(unknown(asked.way(), challenge.clone())) };
        asked.extensions_mut().insert(user);
        Ok(())
    }
}

fn credentials(headers: &HeaderMap, way: Way) -> Option<String> {
    let name = if way == Way::Connect { PROXY_AUTHORIZATION } else { AUTHORIZATION };
    let (scheme, coded) = headers.get(name)?.to_str().ok()?.split_once(' ')?;
    let coded = Some(coded.trim()).filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    String::from_utf8(STANDARD.decode(coded).ok()?).ok()
}

fn unknown(way: Way, challenge: HeaderValue) -> Reject {
    let (status, name) = match way {
        Way::Connect => (StatusCode::PROXY_AUTHENTICATION_REQUIRED, PROXY_AUTHENTICATE),
        _ => (StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE),
    };
    Reject::new(status, "a user and a password are wanted\n").header(name, challenge)
}
