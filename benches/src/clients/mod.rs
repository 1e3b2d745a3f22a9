//! What the clients share: one thread, orders on stdin, and what an operation is.

mod check;
pub mod grpc;
pub mod hijack;
pub mod hyper;
mod requests;
pub mod rpc;
mod takeovers;

use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::thread;

use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::heap::Heap;
use crate::order::{DONE, Order};

use requests::Requests;
use takeovers::Takeovers;

/// A client library, used as its documentation says, for one server.
pub trait Client: Clone + Send + Sync + 'static {
    /// A connection that can be asked again and again.
    type Connection: Send + 'static;
    /// A connection that was taken over.
    type Taken: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// A client for `server`, with its defaults.
    ///
    /// # Errors
    /// When the library does not accept the address.
    fn new(server: SocketAddr) -> io::Result<Self>;

    /// Opens a connection for [`request`](Self::request).
    fn connect(&self) -> impl Future<Output = io::Result<Self::Connection>> + Send;

    /// One GET of `/plain`, the answer read whole and checked.
    fn request(&self, connection: &mut Self::Connection) -> impl Future<Output = io::Result<()>> + Send;

    /// Opens a connection and takes it over after a 101 that was checked.
    fn take_over(&self) -> impl Future<Output = io::Result<Self::Taken>> + Send;
}

/// Carries out the orders on stdin until it ends.
///
/// `heap` is given by the variants that count their allocations.
///
/// # Errors
/// When an operation fails, or an answer is not as it must be.
pub fn run<C: Client>(heap: Option<fn() -> Heap>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(obey::<C>(orders(), heap))
}

/// The work of which operations are done.
enum Work<C: Client> {
    None,
    Requests(Requests<C>),
    Takeovers(Takeovers<C>),
}

impl<C: Client> Work<C> {
    async fn run(&mut self, ops: u64) -> io::Result<()> {
        match self {
            Self::None => Err(io::Error::other("no work to run")),
            Self::Requests(requests) => requests.run(ops).await,
            Self::Takeovers(takeovers) => takeovers.run(ops).await,
        }
    }

    async fn hold(&mut self, count: u32) -> io::Result<()> {
        match self {
            Self::None => Err(io::Error::other("no work to hold")),
            Self::Requests(requests) => requests.hold(count).await,
            Self::Takeovers(takeovers) => takeovers.hold(count).await,
        }
    }
}

async fn obey<C: Client>(
    mut orders: UnboundedReceiver<String>,
    heap: Option<fn() -> Heap>,
) -> io::Result<()> {
    let mut work = Work::None;
    while let Some(line) = orders.recv().await {
        let answer = match line.parse().map_err(io::Error::other)? {
            Order::Heap => heap.map_or_else(|| "counts nothing".to_owned(), |count| count().to_string()),
            order => {
                carry_out::<C>(order, &mut work).await?;
                DONE.to_owned()
            }
        };
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}

async fn carry_out<C: Client>(order: Order, work: &mut Work<C>) -> io::Result<()> {
    match order {
        Order::Heap | Order::Left | Order::Encode(_) | Order::Decode(_) => {}
        Order::Requests(server) => *work = Work::Requests(Requests::open(C::new(server)?).await?),
        Order::Takeovers(server) => *work = Work::Takeovers(Takeovers::new(C::new(server)?)),
        Order::Run(ops) => work.run(ops).await?,
        Order::Hold(count) => work.hold(count).await?,
    }
    Ok(())
}

/// The fields of an answer, of which none is repeated, in the order in which they came.
fn lines(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
}

/// Reads stdin on a thread of its own: the connections are to be served meanwhile.
fn orders() -> UnboundedReceiver<String> {
    let (sender, orders) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    orders
}
