//! Values whose types are known at run time only.

use std::collections::BTreeMap;

use hijack_gob::{
    Decoder, Dynamic, EncodeErrorKind, Encoder, Gob, Interface, Marshaler, Time, Type, TypeKind, Value, Zone,
};
use serde::Deserialize;

#[derive(Gob, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Node {
    name: String,
    weights: Vec<f64>,
    marks: BTreeMap<String, u32>,
    next: Option<Box<Node>>,
    at: Time,
}

fn node() -> Node {
    Node {
        name: "a".into(),
        weights: vec![0.5, 0.0],
        marks: BTreeMap::from([("x".into(), 1)]),
        next: Some(Box::new(Node { name: "b".into(), ..Node::default() })),
        at: Time::from_unix(0, 5, Zone::Utc),
    }
}

fn dynamic(value: &impl Gob) -> Dynamic {
    let mut stream = Vec::new();
    Encoder::new().encode(value, &mut stream).expect("it can be sent");
    Decoder::new().decode(&mut &stream[..]).expect("a value").expect("whole")
}

fn typed<T: serde::de::DeserializeOwned>(value: &Dynamic) -> T {
    let mut stream = Vec::new();
    Encoder::new().encode_dynamic(value, &mut stream).expect("it can be sent");
    Decoder::new().decode(&mut &stream[..]).expect("a value").expect("whole")
}

#[test]
fn a_value_of_any_type_is_read_and_sent_again() {
    let value = dynamic(&node());
    assert_eq!(value.ty.name(), "Node");
    assert_eq!(value.value.get("Name"), Some(&"a".into()));
    assert_eq!(value.value.get("Next").and_then(|next| next.get("Next")), Some(&Value::Nil));
    assert_eq!(typed::<Node>(&value), node());
    assert_eq!(typed::<Dynamic>(&value), value);
}

#[test]
fn a_type_is_told_once_for_all_values_of_one_stream() {
    let (mut from, mut stream) = (Encoder::new(), Vec::new());
    for _ in 0..2 {
        from.encode(&node(), &mut stream).unwrap();
    }
    let (mut decoder, mut input) = (Decoder::new(), &stream[..]);
    let (mut to, mut relayed) = (Encoder::new(), Vec::new());
    while let Some(value) = decoder.decode::<Dynamic>(&mut input).unwrap() {
        to.encode_dynamic(&value, &mut relayed).unwrap();
    }
    assert_eq!(relayed, stream);
}

#[test]
fn a_failed_dynamic_value_leaves_nothing_behind() {
    let mut value = dynamic(&node());
    let good = value.clone();
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    value.value = Value::Int(1);
    let error = encoder.encode_dynamic(&value, &mut stream).unwrap_err();
    assert!(matches!(error.kind(), EncodeErrorKind::Mismatch { .. }), "{error}");
    assert!(stream.is_empty());
    encoder.encode_dynamic(&good, &mut stream).unwrap();
    assert_eq!(Decoder::new().decode::<Node>(&mut &stream[..]).unwrap(), Some(node()));
}

#[test]
fn types_come_from_rust_as_well() {
    let ty = Type::of::<Node>();
    assert_eq!(
        ty.to_string(),
        "struct Node{Name string; Weights []float64; Marks map[string]uint; Next Node; At Time}"
    );
    let TypeKind::Struct(fields) = ty.kind() else { panic!("a struct") };
    assert!(matches!(fields[4].1.kind(), TypeKind::Marshaled(Marshaler::Gob)));
    let value = Dynamic { ty, value: dynamic(&node()).value };
    assert_eq!(typed::<Node>(&value), node());
}

#[derive(Gob, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Holder {
    #[serde(skip_serializing)]
    any: Value,
    #[serde(rename = "Any")]
    #[serde(skip_deserializing)]
    sent: Option<Interface>,
    list: Vec<Option<Interface>>,
}

#[test]
fn interfaces_keep_name_and_type() {
    let interface =
        || Interface { name: "main.Node".into(), ty: Type::of::<Node>(), value: dynamic(&node()).value };
    let holder = Holder { any: Value::Nil, sent: Some(interface()), list: vec![None, Some(interface())] };
    let mut stream = Vec::new();
    Encoder::new().encode(&holder, &mut stream).unwrap();
    let decoded: Holder = Decoder::new().decode(&mut &stream[..]).unwrap().expect("whole");
    assert_eq!(decoded.any, Value::Interface(Box::new(interface())));
    assert_eq!(decoded.list, holder.list);
    // And once more, from what was decoded.
    let again = Holder { any: Value::Nil, sent: decoded.list[1].clone(), list: decoded.list };
    let mut relayed = Vec::new();
    Encoder::new().encode(&again, &mut relayed).unwrap();
    let decoded: Holder = Decoder::new().decode(&mut &relayed[..]).unwrap().expect("whole");
    assert_eq!(decoded.any, Value::Interface(Box::new(interface())));
}

#[cfg(feature = "json")]
mod json {
    use hijack_gob::JsonError;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_go_writes_them() {
        let shown = dynamic(&node()).to_json();
        let expected = json!({
            "Name": "a", "Weights": [0.5, 0.0], "Marks": {"x": 1}, "At": "1970-01-01T00:00:00.000000005Z",
            "Next": {"Name": "b", "Weights": [], "Marks": {}, "Next": null, "At": "0001-01-01T00:00:00Z"},
        });
        assert_eq!(shown, expected);
        let back = Dynamic::from_json(&Type::of::<Node>(), &shown).unwrap();
        assert_eq!(typed::<Node>(&back), node());
    }

    #[test]
    fn every_kind_goes_to_json_and_back() {
        let ty: Type =
            "struct { B []byte; C complex64; M map[int]bool; P map[float64]string; A [2]uint; N float64; \
                        I any; J any }"
                .parse()
                .unwrap();
        let json = json!({
            "B": "AAEC", "C": [1.0, -2.0], "M": {"-1": true}, "P": [[0.5, "x"]], "A": [1, 2], "N": "NaN",
            "I": ["a"], "J": 1.5,
        });
        let value = Dynamic::from_json(&ty, &json).unwrap();
        assert_eq!(value.to_json(), json);
        assert_eq!(typed::<Dynamic>(&value).to_json(), json);
    }

    #[test]
    fn a_type_is_guessed_where_none_is_known() {
        let value = Dynamic::infer(&json!({"A": 7, "B": [1, 2.5], "C": [{"D": "x"}], "E": true})).unwrap();
        assert_eq!(value.ty.to_string(), "struct{A int; B []float64; C []struct{D}; E bool}");
        let error = |json| Dynamic::infer(&json).unwrap_err().to_string();
        assert_eq!(error(json!({"a": 7})), "Go has no field \"a\": its fields begin with a capital letter");
        assert_eq!(error(json!({"A": [1, "x"]})), "A.[1]: int is expected, not a string");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |ty: &str, json| {
            let error: JsonError = Dynamic::from_json(&ty.parse().unwrap(), &json).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            error("struct { A []int }", json!({"a": [1, 0.5]})),
            "A.[1]: int is expected, not a number"
        );
        assert_eq!(error("struct { A int }", json!({"B": 1})), "struct{A int} has no field B");
        assert_eq!(error("time.Time", json!("yesterday")), "\"yesterday\" is no time of RFC 3339");
        assert_eq!(error("[2]int", json!([1])), "[2]int is expected, not a list");
        assert!(error("any", json!({})).starts_with("an interface is filled from JSON with"));
    }
}
