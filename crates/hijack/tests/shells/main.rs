//! Both shells over one engine, proved with the same bytes: a handler of exchanges and a tower service answer and take
//! over alike, and services keep their layers.
//!
//! [`act`] says what handlers do, [`play`] what clients see; the rest is one module per subject. The numbers are those
//! of the behaviours.

mod act;
#[cfg(feature = "tls")]
#[allow(dead_code, reason = "made for other tests")]
#[path = "../behaviour/certificates.rs"]
mod certificates;
mod layers;
mod lives;
mod play;
mod scenes;
mod services;
#[allow(dead_code, reason = "made for other tests")]
#[path = "../behaviour/support.rs"]
mod support;
