//! What calls of net/rpc cost at both ends together, between ours and Go's in every pairing.

use std::io;
use std::path::Path;

use super::{Beside, Part, Subject};
use crate::bar::Bar;
use crate::load::Calls;
use crate::options::Options;
use crate::peer::{OURS, Role};

const MANY: Subject = calls("rpc-many", "net/rpc: multiplications, 64 callers on one connection", 200_000);
const ONE: Subject = calls("rpc-one", "net/rpc: multiplications, one caller", 50_000);
const LARGE: Subject = calls("rpc-large", "net/rpc: echoes of 1 MiB, four callers on one connection", 1_000);

const fn calls(name: &'static str, title: &'static str, ops: u64) -> Subject {
    Subject { role: Role::RpcPair, name, title, held: "", ops, beside: Beside::Nothing }
}

/// The parts of the suite, as they are measured.
pub(super) async fn measure(options: &Options) -> io::Result<(Vec<Part>, Vec<Bar>)> {
    let parts = vec![
        Part::measure::<Calls<64, 0>>(&MANY, options).await?,
        Part::measure::<Calls<1, 0>>(&ONE, options).await?,
        Part::measure::<Calls<4, { 1 << 20 }>>(&LARGE, options).await?,
    ];
    let bars = bars(&parts);
    Ok((parts, bars))
}

pub(super) async fn profile(options: &Options, folder: &Path) -> io::Result<()> {
    MANY.profile::<Calls<64, 0>>(options, folder).await?;
    ONE.profile::<Calls<1, 0>>(options, folder).await?;
    LARGE.profile::<Calls<4, { 1 << 20 }>>(options, folder).await
}

/// CPU per call over Go's own: a third of it is three times the calls per second of CPU.
fn bars(parts: &[Part]) -> Vec<Bar> {
    let ratio = |what, subject: &Subject, pair, limit| {
        let part = parts.iter().find(|part| part.subject.name == subject.name);
        let value = part.and_then(|part| part.ratio_of(pair, GO, |sample| sample.total));
        Bar { what, value, limit }
    };
    vec![
        ratio("CPU per call, 64 callers, ours / Go", &MANY, OURS, 1.0 / 3.0),
        ratio("CPU per call, one caller, ours / Go", &ONE, OURS, 1.0 / 1.5),
        ratio("CPU per call, 64 callers, Go's client and our server / Go", &MANY, "go-hijack", 1.0 / 1.2),
        ratio("CPU per call, 64 callers, our client and Go's server / Go", &MANY, "hijack-go", 1.0 / 1.2),
        ratio("CPU per echo of 1 MiB, ours / Go", &LARGE, OURS, 1.0 / 2.0),
    ]
}

const GO: &str = "go";
