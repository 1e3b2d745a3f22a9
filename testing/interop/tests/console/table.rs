//! The table of connections.

use std::time::{Duration, Instant};

use hijack_interop::browser::Browser;
use serde_json::json;

use crate::site::{SECRET, Site, next, upstream};

#[tokio::test(flavor = "multi_thread")]
async fn asks_for_the_token_and_goes_on_to_the_page_that_was_meant() {
    let Some(mut site) = Site::start(&upstream().await).await else { return };
    let _socket = site.websocket("/echo", "alice").await;
    let page = site.console("#/connections/1");
    site.browser.open(&page).await;
    site.browser.until("document.activeElement?.id === 'token'").await;
    sign_in(&mut site.browser, "not-the-token-that-it-is").await;
    site.browser.until("document.querySelector('.signin .problem').textContent.includes('not known')").await;
    assert_eq!(site.browser.eval("location.search").await, "", "a wrong token leaves the address, too");
    sign_in(&mut site.browser, SECRET).await;
    site.browser.until("document.querySelector('main.connection h1').textContent === 'websocket 1'").await;
    assert_eq!(site.browser.eval("location.search + document.cookie").await, "", "no script sees the token");
    site.done().await;
}

async fn sign_in(browser: &mut Browser, token: &str) {
    browser.type_into("#token", token).await;
    browser.click(".signin button").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_a_new_connection_within_a_second_and_its_end() {
    let Some(mut site) = Site::signed_in(&upstream().await).await else { return };
    site.browser.until("document.querySelector('.summary').textContent === 'No live connection.'").await;
    let (mut sockets, mut times) = (Vec::new(), Vec::new());
    for (id, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        let begun = Instant::now();
        sockets.push(site.websocket("/echo", user).await);
        let cell = format!("document.querySelector('.row[data-id=\"{id}\"] .user').textContent === '{user}'");
        site.browser.until(&cell).await;
        times.push(begun.elapsed());
    }
    // The machine may have been busy once.
    times.sort();
    println!("new connections were shown after {times:?}");
    assert!(times[1] < Duration::from_secs(1), "new connections were shown only after {times:?}");
    drop(sockets);
    site.browser.until("document.querySelector('.row[data-id=\"1\"]').hidden").await;
    site.browser.click(".toolbar .check input").await;
    site.browser
        .until(
            "document.querySelector('.canvas .row:not([hidden]) .state')?.textContent.startsWith('closed')",
        )
        .await;
    site.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_in_the_language_of_the_api_and_says_what_is_wrong_and_where() {
    let Some(mut site) = Site::signed_in(&upstream().await).await else { return };
    let mut sockets = Vec::new();
    for user in ["alice", "bob", "carol"] {
        sockets.push(site.websocket("/echo", user).await);
    }
    site.browser.until(&users("alice bob carol")).await;
    site.browser.type_into("#filter", "user=bob or user=carol").await;
    site.browser.until(&users("bob carol")).await;
    assert!(
        site.browser.eval("location.hash").await.as_str().is_some_and(|hash| hash.contains("filter=user"))
    );
    site.browser.type_into("#filter", "user=bob and usr=x").await;
    site.browser.until("document.querySelector('#filter-problem mark').textContent === 'u'").await;
    let problem = site.browser.eval("document.querySelector('#filter-problem span').textContent").await;
    assert_eq!(problem, "at character 14: unknown field `usr`: `user` may be meant");
    // With ended ones the filter stands in a longer one; the place is that of what was typed.
    site.browser.click(".toolbar .check input").await;
    site.browser.until("location.hash.includes('ended=1')").await;
    site.browser
        .until("document.querySelector('#filter-problem span').textContent.startsWith('at character 14: ')")
        .await;
    site.browser.click(".toolbar .check input").await;
    site.browser.type_into("#filter", "").await;
    site.browser.until(&users("alice bob carol")).await;
    site.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sorts_by_mouse_and_is_walked_through_by_keyboard() {
    let Some(mut site) = Site::signed_in(&upstream().await).await else { return };
    let mut sockets = Vec::new();
    for user in ["bob", "carol", "alice"] {
        sockets.push(site.websocket("/echo", user).await);
    }
    site.browser.until(&users("bob carol alice")).await;
    site.browser.click(".headings .user button").await;
    site.browser.until(&users("alice bob carol")).await;
    site.browser.eval("document.querySelector('.headings .user button').focus()").await;
    site.browser.press(" ", 32).await;
    site.browser.until("document.querySelector('.headings .user').ariaSort === 'descending'").await;
    site.browser.until(&users("carol bob alice")).await;
    site.browser.eval("document.querySelector('.rows').focus()").await;
    site.browser.press("ArrowDown", 40).await;
    site.browser.press("ArrowDown", 40).await;
    site.browser.press(" ", 32).await;
    site.browser.until("document.querySelector('.row[data-id=\"1\"]').ariaSelected === 'true'").await;
    site.browser.press("Enter", 13).await;
    site.browser.until("document.querySelector('main.connection h1').textContent === 'websocket 1'").await;
    site.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kicks_those_that_are_selected_with_code_and_reason() {
    let Some(mut site) = Site::signed_in(&upstream().await).await else { return };
    let mut sockets = Vec::new();
    for user in ["alice", "bob", "carol"] {
        sockets.push(site.websocket("/echo", user).await);
    }
    site.browser.until(&users("alice bob carol")).await;
    for id in [1, 3] {
        site.browser.click(&format!(".row[data-id=\"{id}\"] input")).await;
    }
    site.browser.until("document.querySelector('.toolbar .danger').textContent === 'Kick 2 …'").await;
    site.browser.click(".toolbar .danger").await;
    site.browser.type_into("dialog [name=code]", "1005").await;
    site.browser.click("dialog .danger").await;
    site.browser
        .until("document.querySelector('dialog .problem').textContent.includes('1005 must not be sent')")
        .await;
    site.browser.type_into("dialog [name=code]", "4001").await;
    site.browser.type_into("dialog [name=reason]", "enough").await;
    site.browser.click("dialog .danger").await;
    for index in [0, 2] {
        let socket = &mut sockets[index];
        assert_eq!(next(socket).await, None);
        let close = socket.close_frame().expect("a Close");
        assert_eq!((close.code.get(), &*close.reason), (4001, "enough"));
    }
    drop((sockets.remove(2), sockets.remove(0)));
    site.browser.until(&users("bob")).await;
    sockets[0].send("still here").await.expect("the third one lives");
    assert_eq!(next(&mut sockets[0]).await, Some("still here".into()));
    site.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn says_when_the_gateway_is_gone_and_takes_it_up_again() {
    let Some(mut site) = Site::signed_in(&upstream().await).await else { return };
    site.lose_admin().await;
    site.browser
        .until("document.querySelector('.status.waiting').textContent.includes('trying again')")
        .await;
    site.find_admin().await;
    site.browser.until("document.querySelector('.status.live')").await;
    let _socket = site.websocket("/echo", "alice").await;
    site.browser.until(&users("alice")).await;
    // The messages of one connection, too; that some are missing is said.
    site.show(1).await;
    site.lose_admin().await;
    site.browser.until("document.querySelector('.status.waiting')").await;
    site.find_admin().await;
    let remark = "document.querySelector('.remark .payload').textContent.startsWith('taken up again')";
    site.browser.until(remark).await;
    site.done().await;
}

/// Whether these users' connections are shown, in this order.
fn users(names: &str) -> String {
    format!(
        "[...document.querySelectorAll('.canvas .row:not([hidden])')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
           .map((row) => row.querySelector('.user').textContent).join(' ') === {}",
        json!(names)
    )
}
