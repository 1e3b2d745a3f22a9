//! Our client for Docker's streams against the real dockerd: nothing is lost, nothing hangs, exit codes and refusals are
//! the daemon's. A test is a daemon of its own and a group of behaviours.

mod attach;
mod site;
