//! The gateway at work: demo, gateway and operators' side together, until a signal drains them.

use std::io::Write;
use std::time::Duration;

use hijack::ShutdownReport;
use hijack_gateway::{AdminHandle, AdminServer, Config, Gateway};

use crate::demo;
use crate::exit::Failure;

/// Serves until SIGINT or SIGTERM, then drains; a second signal ends everything at once.
pub(super) async fn run(config: Config, demo_address: Option<String>) -> Result<(), Failure> {
    let mut told = String::new();
    let started = Started::new(config, demo_address, &mut told).await?;
    // Whoever started it may have stopped listening: no reason not to serve.
    let _ = std::io::stdout().write_all(told.as_bytes());
    let no_signals = |error| Failure::system("wait for signals", &error);
    demo::wait_for_signal().await.map_err(no_signals)?;
    tokio::select! {
        report = started.drain() => eprintln!("drained; {} ended by force", report.forced),
        again = demo::wait_for_signal() => again.map_err(no_signals)?,
    }
    Ok(())
}

/// All that serves.
struct Started {
    demo: Option<demo::Running>,
    gateway: Gateway,
    admin: Option<AdminHandle>,
}

impl Started {
    /// Starts it, and tells where it is.
    async fn new(config: Config, demo_address: Option<String>, told: &mut String) -> Result<Self, Failure> {
        let gateway = Gateway::new(config)?;
        let demo = match demo_address {
            Some(address) => Some(demo::Running::start(&address, None).await?),
            None => None,
        };
        if let Some(demo) = &demo {
            told.push_str(&format!("demo     http://{}/\n", demo.address()));
        }
        let tls = gateway.config().tls.is_some();
        for listener in gateway.bind().await? {
            told.push_str(&format!("gateway  {}\n", url(&listener.local_address(), tls)));
            let gateway = gateway.clone();
            tokio::spawn(async move { gateway.serve(listener).await });
        }
        let admin = start_admin(&gateway, told).await?;
        if demo.is_some() {
            told.push_str(HINT);
        }
        Ok(Self { demo, gateway, admin })
    }

    /// Ends it: what is relayed first, and what shows it last.
    async fn drain(self) -> ShutdownReport {
        let (live, over) = (self.gateway.count(), self.gateway.config().drain);
        let seconds = over.as_secs_f32();
        eprintln!("draining {live} connections over {seconds} s; the signal again ends everything at once");
        let report = self.gateway.drain(if live == 0 { Duration::ZERO } else { over }).await;
        if let Some(demo) = self.demo {
            demo.shutdown().await;
        }
        if let Some(admin) = self.admin {
            admin.shutdown(Duration::from_secs(1)).await;
        }
        report
    }
}

/// Starts the operators' side, if there is to be one.
async fn start_admin(gateway: &Gateway, told: &mut String) -> Result<Option<AdminHandle>, Failure> {
    let Some(admin) = &gateway.config().admin else { return Ok(None) };
    let token = std::env::var("HIJACK_TOKEN").ok().filter(|token| !token.is_empty());
    let server = AdminServer::bind(gateway.clone(), admin, token).await?;
    told.push_str(&console_line(&server));
    let handle = server.handle();
    tokio::spawn(server.serve());
    Ok(Some(handle))
}

fn url(address: &str, tls: bool) -> String {
    if address.starts_with("unix:") {
        return address.to_owned();
    }
    format!("{}://{address}/", if tls { "https" } else { "http" })
}

/// Where the console is. A token that was made is shown here and nowhere else.
fn console_line(server: &AdminServer) -> String {
    let url = url(&server.local_address(), false);
    match server.made_token() {
        Some(token) => format!("console  {url}?token={token}\ntoken    export HIJACK_TOKEN={token}\n"),
        None => format!("console  {url}\n"),
    }
}

const HINT: &str = "\
try: hijack ws ws://127.0.0.1:8080/ws             talk to the demo through the gateway
     hijack conns list --watch                    see it there (with the token above)
     open http://127.0.0.1:8080/ws/chat           a room; kick somebody out of it in the console
     hijack grpc-forward --listen 127.0.0.1:50051 --to http://127.0.0.1:8080/grpc
                                                  gRPC clients at :50051; their calls by hijack conns show, or in the console
";
