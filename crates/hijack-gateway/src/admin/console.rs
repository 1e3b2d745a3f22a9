//! The console: a page, its script and its style, built from `console/` at the root of the repository and part of the
//! program.

use hijack::{Body, Exchange};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, Response, StatusCode};

use super::{Site, auth, typed};
use crate::headers::OPERATORS_COOKIE;

/// The answer to a request for a part of the console, if it is one. The parts are no secret; what they show is.
pub(super) fn answer(site: &Site, exchange: &Exchange) -> Option<Response<Body>> {
    if !matches!(*exchange.method(), Method::GET | Method::HEAD) {
        return None;
    }
    match exchange.uri().path() {
        "/" => match auth::token_in_query(exchange, &site.tokens) {
            Some(token) => Some(signed_in(&token)),
            None => Some(typed(StatusCode::OK, "text/html; charset=utf-8", PAGE)),
        },
        "/console.js" => Some(typed(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT)),
        "/console.css" => Some(typed(StatusCode::OK, "text/css; charset=utf-8", STYLE)),
        _ => None,
    }
}

/// Keeps the token of the link in a cookie that no script reads and no other site has sent, and takes it out of the address.
/// The gateway keeps it from its upstreams.
fn signed_in(token: &str) -> Response<Body> {
    let mut response = typed(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    let cookie = format!("{OPERATORS_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", auth::escaped(token));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
    response
}

const PAGE: &str = include_str!("console/index.html");
const SCRIPT: &str = include_str!("console/console.js");
const STYLE: &str = include_str!("console/console.css");
