//! A client over a real socket.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u32,
    /// Frames that came while an answer was waited for.
    aside: Vec<Value>,
}

impl Client {
    pub fn new(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self { socket, next_id: 0, aside: Vec::new() }
    }

    pub async fn send(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next message that is not a ping.
    pub async fn message(&mut self) -> Option<Message> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await;
            match next.expect("something in time")?.ok()? {
                Message::Ping(_) | Message::Pong(_) => {}
                other => return Some(other),
            }
        }
    }

    /// The next frame that is not about who is there.
    pub async fn frame(&mut self) -> Value {
        self.next(|frame| frame["signal"] != "presence").await
    }

    /// Who is how now: the next frame that says so.
    pub async fn presence(&mut self) -> (Value, Value) {
        let frame = self.next(|frame| frame["signal"] == "presence").await;
        (frame["data"]["user_id"].clone(), frame["data"]["state"].clone())
    }

    /// The event of this name, whatever comes before it.
    pub async fn event(&mut self, name: &str) -> Value {
        self.next(|frame| frame["event"] == name).await
    }

    async fn next(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.aside.iter().position(&wanted) {
            return self.aside.remove(place);
        }
        loop {
            let frame = self.fresh().await;
            if wanted(&frame) {
                return frame;
            }
            self.aside.push(frame);
        }
    }

    async fn fresh(&mut self) -> Value {
        match self.message().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?} is no frame"),
        }
    }

    /// Everything that came while answers were waited for.
    pub fn set_aside(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.aside)
    }

    /// Whether something like that came meanwhile.
    pub fn has(&self, wanted: impl Fn(&Value) -> bool) -> bool {
        self.aside.iter().any(wanted)
    }

    /// The frames until the server closes, and the code it closes with.
    pub async fn until_closed(&mut self) -> (Vec<Value>, u16) {
        let mut frames = std::mem::take(&mut self.aside);
        loop {
            match self.message().await {
                Some(Message::Text(text)) => frames.push(serde_json::from_str(&text).unwrap()),
                Some(Message::Close(Some(close))) => return (frames, close.code.into()),
                other => panic!("{other:?} is no goodbye"),
            }
        }
    }

    /// Sends a frame and waits for its answer.
    pub async fn ask(&mut self, mut frame: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id.to_string();
        frame["id"] = json!(id);
        self.send(&frame).await;
        loop {
            let answer = self.fresh().await;
            if answer["id"] == id {
                return answer;
            }
            self.aside.push(answer);
        }
    }

    pub async fn subscribe(&mut self, topic: &str, after_seq: Option<i64>) -> Value {
        self.ask(json!({"type": "subscribe", "topic": topic, "after_seq": after_seq})).await
    }

    /// Types, as often as one may, until that is refused: a subscription ends a moment after the last that it tells.
    pub async fn types_no_more(&mut self, topic: &str) -> Value {
        for _ in 0..10 {
            let answer = self.command(topic, "typing", json!({})).await;
            if answer["type"] == "error" && code(&answer) != "too_many_signals" {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("typing goes on")
    }

    pub async fn command(&mut self, topic: &str, command: &str, data: Value) -> Value {
        self.ask(json!({"type": "command", "topic": topic, "command": command, "data": data})).await
    }
}

pub fn code(answer: &Value) -> &str {
    assert_eq!(answer["type"], "error", "{answer}");
    answer["problem"]["code"].as_str().unwrap()
}
