//! A small client of the WebSocket, for one topic. Every frame must be as the AsyncAPI document has it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use crate::{client::Client, protocol};

const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody's connection that watches one topic. Dropping it cuts the line without a word.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    topic: String,
    /// What the subscription was answered with.
    pub begun: Value,
    asked: u32,
    aside: Vec<Value>,
}

impl Socket {
    /// Connects in somebody's name and subscribes.
    pub async fn open(client: &Client, topic: &str) -> Self {
        let stream = connect(client.address(), client.token()).await.expect("the server opens a WebSocket");
        let mut socket = Self { stream, topic: topic.to_owned(), begun: Value::Null, asked: 0, aside: Vec::new() };
        socket.begun = socket.ask(json!({"type": "subscribe", "after_seq": 0})).await;
        socket
    }

    /// Gives a command, which must succeed; what it answers.
    pub async fn command(&mut self, command: &str, data: Value) -> Value {
        self.ask(json!({"type": "command", "command": command, "data": data})).await
    }

    /// The code with which a command is refused; its data may be wrong on purpose.
    pub async fn refused(&mut self, command: &str, data: Value) -> String {
        let answer = self.attempt(command, data).await;
        assert_eq!(answer["type"], "error", "{answer}");
        answer["problem"]["code"].as_str().expect("a code").to_owned()
    }

    /// Gives a command, which may be refused and wrong on purpose; the whole answer.
    pub async fn attempt(&mut self, command: &str, data: Value) -> Value {
        self.exchange(&mut json!({"type": "command", "command": command, "data": data})).await
    }

    /// The next event or signal that `wanted` likes.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = if self.aside.is_empty() { self.frame().await } else { self.aside.remove(0) };
            protocol::received(&frame, None);
            if wanted(&frame) {
                return frame;
            }
        }
    }

    async fn ask(&mut self, mut frame: Value) -> Value {
        let answer = self.exchange(&mut frame).await;
        protocol::sent(&frame);
        assert_eq!(answer["type"], "ok", "{frame}: {answer}");
        answer["data"].clone()
    }

    async fn exchange(&mut self, frame: &mut Value) -> Value {
        self.asked += 1;
        let id = self.asked.to_string();
        (frame["id"], frame["topic"]) = (json!(id), json!(self.topic));
        self.stream.send(Message::text(frame.to_string())).await.expect("the line is open");
        loop {
            let answer = self.frame().await;
            let mine = answer["id"] == id;
            protocol::received(&answer, Some(&*frame).filter(|_| mine));
            if mine {
                return answer;
            }
            self.aside.push(answer);
        }
    }

    async fn frame(&mut self) -> Value {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame in time");
            match next.expect("the line is open").expect("a frame") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?} is no frame"),
            }
        }
    }
}

pub(crate) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn connect(address: &str, token: &str) -> tungstenite::Result<Stream> {
    let mut request = format!("{}/api/v1/ws", address.replacen("http", "ws", 1)).into_client_request()?;
    let offer = format!("consilium.v1, {token}");
    request.headers_mut().insert("sec-websocket-protocol", offer.parse().expect("a header"));
    let connected = tokio::time::timeout(PATIENCE, connect_async(request)).await.expect("an answer in time");
    connected.map(|(stream, _)| stream)
}

/// A connection on which anything may be sent.
pub struct Raw {
    stream: Stream,
    epoch: Value,
}

impl Raw {
    /// Connects in somebody's name, and does no more.
    pub async fn open(client: &Client) -> Self {
        let stream = connect(client.address(), client.token()).await.expect("the server opens a WebSocket");
        Self { stream, epoch: Value::Null }
    }

    /// The status with which a token is refused.
    pub async fn refused(address: &str, token: &str) -> u16 {
        match connect(address, token).await {
            Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
            other => panic!("{:?}", other.map(|_| "connected")),
        }
    }

    /// Sends any JSON.
    pub async fn send(&mut self, frame: &Value) {
        self.text(frame.to_string()).await;
    }

    /// Sends any text; the server may have closed already.
    pub async fn text(&mut self, text: String) {
        let _ = self.stream.send(Message::text(text)).await;
    }

    /// Sends what is no text.
    pub async fn bytes(&mut self, bytes: Vec<u8>) {
        let _ = self.stream.send(Message::binary(bytes)).await;
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        match self.message().await {
            Message::Text(text) => {
                let frame: Value = serde_json::from_str(&text).expect("JSON");
                protocol::received(&frame, None);
                if frame["data"]["epoch"].is_string() {
                    self.epoch = frame["data"]["epoch"].clone();
                }
                frame
            }
            other => panic!("{other:?} is no frame"),
        }
    }

    /// The epoch that the server named last.
    pub fn epoch(&self) -> Value {
        self.epoch.clone()
    }

    /// The code with which the server closes, after whatever else it says.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Message::Close(close) = self.message().await {
                return close.expect("a reason").code.into();
            }
        }
    }

    async fn message(&mut self) -> Message {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("something in time");
            match next.expect("the line is open").expect("a message") {
                Message::Ping(_) | Message::Pong(_) => {}
                other => return other,
            }
        }
    }
}
