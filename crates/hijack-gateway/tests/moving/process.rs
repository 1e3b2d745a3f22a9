//! The other process: this program again, with a gateway, told by variables what to do. Packed conversations come and go
//! over its stdin, which is a Unix socket.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use hijack_gateway::{Config, Filter, Gateway, PackedConversation, Route};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// Within this time after they began all are paused.
const PAUSED_WITHIN: Duration = Duration::from_millis(2_500);

/// What became of a connection in the second gateway, the same both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counted {
    pub(crate) messages: u64,
    pub(crate) illegal: u64,
}

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
    socket: UnixStream,
}

impl Process {
    pub(crate) fn start(what: &str, upstream: SocketAddr, pairs: usize) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let theirs = theirs.into_std().expect("a socket");
        theirs.set_nonblocking(false).expect("a socket");
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "other_process", "--ignored", "--nocapture"])
            .env("HIJACK_OTHER_PROCESS", format!("{what} http://{upstream} {pairs}"))
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test again");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, output, socket: ours }
    }

    /// Where its gateway listens.
    pub(crate) fn address(&mut self) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).expect("a line") > 0 {
            if let Some(address) = line.trim().strip_prefix("listens ") {
                return address.to_owned();
            }
            line.clear();
        }
        panic!("the gateway did not start")
    }

    /// Gives it all the conversations that it is to go on with.
    pub(crate) async fn give(&mut self, conversations: Vec<PackedConversation>) {
        for conversation in conversations {
            conversation.send(&mut self.socket).await.expect("sent");
        }
        rustix::net::shutdown(self.socket.as_fd(), rustix::net::Shutdown::Write).expect("an open socket");
    }

    /// What it gives back before it ends.
    pub(crate) async fn take_all(&mut self) -> Vec<PackedConversation> {
        let mut all = Vec::new();
        while let Some(packed) = PackedConversation::receive(&mut self.socket).await.expect("received") {
            all.push(packed);
        }
        all
    }

    /// Waits until it is gone; tells what it counted, by id.
    pub(crate) fn end(mut self) -> BTreeMap<u64, Counted> {
        let lines: Vec<String> = (&mut self.output).lines().map(|line| line.expect("a line")).collect();
        assert!(self.child.wait().expect("our child").success(), "{lines:#?}");
        let counted = lines.iter().filter_map(|line| {
            let mut numbers =
                line.strip_prefix("counted ")?.split(' ').map(|number| number.parse().expect(line));
            let mut next = || numbers.next().expect(line);
            Some((next(), Counted { messages: next(), illegal: next() }))
        });
        counted.collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the other process does.
pub(crate) async fn run() {
    let told = std::env::var("HIJACK_OTHER_PROCESS").expect("this is started by another test");
    let [what, upstream, pairs] = told.split(' ').collect::<Vec<_>>().try_into().expect("three words");
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().expect("a socket");
    let socket = std::os::unix::net::UnixStream::from(stdin);
    socket.set_nonblocking(true).expect("a socket");
    let mut socket = UnixStream::from_std(socket).expect("a socket");
    let mut config = Config::default();
    config.listen = vec!["127.0.0.1:0".into()];
    config.routes = vec![Route::new("main", upstream.parse().expect("an address"))];
    let gateway = Gateway::new(config).expect("a gateway");
    let pairs = pairs.parse().expect("a number");
    match what {
        "pauses" => pause(&gateway, pairs, &mut socket).await,
        _ => finish(&gateway, pairs, &mut socket).await,
    }
}

/// Serves until all have come, and gives each away at an instant of its own.
async fn pause(gateway: &Gateway, pairs: usize, socket: &mut UnixStream) {
    let listener = gateway.bind().await.expect("bound").remove(0);
    println!("\nlistens {}", listener.local_address());
    let serving = gateway.clone();
    tokio::spawn(async move { serving.serve(listener).await });
    while gateway.count() < pairs {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut pausing = JoinSet::new();
    let count = u32::try_from(pairs).expect("few");
    for id in 1..=count {
        // Spread evenly and shuffled: where the conversation stands at that instant is a matter of luck.
        let pause_at = PAUSED_WITHIN * (id * 7919 % count) / count;
        let gateway = gateway.clone();
        pausing.spawn(async move {
            tokio::time::sleep(pause_at).await;
            gateway.pack(id.into()).await.expect("plain TCP moves")
        });
    }
    while let Some(packed) = pausing.join_next().await {
        packed.expect("packed").send(socket).await.expect("sent");
    }
}

/// Goes on with all that come, and tells what was counted of each when all have ended.
async fn finish(gateway: &Gateway, pairs: usize, socket: &mut UnixStream) {
    while let Some(packed) = PackedConversation::receive(socket).await.expect("received") {
        gateway.unpack(packed).expect("it goes on");
    }
    while gateway.count() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all: Filter = "state=closed and code=1000".parse().expect("a filter");
    for view in gateway.list(&all, 0, pairs).connections {
        assert_eq!((view.messages_in, view.illegal_in), (view.messages_out, view.illegal_out), "{view:?}");
        println!("\ncounted {} {} {}", view.id, view.messages_in, view.illegal_in);
    }
}

pub(crate) fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("the hard limit is allowed");
}
