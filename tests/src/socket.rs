//! A small client of the WebSocket, for one topic.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::client::Client;

const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody's connection that watches one topic. Dropping it cuts the line without a word.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    topic: String,
    asked: u32,
    aside: Vec<Value>,
}

impl Socket {
    /// Connects in somebody's name and subscribes.
    pub async fn open(client: &Client, topic: &str) -> Self {
        let address = format!("{}/api/v1/ws", client.address().replacen("http", "ws", 1));
        let mut request = address.into_client_request().expect("an address");
        let offer = format!("consilium.v1, {}", client.token());
        request.headers_mut().insert("sec-websocket-protocol", offer.parse().expect("a header"));
        let connected = tokio::time::timeout(PATIENCE, connect_async(request)).await.expect("an answer in time");
        let (stream, _) = connected.expect("the server opens a WebSocket");
        let mut socket = Self { stream, topic: topic.to_owned(), asked: 0, aside: Vec::new() };
        socket.ask(json!({"type": "subscribe", "after_seq": 0})).await;
        socket
    }

    /// Gives a command, which must succeed; what it answers.
    pub async fn command(&mut self, command: &str, data: Value) -> Value {
        self.ask(json!({"type": "command", "command": command, "data": data})).await
    }

    /// The next event or signal that `wanted` likes.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = if self.aside.is_empty() { self.frame().await } else { self.aside.remove(0) };
            if wanted(&frame) {
                return frame;
            }
        }
    }

    async fn ask(&mut self, mut frame: Value) -> Value {
        self.asked += 1;
        let id = self.asked.to_string();
        (frame["id"], frame["topic"]) = (json!(id), json!(self.topic));
        self.stream.send(Message::text(frame.to_string())).await.expect("the line is open");
        loop {
            let answer = self.frame().await;
            if answer["id"] == id {
                assert_eq!(answer["type"], "ok", "{frame}: {answer}");
                return answer["data"].clone();
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
