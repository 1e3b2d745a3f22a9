//! A page to which 2,000 messages come in a second, and a table of many rows, stay usable.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::site::{Site, upstream};

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_messages_a_second_leave_the_page_usable() {
    let Some(mut site) = Site::signed_in(&upstream().await).await else { return };
    let mut socket = site.websocket("/flood", "ticker").await;
    site.show(1).await;
    socket.send("go").await.expect("sent");
    tokio::spawn(async move { while let Ok(Some(_)) = socket.recv().await {} });
    let seconds = std::env::var("HIJACK_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(3_u64);
    site.browser.until("document.querySelectorAll('.canvas .row:not([hidden])').length > 5").await;
    let (begun, before) = (Instant::now(), passed(&site));
    let frames = measure(&mut site, seconds).await;
    let rate = u128::from(passed(&site) - before) * 1_000 / begun.elapsed().as_millis();
    let heap = site.browser.heap_mb().await;
    println!("{rate} messages/s for {seconds} s: {frames:?}, heap {heap:.1} MB");
    assert!(frames.count as u64 > 5 * seconds, "{frames:?}");
    assert!(rate > 1_500, "only {rate} messages came per second");
    assert!(frames.median_gap < 100.0, "{frames:?}");
    assert!(frames.longest_gap < 1_500.0, "{frames:?}");
    assert!(heap < 150.0, "{heap:.1} MB of heap");
    // No more than the log's 5,000 are kept, and no more rows than are in sight.
    let rows = site.browser.eval("document.querySelectorAll('.message-rows .row').length").await;
    assert!(rows.as_u64().is_some_and(|rows| rows < 100), "{rows} rows");
    site.browser
        .until("/ of 5,000 shown/.test(document.querySelector('.messages .summary').textContent)")
        .await;
    // It still does what it is told, at once.
    let begun = Instant::now();
    site.browser.type_into(".search input[type=search]", "\"number\":1").await;
    site.browser
        .until("/^[1-9][0-9,]* of 5,000 /.test(document.querySelector('.messages .summary').textContent)")
        .await;
    site.browser.click(".messages > .toolbar button").await;
    site.browser
        .until("document.querySelector('.messages > .toolbar button').textContent.startsWith('Resume (')")
        .await;
    let took = begun.elapsed();
    println!("searched and paused within {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    site.done().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_skipped_is_said_where_it_is_missing() {
    // The gateway keeps four messages for who looks; twenty come at once.
    let site = Site::signed_in_with(&upstream().await, |config| config.limits.shown_queue = 4).await;
    let Some(mut site) = site else { return };
    let mut socket = site.websocket("/flood", "ticker").await;
    site.show(1).await;
    socket.send("go").await.expect("sent");
    tokio::spawn(async move { while let Ok(Some(_)) = socket.recv().await {} });
    site.browser
        .until("/^[1-9][0-9,]* skipped: /.test(document.querySelector('.remark .payload').textContent)")
        .await;
    site.done().await;
}

fn passed(site: &Site) -> u64 {
    site.gateway.get(1).expect("it lives").messages_out
}

#[derive(Debug)]
struct Frames {
    count: usize,
    median_gap: f64,
    longest_gap: f64,
}

/// Times from one frame to the next, in milliseconds.
async fn measure(site: &mut Site, seconds: u64) -> Frames {
    let mut gaps: Vec<f64> = Vec::new();
    for _ in 0..seconds {
        let script =
            "new Promise((done) => { const gaps = []; const begun = performance.now(); let last = begun;
            const next = () => { const now = performance.now(); gaps.push(now - last); last = now;
              if (now - begun < 1000) requestAnimationFrame(next); else done(gaps); };
            requestAnimationFrame(next); })";
        let measured = site.browser.eval(script).await;
        gaps.extend(measured.as_array().into_iter().flatten().filter_map(Value::as_f64));
    }
    gaps.sort_by(f64::total_cmp);
    Frames {
        count: gaps.len(),
        median_gap: gaps[gaps.len() / 2],
        longest_gap: gaps.last().copied().unwrap_or_default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_many_rows_keeps_few_of_them_and_stays_usable() {
    let Some(mut site) = Site::signed_in(&upstream().await).await else { return };
    let mut sockets = Vec::new();
    for number in 0..MANY {
        sockets.push(site.websocket("/echo", &format!("user-{number}")).await);
    }
    shows_all(&mut site, &MANY.to_string(), MANY).await;
    // As the list of a gateway with 5,000: the real one's, with others beside each.
    let script = "{ const real = window.fetch;
        window.fetch = async (path, options) => {
          const answer = await real(path, options);
          if (!path.startsWith('/api/connections?')) return answer;
          const { connections } = await answer.json();
          const all = Array.from({ length: 5000 }, (_, n) => ({ ...connections[n % connections.length], id: n + 1 }));
          return new Response(JSON.stringify({ connections: all, next_cursor: null }));
        } }";
    site.browser.eval(script).await;
    shows_all(&mut site, "5,000", 5_000).await;
    let frames = measure(&mut site, 3).await;
    println!("5,000 rows: {frames:?}");
    assert!(frames.median_gap < 100.0 && frames.longest_gap < 1_500.0, "{frames:?}");
    site.done().await;
}

/// So many connections are shown, by few rows; the last one is reached by a key, and all are selected by a click.
async fn shows_all(site: &mut Site, number: &str, last: usize) {
    let summary = format!("document.querySelector('.summary').textContent.startsWith('{number} live')");
    site.browser.until(&summary).await;
    let rows = site.browser.eval("document.querySelectorAll('.rows .row').length").await;
    assert!(rows.as_u64().is_some_and(|rows| rows < 100), "{rows} rows");
    site.browser.eval("document.querySelector('.rows').focus()").await;
    site.browser.press("End", 35).await;
    let row =
        format!("[...document.querySelectorAll('.row.active')].some((row) => row.dataset.id === '{last}')");
    site.browser.until(&row).await;
    site.browser
        .eval("{ const all = document.querySelector('.head input'); all.checked = false; all.click(); }")
        .await;
    let kick = format!("document.querySelector('.toolbar .danger').textContent === 'Kick {number} …'");
    site.browser.until(&kick).await;
}

/// Each is four sockets of this process.
const MANY: usize = 400;
