//! Random types and values of Go's, there and back. `HIJACK_GOB_VALUES` of them (10,000), from `HIJACK_GOB_SEED` (1).

use hijack_gob::{Decoder, Dynamic, Encoder, Type};
use hijack_interop::gob::{Judge, from_hex, to_hex};

use crate::show::show;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn go_takes_back_what_it_sent() {
    let Some(mut judge) = Judge::start() else { return };
    let count = setting("HIJACK_GOB_VALUES", 10_000);
    judge.tell(&format!("random {count} {}", setting("HIJACK_GOB_SEED", 1)));
    let (mut decoder, mut encoder) = (Decoder::new(), Encoder::new());
    let mut parsed = 0;
    for at in 0..count {
        let type_line = judge.hear();
        let line = if type_line.contains(": ") { String::new() } else { judge.hear() };
        let (stream, shown) = line.split_once(' ').unwrap_or_else(|| panic!("value {at}: {type_line}"));
        let type_text = match type_line.strip_prefix('|') {
            Some(rest) => {
                (decoder, encoder) = (Decoder::new(), Encoder::new());
                rest
            }
            None => &type_line,
        };
        let stream = from_hex(stream);
        let mut input = &stream[..];
        let decoded = decoder.decode::<Dynamic>(&mut input);
        let mut value = decoded.unwrap_or_else(|error| panic!("{type_text}: {error}")).expect("whole");
        decoder.finish(&input).expect("nothing behind it");
        assert_eq!(show(&value.value), shown, "{type_text}");
        // Every second one as the type that its text says, the others as the one that the stream said.
        if at % 2 == 1
            && let Ok(ty) = type_text.parse::<Type>()
        {
            value.ty = ty;
            parsed += 1;
        }
        let mut ours = Vec::new();
        encoder.encode_dynamic(&value, &mut ours).unwrap_or_else(|error| panic!("{type_text}: {error}"));
        judge.tell(&to_hex(&ours));
    }
    assert_eq!(judge.hear(), format!("ok {count}"));
    assert!(parsed > count / 8, "{parsed} types were read from their text");
}
