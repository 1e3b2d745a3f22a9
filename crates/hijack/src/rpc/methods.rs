//! What a server offers: handlers by name, and services that bring several.

use std::any::type_name;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use hijack_proto::rpc::{MethodName, Unserved};

use super::codec::decode;
use super::context::{Context, Origin};
use super::error::PANICKED;
use super::{Codec, Decode, DecodeError, Encode, RegisterError};
use crate::scratch;

/// The methods of a server, by their full names.
///
/// ```
/// use hijack::rpc::{Fault, Json, Methods};
///
/// let mut methods = Methods::<Json>::new();
/// methods.add("Arith.Half", |n: i64| async move {
///     if n % 2 == 1 { return Err(Fault::new("odd")) }
///     Ok(n / 2)
/// })?;
/// # Ok::<(), hijack::rpc::RegisterError>(())
/// ```
pub struct Methods<C: Codec> {
    entries: HashMap<Arc<str>, Arc<Entry<C>>>,
    services: HashSet<String>,
}

/// Several methods that belong together, to be added at once: see [`service!`](crate::rpc::service).
pub trait Service<C: Codec>: Send + Sync + 'static {
    /// Adds the methods under the name of `service`.
    ///
    /// # Errors
    ///
    /// [`RegisterError`]; those before it are added.
    fn add_to(self: Arc<Self>, service: &str, methods: &mut Methods<C>) -> Result<(), RegisterError>;

    /// The name under which Go would serve it: that of its type.
    fn name(&self) -> &'static str;
}

/// One method.
pub(super) struct Entry<C: Codec> {
    pub(super) name: Arc<str>,
    args: &'static str,
    reply: &'static str,
    calls: AtomicU64,
    handler: Box<dyn Start<C>>,
}

/// What is shown of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodInfo {
    /// Its name within its service.
    pub name: String,
    /// The type of its arguments.
    pub args: String,
    /// The type of its answer.
    pub reply: String,
    /// How often it was called.
    pub calls: u64,
}

/// The work of one call: it ends with the answer in the queue.
pub(super) type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What makes the work of a call of its arguments.
trait Start<C: Codec>: Send + Sync {
    fn start(&self, call: Call<C>, decoder: &mut C::Decoder) -> Result<Running, (DecodeError, Call<C>)>;
}

/// A call that is to be answered.
pub(super) struct Call<C: Codec> {
    pub(super) id: C::Id,
    pub(super) entry: Arc<Entry<C>>,
    pub(super) origin: Arc<Origin>,
    pub(super) answers: Arc<Answers<C>>,
}

/// The answers of a connection that wait to be sent.
pub(super) struct Answers<C: Codec>(Mutex<Queue<C>>);

pub(super) struct Queue<C: Codec> {
    pub(super) encoder: C::Encoder,
    pub(super) bytes: Vec<u8>,
}

impl<C: Codec> Default for Methods<C> {
    fn default() -> Self {
        Self { entries: HashMap::new(), services: HashSet::new() }
    }
}

impl<C: Codec> Methods<C> {
    /// No methods yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves calls of `name` by `handler`.
    ///
    /// Its future is polled first where the call was read, so that an answer that is there at once costs no task; a
    /// handler that waits goes on in a task of its own. Whatever computes for long or blocks belongs into
    /// `tokio::task::spawn_blocking`. A panic is answered as an error.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if the name is taken or has no dot.
    pub fn add<H, A, F, R, E>(&mut self, name: &str, handler: H) -> Result<&mut Self, RegisterError>
    where
        H: Fn(A) -> F + Send + Sync + 'static,
        F: Future<Output = Result<R, E>> + Send + 'static,
        A: Decode<C> + Send + 'static,
        R: Encode<C> + 'static,
        E: fmt::Display + 'static,
    {
        self.add_with(name, move |_, args| handler(args))
    }

    /// As [`add`](Self::add), for a handler that looks at who calls.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn add_with<H, A, F, R, E>(&mut self, name: &str, handler: H) -> Result<&mut Self, RegisterError>
    where
        H: Fn(Context, A) -> F + Send + Sync + 'static,
        F: Future<Output = Result<R, E>> + Send + 'static,
        A: Decode<C> + Send + 'static,
        R: Encode<C> + 'static,
        E: fmt::Display + 'static,
    {
        let split = MethodName::split(name).ok_or_else(|| RegisterError::IllFormed(name.to_owned()))?;
        if self.entries.contains_key(name) {
            return Err(RegisterError::Duplicate(name.to_owned()));
        }
        self.services.insert(split.service.to_owned());
        let name: Arc<str> = name.into();
        let handler = Box::new(Handler { function: Arc::new(handler), types: std::marker::PhantomData });
        let (args, reply) = (type_name::<A>(), type_name::<R>());
        let entry = Entry { name: Arc::clone(&name), args, reply, calls: AtomicU64::new(0), handler };
        self.entries.insert(name, Arc::new(entry));
        Ok(self)
    }

    /// Serves all methods of `service` under its own name.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn service(&mut self, service: impl Service<C>) -> Result<&mut Self, RegisterError> {
        let name = service.name();
        self.service_as(name, service)
    }

    /// Serves all methods of `service` under another name, which may have dots in it.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn service_as(&mut self, name: &str, service: impl Service<C>) -> Result<&mut Self, RegisterError> {
        Arc::new(service).add_to(name, self)?;
        Ok(self)
    }

    /// What is served: services and their methods, sorted, and how often they were called.
    #[must_use]
    pub fn list(&self) -> BTreeMap<String, Vec<MethodInfo>> {
        let mut services: BTreeMap<String, Vec<MethodInfo>> = BTreeMap::new();
        for entry in self.entries.values() {
            let Some(split) = MethodName::split(&entry.name) else { continue };
            services.entry(split.service.to_owned()).or_default().push(MethodInfo {
                name: split.method.to_owned(),
                args: short(entry.args),
                reply: short(entry.reply),
                calls: entry.calls.load(Relaxed),
            });
        }
        for methods in services.values_mut() {
            methods.sort_by(|a, b| a.name.cmp(&b.name));
        }
        services
    }

    pub(super) fn find(&self, name: &str) -> Result<&Arc<Entry<C>>, Unserved> {
        self.entries.get(name).ok_or_else(|| Unserved::of(name, |service| self.services.contains(service)))
    }
}

impl<C: Codec> fmt::Debug for Methods<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

/// A type's name without the modules it is in.
fn short(name: &str) -> String {
    let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut short = String::new();
    let mut rest = name;
    while !rest.is_empty() {
        let len = rest.find(|c| !is_of_path(c)).unwrap_or(rest.len());
        short.push_str(rest[..len].rsplit("::").next().unwrap_or_default());
        rest = &rest[len..];
        let len = rest.find(is_of_path).unwrap_or(rest.len());
        short.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    short
}

impl<C: Codec> Call<C> {
    /// Makes the work of it: to be polled until it is done. Arguments that cannot be read are answered here.
    ///
    /// # Errors
    ///
    /// If nothing behind the arguments can be read.
    pub(super) fn start(self, decoder: &mut C::Decoder) -> Result<Option<Running>, DecodeError> {
        let entry = Arc::clone(&self.entry);
        entry.calls.fetch_add(1, Relaxed);
        match entry.handler.start(self, decoder) {
            Ok(running) => Ok(Some(running)),
            Err((error, call)) => {
                call.answers.lock().put_error(&entry.name, &call.id, &error.to_string());
                if error.is_fatal() { Err(error) } else { Ok(None) }
            }
        }
    }
}

struct Handler<H, T> {
    function: Arc<H>,
    types: std::marker::PhantomData<fn() -> T>,
}

impl<C, H, A, F, R, E> Start<C> for Handler<H, (A, F, R, E)>
where
    C: Codec,
    H: Fn(Context, A) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R, E>> + Send + 'static,
    A: Decode<C> + Send + 'static,
    R: Encode<C> + 'static,
    E: fmt::Display + 'static,
{
    fn start(&self, call: Call<C>, decoder: &mut C::Decoder) -> Result<Running, (DecodeError, Call<C>)> {
        let args = match decode::<C, A>(decoder) {
            Ok(args) => args,
            Err(error) => return Err((error, call)),
        };
        let function = Arc::clone(&self.function);
        Ok(Box::pin(async move {
            let context = Context { origin: call.origin, method: Arc::clone(&call.entry.name) };
            let result = guarded(|| function(context, args)).await;
            call.answers.lock().room().put(&call.entry.name, &call.id, result);
        }))
    }
}

/// Runs a handler; nothing if it panicked.
async fn guarded<F: Future>(start: impl FnOnce() -> F) -> Option<F::Output> {
    // What the handler shares with others is its own: a panic there poisons what std poisons, as in any task.
    let future = catch_unwind(AssertUnwindSafe(start)).ok()?;
    let mut future = pin!(future);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

impl<C: Codec> Answers<C> {
    pub(super) fn new(encoder: C::Encoder) -> Self {
        Self(Mutex::new(Queue { encoder, bytes: Vec::new() }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Queue<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Codec> Queue<C> {
    /// The bytes, to be written to.
    fn room(&mut self) -> &mut Self {
        if self.bytes.capacity() == 0 {
            self.bytes = scratch::take_long();
        }
        self
    }

    fn put<R: Encode<C>, E: fmt::Display>(&mut self, method: &str, id: &C::Id, result: Option<Result<R, E>>) {
        // A reply may panic as its handler may, and so may an error that is put into words.
        let put = catch_unwind(AssertUnwindSafe(|| match result {
            Some(Ok(reply)) => self.put_reply(method, id, &reply),
            Some(Err(error)) => Err(error.to_string()),
            None => Err(PANICKED.to_owned()),
        }));
        if let Err(text) = put.unwrap_or_else(|_| Err(PANICKED.to_owned())) {
            self.put_error(method, id, &text);
        }
    }

    /// A reply that cannot be sent is an error to its caller and to nobody else; Go closes the connection.
    fn put_reply<R: Encode<C>>(&mut self, method: &str, id: &C::Id, reply: &R) -> Result<(), String> {
        let put = C::put_reply(&mut self.encoder, &mut self.bytes, method, id, reply);
        put.map_err(|error| format!("rpc: reply cannot be sent: {error}"))
    }

    pub(super) fn put_error(&mut self, method: &str, id: &C::Id, text: &str) {
        C::put_error(&mut self.encoder, &mut self.bytes, method, id, text);
    }
}

/// Makes a type's `async` methods a [`Service`](crate::rpc::Service) for every codec that its values fit.
///
/// On the left stand the names by which they are called, on the right the methods: each takes `&self`, a
/// [`Context`](crate::rpc::Context) and the arguments.
///
/// ```
/// use hijack::rpc::{self, Context, Fault, Json, Methods};
///
/// struct Clock;
///
/// impl Clock {
///     async fn add(&self, _: Context, seconds: i64) -> Result<i64, Fault> {
///         Ok(1_000 + seconds)
///     }
/// }
///
/// rpc::service! {
///     Clock {
///         "Add" => add(i64) -> i64,
///     }
/// }
///
/// let mut methods = Methods::<Json>::new();
/// methods.service(Clock)?; // as Clock.Add
/// methods.service_as("time.Clock", Clock)?; // as time.Clock.Add
/// # Ok::<(), rpc::RegisterError>(())
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __rpc_service {
    ($service:ident { $($name:literal => $method:ident($args:ty) -> $reply:ty),+ $(,)? }) => {
        impl<C: $crate::rpc::Codec> $crate::rpc::Service<C> for $service
        where
            $($args: $crate::rpc::Decode<C>, $reply: $crate::rpc::Encode<C>,)+
        {
            fn add_to(
                self: ::std::sync::Arc<Self>,
                service: &str,
                methods: &mut $crate::rpc::Methods<C>,
            ) -> ::std::result::Result<(), $crate::rpc::RegisterError> {
                $({
                    let this = ::std::sync::Arc::clone(&self);
                    methods.add_with(
                        &::std::format!("{}.{}", service, $name),
                        move |context: $crate::rpc::Context, args: $args| {
                            let this = ::std::sync::Arc::clone(&this);
                            async move {
                                let reply: ::std::result::Result<$reply, _> = this.$method(context, args).await;
                                reply
                            }
                        },
                    )?;
                })+
                ::std::result::Result::Ok(())
            }

            fn name(&self) -> &'static str {
                ::std::stringify!($service)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn types_are_shown_without_their_modules() {
        let table = [
            ("i64", "i64"),
            ("alloc::string::String", "String"),
            ("alloc::vec::Vec<my::module::Args>", "Vec<Args>"),
            ("(i32, core::option::Option<a::B>)", "(i32, Option<B>)"),
            ("&[u8]", "&[u8]"),
        ];
        for (long, shown) in table {
            assert_eq!(short(long), shown);
        }
    }
}
