//! An HTTP/1.1 server that keeps what it was asked, notes every request that breaks the contract it
//! plays, and misbehaves on demand.

use serde_json::Value;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A provider's published API.
pub trait Contract: Send + Sync + 'static {
    /// Answers a request, or says which rule it breaks and how the provider answers that.
    fn answer(&self, request: &Request) -> Result<Answer, Violation>;
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Without query.
    pub path: String,
    /// Decoded.
    pub query: BTreeMap<String, String>,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A request that the published API does not allow.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Which rule it breaks.
    pub rule: String,
    /// What the provider answers.
    pub answer: Answer,
}

/// What goes wrong with one answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answers this instead; the request has no effect.
    Instead(Answer),
    /// The request takes effect, and no answer comes.
    Hang,
    /// The request takes effect; the answer comes byte by byte, with this pause in between.
    Slow(Duration),
    /// The request takes effect; the answer ends in the middle.
    Truncated,
    /// The request has no effect, and the connection is closed.
    Reset,
}

#[derive(Default)]
struct Seen {
    requests: Vec<Request>,
    violations: Vec<String>,
    /// For the next request whose path contains the text.
    faults: VecDeque<(String, Fault)>,
    /// For every request.
    outage: Option<Fault>,
}

/// A contract, served on a free port of the loopback.
pub struct Server<C> {
    pub contract: Arc<C>,
    /// `http://127.0.0.1:…`
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

impl<C: Contract> Server<C> {
    /// Serves a contract that is told its own address.
    pub async fn start(make: impl FnOnce(&str) -> C) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let contract = Arc::new(make(&url));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (served, noted) = (Arc::clone(&contract), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served), Arc::clone(&noted)));
            }
        });
        Self { contract, url, seen }
    }

    /// Misbehaves at the next request whose path contains this.
    pub fn fault(&self, path: &str, fault: Fault) {
        self.seen.lock().unwrap().faults.push_back((path.to_owned(), fault));
    }

    /// Misbehaves at every request from now on, or does so no more.
    pub fn outage(&self, fault: Option<Fault>) {
        self.seen.lock().unwrap().outage = fault;
    }

    /// Requests so far whose path contains this.
    pub fn requests(&self, path: &str) -> Vec<Request> {
        let seen = self.seen.lock().unwrap();
        seen.requests.iter().filter(|request| request.path.contains(path)).cloned().collect()
    }

    /// The rules that were broken, and forgets them.
    pub fn violations(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap().violations)
    }

    /// Fails the test when a request broke the contract, or a fault that was ordered never happened.
    pub fn finish(&self) {
        assert_eq!(self.violations(), Vec::<String>::new(), "requests that the published API does not allow");
        assert!(self.seen.lock().unwrap().faults.is_empty(), "a fault was ordered and nothing asked for it");
    }
}

async fn serve<C: Contract>(mut stream: TcpStream, contract: Arc<C>, seen: Arc<Mutex<Seen>>) {
    while let Some(request) = read(&mut stream).await {
        let fault = {
            let mut seen = seen.lock().unwrap();
            seen.requests.push(request.clone());
            let place = seen.faults.iter().position(|(path, _)| request.path.contains(path));
            place.and_then(|place| seen.faults.remove(place)).map(|(_, fault)| fault).or_else(|| seen.outage.clone())
        };
        let answer = match &fault {
            Some(Fault::Reset) => return,
            Some(Fault::Instead(answer)) => answer.clone(),
            _ => contract.answer(&request).unwrap_or_else(|Violation { rule, answer }| {
                let line = format!("{} {}: {rule}", request.method, request.path);
                seen.lock().unwrap().violations.push(line);
                answer
            }),
        };
        let bytes = answer.bytes();
        let sent = match fault {
            Some(Fault::Hang) => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
            Some(Fault::Truncated) => {
                let _ = stream.write_all(&bytes[..bytes.len() - answer.body.len().div_ceil(2)]).await;
                return;
            }
            Some(Fault::Slow(pause)) => {
                let (head, body) = bytes.split_at(bytes.len() - answer.body.len());
                let mut sent = stream.write_all(head).await;
                for byte in body {
                    tokio::time::sleep(pause).await;
                    sent = stream.write_all(&[*byte]).await;
                }
                sent
            }
            _ => stream.write_all(&bytes).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// The next request of a connection; none when it ends.
async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut chunk).await {
            Ok(length @ 1..) => bytes.extend_from_slice(&chunk[..length]),
            _ => return None,
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let fields = lines.filter_map(|line| line.split_once(':'));
    let headers: BTreeMap<String, String> =
        fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        match stream.read(&mut chunk).await {
            Ok(read @ 1..) => body.extend_from_slice(&chunk[..read]),
            _ => return None,
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request { method, path: path.to_owned(), query: form(query.as_bytes()), headers, body })
}

/// Names and values of a query or of `application/x-www-form-urlencoded`.
fn form(text: &[u8]) -> BTreeMap<String, String> {
    reqwest::Url::parse(&format!("http://x/?{}", String::from_utf8_lossy(text)))
        .unwrap()
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The token after `Bearer `.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization").strip_prefix("Bearer ")
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        form(&self.body)
    }
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// With a header; `Transfer-Encoding: chunked` has the body sent without its length.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says that the request broke a rule.
    pub fn because(self, rule: impl Into<String>) -> Violation {
        Violation { rule: rule.into(), answer: self }
    }

    fn bytes(&self) -> Vec<u8> {
        let chunked = self.headers.iter().any(|(name, _)| name == "Transfer-Encoding");
        let mut head = format!("HTTP/1.1 {} Played\r\n", self.status);
        if !chunked {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = [head.as_bytes(), b"\r\n"].concat();
        if !chunked {
            return [bytes, self.body.clone()].concat();
        }
        for chunk in self.body.chunks(16 * 1024) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            bytes.extend([chunk, b"\r\n"].concat());
        }
        [bytes.as_slice(), b"0\r\n\r\n"].concat()
    }
}
