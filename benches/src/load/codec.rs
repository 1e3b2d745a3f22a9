//! Work for codecs: the program is told which value to write or read, and how often.

use std::io;

use hijack_bench::codec::Shape;
use hijack_bench::order::Order;

use super::Workload;
use crate::launch::Launch;
use crate::program::Program;

/// A codec at work on the value with this number.
#[derive(Debug)]
pub(crate) struct Coded<const SHAPE: usize, const IS_DECODING: bool>(Program);

impl<const SHAPE: usize, const IS_DECODING: bool> Workload for Coded<SHAPE, IS_DECODING> {
    const CONNECTIONS: u64 = 1;

    async fn open(launch: &Launch) -> io::Result<Self> {
        let mut codec = launch.start()?;
        let (_, shape) = Shape::ALL[SHAPE];
        codec.obey(if IS_DECODING { Order::Decode(shape) } else { Order::Encode(shape) }).await?;
        Ok(Self(codec))
    }

    fn program(&mut self) -> &mut Program {
        &mut self.0
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        self.0.obey(Order::Run(ops)).await
    }

    async fn hold(&mut self, _: u32) -> io::Result<()> {
        Err(io::Error::other("a codec holds no connections"))
    }
}
