//! Our server, and a runtime around a test.

use std::future::Future;
use std::time::Duration;

use hijack::rpc::{Codec, Methods, Server};
use hijack_interop::process::Folder;

/// What no test needs.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Runs a test on a runtime of its own.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async { tokio::time::timeout(LONG, test).await.expect("in time") })
}

/// A server of ours, by CONNECT, without HTTP and on a Unix socket.
pub(crate) struct OurServer {
    pub(crate) http: String,
    pub(crate) bare: String,
    pub(crate) unix: String,
    _folder: Folder,
}

impl OurServer {
    pub(crate) async fn start<C: Codec + Default>(methods: Methods<C>) -> Self {
        let server = Server::new(methods);
        let folder = Folder::new("rpc").expect("a folder");
        let unix = format!("unix:{}", folder.path().join("http.sock").display());
        let mut urls = Vec::new();
        for address in ["127.0.0.1:0", &unix] {
            let listener = hijack::Listener::bind(address).await.expect("a place to listen");
            urls.push(listener.local_address());
            let handler = server.clone().into_handler();
            tokio::spawn(async move { hijack::Server::new().serve(listener, handler).await });
        }
        let listener = hijack::Listener::bind("127.0.0.1:0").await.expect("a port");
        let bare = format!("tcp://{}", listener.local_address());
        tokio::spawn(async move { server.accept(listener).await });
        Self { http: format!("http://{}", urls[0]), bare, unix, _folder: folder }
    }
}
