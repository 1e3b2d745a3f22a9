//! Every bound that a peer can run into while heads and bodies are read: name, default, reason.

/// Bounds on what a peer may make us hold or scan.
///
/// One value serves a whole server or client; it is plain data and cheap to copy. Start from
/// [`Limits::default`] and change what must differ:
///
/// ```
/// let mut limits = hijack_proto::Limits::default();
/// limits.headers = 200;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one head, start line and empty line included. Default 65,536: what nginx and Go's
    /// proxies let through in practice, far above what browsers send.
    pub head_len: usize,
    /// Header lines in one head, and again in one trailer section. Default 100, as in Apache and hyper.
    pub headers: usize,
    /// Bytes of a request target. Default 16,384; longer ones are answered 414.
    pub target_len: usize,
    /// Empty lines skipped in front of a start line. Default 4: RFC 9112 §2.2 asks for tolerance of one,
    /// some old clients send two.
    pub blank_lines: usize,
    /// Bytes of one chunk line (size and extensions). Default 4,096.
    pub chunk_line_len: usize,
    /// Bytes of all chunk extensions of one body. Default 16,384: extensions carry nothing that we use, so a
    /// body made of them is an attack (RFC 9112 §7.1.1 asks for such a bound).
    pub chunk_extensions_len: usize,
    /// Bytes of a trailer section. Default 16,384.
    pub trailers_len: usize,
    /// Interim (1xx) answers that a client skips before one final answer. Default 16.
    pub interims: usize,
    /// Requests that a client may have under way on one connection. Default 64.
    pub pipelined: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_len: 64 * 1024,
            headers: 100,
            target_len: 16 * 1024,
            blank_lines: 4,
            chunk_line_len: 4 * 1024,
            chunk_extensions_len: 16 * 1024,
            trailers_len: 16 * 1024,
            interims: 16,
            pipelined: 64,
        }
    }
}
