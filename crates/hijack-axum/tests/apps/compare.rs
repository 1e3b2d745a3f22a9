//! One app, two servers: what they answer is the same, but for a table of differences with reasons.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

use crate::wire::{Answer, Ask, UNANSWERED, converse};

/// How long a conversation may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked on one connection.
#[derive(Debug)]
pub(crate) struct Talk {
    name: &'static str,
    rounds: Vec<Vec<Ask>>,
    allowed: Option<&'static str>,
}

/// A connection with one request after the other.
pub(crate) fn talk(name: &'static str, asks: impl IntoIterator<Item = Ask>) -> Talk {
    Talk { name, rounds: asks.into_iter().map(|ask| vec![ask]).collect(), allowed: None }
}

/// A connection with all requests in one packet.
pub(crate) fn pipeline(name: &'static str, asks: impl IntoIterator<Item = Ask>) -> Talk {
    Talk { name, rounds: vec![asks.into_iter().collect()], allowed: None }
}

impl Talk {
    /// In this conversation the servers differ as the row of [`DIFFERENCES`] with that name says, and must.
    pub(crate) fn differs(mut self, row: &'static str) -> Self {
        self.allowed = Some(row);
        self
    }
}

/// A deliberate difference.
struct Difference {
    name: &'static str,
    /// Why ours is as it is.
    reason: &'static str,
    /// Takes the difference out of hyper's answer and ours.
    level: fn(&mut Answer, &mut Answer),
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "says that it closes",
        reason: "hyper closes here too, but does not say so: to HTTP/1.0, where the end is implied, and behind an \
            answer to a client that still waits for its 100, of whom nobody knows whether the body follows \
            (RFC 9110 §10.1.1). RFC 9112 §9.6 wants the end announced.",
        level: |hyper, ours| {
            assert_eq!(hyper.field("connection"), None);
            assert_eq!(ours.field("connection"), Some("close"));
            ours.fields.retain(|(name, _)| name != "connection");
        },
    },
    Difference {
        name: "says what is wrong",
        reason: "a refused head is answered with a sentence, for whoever has to find the mistake",
        level: |hyper, ours| {
            assert!(hyper.body.is_empty() && ours.body.ends_with(b"\n"));
            assert_eq!(ours.field("content-type"), Some("text/plain; charset=utf-8"));
            ours.body.clear();
            ours.fields.clone_from(&hyper.fields);
        },
    },
    Difference {
        name: "another version",
        reason: "an unknown version of HTTP is a 505 (RFC 9110 §15.6.6), not a malformed request",
        level: |hyper, ours| {
            assert_eq!((hyper.status, ours.status), (400, 505));
            ours.clone_from(hyper);
        },
    },
    Difference {
        name: "trailers unannounced",
        reason: "hyper drops trailers unless the answer names them in Trailer and the request says TE: trailers. \
            Ours sends what the app made; a client that knows them not may drop them (RFC 9110 §6.5.1).",
        level: |hyper, ours| {
            assert!(hyper.trailers.is_empty() && !ours.trailers.is_empty());
            ours.trailers.clear();
        },
    },
];

/// Serves `app` by both and compares what each conversation gets.
pub(crate) async fn compare(app: impl Fn() -> Router, talks: impl IntoIterator<Item = Talk>) {
    let (hyper, hyper_at) = listen().await;
    let (ours, ours_at) = listen().await;
    let (by_hyper, by_ours) = (axum::serve(hyper, app()), hijack_axum::serve(ours, app()));
    let serving = [tokio::spawn(async { _ = by_hyper.await }), tokio::spawn(async { _ = by_ours.await })];
    let mut wrong = Vec::new();
    for talk in talks {
        wrong.extend(differences(&talk, hyper_at, ours_at).await);
    }
    serving.iter().for_each(tokio::task::JoinHandle::abort);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What ours alone answers, where hyper does not.
pub(crate) async fn ours(app: Router, asks: &[Ask]) -> Vec<Vec<Answer>> {
    let (listener, address) = listen().await;
    let serving = tokio::spawn(hijack_axum::serve(listener, app).into_future());
    let rounds: Vec<_> = asks.iter().map(|ask| vec![ask.clone()]).collect();
    let answers = tokio::time::timeout(PATIENCE, converse(address, &rounds)).await.expect("answers");
    serving.abort();
    answers.0
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn differences(talk: &Talk, hyper: SocketAddr, ours: SocketAddr) -> Vec<String> {
    let name = talk.name;
    let patient = |address| tokio::time::timeout(PATIENCE, converse(address, &talk.rounds));
    let both = tokio::join!(patient(hyper), patient(ours));
    let (Ok((hyper, hyper_rest)), Ok((ours, our_rest))) = both else {
        let [hyper, ours] = [both.0, both.1].map(|it| if it.is_ok() { "answers" } else { "does not" });
        return vec![format!("{name}: within {PATIENCE:?} hyper {hyper}, ours {ours}")];
    };
    let mut wrong = Vec::new();
    let mut differs = false;
    for (at, ask) in talk.rounds.iter().flatten().enumerate() {
        let what = format!("{name}, request {at}");
        match (hyper.get(at), ours.get(at)) {
            (Some(hyper), Some(ours)) => {
                wrong.extend(unexpected(ask, ours).map(|it| format!("{what}: {it}")));
                let (mut hyper, mut ours) = (without_date(hyper), without_date(ours));
                if hyper != ours {
                    differs = true;
                    level(talk, &mut hyper, &mut ours);
                }
                if hyper != ours {
                    wrong.push(format!("{what}:\n  hyper: {hyper:?}\n   ours: {ours:?}"));
                }
            }
            (None, None) if ask.gives == UNANSWERED => {}
            (hyper, ours) => wrong.push(format!("{what}:\n  hyper: {hyper:?}\n   ours: {ours:?}")),
        }
    }
    if let (Some(row), false) = (talk.allowed, differs) {
        wrong.push(format!("{name}: no difference, but the row {row:?} says one"));
    }
    if hyper_rest != our_rest {
        let [hyper, ours] = [hyper_rest, our_rest].map(|rest| rest.escape_ascii().to_string());
        wrong.push(format!("{name}, behind the last answer:\n  hyper: {hyper}\n   ours: {ours}"));
    }
    wrong
}

fn unexpected(ask: &Ask, answers: &[Answer]) -> Option<String> {
    let status = answers.last().map(|answer| answer.status);
    (status != Some(ask.gives)).then(|| format!("expected {}, got {answers:?}", ask.gives))
}

/// Answers that must be the same: the time may pass between them. Every final one has a date (RFC 9110 §6.6.1).
fn without_date(answers: &[Answer]) -> Vec<Answer> {
    let mut answers = answers.to_vec();
    for answer in &mut answers {
        let dated = answer.field("date").is_some();
        assert_eq!(dated, answer.status >= 200, "a date in {answer:?}");
        answer.fields.retain(|(name, _)| name != "date");
    }
    answers
}

fn level(talk: &Talk, hyper: &mut [Answer], ours: &mut [Answer]) {
    let Some(row) = talk.allowed else { return };
    let row = DIFFERENCES.iter().find(|it| it.name == row).unwrap_or_else(|| panic!("no row {row:?}"));
    assert!(!row.reason.is_empty(), "{:?} needs a reason", row.name);
    for (hyper, ours) in hyper.iter_mut().zip(ours) {
        (row.level)(hyper, ours);
    }
}
