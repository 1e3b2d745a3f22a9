//! The client scripts on Go's net/http: what they ask for is what an HTTP/1.1 server gives. A case that
//! fails here is wrong itself; one that fails in `clients.rs` only shows a defect of ours.

use hijack_interop::foreign::Foreign;
use hijack_interop::peer::Client;

fn accepts(client: Client) {
    if let Some(reference) = Foreign::go() {
        client.run(reference.base(), &[]);
    }
}

#[test]
fn satisfies_go() {
    accepts(Client::Go);
}

#[test]
fn satisfies_curl() {
    accepts(Client::Curl);
}

#[test]
fn satisfies_python() {
    accepts(Client::Python);
}

#[test]
fn satisfies_node() {
    accepts(Client::Node);
}
