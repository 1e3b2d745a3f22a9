//! The orders that a measured program reads from stdin, one a line.
//!
//! Servers know [`Order::Heap`] and [`Order::Left`] only, which are answered by a [`Heap`](crate::heap::Heap) and a
//! [`Left`](crate::servers::relay::Left), every other order by [`DONE`] when it has been carried out.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::codec::Shape;

/// What a program is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Say what the allocator counted.
    Heap,
    /// Say what our relays have in hand.
    Left,
    /// From now on an operation is a request to this server, on connections kept open.
    Requests(SocketAddr),
    /// From now on an operation is a takeover of a new connection to this server.
    Takeovers(SocketAddr),
    /// From now on an operation writes this value.
    Encode(Shape),
    /// From now on an operation reads this value.
    Decode(Shape),
    /// Do so many operations on [`CONNECTIONS`](crate::lanes::CONNECTIONS) connections at once.
    Run(u64),
    /// Open so many more connections, do one operation on each and leave them open.
    Hold(u32),
}

/// The answer to an order that has been carried out.
pub const DONE: &str = "done";

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heap => write!(f, "heap"),
            Self::Left => write!(f, "left"),
            Self::Requests(server) => write!(f, "requests {server}"),
            Self::Takeovers(server) => write!(f, "takeovers {server}"),
            Self::Encode(shape) => write!(f, "encode {}", shape.name()),
            Self::Decode(shape) => write!(f, "decode {}", shape.name()),
            Self::Run(ops) => write!(f, "run {ops}"),
            Self::Hold(count) => write!(f, "hold {count}"),
        }
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (verb, object) = line.split_once(' ').unwrap_or((line, ""));
        let order = match verb {
            "heap" => Some(Self::Heap),
            "left" => Some(Self::Left),
            "requests" => object.parse().map(Self::Requests).ok(),
            "takeovers" => object.parse().map(Self::Takeovers).ok(),
            "encode" => shape_of(object).map(Self::Encode),
            "decode" => shape_of(object).map(Self::Decode),
            "run" => object.parse().map(Self::Run).ok(),
            "hold" => object.parse().map(Self::Hold).ok(),
            _ => None,
        };
        order.ok_or_else(|| format!("unknown order: {line}"))
    }
}

fn shape_of(name: &str) -> Option<Shape> {
    Shape::ALL.iter().find_map(|(other, shape)| (*other == name).then_some(*shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_read_as_it_was_written() {
        let server = ([127, 0, 0, 1], 1234).into();
        for order in [
            Order::Heap,
            Order::Left,
            Order::Requests(server),
            Order::Takeovers(server),
            Order::Encode(Shape::Any),
            Order::Decode(Shape::Header),
            Order::Run(7),
            Order::Hold(8),
        ] {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
    }

    #[test]
    fn an_order_without_its_number_is_unknown() {
        for line in ["", "run", "run x", "encode x", "hold -1", "requests 127.0.0.1", "stop"] {
            assert_eq!(line.parse::<Order>(), Err(format!("unknown order: {line}")));
        }
    }
}
