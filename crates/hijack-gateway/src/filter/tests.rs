//! Byte tables, and laws over random filters.

use proptest::prelude::*;

use super::*;

fn view() -> ConnectionView {
    ConnectionView {
        id: 7,
        route: "chat".into(),
        peer: "10.1.2.3:40001".into(),
        upstream: "http://127.0.0.1:9090".into(),
        protocol: "websocket".into(),
        subject: Some("alice".into()),
        state: "open".into(),
        gear: "framed".into(),
        request: "GET /ws/chat?room=1".into(),
        age_ms: 3_600_000,
        idle_ms: 30_000,
        bytes_in: 10,
        bytes_out: 1 << 20,
        messages_in: 3,
        messages_out: 4,
        movable: true,
        tags: vec!["vip".into(), "beta 2".into()],
        ..ConnectionView::default()
    }
}

fn filter(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn means_what_it_says() {
    let table = [
        ("", true),
        (" \t\n", true),
        ("user=alice and idle>30s", false),
        ("user=alice and idle>=30s", true),
        ("subject = alice", true),
        ("user=Alice", false),
        ("user=a*e", true),
        ("user='a\\*e'", false),
        ("user~lic", true),
        ("user~l*c", false),
        ("user!=\"\"", true),
        ("subprotocol=\"\"", true),
        ("subprotocol!=v1", true),
        ("route=chat and not (peer=10.0.0.0/8 or bytes_out>1MiB)", false),
        ("route=chat and not (peer=11.0.0.0/8 or bytes_out>1MiB)", true),
        ("peer=10.1.2.3", true),
        ("peer=10.1.2.3:40001", true),
        ("peer=10.1.2.3:4000", false),
        ("peer!=10.1.2.3:4000", true),
        ("peer=10.1.*", true),
        ("peer~:4000", true),
        ("peer=unix", false),
        ("upstream~\"127.0.0.1\"", true),
        ("upstream=http://127.0.0.1:9090", true),
        ("request~room=1", true),
        ("tag=vip", true),
        ("tag!=vip", false),
        ("tag='beta 2'", true),
        ("tag=beta*", true),
        ("tag=\"\"", false),
        ("tags~et", true),
        ("age>=1h", true),
        ("age>1h", false),
        ("age=60m", true),
        ("protocol!=websocket", false),
        ("messages_in=0", false),
        ("messages=7", true),
        ("bytes>1MiB", true),
        ("state=open", true),
        ("state!=open", false),
        ("movable=true", true),
        ("code=1006", false),
        ("code!=1006", true),
        ("code<5000", false),
        ("closed_by!=client", true),
        ("id=7", true),
        // `and` binds closer than `or`, `not` closer than `and`.
        ("id=7 or id=8 and id=9", true),
        ("(id=7 or id=8) and id=9", false),
        ("not id=8 and id=9", false),
        ("not (id=8 and id=9)", true),
        ("not not id=7", true),
        ("NOT id=8 AND id=7", true),
        ("not(id=8)and(id=7)", true),
        ("user=\"alice\"and id=7", true),
    ];
    for (text, matches) in table {
        let filter = filter(text);
        assert_eq!(filter.matches(&view()), matches, "{text}");
        let again = filter.to_string();
        assert_eq!(again.parse::<Filter>().as_ref(), Ok(&filter), "{text} as {again}");
    }
}

#[test]
fn says_where_what_and_what_was_expected() {
    let table = [
        ("usr=alice", "at character 1: unknown field `usr`: `user` may be meant"),
        ("id=1 or rout=x", "at character 9: unknown field `rout`: `route` may be meant"),
        ("id=1 id=2", "at character 6: expected `and`, `or` or the end, found `id=2`"),
        ("id", "at character 3: expected one of = != < <= > >= ~, found the end"),
        ("id=", "at character 4: expected a value, found the end"),
        ("id==1", "at character 4: expected a value (in quotes, if it begins with an operator), found `=1`"),
        ("(id=1", "at character 6: expected `and`, `or` or `)`, found the end"),
        ("id=1)", "at character 5: expected `and`, `or` or the end, found `)`"),
        ("()", "at character 2: expected a field, `not` or `(`, found `)`"),
        ("and", "at character 1: unknown field `and`"),
        ("id=1 and", "at character 9: expected a field, `not` or `(`, found the end"),
        ("not", "at character 4: expected a field, `not` or `(`, found the end"),
        ("route>a", "at character 6: `>` means nothing for route: expected = != ~"),
        ("state~open", "at character 6: `~` means nothing for state: expected = !="),
        ("id~1", "at character 3: `~` means nothing for id: expected = != < <= > >="),
        ("state=opne", "at character 7: state cannot be `opne`: expected one of open, closing, closed"),
        ("idle>30", "at character 6: idle cannot be `30`: expected a duration such as 500ms"),
        ("bytes>1x", "at character 7: bytes cannot be `1x`: expected a size such as 512"),
        ("id=-1", "at character 4: id cannot be `-1`: expected a whole number"),
        ("id=99999999999999999999", "at character 4: id cannot be `99999999999999999999`"),
        ("peer=10.0.0.0/33", "at character 6: peer cannot be `10.0.0.0/33`: expected an address, a network"),
        ("user=\"a", "at character 8: expected the quote at the end of a value, found the end"),
        ("user=\"a\\", "at character 9: expected the quote at the end of a value, found the end"),
        ("user=\"a\\n\"", "at character 9: expected one of \" ' \\ * behind a backslash, found `n\\\"`"),
        (
            "user=a\x1bb",
            "at character 7: expected a value (in quotes, if it has quotes in it), found `\\u{1b}b`",
        ),
        ("user=\"ü\0\"", "at character 8: expected text without control characters, found `\\0\\\"`"),
        ("täg=ü", "at character 1: unknown field `täg`: the fields are id, route, peer, "),
    ];
    for (text, expected) in table {
        let error = text.parse::<Filter>().expect_err(text);
        assert!(error.to_string().starts_with(expected), "{text}: got {error}, expected {expected}");
    }
}

#[test]
fn hostile_texts_meet_limits_with_names() {
    let deep = |depth: usize| format!("{}id=1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(deep(Filter::MAX_DEPTH).parse::<Filter>().is_ok());
    let error = deep(Filter::MAX_DEPTH + 1).parse::<Filter>().expect_err("too deep");
    assert_eq!(error.to_string(), "at character 34: parentheses and `not` are deeper than limit 32");
    assert!("not ".repeat(Filter::MAX_DEPTH).parse::<Filter>().is_err());
    let error =
        format!("{}id=1", "not ".repeat(Filter::MAX_DEPTH + 1)).parse::<Filter>().expect_err("too deep");
    assert!(error.to_string().ends_with("deeper than limit 32"), "{error}");

    let wide = format!("{}id=1", "id=1 or ".repeat(511));
    assert!(wide.len() < Filter::MAX_LEN && wide.parse::<Filter>().is_ok());
    let error = format!("user={}", "a".repeat(Filter::MAX_LEN)).parse::<Filter>().expect_err("too long");
    assert_eq!(error.to_string(), "a filter of 4101 bytes exceeds limit 4096");
    let error = "x".repeat(4000).parse::<Filter>().expect_err("no field");
    assert!(error.to_string().len() < 500, "{error}");
}

#[test]
fn stars_take_linear_time() {
    let filter = filter(&format!("user=\"{}b\"", "*a".repeat(2_000)));
    let mut view = view();
    view.subject = Some("a".repeat(1_000_000));
    // With backtracking this would not end.
    assert!(!filter.matches(&view));
}

#[test]
fn knows_when_ended_ones_are_asked_for() {
    let table = [
        ("", false),
        ("state=closed and code=1006", true),
        ("code=1006", false),
        ("state!=closed", false),
        ("not state=closed", false),
        ("not state!=closed", true),
        ("not (id=1 or not state=closed)", true),
        ("state=open or state=closed", true),
        ("reason~closed", false),
    ];
    for (text, asks) in table {
        assert_eq!(filter(text).asks_for_closed(), asks, "{text}");
    }
}

/// The documentation's tables are the field table.
#[test]
fn every_field_is_documented() {
    let documented: Vec<&str> = include_str!("../../docs/filter.md")
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let (names, kind) = (cells.next()?, cells.next()?);
            ["text", "address", "choice", "number", "duration", "size"].contains(&kind).then_some(names)
        })
        .flat_map(|names| names.split("`, `"))
        .map(|name| name.trim_matches('`'))
        .collect();
    let known: Vec<&str> = FIELDS.iter().flat_map(Field::names).collect();
    assert_eq!(documented, known);
    // And its examples are filters.
    let examples = include_str!("../../docs/filter.md").lines().filter_map(|line| {
        line.strip_prefix("| `")?
            .split_once("` | ")
            .map(|(text, _)| text)
            .filter(|text| text.contains(['=', '>', '~']))
    });
    let examples: Vec<&str> = examples.filter(|text| !text.starts_with(['=', '!'])).collect();
    assert!(examples.len() >= 10, "{examples:?}");
    for example in examples {
        filter(example);
    }
}

/// Words that filters are made of.
fn word() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = FIELDS.iter().flat_map(Field::names).collect();
    let pieces = [
        "(",
        ")",
        "and",
        "or",
        "not",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "~",
        "\"",
        "'",
        "\\",
        "*",
        "1",
        "30s",
        "1MiB",
        "10.0.0.0/8",
        "unix",
        "closed",
        "open",
        "true",
        "client",
        "tapped",
        "\"a b\"",
        "'*'",
        "ü",
        "\0",
        "=x",
    ];
    prop_oneof![
        proptest::sample::select(names).prop_map(str::to_owned),
        proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ]
}

/// A test that is whole.
fn test() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "id=7",
        "id>7",
        "code!=1",
        "user=alice",
        "user!=a*",
        "tag~v",
        "peer=10.0.0.0/8",
        "peer=unix",
        "idle>30s",
        "bytes<=1MiB",
        "state=open",
        "state=closed",
        "gear!=tapped",
        "movable=true",
        "request~'a \\\" b'",
    ])
    .prop_map(str::to_owned)
}

/// A whole filter, and whether it holds for [`view`] by the rules of logic alone.
fn tree() -> impl Strategy<Value = (String, bool)> {
    let leaf = test().prop_map(|text| {
        let holds = filter(&text).matches(&view());
        (text, holds)
    });
    leaf.prop_recursive(4, 32, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|(text, holds)| (format!("not ({text})"), !holds)),
            (inner.clone(), inner.clone()).prop_map(|((a, x), (b, y))| (format!("({a}) and ({b})"), x && y)),
            (inner.clone(), inner).prop_map(|((a, x), (b, y))| (format!("({a}) or ({b})"), x || y)),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_ends_and_reads_again_the_same(words in proptest::collection::vec(word(), 0..40)) {
        for text in [words.concat(), words.join(" ")] {
            match text.parse::<Filter>() {
                Ok(filter) => {
                    let again = filter.to_string();
                    prop_assert_eq!(again.parse::<Filter>(), Ok(filter), "{} as {}", text, again);
                }
                Err(error) => {
                    prop_assert!(error.position() <= text.chars().count() + 1);
                    prop_assert!(!error.to_string().contains(char::is_control), "{}", error);
                }
            }
        }
    }

    #[test]
    fn logic_holds((text, holds) in tree()) {
        let filter = filter(&text);
        prop_assert_eq!(filter.matches(&view()), holds, "{}", text);
        prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter));
    }
}
