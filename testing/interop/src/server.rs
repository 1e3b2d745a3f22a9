//! Stub.
use crate::peer::Reference;
/// Stub.
#[derive(Debug)]
pub struct Server(Reference);
impl Server {
    /// Stub.
    pub fn start() -> Self {
        Self(Reference::start().expect("go"))
    }
    /// Stub.
    pub fn base(&self) -> &str {
        self.0.base()
    }
}
