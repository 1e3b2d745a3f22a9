//! Each limit by its name and value: what is at it passes, what is beyond it is told.

use hijack::ws::{Config, Error, Message, ReceiveError};

use crate::support::soon;
use crate::wire::{CLOSE, LAST, code, masked, serving};

struct Row {
    set: fn(&mut Config),
    within: Vec<u8>,
    beyond: Vec<u8>,
    error: ReceiveError,
    text: &'static str,
    code: u16,
}

fn rows() -> Vec<Row> {
    let parts = |count: usize| {
        let more = (1..count).map(|_| masked(0x00, "x")).collect::<Vec<_>>().concat();
        [masked(0x02, "x"), more, masked(LAST, "x")].concat()
    };
    let gaps = |count: usize| [masked(0x02, "x"), masked(0x00, "").repeat(count), masked(LAST, "")].concat();
    vec![
        Row {
            set: |config| config.limits.frame_len = 10,
            within: masked(0x82, [0; 10]),
            beyond: masked(0x82, [0; 11]),
            error: ReceiveError::FrameTooLong { len: 11, limit: 10 },
            text: "frame of 11 bytes exceeds the limit 10",
            code: 1009,
        },
        Row {
            set: |config| config.limits.message_len = 10,
            within: [masked(0x02, [0; 5]), masked(LAST, [0; 5])].concat(),
            beyond: [masked(0x02, [0; 5]), masked(LAST, [0; 6])].concat(),
            error: ReceiveError::MessageTooLong { len: 11, limit: 10 },
            text: "message of at least 11 bytes exceeds the limit 10",
            code: 1009,
        },
        Row {
            set: |config| config.limits.fragments = 3,
            within: parts(2),
            beyond: parts(3),
            error: ReceiveError::TooManyFragments { limit: 3 },
            text: "message exceeds the limit of 3 frames",
            code: 1008,
        },
        Row {
            set: |config| config.limits.empty_fragments = 2,
            within: gaps(2),
            beyond: gaps(3),
            error: ReceiveError::TooManyEmptyFragments { limit: 2 },
            text: "message exceeds the limit of 2 empty frames",
            code: 1008,
        },
    ]
}

#[tokio::test]
async fn every_limit_has_its_edge_and_its_name() {
    for row in rows() {
        let (mut socket, mut client) = serving(row.set).await;
        client.send(row.within).await;
        let message = soon("a message", socket.recv()).await.expect(row.text);
        assert!(matches!(message, Some(Message::Binary(_))), "{}", row.text);
        client.send(row.beyond).await;
        client.end().await;
        let error = soon("the error", socket.recv()).await.expect_err(row.text);
        assert!(
            matches!(&error, Error::Peer(got) if *got == row.error),
            "expected {:?}, got {error:?}",
            row.error
        );
        assert_eq!(error.to_string(), row.text);
        client.expect_frame(CLOSE, code(row.code)).await;
        client.expect_rest("").await;
    }
}
