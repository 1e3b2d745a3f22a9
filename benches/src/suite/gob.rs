//! What a value of `encoding/gob` costs to write and to read.

use std::io;
use std::path::Path;

use super::{Beside, Part, Subject};
use crate::bar::Bar;
use crate::load::Coded;
use crate::options::Options;
use crate::peer::Role;

/// The parts, as they are measured: name, title, operations, and the bar's words.
macro_rules! parts {
    ($($shape:literal $encode:literal $decode:literal $what:literal $ops:literal;)*) => {
        pub(super) async fn measure(options: &Options) -> io::Result<(Vec<Part>, Vec<Bar>)> {
            let parts = vec![$(
                Part::measure::<Coded<$shape, false>>(const { &subject($encode, concat!("gob, written: ", $what), $ops) }, options).await?,
                Part::measure::<Coded<$shape, true>>(const { &subject($decode, concat!("gob, read: ", $what), $ops) }, options).await?,
            )*];
            let bars = parts.iter().map(bar).collect();
            Ok((parts, bars))
        }

        pub(super) async fn profile(options: &Options, folder: &Path) -> io::Result<()> {
            $(
                const { &subject($encode, $what, $ops) }.profile::<Coded<$shape, false>>(options, folder).await?;
                const { &subject($decode, $what, $ops) }.profile::<Coded<$shape, true>>(options, folder).await?;
            )*
            Ok(())
        }
    };
}

parts! {
    0 "gob-write-header" "gob-read-header" "the header of a call" 4_000_000;
    1 "gob-write-args" "gob-read-args" "two integers" 4_000_000;
    2 "gob-write-record" "gob-read-record" "a struct of twelve fields" 1_000_000;
    3 "gob-write-order" "gob-read-order" "structs in structs" 400_000;
    4 "gob-write-ints" "gob-read-ints" "1,000 integers" 200_000;
    5 "gob-write-floats" "gob-read-floats" "1,000 floats" 200_000;
    6 "gob-write-strings" "gob-read-strings" "100 strings" 400_000;
    7 "gob-write-bytes" "gob-read-bytes" "64 KiB of bytes" 200_000;
    8 "gob-write-map" "gob-read-map" "a map of 100" 200_000;
    9 "gob-write-any" "gob-read-any" "50 interfaces" 200_000;
}

const fn subject(name: &'static str, title: &'static str, ops: u64) -> Subject {
    Subject { role: Role::Codec, name, title, held: "-", ops, beside: Beside::Nothing }
}

fn bar(part: &Part) -> Bar {
    Bar { what: part.subject.title, value: part.ratio("go", |sample| sample.total), limit: 0.5 }
}
