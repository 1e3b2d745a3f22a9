//! The client against daemons that are scripts: versions, answers and refusals to the byte, and daemons that mean harm.

mod hostile;
mod http2;
mod requests;
mod script;
mod streams;
mod versions;
