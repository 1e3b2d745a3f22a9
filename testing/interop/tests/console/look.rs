//! How the pages look: within their width, in light and dark; and photographs of them, for whoever asks.

use std::path::PathBuf;

use hijack::ws::{Message, WebSocket};

use crate::site::{Site, upstream};

#[tokio::test(flavor = "multi_thread")]
async fn pages_keep_to_their_width_in_light_and_dark_and_everything_has_a_name() {
    let Some(mut site) = Site::signed_in(&upstream().await).await else { return };
    let mut sockets = Vec::new();
    for user in ["alice", "bob", "carol.with-a-long-name@example.org", "dave", "", "erin", "frank"] {
        sockets.push(site.websocket("/echo?room=7", user).await);
    }
    for (index, socket) in sockets.iter_mut().enumerate() {
        for count in 0..index * 3 {
            socket.send(format!("warm up {count}")).await.expect("sent");
        }
    }
    site.browser.until("document.querySelectorAll('.canvas .row:not([hidden])').length === 7").await;
    every_look(&mut site, "table").await;
    site.browser.type_into("#filter", "user=alice and idel>30s").await;
    site.browser.until("document.querySelector('#filter-problem mark')").await;
    every_look(&mut site, "table-filter-error").await;
    site.show(1).await;
    talk(&mut sockets[0]).await;
    site.browser.until("document.querySelectorAll('.canvas .row:not([hidden])').length >= 10").await;
    site.browser.click(".message-rows .canvas .row.text").await;
    site.browser.until("document.querySelector('#payload').textContent !== ''").await;
    every_look(&mut site, "connection").await;
    site.browser.click(".toolbar > .danger").await;
    every_look(&mut site, "kick").await;
    let page = site.console("");
    site.browser.open(&page.replace("127.0.0.1", "localhost")).await;
    site.browser.until("document.querySelector('main.signin')").await;
    every_look(&mut site, "sign-in").await;
    site.done().await;
}

async fn talk(socket: &mut WebSocket) {
    let messages: [Message; 5] = [
        "{\"type\":\"subscribe\",\"channels\":[{\"name\":\"ticker\",\"symbols\":[\"HJK\",\"RST\"]}],\"id\":17}".into(),
        "a plain line of text, somewhat longer than the place that a narrow screen has for the payload of a message".into(),
        Message::Binary((0..=255).collect()),
        "<b>markup</b> stays text".into(),
        "日本語 ünïcödé ✓".into(),
    ];
    for message in messages {
        socket.send(message).await.expect("sent");
    }
    socket.ping(b"still there?").await.expect("pinged");
}

/// Looks at a page in both widths and both schemes.
pub(crate) async fn every_look(site: &mut Site, name: &str) {
    let nameless = site.browser.nameless().await;
    assert!(nameless.is_empty(), "{name}: {nameless:?}");
    for (width, height) in [(1280, 800), (400, 800)] {
        for is_dark in [false, true] {
            site.browser.resize(width, height, is_dark).await;
            let widest = site.browser.eval("document.scrollingElement.scrollWidth").await;
            assert!(
                widest.as_u64().is_some_and(|widest| widest <= width.into()),
                "{name}: {widest} of {width}"
            );
            let scheme = if is_dark { "dark" } else { "light" };
            let background = site.browser.eval("getComputedStyle(document.body).backgroundColor").await;
            let is_shown_dark = background.as_str().is_some_and(|color| color.starts_with("rgb(20,"));
            assert_eq!(is_shown_dark, is_dark, "{name}: {background}");
            if let Some(folder) = std::env::var_os("HIJACK_SCREENSHOTS") {
                let file = PathBuf::from(folder).join(format!("{name}-{width}-{scheme}.png"));
                site.browser.photograph(&file).await;
            }
        }
    }
    site.browser.resize(1280, 800, false).await;
}
