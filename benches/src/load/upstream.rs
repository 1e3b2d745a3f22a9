//! The server that clients under measurement ask, and that stands behind relays and gateways: fixed bytes, checked
//! requests, and nothing else, so that it is never the brake.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use hijack_bench::echo::echo;
use hijack_bench::wire::{
    BLOCKS_PATH, ECHO_PATH, ECHO_PROTOCOL, PLAIN_BODY, PLAIN_DATE, PLAIN_PATH, PLAIN_TYPE,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::expected::Expected;
use super::question::Question;
use super::websockets::{self, SAMPLE_ACCEPT, SAMPLE_KEY};
use super::{blocks, framed};

/// What every connection asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The ordinary answer, again and again.
    Plain,
    /// One 101, then every byte back.
    Echo,
    /// One 101, then blocks as they are asked for.
    Blocks,
    /// A WebSocket whose messages come back.
    Messages,
    /// A WebSocket, with blocks in its messages as they are asked for.
    MessageBlocks,
}

/// A listener and the conversations that it accepted; they live as long as it does.
#[derive(Debug)]
pub(super) struct Upstream {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
    conversations: JoinSet<io::Result<()>>,
}

#[derive(Debug)]
struct Service {
    route: Route,
    host: String,
    answer: String,
    /// The first request; all others must have its bytes.
    request: OnceLock<Expected>,
}

impl Upstream {
    pub(super) async fn open(route: Route) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (host, answer) = (address.to_string(), route.answer());
        let service = Service { route, host, answer, request: OnceLock::new() };
        Ok(Self { listener, address, service: Arc::new(service), conversations: JoinSet::new() })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves while `work` is done. A wrong request is seen here first, and is a better reason than the failure of the
    /// work after it.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::select! {
            biased;
            failure = self.serve() => Err(failure),
            done = work => done,
        }
    }

    /// Accepts until something goes wrong, and says what.
    ///
    /// # Cancel safety
    /// Cancel safe: conversations go on meanwhile.
    async fn serve(&mut self) -> io::Error {
        loop {
            if let Err(failure) = self.step().await {
                return failure;
            }
        }
    }

    async fn step(&mut self) -> io::Result<()> {
        tokio::select! {
            accepted = self.listener.accept() => {
                let connection = Connection::new(accepted?.0);
                self.conversations.spawn(Arc::clone(&self.service).converse(connection));
                Ok(())
            }
            Some(ended) = self.conversations.join_next() => ended?,
        }
    }
}

impl Service {
    async fn converse(self: Arc<Self>, mut connection: Connection) -> io::Result<()> {
        while self.take_request(&mut connection).await? {
            connection.send(self.answer.as_bytes()).await?;
            match self.route {
                Route::Plain => {}
                Route::Echo => return echo(&mut connection.stream).await,
                Route::Blocks => return blocks::send(&mut connection.stream).await,
                Route::Messages => return framed::echo(&mut connection.stream).await,
                Route::MessageBlocks => return framed::send(&mut connection.stream).await,
            }
        }
        Ok(())
    }

    /// Reads one request; false at the end of the connection.
    async fn take_request(&self, connection: &mut Connection) -> io::Result<bool> {
        if let Some(known) = self.request.get() {
            return match connection.expect_or_end(known).await {
                // HAProxy ends connections that it needs no more that way. What is lost by it, the load misses.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(false),
                asked => asked,
            };
        }
        // Whoever looks whether a relay listens is passed on to here.
        if connection.stream.peek(&mut [0]).await? == 0 {
            return Ok(false);
        }
        let head = connection.read_head().await?;
        let learnt = self.route.learn(&head, &self.host)?;
        self.request.get_or_init(|| learnt).check(&head)?;
        Ok(true)
    }
}

impl Route {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Plain => PLAIN_PATH,
            Self::Echo => ECHO_PATH,
            Self::Blocks => BLOCKS_PATH,
            Self::Messages | Self::MessageBlocks => "/",
        }
    }

    /// Asks this server, which calls itself `host`, for the first time, through whatever is at `address`.
    pub(super) async fn ask_first(
        self,
        address: SocketAddr,
        host: &str,
    ) -> io::Result<(Question, Connection)> {
        match self {
            Self::Plain => Question::plain(address, host).await,
            Self::Echo | Self::Blocks => Question::takeover(address, host, self.path()).await,
            Self::Messages | Self::MessageBlocks => websockets::open_first(address, host, false).await,
        }
    }

    fn answer(self) -> String {
        match self {
            Self::Plain => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {PLAIN_TYPE}\r\nContent-Length: {}\r\nDate: {PLAIN_DATE}\r\n\r\n\
                 {PLAIN_BODY}",
                PLAIN_BODY.len()
            ),
            Self::Echo | Self::Blocks => format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {ECHO_PROTOCOL}\r\n\r\n"
            ),
            Self::Messages | Self::MessageBlocks => format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {SAMPLE_ACCEPT}\r\n\r\n"
            ),
        }
    }

    fn learn(self, head: &[u8], host: &str) -> io::Result<Expected> {
        let upgrade = |token| [("host", host), ("connection", "upgrade"), ("upgrade", token)];
        let asked = match self {
            Self::Plain => vec![("host", host)],
            Self::Echo | Self::Blocks => upgrade(ECHO_PROTOCOL).to_vec(),
            Self::Messages | Self::MessageBlocks => {
                [&upgrade("websocket")[..], &[("sec-websocket-key", SAMPLE_KEY)]].concat()
            }
        };
        Expected::learn(head, &format!("GET {} HTTP/1.1", self.path()), &asked, "")
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    /// Sends `requests` on connections of their own and reads each to its end; or says why the upstream failed.
    async fn ask(route: Route, requests: impl Fn(SocketAddr) -> Vec<String>) -> io::Result<Vec<String>> {
        let mut upstream = Upstream::open(route).await?;
        let address = upstream.address();
        upstream
            .beside(async {
                let mut answers = Vec::new();
                for request in requests(address) {
                    let mut stream = TcpStream::connect(address).await?;
                    stream.write_all(request.as_bytes()).await?;
                    stream.shutdown().await?;
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).await?;
                    answers.push(answer);
                }
                Ok(answers)
            })
            .await
    }

    fn plain(address: SocketAddr) -> String {
        format!("GET {PLAIN_PATH} HTTP/1.1\r\nHost: {address}\r\n\r\n")
    }

    fn echo(address: SocketAddr) -> String {
        format!("GET {ECHO_PATH} HTTP/1.1\r\nhost: {address}\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
    }

    #[tokio::test]
    async fn answers_every_request_that_is_like_the_first() {
        let answers = ask(Route::Plain, |at| vec![plain(at), plain(at)]).await;
        assert_eq!(answers.expect("right requests"), [Route::Plain.answer(), Route::Plain.answer()]);
    }

    #[tokio::test]
    async fn echoes_after_the_101() {
        let answers = ask(Route::Echo, |at| vec![echo(at) + "again"]).await.expect("right requests");
        assert_eq!(answers, [Route::Echo.answer() + "again"]);
    }

    #[tokio::test]
    async fn refuses_a_first_request_for_something_else() {
        assert!(ask(Route::Plain, |at| vec![echo(at)]).await.is_err());
        assert!(ask(Route::Echo, |at| vec![plain(at)]).await.is_err());
        assert!(ask(Route::Plain, |at| vec![plain(at).replace("Host", "Other")]).await.is_err());
    }

    #[tokio::test]
    async fn refuses_a_later_request_with_other_bytes() {
        let failure = ask(Route::Plain, |at| vec![plain(at), plain(at).replace("Host", "host")]).await;
        let text = failure.expect_err("a changed request").to_string();
        assert!(text.contains("expected \"GET /plain"), "{text}");
    }
}
