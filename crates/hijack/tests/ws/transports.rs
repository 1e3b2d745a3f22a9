//! WebSockets over whatever carries bytes.

use hijack::Listener;
use hijack::ws::{self, Dial, WebSocket};
use tokio::io::duplex;

use crate::support::{Site, pattern, soon};
use crate::wire::{echo, pair_over};

/// Everything comes back, in order, whatever its size.
async fn converse<Io: hijack::Stream>(mut socket: WebSocket<Io>) {
    for len in [0, 1, 1_000, 100_000] {
        socket.send(pattern(len)).await.expect("open");
        assert_eq!(soon("an echo", socket.recv()).await.expect("open"), Some(pattern(len).into()));
    }
    for number in 0..100 {
        socket.feed(number.to_string()).await.expect("open");
    }
    socket.flush().await.expect("open");
    for number in 0..100 {
        assert_eq!(soon("an echo", socket.recv()).await.expect("open"), Some(number.to_string().into()));
    }
    soon("the end", socket.close(ws::CloseCode::NORMAL, "")).await.expect("answered");
}

fn serve(listener: Listener) -> Site {
    Site::on(listener, |_| (), ws::Server::new(echo).into_handler())
}

#[tokio::test]
async fn over_tcp() {
    let site = serve(Listener::bind("127.0.0.1:0").await.expect("a free port"));
    let sockets: Vec<_> = (0..50)
        .map(|_| {
            let url = format!("ws://{}/", site.address);
            tokio::spawn(async move { converse(ws::dial(&url).await.expect("granted")).await })
        })
        .collect();
    for socket in sockets {
        socket.await.expect("no panic");
    }
}

#[tokio::test]
async fn over_unix_sockets() {
    let path = std::env::temp_dir().join(format!("hijack-ws-{}", std::process::id()));
    let address = format!("unix:{}", path.display());
    let _site = serve(Listener::bind(&address).await.expect("a free path"));
    let stream = tokio::net::UnixStream::connect(&path).await.expect("it listens");
    let dial = Dial::to("ws://a/").expect("a URL");
    converse(ws::client(&dial, stream).await.expect("granted")).await;
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn over_tls() {
    let (server, trusted) = crate::certificates::configs();
    let listener = Listener::bind("127.0.0.1:0").await.expect("a free port");
    let site = serve(listener.with_tls(server));
    let port = site.address.rsplit(':').next().expect("a port");
    let client = hijack::Client::builder().tls(std::sync::Arc::new(trusted)).build();
    let dial = Dial::to(&format!("wss://localhost:{port}/")).expect("a URL").by(client);
    let socket = ws::dial_config(&dial).await.expect("granted");
    assert_eq!(socket.conn().io().kind(), "tls");
    converse(socket).await;
}

#[tokio::test]
async fn over_a_stream_of_ones_own() {
    let (far, near) = duplex(333);
    let (client, mut server) = pair_over(far, near, |_| (), |_| ()).await;
    let serving = tokio::spawn(async move {
        while let Some(message) = server.recv().await? {
            server.feed(message).await?;
        }
        Ok::<_, ws::Error>(())
    });
    converse(client).await;
    soon("the server's end", serving).await.expect("no panic").expect("in order");
}

/// What was handed over by other means is framed as well, without a handshake.
#[tokio::test]
async fn over_a_connection_in_hand() {
    let (far, near) = duplex(1_000);
    let tracker = hijack::Server::new().tracker();
    let (client, server) = (tracker.adopt(far), tracker.adopt(near));
    let mut client = WebSocket::over(client, ws::Role::Client, ws::Config::default());
    let mut server = WebSocket::over(server, ws::Role::Server, ws::Config::default());
    client.send("x").await.expect("open");
    assert_eq!(soon("a message", server.recv()).await.expect("open"), Some("x".into()));
    assert_eq!(
        (client.role(), client.subprotocol(), client.is_compressed()),
        (ws::Role::Client, None, false)
    );
}
