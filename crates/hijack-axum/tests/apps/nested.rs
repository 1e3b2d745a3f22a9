//! Routers in routers: state, middleware, fallbacks, what the request remembers of its way.

use axum::Router;
use axum::extract::{MatchedPath, OriginalUri, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get as on_get};

use crate::compare::{compare, pipeline, talk};
use crate::wire::{ask, get};

#[derive(Debug, Clone)]
struct Site {
    name: &'static str,
}

fn app() -> Router {
    let users = Router::new()
        .route("/", on_get(|State(site): State<Site>| async move { format!("users of {}", site.name) }))
        .route("/{user}/files/{*rest}", any(file))
        .layer(middleware::from_fn_with_state("secret", admit));
    let api = Router::new()
        .nest("/users", users)
        .route("/whole", any(|body: String| async move { body.len().to_string() }))
        .fallback(|uri: Uri| async move { (StatusCode::NOT_FOUND, format!("no {uri} in the API")) });
    Router::new()
        .nest("/api/v1", api)
        .fallback(|| async { (StatusCode::NOT_FOUND, "nothing here") })
        .layer(middleware::from_fn(mark))
        .with_state(Site { name: "the site" })
}

async fn file(
    Path((user, rest)): Path<(String, String)>,
    matched: MatchedPath,
    OriginalUri(original): OriginalUri,
    uri: Uri,
) -> String {
    format!("{user} {rest} {} {original} {uri}", matched.as_str())
}

async fn admit(
    State(secret): State<&'static str>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let given = request.headers().get("authorization").ok_or(StatusCode::UNAUTHORIZED)?;
    if given != secret { Err(StatusCode::FORBIDDEN) } else { Ok(next.run(request).await) }
}

async fn mark(request: Request, next: Next) -> Response {
    let version = HeaderValue::try_from(format!("{:?}", request.version())).unwrap();
    let mut response = next.run(request).await;
    response.headers_mut().append("x-mark", HeaderValue::from_static("one"));
    response.headers_mut().append("x-mark", HeaderValue::from_static("two"));
    response.headers_mut().insert("x-version", version);
    response
}

#[tokio::test]
async fn routers_in_routers() {
    let users = |path: &str| get(format!("/api/v1/users{path}")).field("Authorization: secret");
    compare(
        app,
        [
            talk("admitted", [users(""), users("/ada/files/a/b%20c?d=%2F"), users("/ada").gives(404)]),
            talk(
                "refused",
                [
                    get("/api/v1/users").gives(401),
                    get("/api/v1/users").field("Authorization: x").gives(403),
                    ask("POST", "/api/v1/users").body("unread").gives(401),
                    users(""),
                ],
            ),
            talk(
                "fallbacks",
                [get("/api/v1/none?q").gives(404), get("/none").gives(404), get("/").gives(404)],
            ),
            talk(
                "any method",
                [
                    ask("BREW", "/api/v1/whole").body("coffee"),
                    ask("HEAD", "/api/v1/whole"),
                    get("/api/v1/whole"),
                ],
            ),
            talk(
                "the whole URI",
                [get("http://app.test/api/v1/whole"), get("http://app.test/none").gives(404)],
            ),
            talk("the server as a whole", [ask("OPTIONS", "*").gives(404), get("/none").gives(404)]),
            pipeline("a pair", [users(""), get("/none").gives(404)]),
        ],
    )
    .await;
}

#[tokio::test]
async fn connections_that_end() {
    compare(
        app,
        [
            talk("asked to close", [get("/api/v1/whole").field("Connection: close")]),
            talk("HTTP/1.0", [get("/api/v1/whole").http10()]).differs("says that it closes"),
            talk(
                "HTTP/1.0 kept",
                [
                    get("/api/v1/whole").http10().field("Connection: keep-alive"),
                    get("/none").http10().gives(404),
                ],
            )
            .differs("says that it closes"),
        ],
    )
    .await;
}
