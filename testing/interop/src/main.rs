//! Our server with the endpoints of `README.md`, to run the client scripts against by hand.
//!
//!     cargo run -p hijack-interop -- 127.0.0.1:8080

use hijack_interop::server::bind;

#[tokio::main]
async fn main() -> Result<(), hijack::Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let (base, serving) = bind(&address).await?;
    println!("{base}");
    serving.await;
    Ok(())
}
