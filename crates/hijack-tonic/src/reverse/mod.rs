//! Calls against the direction of the connection: an agent behind a firewall or a router that translates addresses dials
//! out, and then serves; the side that was dialled calls it.
//!
//! ```text
//! Agent ─→ Dialer ─→ takeover by `hijack-grpc-reverse`, its name in the head ─→ AgentRegistry: who is it? another one of it?
//!   └── serves HTTP/2 ←─────────────────────────────────────────────── Channel, got by name ┘
//! ```
//!
//! ```no_run
//! use std::time::Duration;
//! use hijack_tonic::reverse::{Agent, AgentRegistry};
//! use hijack_tonic::tonic::service::Routes;
//!
//! # async fn agent(services: Routes) -> Result<(), Box<dyn std::error::Error>> {
//! // Behind the firewall:
//! Agent::new("http://gateway.example/agents", "agent-7")?.serve(services).await;
//! # Ok(()) }
//! # async fn gateway() {
//! // At the gateway, whose route /agents is the registry's:
//! let registry = AgentRegistry::new();
//! if let Some(channel) = registry.wait_for("agent-7", Duration::from_secs(5)).await {
//!     // GreeterClient::new(channel)
//! #   let _ = channel;
//! }
//! # }
//! ```

mod agent;
mod registry;

use http::HeaderName;

pub use agent::{Agent, AgentConfig};
pub use registry::{AgentRegistry, Policy, RegistryConfig};

/// The protocol's name in `Upgrade`, and among a WebSocket's subprotocols.
pub const TOKEN: &str = "hijack-grpc-reverse";

/// In the head of an agent's request: its name.
pub const AGENT: HeaderName = HeaderName::from_static("hijack-agent");
