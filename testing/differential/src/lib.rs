//! The same streams to ours, Go and Node.
