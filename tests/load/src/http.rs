//! The cheapest HTTP client there can be: requests are bytes made beforehand, of an answer only status, length and the
//! end of its body are looked at. Whatever a client costs is taken from server and limit alike, and hides their ratio.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One connection, kept open while it is used: a server ends one on which nothing comes for five seconds, as it may while
/// the limit has its turn.
pub struct Line {
    host: String,
    stream: TcpStream,
    used: Instant,
    buffer: Vec<u8>,
}

/// A GET without a body; `token` of whoever asks.
pub fn get(path: &str, token: Option<&str>) -> Vec<u8> {
    request("GET", path, token, "")
}

/// A POST of JSON.
pub fn post(path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    request("POST", path, token, body)
}

fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    if let Some(token) = token {
        head += &format!("authorization: Bearer {token}\r\n");
    }
    if !body.is_empty() {
        head += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// After this long without an answer a line is opened anew.
const IDLE: Duration = Duration::from_secs(2);

async fn connect(host: &str) -> TcpStream {
    let stream = TcpStream::connect(host).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    stream
}

impl Line {
    /// Connects to `http://host:port`.
    pub async fn open(address: &str) -> Self {
        let host = address.strip_prefix("http://").expect("an address without TLS").to_owned();
        let stream = connect(&host).await;
        Self { host, stream, used: Instant::now(), buffer: Vec::with_capacity(64 * 1024) }
    }

    /// Sends a request and reads all of its answer; the status.
    pub async fn exchange(&mut self, request: &[u8]) -> u16 {
        if self.used.elapsed() > IDLE {
            self.stream = connect(&self.host).await;
        }
        self.stream.write_all(request).await.expect("the server takes requests");
        self.buffer.clear();
        let mut whole = None;
        while whole.is_none_or(|length| self.buffer.len() < length) {
            let read = self.stream.read_buf(&mut self.buffer).await.expect("the server answers");
            assert!(read > 0, "the server has closed the connection");
            if whole.is_none() {
                whole = head(&self.buffer).map(|(head, body)| head + body);
            }
        }
        self.used = Instant::now();
        status(&self.buffer)
    }

    /// The last answer, head and all.
    pub fn answer(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.buffer)
    }

    /// Sends a request whose answer must have this status.
    pub async fn expect(&mut self, wanted: u16, request: &[u8]) {
        let got = self.exchange(request).await;
        assert!(got == wanted, "{}\nis answered with\n{}", String::from_utf8_lossy(request), self.answer());
    }
}

/// Lengths of a head that is there as a whole and of the body that follows it, in bytes.
fn head(answer: &[u8]) -> Option<(usize, usize)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..end]).expect("heads are ASCII");
    let length = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().expect("a length"))
    });
    Some((end, length.unwrap_or_else(|| panic!("an answer without a length: {text}"))))
}

fn status(answer: &[u8]) -> u16 {
    std::str::from_utf8(&answer[9..12]).expect("ASCII").parse().expect("a status")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_measured_by_its_head() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(head(answer), Some((answer.len() - 2, 2)));
        assert_eq!(status(answer), 201);
        assert_eq!(head(&answer[..30]), None);
    }
}
