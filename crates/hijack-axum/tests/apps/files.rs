//! Static files: whole, in ranges, unchanged since, and not there.

use axum::Router;
use tower_http::services::{ServeDir, ServeFile};

use crate::compare::{compare, pipeline, talk};
use crate::uploads::Folder;
use crate::wire::{Ask, ask, get};

fn site() -> Folder {
    let folder = Folder::new();
    let text: String = (0..30_000).map(|line| format!("line {line}\n")).collect();
    std::fs::write(folder.0.join("long.txt"), text).unwrap();
    std::fs::write(folder.0.join("index.html"), "<h1>index</h1>").unwrap();
    std::fs::write(folder.0.join("missing.html"), "<h1>missing</h1>").unwrap();
    std::fs::write(folder.0.join("empty.css"), "").unwrap();
    std::fs::create_dir(folder.0.join("sub")).unwrap();
    folder
}

fn app(folder: &Folder) -> Router {
    let missing = ServeFile::new(folder.0.join("missing.html"));
    Router::new()
        .nest_service("/plain", ServeDir::new(&folder.0))
        .fallback_service(ServeDir::new(&folder.0).not_found_service(missing))
}

fn range(range: &str) -> Ask {
    get("/long.txt").field(format!("Range: bytes={range}")).gives(206)
}

#[tokio::test]
async fn a_site_of_files() {
    let folder = site();
    compare(
        || app(&folder),
        [
            talk("whole", [get("/"), get("/long.txt"), get("/empty.css"), get("/plain/long.txt")]),
            talk(
                "heads",
                [ask("HEAD", "/long.txt"), ask("HEAD", "/empty.css"), ask("HEAD", "/nothing").gives(404)],
            ),
            talk("missing", [get("/nothing").gives(404), get("/plain/nothing").gives(404), get("/")]),
            talk("a folder", [get("/sub").gives(307), get("/../x").gives(404)]),
            talk("other methods", [ask("POST", "/plain/long.txt").body("x").gives(405), get("/")]),
            pipeline("a pair", [get("/long.txt"), ask("HEAD", "/long.txt"), get("/")]),
        ],
    )
    .await;
}

/// RFC 9110 §14.2.
#[tokio::test]
async fn ranges() {
    let folder = site();
    compare(
        || app(&folder),
        [
            talk("some", [range("0-0"), range("10-99"), range("-5"), range("100000-")]),
            talk("head", [ask("HEAD", "/long.txt").field("Range: bytes=5-9").gives(206), get("/")]),
            talk("too far", [range("99999999-").gives(416), range("0-9,20-29").gives(416), get("/")]),
        ],
    )
    .await;
}

/// RFC 9110 §13.1.3: a 304 has no body.
#[tokio::test]
async fn unchanged_since() {
    let folder = site();
    let since = |day: &str| get("/long.txt").field(format!("If-Modified-Since: {day}"));
    compare(
        || app(&folder),
        [
            talk("unchanged", [since("Fri, 01 Jan 2038 00:00:00 GMT").gives(304), get("/")]),
            talk("changed", [since("Fri, 01 Jan 1999 00:00:00 GMT"), get("/")]),
        ],
    )
    .await;
}
