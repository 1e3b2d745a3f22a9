//! Forms and redirects.

use axum::Router;
use axum::extract::Form;
use axum::response::{Html, Redirect};
use axum::routing::{any, get as on_get};
use serde::Deserialize;

use crate::compare::{compare, pipeline, talk};
use crate::wire::{Ask, ask, get};

#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    age: Option<u8>,
}

fn app() -> Router {
    let show = || async { Html("<form method=\"post\"><input name=\"name\"></form>") };
    Router::new()
        .route("/", on_get(show).post(enter))
        .route("/search", on_get(enter))
        .route("/done", on_get(|| async { "done" }))
        .route("/old", any(|| async { Redirect::permanent("/done") }))
        .route("/soon", any(|| async { Redirect::temporary("/done") }))
}

async fn enter(Form(entry): Form<Entry>) -> Result<Redirect, String> {
    match entry.age {
        Some(_) => Ok(Redirect::to("/done")),
        None => Err(format!("how old is {}?", entry.name)),
    }
}

fn enter_form(body: &str) -> Ask {
    ask("POST", "/").field("Content-Type: application/x-www-form-urlencoded").body(body)
}

#[tokio::test]
async fn forms_are_read() {
    compare(
        app,
        [
            talk("a visit", [get("/"), enter_form("name=Ada&age=36").gives(303), get("/done")]),
            talk(
                "odd entries",
                [
                    enter_form("name=%C3%84da+L"),
                    enter_form("age=1").gives(422),
                    enter_form("name=a&age=x").gives(422),
                ],
            ),
            talk(
                "by query",
                [
                    get("/search?name=Ada&age=36").gives(303),
                    get("/search?name=Ada"),
                    get("/search").gives(400),
                ],
            ),
            talk("no form", [ask("POST", "/").body("name=a").gives(415), get("/")]),
            pipeline("a pair", [enter_form("name=Ada&age=36").gives(303), get("/done")]),
        ],
    )
    .await;
}

#[tokio::test]
async fn redirects() {
    let body = || ask("POST", "/old").body("kept for the other place").gives(308);
    compare(
        app,
        [
            talk("both", [get("/old").gives(308), get("/soon").gives(307), ask("HEAD", "/old").gives(308)]),
            talk("with a body", [body(), get("/done")]),
            pipeline("followed at once", [body(), get("/done")]),
        ],
    )
    .await;
}
