//! The page of one connection, in front of other people's server.

use hijack::ws::Message;
use hijack_interop::websocket::Library;
use serde_json::json;

use crate::site::{Site, next, until};

#[tokio::test(flavor = "multi_thread")]
async fn shows_messages_as_text_json_and_bytes_and_markup_as_text() {
    let Some(server) = Library::Python.serve() else { return };
    let Some(mut site) = Site::signed_in(server.base()).await else { return };
    let mut socket = site.websocket("/ws/echo", "alice").await;
    site.show(1).await;
    let markup = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    socket.send(markup).await.expect("sent");
    site.browser.until(&payloads(&[markup, markup])).await;
    let ways = site.browser.eval(
        "[...document.querySelectorAll('.canvas .way')].slice(0, 2).map((it) => it.textContent).join('')",
    );
    assert_eq!(ways.await, "↑↓");
    site.browser.click(".message-rows .canvas .row").await;
    site.browser
        .until(&format!("document.querySelector('#payload').textContent === {}", json!(markup)))
        .await;
    let elements = "document.querySelectorAll('main img, main script').length";
    assert_eq!(site.browser.eval(elements).await, 0);
    assert_eq!(site.browser.eval("document.title").await, "Connection 1 · hijack");

    site.browser.click(".messages > .toolbar button:nth-of-type(2)").await;
    socket.send("{\"a\":[1,{\"n\":12345678901234567890}],\"e\":[]}").await.expect("sent");
    site.browser.until("document.querySelectorAll('.canvas .row:not([hidden])').length === 2").await;
    site.browser.click(".message-rows .canvas .row:not([hidden])").await;
    let pretty =
        "{\n  \"a\": [\n    1,\n    {\n      \"n\": 12345678901234567890\n    }\n  ],\n  \"e\": []\n}";
    site.browser
        .until(&format!("document.querySelector('#payload').textContent === {}", json!(pretty)))
        .await;

    site.browser.click(".messages > .toolbar button:nth-of-type(2)").await;
    socket.send(Message::Binary(b"hi\x00\xff 0123456789abc".to_vec())).await.expect("sent");
    site.browser.until("document.querySelectorAll('.canvas .row.binary:not([hidden])').length === 2").await;
    site.browser.click(".message-rows .canvas .row:not([hidden])").await;
    let hex = "00000000  68 69 00 ff 20 30 31 32  33 34 35 36 37 38 39 61  hi.. 0123456789a\n\
               00000010  62 63                                             bc";
    site.browser.until(&format!("document.querySelector('#payload').textContent === {}", json!(hex))).await;
    site.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_by_text_regex_direction_and_kind_and_pauses() {
    let Some(server) = Library::Python.serve() else { return };
    let Some(mut site) = Site::signed_in(server.base()).await else { return };
    let mut socket = site.websocket("/ws/echo", "alice").await;
    site.show(1).await;
    for text in ["apple 1", "pear 2", "apple 3"] {
        socket.send(text).await.expect("sent");
        assert_eq!(next(&mut socket).await, Some(text.into()));
    }
    site.browser.until(&payloads(&["apple 1", "apple 1", "pear 2", "pear 2", "apple 3", "apple 3"])).await;
    site.browser.type_into(".search input[type=search]", "PEAR").await;
    site.browser.until(&payloads(&["pear 2", "pear 2"])).await;
    site.browser.type_into(".search input[type=search]", "^apple [2-9]").await;
    site.browser.until(&payloads(&[])).await;
    site.browser.click(".search input[type=checkbox]").await;
    site.browser.until(&payloads(&["apple 3", "apple 3"])).await;
    site.browser.type_into(".search input[type=search]", "(").await;
    site.browser
        .until("document.querySelector('#search-problem').textContent.includes('regular expression')")
        .await;
    site.browser.type_into(".search input[type=search]", "").await;
    site.browser.choose(".search label:nth-of-type(3) select", "upstream").await;
    site.browser.until(&payloads(&["apple 1", "pear 2", "apple 3"])).await;
    site.browser.choose(".search label:nth-of-type(4) select", "control").await;
    site.browser.until(&payloads(&[])).await;
    site.browser.choose(".search label:nth-of-type(4) select", "").await;

    site.browser.click(".messages > .toolbar button").await;
    socket.send("later").await.expect("sent");
    site.browser
        .until("document.querySelector('.messages > .toolbar button').textContent === 'Resume (2)'")
        .await;
    site.browser.until(&payloads(&["apple 1", "pear 2", "apple 3"])).await;
    site.browser.click(".messages > .toolbar button").await;
    site.browser.until(&payloads(&["apple 1", "pear 2", "apple 3", "later"])).await;
    site.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_to_either_side_tags_and_kicks_with_a_code() {
    let Some(server) = Library::Python.serve() else { return };
    let Some(mut site) = Site::signed_in(server.base()).await else { return };
    let mut socket = site.websocket("/ws/echo", "alice").await;
    site.show(1).await;
    site.browser.type_into(".composer textarea", "from above").await;
    site.browser.click(".composer button").await;
    assert_eq!(next(&mut socket).await, Some("from above".into()));
    site.browser.until("document.querySelector('.said').textContent === 'sent 10 bytes to the client'").await;
    // What the upstream gets it echoes.
    site.browser.choose(".composer label:nth-of-type(1) select", "upstream").await;
    site.browser.choose(".composer label:nth-of-type(2) select", "base64").await;
    site.browser.type_into(".composer textarea", "AAEC/w==").await;
    site.browser.click(".composer button").await;
    assert_eq!(next(&mut socket).await, Some(Message::Binary(vec![0, 1, 2, 255])));
    let sent = "document.querySelector('.said').textContent === 'sent 8 bytes of base64 to the upstream'";
    site.browser.until(sent).await;
    site.browser.type_into(".composer textarea", "no base64!").await;
    site.browser.click(".composer button").await;
    site.browser.until("document.querySelector('.said').textContent.startsWith('not sent: base64')").await;
    site.browser.until(&payloads(&["from above", "00 01 02 ff", "00 01 02 ff"])).await;

    site.browser.type_into(".tags input", "vip, watched").await;
    site.browser.press("Enter", 13).await;
    let tagged = "tag=vip and tag=watched".parse().expect("a filter");
    until("it has its tags", || site.gateway.list(&tagged, 0, 10).connections.len() == 1).await;

    site.browser.click(".toolbar > .danger").await;
    site.browser.type_into("dialog [name=code]", "4002").await;
    site.browser.type_into("dialog [name=reason]", "bye").await;
    site.browser.click("dialog .danger").await;
    assert_eq!(next(&mut socket).await, None);
    let close = socket.close_frame().expect("a Close");
    assert_eq!((close.code.get(), &*close.reason), (4002, "bye"));
    drop(socket);
    site.browser.until("document.querySelector('.badge').textContent === 'closed 4002'").await;
    site.browser.until("document.querySelector('.toolbar > .danger').disabled").await;
    site.done().await;
}

/// Whether exactly these payloads are shown, in this order.
fn payloads(texts: &[&str]) -> String {
    format!(
        "JSON.stringify([...document.querySelectorAll('.message-rows .canvas .row:not([hidden])')]
           .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
           .map((row) => row.querySelector('.payload').textContent)) === {}",
        json!(json!(texts).to_string())
    )
}
