//! One participant: writes, reads, loses the connection, comes back, and keeps a ledger of all of it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use consilium_tests::protocol;
use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::Barrier,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use crate::people::Seat;

/// What a client does wrong on purpose, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Loses a message, as if the server had left it out.
    Drop,
    /// Takes a message twice.
    Double,
}

impl std::str::FromStr for Fault {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "drop" => Ok(Self::Drop),
            "double" => Ok(Self::Double),
            _ => Err(()),
        }
    }
}

/// The ledger of one participant.
#[derive(Default)]
pub struct Heard {
    pub topic: String,
    pub user: String,
    /// Own messages: client id and `seq`, as they were acknowledged.
    pub acknowledged: BTreeMap<String, i64>,
    /// All messages that came: sender and client id, and `seq`.
    pub messages: HashMap<(String, String), i64>,
    pub events: usize,
    pub cuts: usize,
    pub repeated: usize,
    pub findings: Vec<String>,
}

/// How long the server may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// Which message the fault happens to.
const FAULTY: usize = 3;

type Line = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub struct Participant {
    seat: Seat,
    random: Rng,
    fault: Option<Fault>,
    heard: Heard,
    seq: i64,
    epoch: Option<Value>,
    written: usize,
    /// Sent, and not acknowledged yet.
    waiting: BTreeMap<String, String>,
}

impl Participant {
    pub fn new(seat: Seat, seed: u64, fault: Option<Fault>) -> Self {
        let heard = Heard { topic: seat.topic.clone(), user: seat.user.clone(), ..Heard::default() };
        let random = Rng::with_seed(seed);
        Self { seat, random, fault, heard, seq: 0, epoch: None, written: 0, waiting: BTreeMap::new() }
    }

    /// Writes and reads over one connection after the other until `end`; then, with everybody's messages acknowledged,
    /// reads the rest over a last one.
    pub async fn run(mut self, end: Instant, everybody: Arc<Barrier>) -> Heard {
        while Instant::now() < end {
            let cut = (Instant::now() + self.between(2_000, 6_000)).min(end);
            // Whatever ends a connection, the next one must make up for it.
            if self.talk(Some(cut)).await.is_ok() {
                self.heard.cuts += 1;
            }
        }
        self.insist(async |this| this.talk(None).await).await;
        everybody.wait().await;
        self.insist(async |this| this.read_on().await).await;
        self.heard
    }

    /// Tries again until it works, for as long as the server may take.
    async fn insist(&mut self, what: impl AsyncFn(&mut Self) -> tungstenite::Result<()>) {
        let begun = Instant::now();
        while let Err(error) = what(self).await {
            if begun.elapsed() > PATIENCE {
                self.find(format!("the server does not answer: {error}"));
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// One connection: until `cut`, or until nothing waits for its acknowledgement.
    async fn talk(&mut self, cut: Option<Instant>) -> tungstenite::Result<()> {
        let (mut line, _) = self.connect().await?;
        let again: Vec<String> = self.waiting.keys().cloned().collect();
        self.heard.repeated += again.len();
        for message in &again {
            self.send(&mut line, message).await?;
        }
        let end = cut.unwrap_or_else(|| Instant::now() + PATIENCE);
        let mut next = Instant::now() + self.between(0, 4_000);
        while cut.is_some() || !self.waiting.is_empty() {
            tokio::select! {
                frame = frame(&mut line) => self.take(frame?),
                () = sleep_until(next), if cut.is_some() => {
                    self.written += 1;
                    let message = format!("{:06}", self.written);
                    self.waiting.insert(message.clone(), format!("message {message} of {}", self.seat.user));
                    self.send(&mut line, &message).await?;
                    if self.random.u8(..4) == 0 {
                        break; // before anybody can have acknowledged it
                    }
                    next = Instant::now() + self.between(2_000, 6_000);
                }
                () = sleep_until(end) => break,
            }
        }
        // Half of them say goodbye, the others are gone without a word.
        if self.random.bool() {
            line.close(None).await?;
        }
        Ok(())
    }

    /// A last connection, until everything has come that had happened when it began.
    async fn read_on(&mut self) -> tungstenite::Result<()> {
        let (mut line, head) = self.connect().await?;
        while self.seq < head {
            let frame = timeout(PATIENCE, frame(&mut line)).await;
            self.take(frame.map_err(|_| tungstenite::Error::ConnectionClosed)??);
        }
        Ok(())
    }

    /// Comes and subscribes after what is there already; the number of the newest event.
    async fn connect(&mut self) -> tungstenite::Result<(Line, i64)> {
        let address = format!("{}/api/v1/ws", self.seat.address.replacen("http", "ws", 1));
        let mut request = address.into_client_request()?;
        let offer = format!("consilium.v1, {}", self.seat.token);
        request.headers_mut().insert("sec-websocket-protocol", offer.parse().expect("a header"));
        let (mut line, _) = connect_async(request).await?;
        let mut subscribe =
            json!({"type": "subscribe", "id": "subscribe", "topic": self.seat.topic, "after_seq": self.seq});
        if let Some(epoch) = &self.epoch {
            subscribe["epoch"] = epoch.clone();
        }
        line.send(Message::text(subscribe.to_string())).await?;
        let answer = frame(&mut line).await?;
        if answer["type"] != "ok" {
            self.find(format!("subscribe is answered with {answer}"));
            return Err(tungstenite::Error::ConnectionClosed);
        }
        self.epoch = Some(answer["data"]["epoch"].clone());
        Ok((line, answer["data"]["seq"].as_i64().expect("a number")))
    }

    async fn send(&mut self, line: &mut Line, message: &str) -> tungstenite::Result<()> {
        let data = json!({"client_message_id": message, "body": self.waiting[message]});
        let command = json!({
            "type": "command", "id": message, "topic": self.seat.topic, "command": "send_message", "data": data,
        });
        line.send(Message::text(command.to_string())).await
    }

    fn take(&mut self, frame: Value) {
        protocol::received(&frame, None);
        match frame["type"].as_str() {
            Some("event") => {
                self.heard.events += 1;
                let faulty = frame["event"] == "message_sent" && self.heard.messages.len() + 1 == FAULTY;
                match self.fault.take_if(|_| faulty) {
                    Some(Fault::Drop) => self.seq += 1,
                    Some(Fault::Double) => (0..2).for_each(|_| self.take_event(&frame)),
                    None => self.take_event(&frame),
                }
            }
            Some("ok") => {
                let (message, seq) = (frame["id"].as_str().unwrap_or_default(), &frame["data"]["seq"]);
                let seq = seq.as_i64().expect("a number");
                let known = self.heard.acknowledged.insert(message.to_owned(), seq);
                if known.is_some_and(|known| known != seq) {
                    self.find(format!("{message} was acknowledged as {known:?} and as {seq}"));
                }
                self.waiting.remove(message);
            }
            Some("signal") if frame["signal"] == "presence" => {} // of the other one, who comes and goes
            _ => self.find(format!("the server says {frame}")),
        }
    }

    fn take_event(&mut self, frame: &Value) {
        let seq = frame["seq"].as_i64().expect("a number");
        if seq != self.seq + 1 {
            self.find(format!("{seq} comes after {}", self.seq));
        }
        self.seq = seq;
        if frame["event"] == "message_sent" {
            let text = |field: &str| frame["data"][field].as_str().unwrap_or_default().to_owned();
            let (sender, message) = (text("sender_id"), text("client_message_id"));
            if text("body") != format!("message {message} of {sender}") {
                self.find(format!("{message} says something else"));
            }
            if self.heard.messages.insert((sender, message.clone()), seq).is_some() {
                self.find(format!("{message} came twice"));
            }
        }
    }

    fn find(&mut self, what: String) {
        self.heard.findings.push(format!("{}, {}: {what}", self.seat.topic, self.seat.user));
    }

    fn between(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.random.u64(least..most))
    }
}

/// The next frame.
async fn frame(line: &mut Line) -> tungstenite::Result<Value> {
    loop {
        match line.next().await.ok_or(tungstenite::Error::ConnectionClosed)?? {
            Message::Text(text) => return Ok(serde_json::from_str(&text).expect("JSON")),
            Message::Ping(_) | Message::Pong(_) => {}
            _ => return Err(tungstenite::Error::ConnectionClosed),
        }
    }
}
