//! `hijack grpc-forward`: a local port behind which a gRPC server seems to be, for clients in any language.
//!
//! Each connection that comes is joined with one that is taken over at the URL; HTTP/2 is between the two ends alone.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Args as ClapArgs, ValueEnum};
use hijack::{Client, Conn, Proxy, Relay, Tracker};
use hijack_tonic::{Dialer, Mode};
use http::uri::Authority;
use http::{HeaderName, HeaderValue};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::demo::wait_for_signal;
use crate::exit::{Failure, Kind};

/// Forward gRPC from a local port through HTTP/1.1, for clients in any language.
///
/// Every connection of a gRPC client (plain HTTP/2) is carried over one that is taken over at the URL, through proxies that
/// know HTTP/1.1 only.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GrpcForward {
    /// Where to listen: HOST:PORT
    #[arg(long, value_name = "ADDR")]
    listen: String,

    /// Where the services are: http://HOST:PORT/PATH or https://…
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    to: Url,

    /// How to get through
    #[arg(long, value_enum, default_value_t)]
    mode: Way,

    /// The name to CONNECT to, where it is not that of the URL: HOST:PORT
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_authority)]
    authority: Option<Authority>,

    /// Go through a proxy that opens tunnels: http://[USER:PASSWORD@]HOST:PORT
    #[arg(long, value_name = "URL", value_parser = parse_proxy)]
    proxy: Option<Proxy>,

    /// Add a header to the request; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = parse_header)]
    header: Vec<(HeaderName, HeaderValue)>,

    /// Trust the certificate authorities in this file (PEM) instead of the machine's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Way {
    /// The token; a WebSocket where that does not work
    #[default]
    Auto,
    /// Upgrade: hijack-grpc
    Token,
    /// A WebSocket of the subprotocol hijack-grpc
    Websocket,
    /// CONNECT to the HOST:PORT of the URL, or to --authority
    Connect,
}

const EXAMPLES: &str = "\
Examples:
  hijack grpc-forward --listen 127.0.0.1:50051 --to http://127.0.0.1:9090/grpc
  hijack grpc-forward --listen 127.0.0.1:50051 --to https://gateway.example/grpc --header 'Authorization: Bearer TOKEN'
  hijack grpc-forward --listen 127.0.0.1:50051 --to http://127.0.0.1:9090 --mode connect
  hijack grpc-forward --listen 127.0.0.1:50051 --to https://gateway.example/grpc --proxy http://ann:secret@proxy.example:3128

A client then calls 127.0.0.1:50051 without TLS. What keeps its calls from getting through is told on stderr; the client
itself sees UNAVAILABLE. 1,024 connections are carried at once; further ones wait.";

/// A URL and what it means to the client.
#[derive(Debug, Clone)]
struct Url {
    text: String,
    dialer: Dialer,
}

fn parse_url(text: &str) -> Result<Url, String> {
    match Dialer::to(text) {
        Ok(dialer) => Ok(Url { text: text.to_owned(), dialer }),
        Err(_) => Err("it looks like http://host:port/path or https://host/path".into()),
    }
}

fn parse_authority(text: &str) -> Result<Authority, String> {
    let parsed = text.parse::<Authority>().ok().filter(|authority| authority.port_u16().is_some());
    parsed.ok_or_else(|| "it looks like host:port".into())
}

/// User and password are taken as they stand, to the last `@`.
fn parse_proxy(text: &str) -> Result<Proxy, String> {
    let cure = || "it looks like http://host:port or http://user:password@host:port".to_owned();
    let (scheme, rest) = text.split_once("://").ok_or_else(cure)?;
    if !["http", "https"].contains(&scheme) {
        return Err(cure());
    }
    let (credentials, place) = match rest.rsplit_once('@') {
        Some((credentials, place)) => (Some(credentials), place),
        None => (None, rest),
    };
    let proxy = Proxy::new(format!("{scheme}://{place}").parse().map_err(|_| cure())?);
    Ok(match credentials.map(|both| both.split_once(':').unwrap_or((both, ""))) {
        Some((user, password)) => proxy.basic_auth(user, password),
        None => proxy,
    })
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = crate::args::parse_header(text)?;
    if name == http::header::HOST || name == http::header::CONTENT_LENGTH {
        return Err(format!("{name} is the request's own"));
    }
    Ok((name, value))
}

/// Connections at once; further ones wait in the kernel's queue. As many as a server of ours lets in.
const MAX_CONNECTIONS: usize = 1024;

/// Forwards until SIGINT or SIGTERM.
pub(crate) async fn run(args: GrpcForward) -> Result<(), Failure> {
    let forward = Arc::new(Forward::new(&args)?);
    let listener =
        TcpListener::bind(&args.listen).await.map_err(|error| cannot_listen(&args.listen, &error))?;
    let address = listener.local_addr().map_err(|error| cannot_listen(&args.listen, &error))?;
    // Whoever started it may have stopped listening: no reason not to serve.
    let _ = writeln!(std::io::stdout(), "forwarding {address} to {}", args.to.text);
    tokio::select! {
        () = forward.accept_all(&listener) => Ok(()),
        signalled = wait_for_signal() => signalled.map_err(|error| Failure::system("wait for signals", &error)),
    }
}

fn cannot_listen(address: &str, error: &std::io::Error) -> Failure {
    let cure = match error.kind() {
        std::io::ErrorKind::AddrInUse => "another program listens there: choose another port",
        std::io::ErrorKind::InvalidInput => "an address looks like 127.0.0.1:50051",
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need rights: choose a higher one",
        _ => "is that an address of this machine?",
    };
    Failure::new(Kind::Other, format!("cannot listen on {address}: {error} ({cure})"))
}

struct Forward {
    url: String,
    dialer: Dialer,
    tracker: Tracker,
    places: Arc<Semaphore>,
    /// What was told last, and not followed by a success: it is not told again.
    told: Mutex<String>,
}

impl Forward {
    fn new(args: &GrpcForward) -> Result<Self, Failure> {
        let mut dialer = args.to.dialer.clone().mode(match args.mode {
            Way::Auto => Mode::Auto,
            Way::Token => Mode::Token,
            Way::Websocket => Mode::WebSocket,
            Way::Connect => Mode::Connect,
        });
        if let Some(authority) = &args.authority {
            dialer = dialer.connect_to(authority.clone());
        }
        if let Some(proxy) = &args.proxy {
            dialer = dialer.through(proxy.clone());
        }
        for (name, value) in &args.header {
            dialer = dialer.header(name.clone(), value.clone());
        }
        if let Some(authorities) = &args.ca {
            let tls = hijack::tls::client_config_with(authorities, None)?;
            dialer = dialer.by(Client::builder().tls(tls).build());
        }
        Ok(Self {
            url: args.to.text.clone(),
            dialer,
            tracker: Tracker::default(),
            places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            told: Mutex::default(),
        })
    }

    async fn accept_all(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            let place = Arc::clone(&self.places).acquire_owned().await.expect("never closed");
            match listener.accept().await {
                Ok((client, _)) => drop(tokio::spawn(Arc::clone(self).carry(client, place))),
                Err(error) => {
                    self.tell(&format!("cannot accept connections at the moment: {error}"));
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Carries one connection to its end.
    async fn carry(self: Arc<Self>, client: TcpStream, _place: OwnedSemaphorePermit) {
        let mut client = self.tracker.adopt(client);
        let dialled = tokio::select! {
            dialled = self.dialer.dial() => dialled,
            () = left(&mut client) => return,
        };
        let pipe = match dialled {
            Ok(pipe) => pipe,
            Err(error) => return self.tell(&format!("cannot reach gRPC at {}: {error}", self.url)),
        };
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clear();
        // How it ended both ends have seen for themselves.
        let _end = match pipe.into_conn() {
            Ok(server) => Relay::new(client, server).run().await,
            Err(framed) => Relay::new(client, self.tracker.adopt(framed)).run().await,
        };
    }

    fn tell(&self, text: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told != text {
            eprintln!("hijack: {text}");
            text.clone_into(&mut told);
        }
    }
}

/// Completes when a client has left; what it says meanwhile stays to be read, as far as [`MAX_EARLY_LEN`].
async fn left(client: &mut Conn<TcpStream>) {
    if client.peek(MAX_EARLY_LEN).await.is_ok_and(|early| early.len() >= MAX_EARLY_LEN) {
        std::future::pending::<()>().await;
    }
}

/// Bytes that a client can have sent before a server answers its first ones: HTTP/2's window of 64 KiB, and headers.
const MAX_EARLY_LEN: usize = 128 * 1024;

/// How long accepting rests when the process has no descriptors left, or a like error lasts.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
