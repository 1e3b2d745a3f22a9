//! Containers with a terminal: raw, detached from by keys, resized.

use std::time::Duration;

use hijack_docker::stream::{ClientStreams, DetachKeys, Framing, InputEnd};
use hijack_docker::{AttachOptions, Size};
use tokio::io::{AsyncWriteExt, duplex};

use crate::site::{Site, code, rest, script, soon};

/// Reads until `text` has come; a shell may ask behind its prompt where the cursor is.
async fn until(streams: &mut ClientStreams, text: &str) -> String {
    let mut said = String::new();
    while !said.contains(text) {
        let next = soon(text, streams.output.next()).await.expect("whole");
        let chunk = next.unwrap_or_else(|| panic!("it ended behind {said:?}"));
        said.push_str(std::str::from_utf8(&chunk.data).expect("text"));
    }
    said
}

/// Behaviours 13 and 16: raw output, whatever its first byte is; control-d ends it.
pub(crate) async fn output_is_raw(site: Site) {
    let config = script("printf '\\001\\000hello'; cat").with_stdin().with_tty();
    let (_, mut streams, wait) = site.started(&config).await;
    assert_eq!(streams.output.framing(), Framing::Raw);
    assert_eq!(until(&mut streams, "hello").await, "\u{1}\0hello");
    streams.stdin.write_all(b"line\n").await.expect("written");
    assert_eq!(until(&mut streams, "line\r\nline\r\n").await, "line\r\nline\r\n");
    streams.stdin.write_all(b"\x04").await.expect("written");
    assert_eq!(rest(streams).await.out, "");
    assert_eq!(code(wait).await, 0);
}

/// Behaviours 13 and 14: the keys detach, found by the daemon or on our side; the container runs on, a prompt comes
/// back; a part of them goes through.
pub(crate) async fn detach_keys(site: Site) {
    let config = script("stty raw -echo; echo ready; head -c 3 | od -An -tx1; echo done; sleep 60");
    let config = config.with_stdin().with_tty();
    let (id, mut streams, _wait) = site.started(&config).await;
    until(&mut streams, "ready\n").await;
    streams.stdin.write_all(b"a\x10\x11").await.expect("written");
    assert_eq!(rest(streams).await.out, "", "the daemon found the default keys");
    assert!(site.docker.inspect(&id).await.expect("known").state.running);

    let keys: DetachKeys = "ctrl-x,x".parse().expect("keys");
    let options = AttachOptions::default().with_stdin().with_detach_keys(keys.clone());
    let mut streams = site.docker.attach(&id, &options).await.expect("attached");
    let (mut keyboard, mut source) = duplex(100);
    let ClientStreams { ref mut stdin, ref mut output, .. } = streams;
    let typing = async {
        keyboard.write_all(b"\x18").await.expect("there is room");
        keyboard.write_all(b"b\x18x").await.expect("there is room");
    };
    let (end, ()) = tokio::join!(stdin.copy_from(&mut source, Some(keys)), typing);
    assert_eq!(end.expect("typed"), InputEnd::Detached);
    let mut said = String::new();
    while !said.contains("done") {
        let chunk = soon("the bytes", output.next()).await.expect("whole").expect("output");
        said.push_str(std::str::from_utf8(&chunk.data).expect("text"));
    }
    assert!(said.trim_start().starts_with("61 18 62"), "{said:?}");
    drop(streams);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(site.docker.inspect(&id).await.expect("known").state.running);
}

/// A prompt without a line's end shows at once, and the container learns its size.
pub(crate) async fn prompts_and_sizes(site: Site) {
    let mut config = script("").with_stdin().with_tty();
    config.cmd = vec!["sh".into()];
    config.env.push("PS1=prompt$ ".into());
    let (id, mut streams, wait) = site.started(&config).await;
    until(&mut streams, "prompt$ ").await;
    site.docker.resize(&id, Size { height: 40, width: 123 }).await.expect("resized");
    streams.stdin.write_all(b"stty size; exit 6\n").await.expect("written");
    let said = rest(streams).await.out;
    assert!(said.contains("40 123\r\n"), "{said:?}");
    assert_eq!(code(wait).await, 6);
    assert!(site.docker.resize(&id, Size { height: 1, width: 1 }).await.is_err(), "it has ended");
}
