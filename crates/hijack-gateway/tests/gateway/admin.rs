//! The operators' side, as it is asked over HTTP, by those who may and by those who may not.

use hijack::ws::Message;
use hijack_gateway::{Admin, AdminServer, Role, Token};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::{Site, until};

const VIEWER: &str = "viewer-0123456789";
const INSPECTOR: &str = "inspector-0123456789";
const OPERATOR: &str = "operator-0123456789";

struct Desk {
    site: Site,
    address: String,
}

/// An answer: status and body.
type Answer = (u16, String);

impl Desk {
    async fn open(audit: Option<std::path::PathBuf>) -> Self {
        let site = Site::start(|_| {}).await;
        let mut admin = Admin::default();
        admin.listen = "127.0.0.1:0".into();
        admin.audit = audit;
        let token = |name: &str, role, secret: &str| Token { name: name.into(), role, secret: secret.into() };
        admin.tokens = vec![
            token("eye", Role::Viewer, VIEWER),
            token("ear", Role::Inspector, INSPECTOR),
            token("hand", Role::Operator, OPERATOR),
        ];
        let server = AdminServer::bind(site.gateway.clone(), &admin, None).await.expect("bound");
        let address = server.local_address();
        assert_eq!(server.made_token(), None);
        tokio::spawn(server.serve());
        Self { site, address }
    }

    /// Asks as `token`, with `fields` beside it.
    async fn ask(&self, token: &str, method: &str, target: &str, fields: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).await.expect("connected");
        let host =
            if fields.contains("Host: ") { String::new() } else { format!("Host: {}\r\n", self.address) };
        let token =
            if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let len = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\n{host}{token}{fields}Connection: close\r\nContent-Length: {len}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head[9..12].parse().expect("a status"), body.to_owned())
    }

    async fn json(&self, token: &str, method: &str, target: &str, body: &str) -> (u16, Value) {
        let (status, body) = self.ask(token, method, target, "", body).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }
}

#[tokio::test]
async fn nobody_is_let_in_without_a_token_or_from_elsewhere() {
    let desk = Desk::open(None).await;
    let list = "/api/connections";
    assert_eq!(desk.ask("", "GET", list, "", "").await.0, 401);
    assert_eq!(desk.ask("wrong-0123456789", "GET", list, "", "").await.0, 401);
    assert_eq!(desk.ask(VIEWER, "GET", list, "", "").await.0, 200);
    // DNS rebinding: the page's own name leads here.
    assert_eq!(desk.ask(OPERATOR, "GET", list, "Host: evil.example:9091\r\n", "").await.0, 421);
    assert_eq!(desk.ask("", "GET", "/", "Host: evil.example\r\n", "").await.0, 421);
    // A page of another site with the cookie of this one.
    let cookie = format!("Cookie: hijack_token={OPERATOR}\r\n");
    assert_eq!(desk.ask("", "GET", list, &cookie, "").await.0, 200);
    for foreign in ["Origin: http://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        let fields = format!("{cookie}{foreign}");
        assert_eq!(desk.ask("", "DELETE", "/api/connections?filter=", &fields, "").await.0, 403, "{foreign}");
        assert_eq!(desk.ask("", "GET", "/api/events", &fields, "").await.0, 403, "{foreign}");
    }
    assert_eq!(desk.ask("", "GET", "/healthz", "", "").await, (200, "{\"ok\":true}".into()));
    assert_eq!(desk.ask("", "GET", "/readyz", "", "").await, (200, "{\"ok\":true}".into()));
}

#[tokio::test]
async fn roles_bound_what_is_done() {
    let desk = Desk::open(None).await;
    let _socket = desk.site.websocket("/ws").await;
    let id = desk.site.found("protocol=websocket").await.id;
    let (one, messages) = (format!("/api/connections/{id}"), format!("/api/connections/{id}/messages"));
    let text = r#"{"to":"client","text":"x"}"#;
    let broadcast = r#"{"filter":"","to":"client","text":"x"}"#;
    for token in [VIEWER, INSPECTOR] {
        assert_eq!(desk.ask(token, "DELETE", &one, "", "").await.0, 403);
        assert_eq!(desk.ask(token, "DELETE", "/api/connections?filter=", "", "").await.0, 403);
        assert_eq!(desk.ask(token, "POST", &messages, "", text).await.0, 403);
        assert_eq!(desk.ask(token, "POST", "/api/broadcast", "", broadcast).await.0, 403);
        assert_eq!(desk.ask(token, "GET", &one, "", "").await.0, 200);
    }
    assert_eq!(desk.ask(VIEWER, "GET", &messages, "", "").await.0, 403, "payloads are not a viewer's to see");
    assert_eq!(desk.site.gateway.count(), 1);
}

#[tokio::test]
async fn lists_shows_sends_tags_and_kicks() {
    let folder = std::env::temp_dir().join(format!("hijack-audit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let audit = folder.join("audit.log");
    let desk = Desk::open(Some(audit.clone())).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(desk.site.websocket("/ws").await);
    }
    until("three are open", || desk.site.gateway.count() == 3).await;

    let (_, page) = desk.json(VIEWER, "GET", "/api/connections?limit=2", "").await;
    assert_eq!(page["connections"].as_array().map(Vec::len), Some(2));
    let cursor = page["next_cursor"].as_str().expect("there is more").to_owned();
    let (_, rest) = desk.json(VIEWER, "GET", &format!("/api/connections?limit=2&cursor={cursor}"), "").await;
    assert_eq!((rest["connections"].as_array().map(Vec::len), &rest["next_cursor"]), (Some(1), &Value::Null));

    let id = page["connections"][0]["id"].as_u64().expect("a number");
    let one = format!("/api/connections/{id}");
    let (_, view) = desk.json(VIEWER, "GET", &one, "").await;
    assert_eq!((&view["head"]["method"], &view["head"]["target"]), (&"GET".into(), &"/ws".into()));
    let shown = view["head"]["headers"].to_string();
    assert!(shown.contains("sec-websocket-version") && shown.contains("(not shown)"), "{shown}");

    let (status, sent) =
        desk.json(OPERATOR, "POST", &format!("{one}/messages"), r#"{"to":"client","text":"hi"}"#).await;
    assert_eq!((status, sent.to_string()), (200, r#"{"delivered":1,"matched":1}"#.into()));
    assert_eq!(sockets[0].recv().await.expect("a message"), Some(Message::Text("hi".into())));
    let (_, tagged) = desk.json(OPERATOR, "PUT", &format!("{one}/tags"), r#"{"tags":["vip"]}"#).await;
    assert_eq!(tagged["tags"][0], "vip");
    let body = r#"{"filter":"not tag=vip","to":"client","base64":"AAE="}"#;
    let (_, report) = desk.json(OPERATOR, "POST", "/api/broadcast", body).await;
    assert_eq!((&report["matched"], &report["delivered"]), (&2.into(), &2.into()));
    assert_eq!(sockets[1].recv().await.expect("a message"), Some(Message::Binary(vec![0, 1])));

    let (_, kicked) = desk.json(OPERATOR, "DELETE", &format!("{one}?code=4001&reason=too%20loud"), "").await;
    assert_eq!(kicked["matched"], 1);
    while sockets[0].recv().await.expect("in order").is_some() {}
    assert_eq!(sockets[0].close_frame().map(|close| close.code.get()), Some(4_001));
    let (_, kicked) = desk.json(OPERATOR, "DELETE", "/api/connections?filter=route%3Dmain&rate=50", "").await;
    assert_eq!(kicked["matched"], 2);
    drop(sockets);
    until("all are gone", || desk.site.gateway.count() == 0).await;
    let (_, closed) =
        desk.json(VIEWER, "GET", "/api/connections?filter=state%3Dclosed%20and%20code%3D4001", "").await;
    assert_eq!(closed["connections"][0]["reason"], "too loud");

    let log = std::fs::read_to_string(&audit).expect("an audit log");
    let acts: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let acts: Vec<String> = acts.iter().map(|line| format!("{} {}", line["who"], line["act"])).collect();
    let hand = |act: &str| format!("\"hand\" \"{act}\"");
    assert_eq!(acts, [hand("send"), hand("tag"), hand("broadcast"), hand("kick"), hand("kick")]);
    assert!(!log.contains("hi\""), "payloads are not kept: {log}");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[tokio::test]
async fn says_what_is_wrong() {
    let desk = Desk::open(None).await;
    let cases = [
        ("GET", "/api/connections?filter=subjct%3Da", "", 400, "subject"),
        ("GET", "/api/connections?limit=many", "", 400, "limit is to be a number"),
        ("GET", "/api/connections/7", "", 404, "no connection"),
        ("DELETE", "/api/connections", "", 400, "a filter is needed"),
        ("DELETE", "/api/connections/7?code=1006", "", 400, "must not be sent"),
        ("POST", "/api/connections/7/messages", r#"{"to":"client","text":"x"}"#, 404, "no connection"),
        ("POST", "/api/broadcast", r#"{"filter":"","to":"nobody","text":"x"}"#, 400, "nobody"),
        ("POST", "/api/broadcast", r#"{"filter":"","to":"client"}"#, 400, "either text or base64"),
        ("PATCH", "/api/connections", "", 405, "GET, DELETE"),
        ("GET", "/api/nothing", "", 404, "openapi"),
    ];
    for (method, target, body, status, detail) in cases {
        let (found, problem) = desk.json(OPERATOR, method, target, body).await;
        assert_eq!(found, status, "{method} {target}");
        assert!(problem["detail"].to_string().contains(detail), "{method} {target}: {problem}");
    }
}

#[tokio::test]
async fn messages_and_events_are_live() {
    let desk = Desk::open(None).await;
    let mut events = stream(&desk.address, "/api/events").await;
    let mut socket = desk.site.websocket("/ws").await;
    let (event, view) = next(&mut events).await;
    assert_eq!((&*event, &view["protocol"]), ("opened", &"websocket".into()));
    let mut messages = stream(&desk.address, &format!("/api/connections/{}/messages", view["id"])).await;
    until("somebody looks", || desk.site.list("")[0].gear == "tapped").await;
    socket.send(Message::Text("<b>hi</b>".into())).await.expect("sent");
    for from in ["client", "upstream"] {
        let (event, message) = next(&mut messages).await;
        assert_eq!(
            (&*event, &message["from"], &message["text"]),
            ("message", &from.into(), &"<b>hi</b>".into())
        );
    }
    drop(socket);
    loop {
        let (event, view) = next(&mut messages).await;
        if event == "closed" {
            assert_eq!(view["state"], "closed");
            break;
        }
    }
    assert_eq!(next(&mut events).await.0, "closed");
}

#[tokio::test]
async fn does_not_listen_for_everybody_without_tokens() {
    let site = Site::start(|_| {}).await;
    let mut admin = Admin::default();
    admin.listen = "0.0.0.0:0".into();
    let refused = AdminServer::bind(site.gateway.clone(), &admin, None).await.expect_err("it is public");
    assert!(refused.to_string().contains("give it tokens"), "{refused}");
    let server = AdminServer::bind(site.gateway.clone(), &admin, Some("a-token-of-my-own".into())).await;
    assert_eq!(server.expect("there is a token").made_token(), None);
    admin.listen = "127.0.0.1:0".into();
    let server = AdminServer::bind(site.gateway.clone(), &admin, None).await.expect("bound");
    assert_eq!(server.made_token().map(str::len), Some(32), "random, and told once");
}

async fn stream(address: &str, target: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    // An old client gets it without chunks.
    let request =
        format!("GET {target} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {OPERATOR}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while line != ": \n" {
        line.clear();
        assert!(reader.read_line(&mut line).await.expect("a line") > 0, "the stream has begun");
    }
    reader
}

/// The next event and its data.
async fn next(stream: &mut BufReader<TcpStream>) -> (String, Value) {
    let mut event = String::new();
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).await.expect("a line") > 0, "the stream goes on");
        if let Some(name) = line.strip_prefix("event: ") {
            event = name.trim().to_owned();
        } else if let Some(data) = line.strip_prefix("data: ") {
            return (event, serde_json::from_str(data).expect("JSON"));
        }
    }
}

/// An operator who cannot end a connection is the greater harm.
#[tokio::test]
async fn a_full_disk_keeps_nobody_from_acting() {
    let desk = Desk::open(Some("/dev/full".into())).await;
    let mut socket = desk.site.websocket("/ws").await;
    let id = desk.site.found("protocol=websocket").await.id;
    assert_eq!(desk.ask(OPERATOR, "DELETE", &format!("/api/connections/{id}"), "", "").await.0, 200);
    assert_eq!(socket.recv().await.expect("in order"), None);
}
