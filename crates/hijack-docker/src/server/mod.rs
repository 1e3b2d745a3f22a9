//! The daemon's side: requests for a process's streams, taken over in dockerd's words.
//!
//! ```text
//! request ─→ Target ─→ Attach, ExecStart ─→ take_over ─→ ServerStreams ─→ Broadcast::attend
//!              └──────────→ Refusal: JSON, or text behind an attach's head
//! ```
//!
//! What a container is, and every call that is no stream, is the engine's own; `examples/docker_engine` is a small one, on
//! which Docker's own client runs, executes and attaches.
//!
//! Different from dockerd: what a client sends together with its request is not thrown away, but is the first input.
//! And a 101 goes only to whoever offers `tcp` as HTTP has it, with `Upgrade` named in `Connection`; all others get the 200.
//!
//! ```
//! use hijack::stream::{Broadcast, ServerStreams, StreamType};
//! use hijack::{Error, Exchange, Outcome};
//! use hijack_docker::ApiVersion;
//! use hijack_docker::server::{Attach, Target};
//!
//! // `POST /containers/{id}/attach`, whichever it is, to a process without a terminal.
//! async fn attach(exchange: Exchange, outputs: Broadcast) -> Result<Outcome, Error> {
//!     let target = Target::parse(exchange.uri(), ApiVersion::NEWEST);
//!     let attach = match target.and_then(|target| Attach::of(&target)) {
//!         Ok(attach) => attach,
//!         Err(refusal) => return refusal.answer_as_stream(exchange).await,
//!     };
//!     let streams: ServerStreams = attach.take_over(exchange, false).await?;
//!     outputs.attend(streams, attach.visit(Some(tokio::io::sink()), false, true)).await
//! }
//! ```

mod attach;
mod exec;
mod http2;
mod refusal;
mod takeover;
mod target;

pub use attach::Attach;
pub use exec::ExecStart;
pub use http2::{Http2Error, grpc, session};
pub use refusal::Refusal;
pub use target::Target;
