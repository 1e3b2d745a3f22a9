//! `/grpc`: the official test service, `grpc.testing.TestService`.

use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Server, interop};

/// Serves it in every way: by token, by WebSocket, in moby's way, and by `CONNECT` to the demo's own address or
/// [`NAME`].
pub(super) fn server(address: &str) -> Server {
    Server::new(Routes::new(interop::server())).connect(names(address)).h2c()
}

/// A name that a client may be given when its proxy, by an environment variable, is this server.
const NAME: &str = "demo.hijack.test:80";

/// The names of a server at `address`; behind a Unix socket it has no address of its own.
fn names(address: &str) -> Vec<String> {
    let port = address.strip_prefix("unix:").map_or_else(|| address.rsplit_once(':'), |_| None);
    let mut names = vec![NAME.to_owned()];
    if let Some((_, port)) = port {
        names.push(address.to_owned());
        names.extend(["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}:{port}")));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_names_are_its_own_address_and_one_that_never_changes() {
        let own = names("192.0.2.1:9090");
        for name in ["demo.hijack.test:80", "192.0.2.1:9090", "localhost:9090", "[::1]:9090"] {
            assert!(own.iter().any(|known| known == name), "{name} of {own:?}");
        }
        assert_eq!(names("unix:/run/demo.sock:1"), ["demo.hijack.test:80"]);
    }
}
