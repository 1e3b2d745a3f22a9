//! A WebSocket client: lines go out as messages, messages come in as lines, at the same time.
//!
//! cargo run --example ws_client ws://127.0.0.1:3000/

use hijack::Error;
use hijack::ws::{self, CloseCode, Message};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:3000/".into());
    let (mut reader, writer) = ws::dial(&url).await?.split();
    let talking = async {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = lines.next_line().await? {
            writer.send(line).await?;
        }
        writer.close(CloseCode::NORMAL, "").await
    };
    let listening = async {
        while let Some(message) = reader.recv().await? {
            match message {
                Message::Text(text) => println!("{text}"),
                Message::Binary(bytes) => println!("({} bytes)", bytes.len()),
            }
        }
        Ok::<(), ws::Error>(())
    };
    tokio::try_join!(talking, listening)?;
    Ok(())
}
