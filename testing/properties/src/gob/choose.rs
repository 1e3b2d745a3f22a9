//! Types and values out of choices.

use hijack_gob::{Complex, GoString, Interface, Type, TypeKind, Value};

use crate::source::Source;

/// A type in Go's words.
pub(super) fn type_of(source: &mut Source<'_>, depth: u8) -> String {
    const PLAIN: [&str; 10] =
        ["bool", "int", "uint", "float64", "[]byte", "string", "complex128", "any", "time.Time", "big.Int"];
    let choice = source.byte();
    if depth == 0 {
        return PLAIN[usize::from(choice) % PLAIN.len()].to_owned();
    }
    match choice % 16 {
        plain @ 0..10 => PLAIN[usize::from(plain)].to_owned(),
        10 | 11 => format!("[]{}", type_of(source, depth - 1)),
        12 => format!("[{}]{}", source.below(4), type_of(source, depth - 1)),
        13 => format!("map[{}]{}", source.one_of(&["string", "int", "bool"]), type_of(source, depth - 1)),
        _ => {
            let field = |index| format!("F{index} {}", type_of(source, depth - 1));
            let count = choice / 16 % 5;
            format!("struct{{{}}}", (0..count).map(field).collect::<Vec<_>>().join("; "))
        }
    }
}

/// Where a value stands: in a struct, nil is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    Whole,
    Field,
}

/// A value of a type, such as decoding makes them.
pub(super) fn value_of(ty: &Type, source: &mut Source<'_>, place: Chosen) -> Value {
    match ty.kind() {
        TypeKind::Bool => Value::Bool(source.byte() & 1 == 1),
        TypeKind::Int => Value::Int(number(source).cast_signed()),
        TypeKind::Uint => Value::Uint(number(source)),
        TypeKind::Float => Value::Float(f64::from_bits(number(source))),
        TypeKind::Complex => {
            Value::Complex(Complex { re: f64::from_bits(number(source)), im: f64::from_bits(number(source)) })
        }
        TypeKind::Bytes => Value::Bytes(source.some(9).to_vec()),
        TypeKind::String => Value::String(GoString(source.some(9).to_vec())),
        TypeKind::Marshaled(_) => Value::Marshaled(source.some(17).to_vec()),
        TypeKind::Slice(elem) => {
            let count = source.below(4);
            Value::List((0..count).map(|_| value_of(&elem, source, Chosen::Whole)).collect())
        }
        TypeKind::Array(elem, len) => match place {
            Chosen::Field if source.byte() & 7 == 7 => Value::Nil,
            _ => Value::List((0..len).map(|_| value_of(&elem, source, Chosen::Whole)).collect()),
        },
        TypeKind::Map(key, elem) => match place {
            Chosen::Field if source.byte() & 7 == 7 => Value::Nil,
            _ => {
                let count = source.below(4);
                let mut part = |ty: &Type| value_of(ty, source, Chosen::Whole);
                Value::Map((0..count).map(|_| (part(&key), part(&elem))).collect())
            }
        },
        TypeKind::Struct(fields) => match place {
            Chosen::Field if source.byte() & 7 == 7 => Value::Nil,
            _ => {
                let field = |(name, ty): &(_, Type)| {
                    (std::sync::Arc::clone(name), value_of(ty, source, Chosen::Field))
                };
                Value::Struct(fields.iter().map(field).collect())
            }
        },
        TypeKind::Interface => {
            if source.byte() & 1 == 0 {
                return Value::Nil;
            }
            let text = type_of(source, 1);
            let ty: Type = text.parse().expect("a type");
            let value = value_of(&ty, source, Chosen::Whole);
            match value {
                // A nil interface cannot be in an interface.
                Value::Nil => Value::Nil,
                value => Value::Interface(Box::new(Interface { name: text.into(), ty, value })),
            }
        }
        _ => unreachable!("no other types are chosen"),
    }
}

/// Of any length.
fn number(source: &mut Source<'_>) -> u64 {
    source.some(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
