//! A gateway with its console, an upstream behind it, and a browser that is signed in.

use std::time::Duration;

use hijack::ws::{Dial, Message, WebSocket};
use hijack::{Error, Exchange, Listener, Outcome, Server};
use hijack_gateway::{Admin, AdminHandle, AdminServer, Config, Gateway, Role, Route, Subject, Token};
use hijack_interop::browser::Browser;
use http::{HeaderName, HeaderValue};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// A gateway at work, and a browser at its console.
pub(crate) struct Site {
    pub(crate) gateway: Gateway,
    pub(crate) browser: Browser,
    address: String,
    admin: String,
    handle: AdminHandle,
}

impl Site {
    /// In front of `upstream`; `None` if there is no browser here.
    pub(crate) async fn start(upstream: &str) -> Option<Self> {
        Self::start_with(upstream, |_| {}).await
    }

    /// The same, with its configuration changed.
    async fn start_with(upstream: &str, change: impl FnOnce(&mut Config)) -> Option<Self> {
        let browser = Browser::start().await?;
        let mut config = Config::default();
        config.listen = vec!["127.0.0.1:0".into()];
        let mut route = Route::new("chat", upstream.parse().expect("an address"));
        route.subject = Some(Subject::Header("x-user".into()));
        config.routes = vec![route];
        change(&mut config);
        let gateway = Gateway::new(config).expect("a gateway");
        let listener = gateway.bind().await.expect("bound").remove(0);
        let address = listener.local_address();
        let serving = gateway.clone();
        tokio::spawn(async move { serving.serve(listener).await });
        let (admin, handle) = serve_admin(&gateway, "127.0.0.1:0").await;
        Some(Self { gateway, browser, address, admin, handle })
    }

    /// With the table of connections in the browser.
    pub(crate) async fn signed_in(upstream: &str) -> Option<Self> {
        Self::signed_in_with(upstream, |_| {}).await
    }

    /// The same, with the gateway's configuration changed.
    pub(crate) async fn signed_in_with(upstream: &str, change: impl FnOnce(&mut Config)) -> Option<Self> {
        let mut site = Self::start_with(upstream, change).await?;
        let link = format!("{}?token={}", site.console(""), encoded(SECRET));
        site.browser.open(&link).await;
        site.browser.until("document.querySelector('.status.live') && location.search === ''").await;
        Some(site)
    }

    /// Where the gateway's clients come in.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The address of a page of the console.
    pub(crate) fn console(&self, fragment: &str) -> String {
        format!("http://{}/{fragment}", self.admin)
    }

    /// A WebSocket through the gateway, of a user.
    pub(crate) async fn websocket(&self, path: &str, user: &str) -> WebSocket {
        let dial = Dial::to(&format!("ws://{}{path}", self.address)).expect("an address");
        let dial =
            dial.header(HeaderName::from_static("x-user"), HeaderValue::from_str(user).expect("a name"));
        hijack::ws::dial_config(&dial).await.expect("a WebSocket")
    }

    /// The browser with the page of the connection with this id, its messages live.
    pub(crate) async fn show(&mut self, id: u64) {
        self.browser.eval(&format!("location.hash = '#/connections/{id}'")).await;
        self.browser.until("document.querySelector('main.connection .status.live')").await;
        // The tap is opened by a task of its own.
        self.browser
            .until("[...document.querySelectorAll('.facts dd')].some((it) => it.textContent === 'tapped')")
            .await;
    }

    /// Ends the admin's server, as if it were broken, and gives where it was.
    pub(crate) async fn lose_admin(&mut self) {
        self.handle.shutdown(Duration::ZERO).await;
    }

    /// Serves the admin again, where it was.
    pub(crate) async fn find_admin(&mut self) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some((_, handle)) = try_serve_admin(&self.gateway, &self.admin).await {
                self.handle = handle;
                return;
            }
            assert!(Instant::now() < end, "{} stays taken", self.admin);
            tokio::task::yield_now().await;
        }
    }

    /// Ends the test: the browser had nothing to complain of.
    pub(crate) async fn done(self) {
        let problems = self.browser.close().await;
        assert_eq!(problems, [] as [String; 0], "the page threw, or broke its policy");
    }
}

async fn serve_admin(gateway: &Gateway, listen: &str) -> (String, AdminHandle) {
    try_serve_admin(gateway, listen).await.expect("the admin's server is bound")
}

async fn try_serve_admin(gateway: &Gateway, listen: &str) -> Option<(String, AdminHandle)> {
    let mut admin = Admin::default();
    admin.listen = listen.into();
    admin.tokens = vec![Token { name: "ann".into(), role: Role::Operator, secret: SECRET.into() }];
    let server = AdminServer::bind(gateway.clone(), &admin, None).await.ok()?;
    let (address, handle) = (server.local_address(), server.handle());
    tokio::spawn(server.serve());
    Some((address, handle))
}

/// As a browser's `encodeURIComponent` does it.
pub(crate) fn encoded(secret: &str) -> String {
    secret.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// With the signs of base64, which links and cookies do not take as they are.
pub(crate) const SECRET: &str = "c2VjcmV0+b2Y/YW5uMTI=";

/// An upstream of our own: `/echo`, and `/flood`, which sends 2,000 messages per second as long as somebody listens.
pub(crate) async fn upstream() -> String {
    let listener = Listener::bind("127.0.0.1:0").await.expect("bound");
    let address = format!("http://{}", listener.local_address());
    tokio::spawn(async move { Server::new().serve(listener, serve).await });
    address
}

async fn serve(exchange: Exchange) -> Result<Outcome, Error> {
    let is_flood = exchange.uri().path() == "/flood";
    let server = hijack::ws::Server::new(move |socket: WebSocket| async move {
        if is_flood {
            flood(socket).await?;
        } else {
            echo(socket).await?;
        }
        Ok(())
    });
    server.serve(exchange).await
}

async fn echo(mut socket: WebSocket) -> Result<(), hijack::ws::Error> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

/// Begins when the client says something. Ticks that were missed are made up for: the rate is what it says.
async fn flood(mut socket: WebSocket) -> Result<(), hijack::ws::Error> {
    socket.recv().await?;
    let mut ticks = interval(Duration::from_millis(10));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for tick in 0_u64.. {
        ticks.tick().await;
        for step in 0..PER_TICK {
            let number = tick * PER_TICK + step;
            socket
                .feed(format!("{{\"number\":{number},\"symbol\":\"HJK\",\"price\":{}.25}}", number % 97))
                .await?;
        }
        socket.flush().await?;
    }
    Ok(())
}

/// 20 in 10 ms are 2,000 per second.
const PER_TICK: u64 = 20;

/// Waits until something is so; fails after twenty seconds.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = timeout(Duration::from_secs(20), async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "expected within 20 s: {what}");
}

/// The next message, within a while.
pub(crate) async fn next(socket: &mut WebSocket) -> Option<Message> {
    let message = timeout(Duration::from_secs(20), socket.recv()).await;
    message.expect("something comes").expect("no violation")
}
