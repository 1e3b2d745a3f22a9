//! Scenarios by chance: sizes, pieces, pauses, runs given up, cuts. A seed makes one, and a failure names it.

use std::sync::LazyLock;
use std::time::Duration;

use hijack::{EndReason, Pipes, Relay, RelayEnd};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::{pattern, soon};
use crate::world::{Far, Kind, World};

/// What a peer may send at the most.
const MOST: usize = 2 << 20;

/// Both directions' bytes: the client's begin at 0, the server's a little later, so that they differ.
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| pattern(MOST + 1_001));

/// Where the server's bytes begin.
const SERVER_FROM: usize = 1_001;

/// Xorshift: the same numbers for the same seed.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        let mut chance = Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 11).expect("64 bits") % bound.max(1)
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Small ones as often as large ones.
    fn size(&mut self, most: usize) -> usize {
        let magnitude = self.below(most.ilog2() as usize + 1);
        self.below((2 << magnitude).min(most + 1))
    }

    fn kind(&mut self) -> Kind {
        Kind::ALL[self.below(4)]
    }
}

/// How a scenario ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    InOrder,
    /// A far end is closed, with a reset if it can be; the client's, or the server's.
    Cut {
        client: bool,
        reset: bool,
    },
    /// The relay is dropped.
    Dropped,
}

#[derive(Debug, Clone, Copy)]
struct Scenario {
    kinds: (Kind, Kind),
    /// What the client and the server send.
    sizes: (usize, usize),
    ending: Ending,
    /// How many bytes a side has got when the cut comes.
    cut_at: usize,
}

impl Scenario {
    fn of(seed: u64) -> (Self, Chance) {
        let mut chance = Chance::new(seed);
        let kinds = (chance.kind(), chance.kind());
        let sizes = (chance.size(MOST), chance.size(MOST));
        let ending = match chance.below(10) {
            0 => Ending::Dropped,
            1..4 => Ending::Cut { client: chance.once_in(2), reset: chance.once_in(2) },
            _ => Ending::InOrder,
        };
        let cut_at = chance.below(sizes.0.max(sizes.1) + 1);
        (Self { kinds, sizes, ending, cut_at }, chance)
    }

    /// Whether the peer is cut, and if so whether by a reset.
    fn cut(&self, client: bool) -> Option<bool> {
        match self.ending {
            Ending::Cut { client: cut, reset } if cut == client => Some(reset),
            _ => None,
        }
    }
}

/// A far end at work, which tells how much it got.
struct Peer {
    scenario: Scenario,
    is_client: bool,
    chance: Chance,
    progress: watch::Sender<usize>,
}

impl Peer {
    /// Sends and receives until both have ended or the cut comes. Gives what came, and whether its end was in order.
    async fn talk(mut self, far: Far, cut: watch::Receiver<usize>) -> (usize, bool) {
        let Scenario { sizes, cut_at, .. } = self.scenario;
        let (sent, from, expected) =
            if self.is_client { (sizes.0, 0, SERVER_FROM) } else { (sizes.1, SERVER_FROM, 0) };
        let cut_by = self.scenario.cut(self.is_client);
        if cut_by == Some(true) {
            far.will_reset();
        }
        let (mut read, mut write) = tokio::io::split(far.0);
        let sending = Self::send(&mut write, &BYTES[from..from + sent], self.chance.clone());
        self.chance.next();
        let progress = self.progress;
        let receiving = Self::receive(&mut read, expected, self.chance, &progress);
        let talk = async { tokio::join!(sending, receiving).1 };
        let in_order = match cut_by {
            None => talk.await,
            Some(_) => tokio::select! {
                in_order = talk => in_order,
                () = reached(cut, cut_at) => false,
            },
        };
        let came = *progress.borrow();
        (came, in_order)
    }

    async fn send(to: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8], mut chance: Chance) {
        while !bytes.is_empty() {
            let len = (1 + chance.size(200_000)).min(bytes.len());
            if to.write_all(&bytes[..len]).await.is_err() {
                return;
            }
            bytes = &bytes[len..];
            pause(&mut chance).await;
        }
        let _ = to.shutdown().await;
    }

    /// Reads until the end; every byte is compared with the one that was sent there.
    async fn receive(
        from: &mut (impl AsyncRead + Unpin),
        expected: usize,
        mut chance: Chance,
        progress: &watch::Sender<usize>,
    ) -> bool {
        let (mut came, mut buffer) = (0, vec![0; 100_000]);
        loop {
            let most = 1 + chance.size(buffer.len() - 1);
            let len = match from.read(&mut buffer[..most]).await {
                Ok(0) => return true,
                Ok(len) => len,
                Err(_) => return false,
            };
            let sent = &BYTES[expected + came..];
            assert!(
                sent.starts_with(&buffer[..len]),
                "what came from byte {came} on differs from what was sent"
            );
            came += len;
            progress.send_replace(came);
            pause(&mut chance).await;
        }
    }
}

/// A stall, now and then.
async fn pause(chance: &mut Chance) {
    if chance.once_in(16) {
        tokio::time::sleep(Duration::from_millis(1 + chance.next() % 10)).await;
    }
    if chance.once_in(200) {
        // Longer than bytes stay in a pipe.
        tokio::time::sleep(Duration::from_millis(350)).await;
    }
}

/// Completes when either peer has got so much, or neither gets more.
async fn reached(mut progress: watch::Receiver<usize>, len: usize) {
    let _ = progress.wait_for(|came| *came >= len).await;
}

/// Runs the relay, gives runs up and begins them again; or drops it where the scenario says so.
async fn drive(
    mut relay: Relay,
    scenario: Scenario,
    mut chance: Chance,
    cut: watch::Receiver<usize>,
) -> Option<RelayEnd> {
    let cut = reached(cut, scenario.cut_at);
    let mut cut = std::pin::pin!(cut);
    loop {
        let delay = Duration::from_micros(chance.next() % 20_000);
        tokio::select! {
            end = relay.run() => return Some(end),
            () = tokio::time::sleep(delay) => {}
            () = &mut cut, if scenario.ending == Ending::Dropped => return None,
        }
    }
}

async fn play(world: &World, pipes: Pipes, seed: u64) {
    let (scenario, mut chance) = Scenario::of(seed);
    let (client, server, relay) = world.relay(scenario.kinds.0, scenario.kinds.1).await;
    let (client_progress, client_came) = watch::channel(0);
    let (server_progress, server_came) = watch::channel(0);
    let mut peer = |is_client, progress| {
        chance.next();
        Peer { scenario, is_client, chance: chance.clone(), progress }
    };
    let (client_peer, server_peer) = (peer(true, client_progress), peer(false, server_progress));
    // A cut hangs on what the side got that gets the most.
    let cut = if scenario.sizes.1 > scenario.sizes.0 { client_came } else { server_came };
    let driven = drive(relay.with_pipes(pipes), scenario, chance.clone(), cut.clone());
    let client = client_peer.talk(client, cut.clone());
    let server = server_peer.talk(server, cut);
    let all = async { tokio::join!(client, server, driven) };
    let (client, server, end) = soon(&format!("the end of {seed}, {scenario:?},"), all).await;
    assert!(client.0 <= scenario.sizes.1 && server.0 <= scenario.sizes.0, "more came than was sent");
    if scenario.ending == Ending::InOrder {
        assert_in_order(scenario, client, server, &end.expect("a relay that ran"));
    }
}

fn assert_in_order(scenario: Scenario, client: (usize, bool), server: (usize, bool), end: &RelayEnd) {
    let Scenario { sizes, .. } = scenario;
    assert_eq!((client, server), ((sizes.1, true), (sizes.0, true)), "{scenario:?}: {end}");
    assert_eq!(end.reason, EndReason::PeerClosed, "{scenario:?}: {end}");
    let (up, down) = (sizes.0 as u64, sizes.1 as u64);
    assert_eq!((end.to_server.received, end.to_server.delivered), (up, up), "{scenario:?}: {end}");
    assert_eq!((end.to_client.received, end.to_client.delivered), (down, down), "{scenario:?}: {end}");
}

/// Plays the scenarios of `seeds`, some at a time; the seed of one that fails is told.
async fn play_all(seeds: std::ops::Range<u64>, pipes: &Pipes) {
    const AT_ONCE: usize = 12;
    let world = std::sync::Arc::new(World::new().await);
    let mut playing = JoinSet::new();
    for seed in seeds {
        let (world, pipes) = (std::sync::Arc::clone(&world), pipes.clone());
        playing.spawn(async move {
            let played = tokio::spawn(async move { play(&world, pipes, seed).await }).await;
            assert!(played.is_ok(), "the scenario of seed {seed} failed: {:?}", Scenario::of(seed).0);
        });
        if playing.len() == AT_ONCE {
            playing.join_next().await.expect("some play").expect("every scenario goes well");
        }
    }
    while let Some(played) = playing.join_next().await {
        played.expect("every scenario goes well");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_splicing() {
    play_all(0..120, &Pipes::new(64)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_copying() {
    play_all(1_000..1_120, &Pipes::new(0)).await;
}

/// One pipe for twelve relays at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_turns_at_one_pipe() {
    play_all(2_000..2_120, &Pipes::new(1)).await;
}
