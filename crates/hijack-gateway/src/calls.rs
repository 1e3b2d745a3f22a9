//! The calls of gRPC inside a tunnel, on routes that are marked for it: followed as the tunnel's bytes pass.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hijack::Side;
use hijack_proto::grpc::{Call, Calls, Limits, Lost, Sender, Status};

use crate::routes::RouteState;
use crate::tap::{name_of, unix_ms};
use crate::{CallView, CallsView};

/// The calls of one tunnel. Both of its directions write, everybody reads.
#[derive(Debug)]
pub(crate) struct TunnelCalls {
    followed: Mutex<Followed>,
    route: Arc<RouteState>,
}

#[derive(Debug)]
struct Followed {
    calls: Calls,
    /// How many ended with each status.
    ended: [u64; Status::COUNT],
}

/// Calls of a route since the start, by the status that they ended with.
#[derive(Debug)]
pub(crate) struct EndedCalls([AtomicU64; Status::COUNT]);

impl Default for EndedCalls {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::default()))
    }
}

impl EndedCalls {
    /// Each status, and how many calls ended with it.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Status, u64)> {
        (0..).map(Status::from_code).zip(&self.0).map(|(status, count)| (status, count.load(Relaxed)))
    }
}

impl TunnelCalls {
    pub(crate) fn new(route: Arc<RouteState>) -> Arc<Self> {
        let followed = Followed { calls: Calls::new(Limits::default()), ended: [0; Status::COUNT] };
        Arc::new(Self { followed: Mutex::new(followed), route })
    }

    /// The connection is at its end.
    pub(crate) fn end(&self) {
        self.change(|calls, ended| calls.end(unix_ms(), ended));
    }

    /// As they stand, with those that are known if `listed`.
    pub(crate) fn view(&self, listed: bool) -> CallsView {
        let followed = self.lock();
        let calls = &followed.calls;
        let now_ms = unix_ms();
        let named = (0..).map(|code| Status::from_code(code).name().to_owned()).zip(followed.ended);
        let all = calls.ended().chain(calls.open()).filter(|_| listed);
        CallsView {
            from: calls.caller().map(|caller| name_of(side_of(caller)).to_owned()),
            begun: calls.begun(),
            open: calls.open().len() as u64,
            not_followed: calls.not_followed(),
            lost: calls.lost().map(|why| why.to_string()),
            ended: named.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>(),
            list: all.map(|call| view_of(call, now_ms)).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something of the calls change, and counts those that end with it.
    fn change(&self, change: impl FnOnce(&mut Calls, &mut dyn FnMut(&Call))) {
        let Followed { calls, ended } = &mut *self.lock();
        change(calls, &mut |call| {
            let Some(end) = &call.end else { return };
            let code = usize::from(end.status.code());
            ended[code] += 1;
            self.route.counters.calls.0[code].fetch_add(1, Relaxed);
        });
    }
}

/// Sees one direction of a tunnel for its calls.
#[derive(Debug, Clone)]
pub(crate) struct CallsReader {
    calls: Arc<TunnelCalls>,
    from: Sender,
}

impl CallsReader {
    pub(crate) fn new(calls: Arc<TunnelCalls>, from: Side) -> Self {
        let from = if from == Side::Client { Sender::Client } else { Sender::Server };
        Self { calls, from }
    }

    pub(crate) fn see(&self, bytes: &[u8]) {
        self.calls.change(|calls, ended| calls.see(self.from, bytes, unix_ms(), ended));
    }

    pub(crate) fn blind(&self) -> u64 {
        self.calls.lock().calls.blind(self.from)
    }

    pub(crate) fn skip(&self, len: u64) {
        self.calls.change(|calls, ended| calls.skip(self.from, len, unix_ms(), ended));
    }

    /// What comes is not what the two ends read.
    pub(crate) fn lose(&self) {
        self.calls.change(|calls, ended| calls.give_up(Lost::Unseen, unix_ms(), ended));
    }

    /// Whether calls are followed still.
    pub(crate) fn is_following(&self) -> bool {
        self.blind() != u64::MAX
    }
}

fn side_of(sender: Sender) -> Side {
    match sender {
        Sender::Client => Side::Client,
        Sender::Server => Side::Server,
    }
}

fn view_of(call: &Call, now_ms: u64) -> CallView {
    let end = call.end.as_ref();
    let [messages_in, messages_out] = call.messages;
    CallView {
        stream: call.stream,
        method: call.method.to_string(),
        began_at_ms: call.began_ms,
        duration_ms: call.duration_ms(now_ms),
        messages_in,
        messages_out,
        status: end.map(|end| end.status.name().to_owned()),
        message: end.and_then(|end| end.message.as_deref()).map(percent_decoded),
        reset_by: end.and_then(|end| end.reset_by).map(|sender| name_of(side_of(sender)).to_owned()),
    }
}

/// A `grpc-message` as it was meant (gRPC over HTTP/2, "Percent-Encoded"); what is no escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        let digits =
            behind.get(..2).filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let escaped = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(byte));
        rest = &behind[if escaped.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_decoded_as_far_as_they_are_encoded() {
        for (text, meant) in
            [("no%20such%C3%BC", "no suchü"), ("100%", "100%"), ("%zz%4", "%zz%4"), ("%+1", "%+1")]
        {
            assert_eq!(percent_decoded(text), meant);
        }
    }
}
