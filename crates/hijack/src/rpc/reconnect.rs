//! A client that connects anew when its connection is gone.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::{CallError, Client, Codec, Decode, Dial, Encode};

/// Calls over a connection that is made when the first call wants it, and again when it is gone. Cheap to clone.
///
/// A call that was under way when its connection ended fails with [`CallError::Lost`] and is not repeated: nobody knows
/// whether the server carried it out. The next one connects again, once for all that wait.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use hijack::rpc::{Dial, Json, Reconnecting};
///
/// let client = Reconnecting::new(Dial::to("tcp://127.0.0.1:1234")?, Json);
/// let next: i64 = client.call("Counter.Add", &1).await?;
/// # Ok(()) }
/// ```
pub struct Reconnecting<C: Codec>(Arc<Shared<C>>);

struct Shared<C: Codec> {
    dial: Dial,
    codec: C,
    client: Mutex<Option<Client<C>>>,
}

impl<C: Codec> Clone for Reconnecting<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Codec> Reconnecting<C> {
    /// A client of the server that `dial` leads to. Nothing is connected yet.
    #[must_use]
    pub fn new(dial: Dial, codec: C) -> Self {
        Self(Arc::new(Shared { dial, codec, client: Mutex::new(None) }))
    }

    /// As [`Client::call`].
    ///
    /// # Errors
    ///
    /// [`CallError`]; [`CallError::Dial`] if there is no connection and none can be had.
    ///
    /// # Cancel safety
    ///
    /// Safe: the call is given up.
    pub async fn call<R>(&self, method: &str, args: &(impl Encode<C> + ?Sized + Sync)) -> Result<R, CallError>
    where
        R: Decode<C> + Send + 'static,
    {
        self.client().await?.call(method, args).await
    }

    /// The client of the connection that there is, or of a new one.
    ///
    /// # Errors
    ///
    /// [`CallError::Dial`].
    ///
    /// # Cancel safety
    ///
    /// Safe: what was begun is given up.
    pub async fn client(&self) -> Result<Client<C>, CallError> {
        let mut client = self.0.client.lock().await;
        if let Some(open) = client.as_ref().filter(|client| !client.is_closed()) {
            return Ok(open.clone());
        }
        let opened = self.0.dial.open(&self.0.codec).await;
        let opened = opened.map_err(|error| CallError::Dial(Arc::new(error)))?;
        Ok(client.insert(opened).clone())
    }
}

impl<C: Codec> fmt::Debug for Reconnecting<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting").field("dial", &self.0.dial).finish_non_exhaustive()
    }
}
