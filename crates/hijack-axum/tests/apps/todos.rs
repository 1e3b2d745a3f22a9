//! A list of things to do: JSON, state, and what extractors reject, under a timeout and traces.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get as on_get, patch};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower::ServiceBuilder;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::compare::{compare, pipeline, talk};
use crate::wire::{Ask, UNANSWERED, ask, get};

#[derive(Debug, Clone, Serialize)]
struct Todo {
    number: u32,
    text: String,
    done: bool,
}

type Todos = Arc<Mutex<BTreeMap<u32, Todo>>>;

#[derive(Debug, Deserialize)]
struct Page {
    offset: Option<usize>,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct New {
    text: String,
}

#[derive(Debug, Deserialize)]
struct Change {
    text: Option<String>,
    done: Option<bool>,
}

fn app() -> Router {
    let layers = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(10)));
    Router::new()
        .route("/todos", on_get(list).post(create))
        .route("/todos/{number}", patch(update).delete(remove))
        .route("/never", on_get(std::future::pending::<()>).layer(short()))
        .layer(layers)
        .with_state(Todos::default())
}

fn short() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(20))
}

async fn list(Query(page): Query<Page>, State(todos): State<Todos>) -> impl IntoResponse {
    let (offset, limit) = (page.offset.unwrap_or(0), page.limit.unwrap_or(usize::MAX));
    let todos = todos.lock().unwrap();
    Json(todos.values().skip(offset).take(limit).cloned().collect::<Vec<_>>())
}

async fn create(State(todos): State<Todos>, Json(new): Json<New>) -> impl IntoResponse {
    let mut todos = todos.lock().unwrap();
    let number = todos.len().try_into().unwrap();
    let todo = Todo { number, text: new.text, done: false };
    todos.insert(number, todo.clone());
    (StatusCode::CREATED, Json(todo))
}

async fn update(
    Path(number): Path<u32>,
    State(todos): State<Todos>,
    Json(change): Json<Change>,
) -> Result<impl IntoResponse, StatusCode> {
    let mut todos = todos.lock().unwrap();
    let todo = todos.get_mut(&number).ok_or(StatusCode::NOT_FOUND)?;
    todo.text = change.text.unwrap_or(std::mem::take(&mut todo.text));
    todo.done = change.done.unwrap_or(todo.done);
    Ok(Json(todo.clone()))
}

async fn remove(Path(number): Path<u32>, State(todos): State<Todos>) -> StatusCode {
    match todos.lock().unwrap().remove(&number) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

fn create_todo(text: &str) -> Ask {
    ask("POST", "/todos").json(&format!(r#"{{"text":"{text}"}}"#)).gives(201)
}

#[tokio::test]
async fn a_list_lives() {
    let life = [
        get("/todos"),
        create_todo("buy bread"),
        create_todo("bake it"),
        get("/todos?offset=1&limit=1"),
        ask("PATCH", "/todos/1").json(r#"{"done":true}"#),
        ask("PATCH", "/todos/9").json(r#"{"done":true}"#).gives(404),
        ask("HEAD", "/todos"),
        ask("DELETE", "/todos/0").gives(204),
        ask("DELETE", "/todos/0").gives(404),
        get("/todos"),
    ];
    compare(app, [talk("a life on one connection", life)]).await;
}

/// Bodies in pieces, waited for and in one packet with the next request.
#[tokio::test]
async fn bodies_in_every_framing() {
    let json = || ask("POST", "/todos").field("Content-Type: application/json").gives(201);
    let chunks = [r#"{"te"#, r#"xt":"in "#, r#"chunks"}"#];
    compare(
        app,
        [
            talk("chunks", [json().chunks(chunks), get("/todos")]),
            talk("expecting", [json().body(r#"{"text":"waited for"}"#).expecting(), get("/todos")]),
            talk("expecting, in chunks", [json().chunks(chunks).expecting(), get("/todos")]),
            pipeline("a pair", [create_todo("first"), get("/todos")]),
            pipeline("a pair of chunked ones", [json().chunks(chunks), json().chunks(chunks), get("/todos")]),
        ],
    )
    .await;
}

#[tokio::test]
async fn rejections() {
    let post = || ask("POST", "/todos");
    compare(
        app,
        [
            talk("no JSON", [post().json("{").gives(400), get("/todos")]),
            talk("other JSON", [post().json(r#"{"texts":1}"#).gives(422), get("/todos")]),
            talk("no content type", [post().body("{}").gives(415), get("/todos")]),
            talk("a bad query", [get("/todos?limit=many").gives(400), get("/todos")]),
            talk("a bad path", [ask("DELETE", "/todos/one").gives(400), get("/todos")]),
            talk("no such method", [ask("PUT", "/todos").body("{}").gives(405), get("/todos")]),
            talk("no such path", [get("/nothing").gives(404), get("/todos")]),
            talk("a body for nobody", [get("/nothing").body("unread").gives(404), get("/todos")]),
            talk("a handler that never ends", [get("/never").gives(408), get("/todos")]),
            pipeline("a rejected one first", [post().json("{").gives(400), get("/todos")]),
        ],
    )
    .await;
}

/// A body that is rejected unread behind `Expect`: the client was not told to send it.
#[tokio::test]
async fn rejected_before_the_body_was_sent() {
    let rejected = ask("POST", "/todos").body(vec![b'a'; 100]).expecting().gives(415);
    compare(
        app,
        [talk("expecting", [rejected, get("/todos").gives(UNANSWERED)]).differs("says that it closes")],
    )
    .await;
}
