//! Calls against the direction of the connection.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use hijack::Listener;
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{self, Empty, SimpleRequest};
use hijack_tonic::reverse::{Agent, AgentRegistry, Policy};
use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Mode, Reject};
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;

/// A registry on a port of its own.
struct Gateway {
    registry: AgentRegistry,
    http: hijack::Server,
    url: String,
}

impl Gateway {
    async fn start(registry: AgentRegistry) -> Self {
        let listener = Listener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/agents", listener.local_address());
        let http = hijack::Server::new();
        let (serving, agents) = (http.clone(), registry.clone());
        tokio::spawn(async move { serving.serve_service(listener, agents).await });
        Self { registry, http, url }
    }

    fn agent(&self, name: &str) -> Agent {
        Agent::new(&self.url, name).expect("a URL and a name")
    }

    fn start_agent(&self, name: &str) -> AbortHandle {
        let agent = self.agent(name);
        tokio::spawn(async move { agent.serve(Routes::new(interop::server())).await }).abort_handle()
    }

    async fn client(&self, name: &str) -> TestServiceClient<hijack_tonic::Channel> {
        let came = self.registry.wait_for(name, Duration::from_secs(5)).await;
        TestServiceClient::new(came.unwrap_or_else(|| panic!("{name} does not come")))
    }

    /// Cuts every connection, as a line that breaks does.
    fn cut(&self) {
        for connection in self.http.tracker().list() {
            let _ = self.http.tracker().kill(connection.id);
        }
    }
}

/// T2: the agent dials, and is called, by token and by WebSocket.
#[tokio::test]
async fn an_agent_is_called_over_the_connection_that_it_dialled() {
    let gateway = Gateway::start(AgentRegistry::new()).await;
    for mode in [Mode::Token, Mode::WebSocket, Mode::Auto] {
        let name = format!("{mode:?}");
        let agent = gateway.agent(&name).dial(|dialer| dialer.mode(mode));
        let serving = tokio::spawn(async move { agent.serve(Routes::new(interop::server())).await });
        let mut client = gateway.client(&name).await;
        let asked = SimpleRequest { response_size: 300_000, ..Default::default() };
        let answer = client.unary_call(asked).await.expect("an answer").into_inner();
        assert_eq!(answer.payload.expect("a payload").body.len(), 300_000, "{mode:?}");
        let names: Vec<_> = gateway.registry.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [Arc::from(name)]);
        serving.abort();
        timeout(Duration::from_secs(1), async {
            while gateway.registry.count() > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("not listed any more");
        let began = Instant::now();
        let gone = client.empty_call(Empty {}).await.expect_err("a gone agent");
        assert_eq!(gone.code(), Code::Unavailable, "T23: {gone}");
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}

/// T23: an agent whose line is cut is back within 2 s.
#[tokio::test]
async fn an_agent_comes_back_behind_a_cut() {
    let gateway = Gateway::start(AgentRegistry::new()).await;
    let _agent = gateway.start_agent("a");
    gateway.client("a").await.empty_call(Empty {}).await.expect("there");
    for round in 0..3 {
        gateway.cut();
        let began = Instant::now();
        let called = async {
            loop {
                let mut client = gateway.client("a").await;
                match client.empty_call(Empty {}).await {
                    Ok(_) => return,
                    Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(2), called)
            .await
            .unwrap_or_else(|_| panic!("cut {round}: not back in 2 s"));
        assert!(began.elapsed() > Duration::from_millis(50), "not without a pause");
    }
}

/// T23: of two agents of one name the policy keeps one.
#[tokio::test]
async fn one_connection_for_each_name() {
    let gateway = Gateway::start(AgentRegistry::new()).await;
    let _first = gateway.start_agent("a");
    let mut first = gateway.client("a").await;
    first.empty_call(Empty {}).await.expect("there");
    let second = gateway.agent("a");
    tokio::spawn(async move { second.serve(Routes::new(interop::server())).await });
    let replaced = async {
        while first.empty_call(Empty {}).await.is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(2), replaced).await.expect("the first one's place is taken");
    gateway.client("a").await;
    assert_eq!(gateway.registry.count(), 1);

    let refusing = AgentRegistry::new().configure(|config| config.policy = Policy::Refuse);
    let gateway = Gateway::start(refusing).await;
    let first = gateway.start_agent("a");
    gateway.client("a").await.empty_call(Empty {}).await.expect("there");
    let asked = "GET /agents HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: hijack-grpc-reverse\r\nHijack-Agent: a\r\n\r\n";
    let address = gateway.url.trim_start_matches("http://").trim_end_matches("/agents").to_owned();
    let world = support::World { address, http: gateway.http.clone() };
    let refused = world.ask(asked).await;
    assert!(refused.starts_with("HTTP/1.1 409 "), "{refused}");
    first.abort();
    let _second = gateway.start_agent("a");
    sleep(Duration::from_millis(50)).await;
    gateway.client("a").await.empty_call(Empty {}).await.expect("the place was free");
}

/// Who it is, is the gateway's to say: credentials become a name, and without them there is none.
#[tokio::test]
async fn the_gateway_says_who_an_agent_is() {
    let registry = AgentRegistry::new().identify(|asked| {
        match asked.headers().get("authorization").map(HeaderValue::as_bytes) {
            Some(b"Bearer seven") => Ok("agent-7".to_owned()),
            _ => Err(Reject::new(StatusCode::UNAUTHORIZED, "who?\n")),
        }
    });
    let gateway = Gateway::start(registry).await;
    let _stranger = gateway.start_agent("agent-7");
    assert!(gateway.registry.wait_for("agent-7", Duration::from_millis(300)).await.is_none());
    let token = HeaderValue::from_static("Bearer seven");
    let agent = gateway
        .agent("anything")
        .dial(|dialer| dialer.header(HeaderName::from_static("authorization"), token.clone()));
    tokio::spawn(async move { agent.serve(Routes::new(interop::server())).await });
    gateway.client("agent-7").await.empty_call(Empty {}).await.expect("there");
}

/// Whoever is let in and does not speak HTTP/2 is never listed, and let go.
#[tokio::test]
async fn a_silent_agent_is_not_listed() {
    let registry =
        AgentRegistry::new().configure(|config| config.preface_timeout = Duration::from_millis(200));
    let gateway = Gateway::start(registry).await;
    let client =
        hijack::Client::new().connect(&gateway.url.trim_end_matches("/agents").parse().unwrap()).await;
    let request = http::Request::get("/agents").header("hijack-agent", "mute").body(hijack::Body::empty());
    let mut conn = client.unwrap().upgrade(request.unwrap(), ["hijack-grpc-reverse"]).await.expect("a 101");
    let mut all = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut conn, &mut all);
    let _ = timeout(Duration::from_secs(2), read).await.expect("let go");
    assert!(all.starts_with(b"PRI * HTTP/2.0") && gateway.registry.count() == 0);
}

/// T23: a thousand agents, each called once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_agents() {
    let gateway = Arc::new(Gateway::start(AgentRegistry::new()).await);
    let agents: Vec<_> = (0..1000).map(|n| gateway.start_agent(&format!("agent-{n}"))).collect();
    let calls: Vec<_> = (0..1000)
        .map(|n| {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                let came = gateway.registry.wait_for(&format!("agent-{n}"), Duration::from_secs(30)).await;
                TestServiceClient::new(came.expect("in time")).empty_call(Empty {}).await.expect("an answer");
            })
        })
        .collect();
    for call in calls {
        call.await.expect("called");
    }
    assert_eq!(gateway.registry.count(), 1000);
    agents.iter().for_each(AbortHandle::abort);
}

/// At the end of the gateway, calls under way are finished.
#[tokio::test]
async fn a_shutdown_of_the_gateway_lets_calls_finish() {
    let gateway = Gateway::start(AgentRegistry::new()).await;
    let agent = gateway.start_agent("a");
    let mut client = gateway.client("a").await;
    let mut slow =
        client.streaming_output_call(support::outputs([1, 2, 3], 50_000)).await.unwrap().into_inner();
    let draining = gateway.http.clone();
    let draining = tokio::spawn(async move { draining.shutdown(Duration::from_secs(5)).await });
    let mut count = 0;
    while slow.message().await.expect("not cut").is_some() {
        count += 1;
    }
    assert_eq!(count, 3);
    agent.abort();
    let report = draining.await.unwrap();
    assert_eq!((report.taken, report.forced), (1, 0), "{report:?}");
}

/// A second agent of a name ends the first one's calls, also those under way, and its connection.
#[tokio::test]
async fn a_replaced_agents_open_calls_end() {
    for mode in [Mode::Token, Mode::WebSocket] {
        let gateway = Gateway::start(AgentRegistry::new()).await;
        let first = gateway.agent("a").dial(|dialer| dialer.mode(mode)).configure(|config| {
            config.backoff = Duration::from_secs(60); // it does not come back
        });
        tokio::spawn(async move { first.serve(Routes::new(interop::server())).await });
        let asked = support::outputs([1, 1], 60_000_000);
        let mut client = gateway.client("a").await;
        let waiting = client.full_duplex_call(futures_util::stream::iter([support::outputs([1], 0), asked]));
        let mut waiting = waiting.await.expect("answers").into_inner();
        waiting.message().await.expect("a message").expect("not the end");
        let _second = gateway.start_agent("a");
        let ended = timeout(Duration::from_secs(1), waiting.message()).await.expect("ended at once");
        assert_eq!(ended.expect_err("its agent is gone").code(), Code::Unavailable, "{mode:?}");
        let alone = async {
            while gateway.http.tracker().count_in(hijack::State::Taken) > 1 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(1), alone).await.expect("its connection is closed");
        gateway.client("a").await.empty_call(Empty {}).await.expect("the second one");
    }
}

/// An agent that goes in order finishes its calls, though nobody finds it any more.
#[tokio::test]
async fn an_agent_that_goes_finishes_its_calls() {
    let gateway = Gateway::start(AgentRegistry::new()).await;
    let (go, going) = tokio::sync::oneshot::channel::<()>();
    let agent = gateway.agent("a");
    let serving = tokio::spawn(async move {
        let going = async { drop(going.await) };
        agent.serve_until(Routes::new(interop::server()), going).await;
    });
    let mut client = gateway.client("a").await;
    let mut slow =
        client.streaming_output_call(support::outputs([1; 4], 100_000)).await.unwrap().into_inner();
    slow.message().await.expect("a message").expect("not the end");
    go.send(()).unwrap();
    let mut count = 1;
    while slow.message().await.expect("not cut").is_some() {
        count += 1;
    }
    assert_eq!(count, 4);
    timeout(Duration::from_secs(2), serving).await.expect("it returns").unwrap();
    assert_eq!(gateway.registry.count(), 0);
}

/// A shutdown waits a second for an agent that is about to come, and no longer.
#[tokio::test]
async fn a_shutdown_does_not_wait_for_silent_agents() {
    let gateway = Gateway::start(AgentRegistry::new()).await;
    let address = gateway.url.trim_end_matches("/agents").parse().unwrap();
    let connection = hijack::Client::new().connect(&address).await.unwrap();
    let request = http::Request::get("/agents").header("hijack-agent", "a").body(hijack::Body::empty());
    let _conn = connection.upgrade(request.unwrap(), ["hijack-grpc-reverse"]).await.expect("a 101");
    let began = Instant::now();
    let report = gateway.http.shutdown(Duration::from_secs(8)).await;
    assert!(began.elapsed() < Duration::from_secs(2), "after {:?}", began.elapsed());
    assert_eq!((report.taken, report.forced), (1, 0), "{report:?}");
}

/// Whoever says anything but HTTP/2's first frame takes nobody's place, and is let go at once.
#[tokio::test]
async fn garbage_takes_no_agents_place() {
    let gateway = Gateway::start(AgentRegistry::new()).await;
    let _agent = gateway.start_agent("a");
    let mut client = gateway.client("a").await;
    for garbage in [&b"x"[..], b"HTTP/1.1 400 ", b"\0\0\x08\x06\0\0\0\0\0", b"\0\0\0\x04\0\0\0\0"] {
        let address = gateway.url.trim_end_matches("/agents").parse().unwrap();
        let connection = hijack::Client::new().connect(&address).await.unwrap();
        let request = http::Request::get("/agents").header("hijack-agent", "a").body(hijack::Body::empty());
        let upgraded = connection.upgrade(request.unwrap(), ["hijack-grpc-reverse"]).await;
        let mut conn = upgraded.expect("a 101");
        tokio::io::AsyncWriteExt::write_all(&mut conn, garbage).await.unwrap();
        if garbage.len() >= 9 {
            let mut all = Vec::new();
            let read = tokio::io::AsyncReadExt::read_to_end(&mut conn, &mut all);
            let _ = timeout(Duration::from_secs(1), read).await.expect("let go");
        } else {
            sleep(Duration::from_millis(50)).await;
        }
        client.empty_call(Empty {}).await.unwrap_or_else(|error| panic!("{garbage:?}: {error}"));
    }
}

/// A gateway that accepts and says nothing costs every dial its whole time, which is no life of a connection: the pauses
/// grow.
#[tokio::test(start_paused = true)]
async fn slow_dials_in_vain_are_no_stable_connections() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/agents", listener.local_addr().unwrap());
    let agent = Agent::new(&url, "a").unwrap().dial(|dialer| dialer.mode(Mode::Token));
    tokio::spawn(async move { agent.serve(Routes::new(interop::server())).await });
    let (mut held, mut came) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        held.push(listener.accept().await.unwrap());
        came.push(Instant::now());
    }
    let last = came[11] - came[10];
    // A dial of 30 s, and the pause behind the eleventh: 15 s to 30 s.
    assert!(last > Duration::from_secs(44), "the dials began {came:?}");
}
