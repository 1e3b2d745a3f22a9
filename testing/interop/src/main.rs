//! Our server with the endpoints of `README.md`, to run the client scripts against by hand.
//!
//!     cargo run -p hijack-interop -- 127.0.0.1:8080
//!
//! With `--rpc-stdio` it serves net/rpc's methods in gob on its standard input and output instead.

use hijack::rpc::{Origin, Server};
use hijack_interop::rpc::gob_methods;
use hijack_interop::server::bind;

#[tokio::main]
async fn main() -> Result<(), hijack::Error> {
    if std::env::args().nth(1).as_deref() == Some("--rpc-stdio") {
        let io = tokio::io::join(tokio::io::stdin(), tokio::io::stdout());
        return Ok(Server::new(gob_methods()).serve_stream(io, Origin::unknown()).await?);
    }
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let (base, serving) = bind(&address).await?;
    println!("{base}");
    serving.await;
    Ok(())
}
