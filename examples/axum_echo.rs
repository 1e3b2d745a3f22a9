//! A room from an axum handler: every line that somebody sends goes to everybody. Only the way in which the app is
//! served is not axum's own.
//!
//! cargo run --example axum_echo
//! printf 'GET /room HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: lines\r\n\r\nhello\n' | nc 127.0.0.1 3000

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use hijack::{Conn, Error, Listener};
use hijack_axum::Hijacker;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::broadcast::{self, Sender, error::RecvError};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    println!("listening on {}", listener.local_address());
    let (room, _) = broadcast::channel(64);
    let app = Router::new().route("/room", get(enter)).with_state(room);
    hijack_axum::serve(listener, app).await;
    Ok(())
}

async fn enter(hijacker: Hijacker, State(room): State<Sender<String>>) -> Response {
    hijacker.protocols(["lines"]).take_over_with(|conn| talk(conn, room))
}

async fn talk(conn: Conn, room: Sender<String>) -> Result<(), Error> {
    let mut told = std::pin::pin!(conn.told());
    let mut said = room.subscribe();
    let (reader, mut writer) = conn.into_split();
    let mut lines = BufReader::new(reader).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => drop(room.send(line + "\n")),
                None => return Ok(writer.shutdown().await?),
            },
            line = said.recv() => match line {
                Ok(line) => writer.write_all(line.as_bytes()).await?,
                Err(RecvError::Lagged(lines)) => writer.write_all(format!("({lines} lines missed)\n").as_bytes()).await?,
                Err(RecvError::Closed) => return Ok(()),
            },
            () = &mut told => return Ok(writer.write_all(b"the room closes\n").await?),
        }
    }
}
