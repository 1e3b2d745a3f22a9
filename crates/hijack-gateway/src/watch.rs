//! The gateway's own watch over its connections: limits on time, pings, slow readers, and ends that are spread in time.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};
use std::time::Duration;

use hijack::Side;
use hijack_proto::ws::CloseCode;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::config::{RouteLimits, SlowReader};
use crate::conversation::Ending;
use crate::gateway::Shared;
use crate::registry::{Command, Entry};

/// Moves the clock and looks at every connection now and then, until the gateway is gone.
pub(crate) async fn run(shared: Weak<Shared>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut count = 0_u64;
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        let now = shared.tick();
        count += 1;
        if count.is_multiple_of(LOOK_EVERY) {
            shared.registry.each(|entry| look_at(&shared, entry, now));
        }
    }
}

fn look_at(shared: &Shared, entry: &Arc<Entry>, now: u64) {
    if entry.drop_idle_tap() {
        entry.post(Command::Tap(None));
    }
    let limits = &entry.facts.route.route.limits;
    if entry.is_closing() {
        if now.saturating_sub(entry.moved.ending_ms.load(Relaxed)) >= ms(CLOSE_TIMEOUT) {
            entry.post(Command::Cut);
        }
        return;
    }
    if let Some(ending) = overdue(entry, limits, now) {
        tracing::debug!(id = entry.id, cause = ending.cause, "a limit is reached");
        entry.post(Command::Close(ending));
    } else if entry.facts.is_websocket() {
        ping(shared, entry, limits, now);
    }
}

/// The end that a limit on time brings, if one is reached.
fn overdue(entry: &Entry, limits: &RouteLimits, now: u64) -> Option<Ending> {
    let is_over = |limit: Option<Duration>, time: u64| limit.is_some_and(|limit| time >= ms(limit));
    if is_over(limits.idle, entry.idle_ms(now)) {
        return Some(Ending::of_both(CloseCode::GOING_AWAY, "idle limit"));
    }
    if is_over(limits.lifetime, entry.age_ms(now)) {
        return Some(Ending::of_both(CloseCode::GOING_AWAY, "lifetime limit"));
    }
    if limits.slow_reader == SlowReader::Close {
        let most = limits.slow_after.unwrap_or(SLOW_AFTER);
        for (side, since) in
            [(Side::Client, &entry.moved.stalled_in_ms), (Side::Server, &entry.moved.stalled_out_ms)]
        {
            let since = since.load(Relaxed);
            if since != 0 && now.saturating_sub(since) >= ms(most) {
                let cause = format!("the {} does not read", crate::tap::name_of(side));
                return Some(Ending::of_side(side, CloseCode::TRY_LATER, cause));
            }
        }
    }
    silent_side(entry, limits, now)
}

/// The end of a connection of which a side did not answer our ping, with no byte at all.
fn silent_side(entry: &Entry, limits: &RouteLimits, now: u64) -> Option<Ending> {
    let pinged = entry.moved.pinged_ms.load(Relaxed);
    if pinged == 0 {
        return None;
    }
    let heard = |side: Side| match side {
        Side::Client => entry.moved.heard_in_ms.load(Relaxed),
        Side::Server => entry.moved.heard_out_ms.load(Relaxed),
    };
    let silent = [Side::Client, Side::Server].into_iter().find(|side| heard(*side) < pinged);
    let Some(side) = silent else {
        entry.moved.pinged_ms.store(0, Relaxed);
        return None;
    };
    let waited = now.saturating_sub(pinged);
    (waited >= ms(limits.pong_timeout.unwrap_or(PONG_TIMEOUT))).then(|| {
        let cause = format!("pong timeout: the {} is silent", crate::tap::name_of(side));
        Ending::of_side(side, CloseCode::GOING_AWAY, cause)
    })
}

/// Asks both sides whether they live, once the connection is silent.
fn ping(shared: &Shared, entry: &Entry, limits: &RouteLimits, now: u64) {
    let Some(after) = limits.ping_after else { return };
    let heard_in = now.saturating_sub(entry.moved.heard_in_ms.load(Relaxed));
    let heard_out = now.saturating_sub(entry.moved.heard_out_ms.load(Relaxed));
    let is_due = heard_in.max(heard_out) >= ms(after);
    if is_due && entry.moved.pinged_ms.load(Relaxed) == 0 {
        entry.moved.pinged_ms.store(now, Relaxed);
        entry.post(Command::Ping { mark: shared.ping_mark, number: now });
    }
}

/// Ends connections one after the other, `rate` per second.
pub(crate) async fn end_paced(entries: Vec<Arc<Entry>>, ending: Ending, rate: u32) {
    let begun = Instant::now();
    for (count, entry) in (0_u32..).zip(entries) {
        sleep_until(begun + Duration::from_secs(1) * count / rate.max(1)).await;
        entry.post(Command::Close(ending.clone()));
    }
}

/// Ends all connections, spread over a time, and waits for their ends.
pub(crate) async fn end_spread(shared: &Shared, ending: Ending, over: Duration) {
    let entries = shared.registry.all();
    let (begun, total) = (Instant::now(), u32::try_from(entries.len()).unwrap_or(u32::MAX));
    for (count, entry) in (0_u32..).zip(entries) {
        sleep_until(begun + over.mul_f64(f64::from(count) / f64::from(total.max(1)))).await;
        entry.post(Command::Close(ending.clone()));
    }
    // Those that came while the first were ended, and the goodbyes.
    shared.registry.each(|entry| entry.post(Command::Close(ending.clone())));
    let last = Instant::now() + CLOSE_TIMEOUT + GOODBYE;
    while shared.registry.count() > 0 && Instant::now() < last {
        sleep(TICK).await;
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The grain of the gateway's clock.
const TICK: Duration = Duration::from_millis(100);

/// Ticks from one look at a connection to the next.
const LOOK_EVERY: u64 = 5;

/// Time for both sides to take our Close, or to end behind their own.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for the peers' own ends behind that.
const GOODBYE: Duration = Duration::from_secs(3);

/// See `RouteLimits::pong_timeout`.
const PONG_TIMEOUT: Duration = Duration::from_secs(20);

/// See `RouteLimits::slow_after`.
const SLOW_AFTER: Duration = Duration::from_secs(10);
