//! The gateway over real sockets, in front of servers of the library's.

mod acts;
mod admin;
mod answers;
mod calls;
mod faults;
mod limits;
mod passing;
mod support;
mod tls;
