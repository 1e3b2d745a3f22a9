//! A reverse proxy for upgrades in some sixty lines: the server is asked first, and only what it granted is granted; then both
//! connections are one. Protocols that are not on the list are not asked for. Ordinary requests are refused.
//!
//! cargo run --example upgrade
//! cargo run --example upgrade_proxy -- 127.0.0.1:3001 http://127.0.0.1:3000 shout
//! printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nhello\n' | nc -N 127.0.0.1 3001

use hijack::{Body, Client, Endpoint, Error, Exchange, Listener, Outcome, Relay, Server, handover, tokens};
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let listener = Listener::bind(&arguments.next().unwrap_or("127.0.0.1:3001".into())).await?;
    let server: Endpoint = arguments.next().unwrap_or("http://127.0.0.1:3000".into()).parse()?;
    let allowed: Vec<String> = arguments.collect();
    let client = Client::new();
    println!("listening on {}", listener.local_address());
    let proxy = move |exchange| proxy(exchange, client.clone(), server.clone(), allowed.clone());
    Server::new().serve(listener, proxy).await;
    Ok(())
}

async fn proxy(
    mut exchange: Exchange,
    client: Client,
    server: Endpoint,
    allowed: Vec<String>,
) -> Result<Outcome, Error> {
    // An upgrade begins behind the body.
    let body = exchange.read_to_end(64 * 1024).await?;
    let protocol = match handover::choose_upgrade(exchange.head(), true, &allowed) {
        Ok(protocol) => protocol.clone(),
        Err(refusal) => {
            let mut refused = Response::new(Body::from(format!("{refusal}\n")));
            *refused.status_mut() = refusal.status();
            refusal.put_headers(HeaderValue::try_from(allowed.join(", ")).ok(), refused.headers_mut());
            return exchange.respond(refused).await;
        }
    };
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = exchange.method().clone();
    *request.uri_mut() = exchange.uri().clone();
    *request.headers_mut() = exchange.headers().clone();
    tokens::strip_hop_by_hop(request.headers_mut());
    let asked = match client.connect(&server).await {
        Ok(connection) => connection.upgrade(request, [protocol.clone()]).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    let granted = match asked {
        Ok(granted) => granted,
        Err(Error::Declined(declined)) => {
            return answer(exchange, declined.head.status(), declined.body.clone()).await;
        }
        Err(error) => return answer(exchange, StatusCode::BAD_GATEWAY, format!("{error}\n")).await,
    };
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *head.headers_mut() = granted.answer().map(|answer| answer.headers().clone()).unwrap_or_default();
    tokens::strip_hop_by_hop(head.headers_mut());
    head.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers_mut().insert(UPGRADE, HeaderValue::try_from(protocol).map_err(Error::other)?);
    let conn = exchange.take_over_after(head)?;
    Ok(conn.hand_off(|conn| async move {
        println!("{}", Relay::new(conn, granted).run().await);
        Ok(())
    }))
}

async fn answer(exchange: Exchange, status: StatusCode, text: impl Into<Body>) -> Result<Outcome, Error> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    exchange.respond(response).await
}
