//! What a server answered to raw bytes, read far from the code under test: heads split at their empty line,
//! bodies by the few framings a server may use. Reads well-formed answers only, and says where one is not.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// One answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Lower-case names; the values of one name joined by a comma.
    pub headers: BTreeMap<String, String>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// Trailer fields, as `name: value`.
    pub trailers: Vec<String>,
}

impl Answer {
    /// The value of a header, or `""`.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}, {} bytes", self.status, self.headers, self.body.len())?;
        match self.body.len() {
            0..=64 => write!(f, " {:?}", self.body.escape_ascii().to_string())?,
            _ => write!(f, " {:?}…", self.body[..64].escape_ascii().to_string())?,
        }
        write!(f, " {:?}", self.trailers)
    }
}

/// Everything the server at `base` (`http://HOST:PORT` or `unix:PATH`) says to `request` until it closes. `shut`
/// ends our side first.
///
/// # Errors
/// Those of the socket, and `WouldBlock` if the server is silent for ten seconds.
pub fn ask(base: &str, request: &[u8], shut: bool) -> io::Result<Vec<u8>> {
    match base.strip_prefix("unix:") {
        Some(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(PATIENCE)?;
            let sender = stream.try_clone()?;
            exchange(stream, sender, request, |sender| sender.shutdown(Shutdown::Write), shut)
        }
        None => {
            let stream = TcpStream::connect(base.trim_start_matches("http://"))?;
            stream.set_read_timeout(PATIENCE)?;
            let sender = stream.try_clone()?;
            exchange(stream, sender, request, |sender| sender.shutdown(Shutdown::Write), shut)
        }
    }
}

fn exchange<S: Read + Write + Send + 'static>(
    mut stream: S,
    mut sender: S,
    request: &[u8],
    end: fn(&S) -> io::Result<()>,
    shut: bool,
) -> io::Result<Vec<u8>> {
    let request = request.to_vec();
    let sending = std::thread::spawn(move || {
        // A server that refuses the rest of an upload is no failure: what it answered counts.
        let _ = sender.write_all(&request);
        if shut {
            let _ = end(&sender);
        }
    });
    let mut said = Vec::new();
    stream.read_to_end(&mut said)?;
    sending.join().map_err(|_| io::Error::other("the sender panicked"))?;
    Ok(said)
}

/// Splits `said` into the answers to requests with these methods. Interim answers are listed as well.
/// After a 101 or an accepted CONNECT the rest is that answer's body.
///
/// # Errors
/// A sentence about the first thing that is not an answer.
pub fn split(mut said: &[u8], methods: &[&str]) -> Result<Vec<Answer>, String> {
    let mut answers = Vec::new();
    let mut methods = methods.iter();
    while !said.is_empty() {
        let mut answer = head(&mut said)?;
        if (100..200).contains(&answer.status) && answer.status != 101 {
            answers.push(answer);
            continue;
        }
        let method = methods.next().ok_or_else(|| format!("one answer too many: {answer:?}"))?;
        body(&mut answer, method, &mut said)?;
        answers.push(answer);
    }
    Ok(answers)
}

fn line<'a>(said: &mut &'a [u8]) -> Result<&'a str, String> {
    let shown = || said[..said.len().min(80)].escape_ascii().to_string();
    let end =
        said.windows(2).position(|pair| pair == b"\r\n").ok_or_else(|| format!("no line: {}", shown()))?;
    let text = std::str::from_utf8(&said[..end]).map_err(|_| format!("not text: {}", shown()))?;
    *said = &said[end + 2..];
    Ok(text)
}

fn head(said: &mut &[u8]) -> Result<Answer, String> {
    let start = line(said)?;
    // Go answers 1.0 with 1.0, others with the highest version they speak: both are right (RFC 9110 §2.5).
    let version = start.strip_prefix("HTTP/1.1 ").or_else(|| start.strip_prefix("HTTP/1.0 "));
    let status = version.and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| format!("not a status line: {start}"))?;
    let mut headers = BTreeMap::<String, String>::new();
    loop {
        let field = line(said)?;
        if field.is_empty() {
            return Ok(Answer { status, headers, body: Vec::new(), trailers: Vec::new() });
        }
        let (name, value) = field.split_once(": ").ok_or_else(|| format!("not a header: {field}"))?;
        let slot = headers.entry(name.to_ascii_lowercase()).or_default();
        *slot = if slot.is_empty() { value.to_owned() } else { format!("{slot},{value}") };
    }
}

fn body(answer: &mut Answer, method: &str, said: &mut &[u8]) -> Result<(), String> {
    let tunnel = answer.status == 101 || (method == "CONNECT" && answer.status < 300);
    if !tunnel && (method == "HEAD" || matches!(answer.status, 204 | 304)) {
        return Ok(());
    }
    if !tunnel && answer.header("transfer-encoding") == "chunked" {
        return chunks(answer, said);
    }
    let length = match answer.header("content-length") {
        length if !tunnel && !length.is_empty() => length.parse().map_err(|_| format!("length {length}"))?,
        _ => said.len(),
    };
    answer.body = said
        .get(..length)
        .ok_or_else(|| format!("body of {} instead of {length} bytes", said.len()))?
        .to_vec();
    *said = &said[length..];
    Ok(())
}

fn chunks(answer: &mut Answer, said: &mut &[u8]) -> Result<(), String> {
    loop {
        let size = line(said)?;
        let size = usize::from_str_radix(size, 16).map_err(|_| format!("not a chunk size: {size}"))?;
        if size == 0 {
            break;
        }
        let chunk = said.get(..size).ok_or_else(|| format!("a chunk of {size} bytes is cut"))?;
        answer.body.extend_from_slice(chunk);
        *said = &said[size..];
        let end = line(said)?;
        if !end.is_empty() {
            return Err(format!("a chunk ends with {end}"));
        }
    }
    loop {
        match line(said)? {
            "" => return Ok(()),
            trailer => answer.trailers.push(trailer.to_ascii_lowercase()),
        }
    }
}

/// How long a server may be silent.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(10));
