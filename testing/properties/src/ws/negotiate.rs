//! Negotiation of permessage-deflate (RFC 7692 §5 and §7.1).

use hijack_proto::ws::Role;
use hijack_proto::ws::deflate::{Config, NAME};
use hijack_proto::ws::handshake::{Extension, extensions};

use crate::source::Source;

/// Two configurations, then the lines of `Sec-WebSocket-Extensions`. As offers: the answer fits one of them and
/// says nothing that this one does not allow. As answers: nothing is agreed that was not offered. Both roles
/// agree on the same with each other, and a list that is written again is the same list.
///
/// # Panics
///
/// Where that is not so.
pub fn offers(data: &[u8]) {
    let mut source = Source::new(data);
    let (server, client) = (choose_config(&mut source), choose_config(&mut source));
    let lines: Vec<&[u8]> = source.rest().split(|byte| *byte == b'\n').collect();
    for extension in extensions(lines.iter().copied()).flatten() {
        let written = write(&extension);
        let again: Vec<_> = extensions([written.as_bytes()]).collect();
        assert_eq!(again, [Some(extension)], "{written}");
    }
    check_accept(&server, &lines);
    check_verify(&client, &lines);
    check_both(&server, &client);
}

fn choose_config(source: &mut Source<'_>) -> Config {
    let choice = source.byte();
    let mut config = Config::default();
    config.server_no_context_takeover = choice & 1 != 0;
    config.client_no_context_takeover = choice & 2 != 0;
    // Also what is no window, which counts as the nearest one.
    config.server_max_window_bits = choice >> 2 & 0b111 | 8;
    config.client_max_window_bits = source.byte() & 0x0F;
    config
}

fn write(extension: &Extension<'_>) -> String {
    let mut text = extension.name.to_owned();
    for (name, value) in &extension.parameters {
        text.push_str("; ");
        text.push_str(name);
        if let Some(value) = value {
            text.push_str("=\"");
            text.push_str(value);
            text.push('"');
        }
    }
    text
}

/// Each alternative alone: the first that is accepted is the one that was chosen.
fn check_accept(config: &Config, lines: &[&[u8]]) {
    let accepted = config.accept(lines.iter().copied());
    let alone = extensions(lines.iter().copied()).flatten().find_map(|offer| {
        let agreement = config.accept([write(&offer).as_bytes()])?;
        Some((offer, agreement))
    });
    assert_eq!(accepted, alone.as_ref().map(|(_, agreement)| *agreement));
    let Some((offer, agreement)) = alone else { return };
    assert!(offer.name.eq_ignore_ascii_case(NAME));
    assert!((9..=15).contains(&agreement.window_bits(Role::Server)), "what zlib can make");
    assert!(agreement.can_compress(Role::Server));
    let asked =
        |name: &str| offer.parameters.iter().find(|(parameter, _)| parameter.eq_ignore_ascii_case(name));
    let answer = agreement.answer();
    if answer.contains("client_max_window_bits") {
        assert!(asked("client_max_window_bits").is_some(), "{answer} to {offer:?}");
    }
    if asked("server_no_context_takeover").is_some() {
        assert!(answer.contains("server_no_context_takeover"), "{answer} to {offer:?}");
    }
    if let Some((_, Some(bits))) = asked("server_max_window_bits") {
        let bits: u8 = bits.parse().expect("legal, as it was accepted");
        assert!(agreement.window_bits(Role::Server) <= bits, "{answer} to {offer:?}");
    }
}

fn check_verify(config: &Config, lines: &[&[u8]]) {
    let Ok(Some(agreement)) = config.verify(lines.iter().copied()) else { return };
    let largest = config.server_max_window_bits.clamp(9, 15);
    assert!(agreement.window_bits(Role::Server) <= largest);
    assert!(agreement.window_bits(Role::Client) <= config.client_max_window_bits.clamp(9, 15));
    assert!(agreement.no_context_takeover(Role::Server) || !config.server_no_context_takeover);
    assert!(agreement.no_context_takeover(Role::Client) || !config.client_no_context_takeover);
}

fn check_both(server: &Config, client: &Config) {
    let agreed = server.accept([client.offer().as_bytes()]).expect("our offers are acceptable");
    let verified =
        client.verify([agreed.answer().as_bytes()]).expect("our answers are legal").expect("accepted");
    for role in [Role::Server, Role::Client] {
        assert_eq!(agreed.window_bits(role), verified.window_bits(role));
        assert_eq!(agreed.no_context_takeover(role), verified.no_context_takeover(role));
    }
}
