//! The example means what it says, and each mistake names its place, its key and its cure.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file;
use super::*;

const EXAMPLE: &str = include_str!("../../../../examples/gateway.toml");

fn no_variables(_: &str) -> Option<String> {
    None
}

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::from_toml_with(text, "gateway.toml", &no_variables)
}

/// What is wrong with `text`, on reading it or on checking it.
fn mistakes(text: &str) -> String {
    match read(text).and_then(|config| config.check()) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    }
}

/// The example with the keys that it leaves out.
fn whole_example() -> String {
    let is_key = |line: &str| line.starts_with(|c: char| c == '[' || c.is_ascii_lowercase());
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        // It is shown twice.
        Some(rest) if rest.starts_with("subject = { cookie") => "",
        Some(rest) if is_key(rest) => rest,
        _ => line,
    });
    // Keys of the file itself are in front of all tables already.
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_means_what_it_says() {
    let config = read(EXAMPLE).expect("the example");
    config.check().expect("sound");
    assert_eq!(config.listen, ["127.0.0.1:8080", "unix:/tmp/hijack-gateway.sock"]);
    assert_eq!(config.drain, Duration::from_secs(30));
    assert_eq!(config.limits.upgrade_body_len, 1 << 20);
    assert_eq!(config.admin.as_ref().expect("operators").hosts, ["hijack.example.org"]);
    let chat = config.route(Some("a.example.org:80"), "/chat/1").expect("a route");
    assert_eq!(chat.name, "chat");
    assert_eq!(chat.subject, Some(Subject::Header("X-User".into())));
    assert_eq!(chat.limits.message_len, Some(1 << 20));
    assert_eq!(chat.limits.slow_reader, SlowReader::Close);
    assert_eq!(config.route(None, "/").expect("a route").name, "site");
    assert_eq!(config.connect[0].upstream.to_string(), "http://10.0.0.5:5432");
    assert_eq!(config.connect[0].limits.idle, Some(Duration::from_secs(3_600)));
    assert_eq!(config.connect[1].target, "/_goRPC_");
}

#[test]
fn the_examples_defaults_are_the_defaults() {
    let (config, default) = (read(EXAMPLE).expect("the example"), Config::default());
    assert_eq!(format!("{:?}", config.limits), format!("{:?}", default.limits));
    assert_eq!(config.drain, default.drain);
    assert_eq!((config.closed_kept, config.closed_for), (default.closed_kept, default.closed_for));
    assert_eq!(config.admin.expect("operators").listen, Admin::default().listen);
}

#[test]
fn the_example_has_every_key_and_all_are_read() {
    let text = whole_example();
    let folder = tempdir();
    std::fs::write(folder.join("prometheus.token"), "a-secret-in-a-file\n").expect("written");
    let file = folder.join("gateway.toml").display().to_string();
    let variable = |name: &str| (name == "HIJACK_ADA").then(|| "a-secret-in-the-environment".to_owned());
    let config =
        Config::from_toml_with(&text, &file, &variable).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let admin = config.admin.expect("operators");
    let tokens: Vec<_> = admin.tokens.iter().map(|t| (t.name.as_str(), t.role, t.secret.as_str())).collect();
    let expected = [
        ("ada", Role::Operator, "a-secret-in-the-environment"),
        ("prometheus", Role::Viewer, "a-secret-in-a-file"),
        ("grace", Role::Inspector, "not-this-one-but-your-own"),
    ];
    assert_eq!(tokens, expected);
    assert_eq!(admin.audit, Some(folder.join("audit.log")));
    assert_eq!(
        config.tls,
        Some(TlsFiles { cert: folder.join("gateway.crt"), key: folder.join("gateway.key") })
    );
    assert_eq!(config.limits.handshakes_per_second, Some(500));
    std::fs::remove_dir_all(&folder).expect("removed");

    let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let tables: [&[&str]; 9] = [
        &file::ROOT,
        &file::TLS,
        &file::LIMITS,
        &file::ADMIN,
        &file::TOKEN,
        &file::ROUTE,
        &file::SUBJECT,
        &file::CONNECT,
        &file::ROUTE_LIMITS,
    ];
    for key in tables.concat() {
        assert!(words.contains(key), "the example lacks {key}");
    }
}

fn tempdir() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("hijack-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn mistakes_name_file_line_key_and_cure() {
    let site = "[route.a]\nupstream = \"http://h:1\"\n";
    let table = [
        // No TOML at all.
        ("a = \n".to_owned(), "gateway.toml:1: "),
        ("[route.a\n".to_owned(), "gateway.toml:1: "),
        ("listen = \"a:1\"\nlisten = \"b:1\"\n".to_owned(), "gateway.toml:2: duplicate key"),
        // Keys.
        (
            "\n\n[route.chat]\nupstrem = \"x\"\n".to_owned(),
            "gateway.toml:4: route.chat.upstrem: unknown key, `upstream` may be meant",
        ),
        (format!("{site}[zzz]\n"), "gateway.toml:3: zzz: unknown key, the keys here are listen, tls"),
        (
            format!("{site}[limits]\nidle = \"1s\"\n"),
            "gateway.toml:4: limits.idle: unknown key, the keys here are connections",
        ),
        (
            format!("{site}[route.\"a b\"]\nx = 1\nupstream = \"http://h:1\""),
            "gateway.toml:4: route.\"a b\".x: unknown key",
        ),
        ("[route.chat]\npath = \"/\"\n".to_owned(), "gateway.toml:1: route.chat.upstream: it is missing"),
        // Kinds.
        (
            format!("drain = 30\n{site}"),
            "gateway.toml:1: drain: expected a duration such as 500ms, 30s, 5m, 1.5h or 7d in quotes, found integer",
        ),
        (
            format!("drain = \"30\"\n{site}"),
            "gateway.toml:1: drain: expected a duration such as 500ms, 30s, 5m, 1.5h or 7d in quotes, found other text",
        ),
        (
            format!("closed_kept = -1\n{site}"),
            "gateway.toml:1: closed_kept: expected a whole number, such as 1000, found integer",
        ),
        (format!("listen = [1]\n{site}"), "gateway.toml:1: listen: expected a list of texts"),
        ("route = 3\n".to_owned(), "gateway.toml:1: route: expected a table, found integer"),
        (format!("admin = true\n{site}"), "gateway.toml:1: admin: expected a table, found boolean"),
        (
            format!("{site}[limits]\nshown_len = \"1x\""),
            "gateway.toml:4: limits.shown_len: expected a size such as 512",
        ),
        (
            format!("{site}compression = \"no\"\n"),
            "gateway.toml:3: route.a.compression: \"no\" is none of passthrough, inflate, plain",
        ),
        (
            "[route.a]\nupstream = \"nowhere\"\n".to_owned(),
            "gateway.toml:2: route.a.upstream: cannot use \"nowhere\" as an address: it looks like http://host:port",
        ),
        // What does not fit together.
        (
            String::new(),
            "gateway.toml: route: nothing leads anywhere: add [route.NAME] with an upstream, or give --upstream URL",
        ),
        (format!("listen = []\n{site}"), "gateway.toml:1: listen: it listens nowhere"),
        (
            format!("listen = \"8080\"\n{site}"),
            "gateway.toml:1: listen: \"8080\" is no address: it looks like 127.0.0.1:8080",
        ),
        (format!("listen = [\"a:1\", \"a:1\"]\n{site}"), "gateway.toml:1: listen: a:1 is named twice"),
        (
            format!("listen = \"127.0.0.1:9091\"\n{site}"),
            "gateway.toml: admin.listen: clients come in at 127.0.0.1:9091 already",
        ),
        (
            format!("listen = \"h:1\"\n{site}"),
            "gateway.toml:3: route.a.upstream: it leads to h:1, where the gateway itself listens",
        ),
        (
            format!("{site}[route.b]\nupstream = \"http://h:2\"\n"),
            "gateway.toml:3: route.b: it is for the same host and path as route a",
        ),
        (
            format!("{site}host = \"*.B.org\"\n[route.b]\nupstream = \"http://h:2\"\nhost = \"*.b.org\""),
            "gateway.toml:4: route.b: it is for the same host and path as route a",
        ),
        (
            format!("{site}host = \"a.*.org\"\n"),
            "gateway.toml:3: route.a.host: \"a.*.org\" is no wildcard: a star stands in front only",
        ),
        (
            format!("{site}host = \"*a.org\"\n"),
            "gateway.toml:3: route.a.host: \"*a.org\" is no wildcard: it looks like *.example.org",
        ),
        (format!("{site}host = \"*\"\n"), "gateway.toml:3: route.a.host: `*` alone: leave host out"),
        (format!("{site}host = \"a.org:80\"\n"), "gateway.toml:3: route.a.host: \"a.org:80\" has a port"),
        (
            format!("{site}host = \"http://a.org\"\n"),
            "gateway.toml:3: route.a.host: \"http://a.org\" is a URL",
        ),
        (format!("{site}host = \"\"\n"), "gateway.toml:3: route.a.host: \"\" is no host"),
        (
            format!("{site}path = \"chat\"\n"),
            "gateway.toml:3: route.a.path: \"chat\" is no prefix of a path: it begins with /",
        ),
        (format!("{site}upgrades = [\"a b\"]\n"), "gateway.toml:3: route.a.upgrades: \"a b\" is no token"),
        (
            format!("{site}origins = \"https://a.org/\"\n"),
            "gateway.toml:3: route.a.origins: \"https://a.org/\" is no origin",
        ),
        (
            format!("{site}subject = {{ header = \"a b\" }}\n"),
            "gateway.toml:3: route.a.subject: \"a b\" is no name",
        ),
        (
            format!("{site}subject = {{ header = \"a\", cookie = \"b\" }}\n"),
            "gateway.toml:3: route.a.subject: it takes either header or cookie",
        ),
        (
            format!("{site}limits = {{ idle = \"0s\" }}\n"),
            "gateway.toml:3: route.a.limits.idle: 0 would let nothing pass",
        ),
        (
            format!("{site}limits.pong_timeout = \"1s\"\n"),
            "gateway.toml:3: route.a.limits.pong_timeout: nothing is pinged without ping_after",
        ),
        (
            format!("{site}[tls]\ncert = \"/no/such/file\"\nkey = \"/no/such/file\"\n"),
            "gateway.toml:3: tls: cannot ",
        ),
        (format!("{site}[tls]\ncert = \"/no/such/file\"\n"), "gateway.toml:3: tls: it takes both"),
        (format!("upstream_ca = \"/no/such/file\"\n{site}"), "gateway.toml:1: upstream_ca: cannot "),
        ("[connect.\"db\"]\n".to_owned(), "gateway.toml:1: connect.db: it is no host:port"),
        (
            "[connect.\"db\"]\nupstream = \"http://h:1\"".to_owned(),
            "gateway.toml:1: connect.\"db\": CONNECT names host:port",
        ),
        ("[connect.\"/x\"]\n".to_owned(), "gateway.toml:1: connect.\"/x\".upstream: it is missing"),
    ];
    for (text, expected) in table {
        let found = mistakes(&text);
        assert!(found.starts_with(expected), "{text}\n     got {found}\nexpected {expected}");
    }
}

#[test]
fn the_operators_side_is_never_open_to_everybody() {
    let site = "[route.a]\nupstream = \"http://h:1\"\n";
    let with = |admin: &str| mistakes(&format!("{site}{admin}"));
    let public =
        ["0.0.0.0:9091", "[::]:9091", "10.0.0.1:9091", "ops.example.org:9091", "[::ffff:10.0.0.1]:9091"];
    for listen in public {
        let found = with(&format!("[admin]\nlisten = \"{listen}\"\n"));
        let expected = format!(
            "gateway.toml:4: admin.listen: {listen} can be reached from other machines, and no token"
        );
        assert!(found.starts_with(&expected), "{found}");
        let token = "[admin.token.a]\nrole = \"viewer\"\nsecret = \"0123456789abcdef\"\n";
        assert_eq!(with(&format!("[admin]\nlisten = \"{listen}\"\n{token}")), "");
    }
    for listen in
        ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/tmp/a", "[::ffff:127.0.0.1]:1"]
    {
        assert_eq!(with(&format!("[admin]\nlisten = \"{listen}\"\n")), "", "{listen}");
    }
}

#[test]
fn tokens_are_strong_and_never_shown() {
    let with = |tokens: &str| mistakes(&format!("[route.a]\nupstream = \"http://h:1\"\n{tokens}"));
    let table = [
        (
            "[admin.token.x]\nrole = \"viewer\"\nsecret = \"SECRET7\"\n",
            "gateway.toml:3: admin.token.x: a secret of 7 characters can be guessed, the least is 16",
        ),
        (
            "[admin.token.x]\nrole = \"viewer\"\nsecret = \"SECRET SECRET SECRET\"\n",
            "gateway.toml:3: admin.token.x: the secret has characters",
        ),
        (
            "[admin.token.x]\nrole = \"viewer\"\nsecret = \"SECRETSECRETSECRET\"\n[admin.token.y]\nrole = \"viewer\"\nsecret = \"SECRETSECRETSECRET\"\n",
            "gateway.toml:6: admin.token.y: it has the same secret as x",
        ),
        ("[admin.token.x]\nrole = \"viewer\"\n", "gateway.toml:3: admin.token.x: it takes one of secret"),
        (
            "[admin.token.x]\nrole = \"viewer\"\nsecret = \"SECRETSECRETSECRET\"\nsecret_env = \"X\"\n",
            "gateway.toml:3: admin.token.x: it takes one of secret",
        ),
        (
            "[admin.token.x]\nsecret = \"SECRETSECRETSECRET\"\n",
            "gateway.toml:3: admin.token.x.role: it is missing",
        ),
        (
            "[admin.token.x]\nrole = \"viewer\"\nsecret = [\"SECRET\"]\n",
            "gateway.toml:5: admin.token.x.secret: expected text in quotes, found array",
        ),
        (
            "[admin.token.x]\nrole = \"viewer\"\nsecret_env = \"NOT_SET\"\n",
            "gateway.toml:5: admin.token.x.secret_env: the variable \"NOT_SET\" is not set",
        ),
        (
            "[admin.token.x]\nrole = \"viewer\"\nsecret_file = \"/no/such/file\"\n",
            "gateway.toml:5: admin.token.x.secret_file: cannot read /no/such/file",
        ),
        ("[admin.token.x]\nrole = \"viewer\"\nsecret = \"SECRET\n", "gateway.toml:5: "),
    ];
    for (text, expected) in table {
        let found = with(text);
        assert!(found.starts_with(expected), "{text}\n     got {found}\nexpected {expected}");
        assert!(!found.contains("SECRET"), "{found}");
    }
    let config = read(
        "[route.a]\nupstream = \"http://h:1\"\n[admin.token.x]\nrole = \"viewer\"\nsecret = \"SECRETSECRETSECRET\"\n",
    );
    let config = config.expect("sound");
    assert!(!config.explain().contains("SECRET"));
    assert!(!format!("{config:?}").contains("SECRET"));
}

#[test]
fn a_flag_is_named_instead_of_a_line() {
    let mut config = read("listen = \"a:1\"\n[route.a]\nupstream = \"http://h:1\"\n").expect("sound");
    config.listen = vec!["nowhere".into()];
    config.set_by_flag("listen", "--listen");
    let error = config.check().expect_err("no address");
    assert!(error.to_string().starts_with("--listen: listen: \"nowhere\" is no address"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Path::new("/no/such/gateway.toml")).expect_err("no file");
    assert!(
        error.to_string().starts_with("/no/such/gateway.toml: the configuration cannot be read: "),
        "{error}"
    );
}

#[test]
fn explains_the_example() {
    let text = read(EXAMPLE).expect("the example").explain();
    let expected = "\
clients come in at 127.0.0.1:8080 and unix:/tmp/hijack-gateway.sock
operators come in at 127.0.0.1:9091, from this machine only
  by HIJACK_TOKEN, or a token that is made and printed at the start: an operator
  also by the names hijack.example.org
  no file keeps what they do (admin.audit names one)
routes, in the order in which they are matched:
  chat: *.example.org, /chat and below -> unix:/run/chat.sock
    upgrades to websocket
    WebSockets opened by pages of https://www.example.org, and by programs
    compression passes; of compressed messages only sizes are seen
    the user is in the header X-User
    limits: 10000 connections, 100 connections per client address, 5 connections per user, messages to 1MiB, \
50 messages per second (delayed beyond), 500 frames per second (delayed beyond), 15m idle, 1d of life, 1m half open, 30s of silence before a ping, \
20s for its pong, slow readers closed with 1013 after 10s
  site: any host, / -> http://127.0.0.1:9090
    upgrades to websocket, tcp
    compression passes; of compressed messages only sizes are seen
CONNECT opens a tunnel to these and nothing else:
  db.internal:5432 -> http://10.0.0.5:5432
    limits: 20 connections, 1h idle
  /_goRPC_ -> http://127.0.0.1:9090
limits on all together:
  65536 connections of clients
  any number of takeovers per second
  1MiB of body with a request for an upgrade, then 413
  10s to connect to an upstream, 1m for its answer
  16KiB of a message shown, 512 messages kept for whoever looks
  a drain is spread over 30s
  1000 ended connections are remembered for 10m
";
    assert_eq!(text, expected);
}
