//! Values as `gob/show.go` shows them.

use hijack_gob::{Complex, Value};
use hijack_interop::gob::to_hex;

pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Bool(value) => format!("b{}", u8::from(*value)),
        Value::Int(value) => format!("i{value}"),
        Value::Uint(value) => format!("u{value}"),
        Value::Float(value) => float(*value),
        Value::Complex(Complex { re, im }) => format!("({},{})", float(*re), float(*im)),
        Value::Bytes(bytes) => format!("x{}", to_hex(bytes)),
        Value::String(text) => format!("x{}", to_hex(&text.0)),
        Value::List(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let entry = |(key, value): &(Value, Value)| format!("{}:{}", show(key), show(value));
            let mut entries: Vec<_> = map.iter().map(entry).collect();
            entries.sort();
            format!("<{}>", entries.join(";"))
        }
        Value::Struct(fields) => {
            let fields: String =
                fields.iter().map(|(name, value)| format!("{name}:{};", show(value))).collect();
            format!("{{{fields}}}")
        }
        Value::Interface(interface) => {
            format!("@{}={}", interface.name.to_str_lossy(), show(&interface.value))
        }
        Value::Marshaled(bytes) => format!("m{}", to_hex(bytes)),
    }
}

fn float(value: f64) -> String {
    format!("f{:016x}", value.to_bits())
}
