//! What a server offers, from its page.

use hijack::Body;
use hijack::rpc::{self, Dial, MethodInfo};
use http::Request;
use serde_json::json;

use super::{List, failure};
use crate::exit::Failure;

/// Pages beyond this are no list of methods.
const PAGE_LEN: usize = 4 << 20;

pub(super) async fn run(list: &List) -> Result<(), Failure> {
    let page = page(list).await?;
    let services = rpc::read_page(&page);
    if services.is_empty() {
        return Err(failure(format!("{} has a page {}, but no service on it", list.url, rpc::DEBUG_PATH)));
    }
    if list.json {
        println!("{}", as_json(&services));
        return Ok(());
    }
    for (service, methods) in &services {
        for MethodInfo { name, args, reply, calls } in methods {
            println!("{service}.{name}({args}, {reply})  {calls} calls");
        }
    }
    Ok(())
}

fn as_json(services: &[(String, Vec<MethodInfo>)]) -> serde_json::Value {
    let method = |service: &str, method: &MethodInfo| {
        let MethodInfo { name, args, reply, calls } = method;
        json!({ "method": format!("{service}.{name}"), "args": args, "reply": reply, "calls": calls })
    };
    services
        .iter()
        .flat_map(|(service, methods)| methods.iter().map(move |one| method(service, one)))
        .collect()
}

async fn page(list: &List) -> Result<String, Failure> {
    if list.url.to_ascii_lowercase().starts_with("tcp:") {
        return Err(failure("a server without HTTP has no page to list its methods from"));
    }
    let cannot = |why: String| failure(format!("cannot list the methods at {}: {why}", list.url));
    let dial = Dial::to(&list.url).map_err(|error| failure(error.to_string()))?;
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static(rpc::DEBUG_PATH);
    request.headers_mut().extend(list.connecting.header.iter().cloned());
    let asked = async {
        let mut connection = list.connecting.client()?.connect(dial.endpoint()).await?;
        let answer = connection.request(request).await?;
        let page = connection.body().to_bytes(PAGE_LEN).await?;
        Ok::<_, Failure>((answer.status(), page))
    };
    let (status, page) = asked.await.map_err(|error| cannot(error.to_string()))?;
    if !status.is_success() {
        return Err(cannot(format!("the server answered {status} (does it call rpc.HandleHTTP?)")));
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}
