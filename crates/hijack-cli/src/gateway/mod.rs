//! `hijack gateway`: from flags and file to one configuration.

mod args;
mod serve;

use hijack_gateway::{Admin, Config, Route};

use crate::exit::{Failure, Kind};

pub(crate) use args::Gateway;

/// Says what a configuration means, or serves.
pub(crate) fn run(args: &Gateway) -> Result<(), Failure> {
    let config = config(args)?;
    if args.check {
        print!("{}", config.explain());
        return Ok(());
    }
    crate::log::start();
    let demo = args.demo.then(|| format!("{}:{}", args::DEMO.0, args::DEMO.1));
    crate::runtime(args.threads)?.block_on(serve::run(config, demo))
}

/// The configuration that `args` and their file make together, checked.
pub(crate) fn config(args: &Gateway) -> Result<Config, Failure> {
    let wrong = |error: hijack_gateway::ConfigError| {
        Failure::new(Kind::Other, format!("the configuration has mistakes:\n{error}"))
    };
    let mut config = match &args.config {
        Some(path) => Config::load(path).map_err(wrong)?,
        None => {
            let mut config = Config::default();
            config.admin = Some(Admin::default());
            config
        }
    };
    apply(args, &mut config);
    config.check().map_err(wrong)?;
    Ok(config)
}

/// Puts what the flags say in the place of what the file says.
fn apply(args: &Gateway, config: &mut Config) {
    if !args.listen.is_empty() {
        config.listen.clone_from(&args.listen);
        config.set_by_flag("listen", "--listen");
    }
    match args.admin.as_deref() {
        Some("off") => config.admin = None,
        Some(address) => {
            config.admin.get_or_insert_default().listen = address.to_owned();
            config.set_by_flag("admin.listen", "--admin");
        }
        None => {}
    }
    if let Some(upstream) = &args.upstream {
        let name = whole(config, upstream.clone());
        config.set_by_flag(&format!("route.{name}.upstream"), "--upstream");
    }
    if args.demo {
        let demo = hijack::Endpoint::tcp(args::DEMO.0, args::DEMO.1);
        let name = whole(config, demo.clone());
        config.set_by_flag(&format!("route.{name}.upstream"), "--demo");
        // Apart, since connections whose calls are listed do not move.
        if !config.routes.iter().any(|route| route.path == GRPC) {
            let mut route = Route::new("grpc", demo);
            (route.path, route.grpc) = (GRPC.into(), true);
            config.routes.push(route);
        }
        // Its echo takes any token.
        allow(config, "*");
    }
    for token in &args.upgrade {
        allow(config, token);
    }
}

/// Gives the route for everything this upstream, and makes it where there is none. Its name.
fn whole(config: &mut Config, upstream: hijack::Endpoint) -> String {
    match config.routes.iter_mut().find(|route| route.host.is_none() && route.path == "/") {
        Some(route) => {
            route.upstream = upstream;
            route.name.clone()
        }
        None => {
            config.routes.push(Route::new(DEFAULT, upstream));
            DEFAULT.to_owned()
        }
    }
}

/// Where the demo has its gRPC service.
const GRPC: &str = "/grpc";

/// The name of the route that flags make.
const DEFAULT: &str = "default";

/// Lets a token pass on every route.
fn allow(config: &mut Config, token: &str) {
    for route in &mut config.routes {
        if !route.upgrades.iter().any(|known| known.eq_ignore_ascii_case(token)) {
            route.upgrades.push(token.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    fn parse(line: &str) -> Result<Config, String> {
        let args = Args::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        match args.command {
            Some(Command::Gateway(args)) => config(&args).map_err(|failure| failure.to_string()),
            other => panic!("expected a gateway, got {other:?}"),
        }
    }

    fn file(name: &str, text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("hijack-cli-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).expect("written");
        path
    }

    #[test]
    fn flags_alone_are_a_configuration() {
        let config = parse(
            "hijack gateway --listen 127.0.0.1:1 --listen unix:/tmp/a --upstream http://h:2 --upgrade raw --upgrade TCP",
        )
        .expect("sound");
        assert_eq!(config.listen, ["127.0.0.1:1", "unix:/tmp/a"]);
        let route = config.route(Some("any"), "/x").expect("a route");
        assert_eq!((route.name.as_str(), route.upstream.to_string().as_str()), ("default", "http://h:2"));
        assert_eq!(route.upgrades, ["websocket", "tcp", "raw"]);
        assert_eq!(config.admin.expect("operators").listen, "127.0.0.1:9091");

        let config = parse("hijack gateway --demo --admin off").expect("sound");
        assert!(config.admin.is_none());
        assert_eq!(config.listen, ["127.0.0.1:8080"]);
        let route = config.route(None, "/echo").expect("a route");
        assert_eq!(route.upstream.to_string(), "http://127.0.0.1:9090");
        assert!(route.upgrades.contains(&"*".to_owned()) && !route.grpc);
        assert!(config.route(None, "/grpc").expect("a route").grpc);
    }

    #[test]
    fn flags_override_the_file() {
        let text = "listen = \"127.0.0.1:1\"\n[admin]\nlisten = \"127.0.0.1:3\"\nhosts = [\"a.org\"]\n\
            [route.site]\nupstream = \"http://h:1\"\n[route.chat]\npath = \"/chat\"\nupstream = \"http://h:2\"\n";
        let path = file("override", text);
        let line = format!(
            "hijack gateway --config {} --listen [::1]:7 --upstream unix:/tmp/u --admin localhost:4 --upgrade h2c",
            path.display()
        );
        let config = parse(&line).expect("sound");
        std::fs::remove_file(path).expect("removed");
        assert_eq!(config.listen, ["[::1]:7"]);
        let admin = config.admin.as_ref().expect("operators");
        assert_eq!((admin.listen.as_str(), &admin.hosts[..]), ("localhost:4", &["a.org".to_owned()][..]));
        assert_eq!(config.route(None, "/").expect("a route").upstream.to_string(), "unix:/tmp/u");
        assert_eq!(config.route(None, "/chat").expect("a route").upstream.to_string(), "http://h:2");
        assert!(config.routes.iter().all(|route| route.upgrades == ["websocket", "tcp", "h2c"]));
    }

    #[test]
    fn mistakes_name_flag_or_line() {
        let table = [
            (
                "hijack gateway",
                "route: nothing leads anywhere: add [route.NAME] with an upstream, or give --upstream URL",
            ),
            (
                "hijack gateway --upstream http://h:1 --listen nowhere",
                "--listen: listen: \"nowhere\" is no address",
            ),
            (
                "hijack gateway --upstream http://h:1 --admin 0.0.0.0:1",
                "--admin: admin.listen: 0.0.0.0:1 can be reached",
            ),
            (
                "hijack gateway --upstream http://127.0.0.1:8080",
                "--upstream: route.default.upstream: it leads to 127.0.0.1:8080",
            ),
            ("hijack gateway --upstream nowhere", "it looks like http://host:port"),
            ("hijack gateway --upgrade a,b", "a token is one word"),
            ("hijack gateway --demo --upstream http://h:1", "cannot be used with"),
            ("hijack gateway --config /no/such/file", "/no/such/file: the configuration cannot be read"),
        ];
        for (line, expected) in table {
            let error = parse(line).expect_err(line);
            assert!(error.contains(expected), "{line}: got {error}, expected {expected}");
        }
        let path = file("mistakes", "[route.chat]\nupstrem = \"http://h:1\"\n");
        let error = parse(&format!("hijack gateway --config {}", path.display())).expect_err("a mistake");
        std::fs::remove_file(&path).expect("removed");
        let expected =
            format!("{}:2: route.chat.upstrem: unknown key, `upstream` may be meant", path.display());
        assert!(error.contains(&expected), "{error}");
    }
}
