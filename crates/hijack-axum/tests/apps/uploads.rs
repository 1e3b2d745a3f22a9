//! Uploads: forms of several parts, and bodies streamed into files.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tower_http::limit::RequestBodyLimitLayer;

use crate::compare::{compare, pipeline, talk};
use crate::wire::{Ask, UNANSWERED, ask, get};

/// A folder that goes with its app's test.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("hijack-axum-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn forms() -> Router {
    Router::new()
        .route("/", post(parts))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(1024 * 1024))
}

/// Names each part, its file and type, and counts its bytes.
async fn parts(mut form: Multipart) -> Result<String, StatusCode> {
    let mut told = String::new();
    while let Some(part) = form.next_field().await.map_err(|error| error.status())? {
        let what = format!("{:?} {:?} {:?}", part.name(), part.file_name(), part.content_type());
        let len = part.bytes().await.map_err(|error| error.status())?.len();
        told += &format!("{what}: {len} bytes\n");
    }
    Ok(told)
}

fn form(len: usize) -> Vec<u8> {
    let mut form = b"--edge\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA file\r\n".to_vec();
    form.extend(b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n");
    form.extend(b"Content-Type: application/octet-stream\r\n\r\n");
    form.extend((0..len).map(|at| u8::try_from(at % 251).unwrap()));
    form.extend(b"\r\n--edge--\r\n");
    form
}

fn upload() -> Ask {
    ask("POST", "/").field("Content-Type: multipart/form-data; boundary=edge")
}

#[tokio::test]
async fn forms_of_several_parts() {
    let large = form(300_000);
    let cut = &form(100)[..120];
    compare(
        forms,
        [
            talk(
                "small and large",
                [upload().body(form(10)), upload().body(large.clone()), get("/").gives(405)],
            ),
            talk("in chunks", [upload().chunks(large.chunks(7_777)), upload().body(form(1))]),
            talk("expecting", [upload().body(large.clone()).expecting(), upload().body(form(1))]),
            talk("cut", [upload().body(cut).gives(400), upload().body(form(1))]),
            talk("no boundary", [ask("POST", "/").body(form(1)).gives(400), upload().body(form(1))]),
            pipeline("a pair", [upload().body(form(500)), upload().chunks([form(600)])]),
        ],
    )
    .await;
}

/// Beyond the limit, told by its length or found out on the way.
#[tokio::test]
async fn forms_beyond_the_limit() {
    let huge = form(1024 * 1024);
    compare(
        forms,
        [
            talk(
                "waited for",
                [upload().body(huge.clone()).expecting().gives(413), get("/").gives(UNANSWERED)],
            )
            .differs("says that it closes"),
            talk("in chunks", [upload().chunks(huge.chunks(50_000)).expecting().gives(413)]),
        ],
    )
    .await;
}

fn store(folder: PathBuf) -> Router {
    Router::new().route("/{name}", post(keep).get(read)).with_state(folder)
}

async fn keep(
    State(folder): State<PathBuf>,
    Path(name): Path<String>,
    body: Body,
) -> Result<String, StatusCode> {
    if name.contains("..") {
        return Err(StatusCode::BAD_REQUEST);
    }
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let mut file = tokio::fs::File::create(folder.join(&name)).await.map_err(failed)?;
    let (mut body, mut len) = (body.into_data_stream(), 0);
    while let Some(data) = body.next().await {
        let data = data.map_err(|_| StatusCode::BAD_REQUEST)?;
        file.write_all(&data).await.map_err(failed)?;
        len += data.len();
    }
    file.flush().await.map_err(failed)?;
    Ok(format!("{name}: {len} bytes\n"))
}

async fn read(State(folder): State<PathBuf>, Path(name): Path<String>) -> Result<Vec<u8>, StatusCode> {
    tokio::fs::read(folder.join(name)).await.map_err(|_| StatusCode::NOT_FOUND)
}

#[tokio::test]
async fn bodies_streamed_into_files() {
    let folders = [Folder::new(), Folder::new()];
    let next = AtomicU32::new(0);
    let app = || store(folders[next.fetch_add(1, Relaxed) as usize % 2].0.clone());
    let data = form(400_000);
    let keep = |name: &str| ask("POST", format!("/{name}"));
    compare(
        app,
        [
            talk("whole", [keep("a").body(data.clone()), get("/a"), get("/b").gives(404)]),
            talk("in chunks", [keep("b").chunks(data.chunks(9_999)), get("/b")]),
            talk("expecting", [keep("c").body(data.clone()).expecting(), get("/c")]),
            talk("nothing", [keep("d"), get("/d")]),
            talk("refused unread", [keep("..e").body("unread").gives(400), get("/a")]),
            pipeline("a pair", [keep("f").chunks([b"one".to_vec(), data.clone()]), get("/f")]),
        ],
    )
    .await;
}
