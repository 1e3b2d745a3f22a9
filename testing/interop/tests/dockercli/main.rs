//! `hijack docker` beside Docker's own client, 28 or later, before the same dockerd: the same output and the same exit
//! code, command line for command line. What differs by nature is made equal first: ids of containers, the name of the
//! program, and how long ago something was.

mod beside;
mod bulk;
mod lines;
mod signals;
mod terminal;
