//! The demo's WebSocket client: every frame is printed.

use std::{rc::Rc, time::Duration};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{
    screen::{Count, Screen, excerpt},
    wire::Person,
};

/// As an independent client has it from the contract.
const SUBPROTOCOL: &str = "consilium.v1";
/// How long a frame is waited for.
const FRAME_LIMIT: Duration = Duration::from_secs(15);

/// Somebody's connection that watches one topic. Dropping it cuts the line without a word.
pub(super) struct Socket {
    who: &'static str,
    screen: Rc<Screen>,
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    topic: String,
    /// What the topic's numbers belong to.
    pub epoch: Value,
    /// The newest number the server had when the topic was subscribed to.
    pub head: i64,
    /// The number after which events were asked for.
    after: i64,
    /// Every event so far, in the order in which they came.
    pub events: Vec<Value>,
    /// How many of them were asked for.
    looked_at: usize,
    asked: u32,
}

impl Socket {
    /// Connects and subscribes; with `after`, from that number and its epoch on.
    pub(super) async fn open(
        base: &str,
        person: &Person,
        topic: &str,
        after: Option<(i64, &Value)>,
        screen: Rc<Screen>,
    ) -> Result<Self> {
        let address = format!("{}/api/v1/ws", base.replacen("http", "ws", 1));
        let mut request = address.as_str().into_client_request()?;
        let offer = format!("{SUBPROTOCOL}, {}", person.token.as_deref().unwrap_or_default());
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(&offer)?);
        let connecting = tokio::time::timeout(FRAME_LIMIT, connect_async(request));
        let (stream, answer) = connecting.await.context("the WebSocket was not opened in time")??;
        let chosen = answer.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
        anyhow::ensure!(chosen == Some(SUBPROTOCOL), "the server chose the subprotocol {chosen:?}");
        let status = answer.status().as_u16();
        screen.line(person.name, "32", &format!("GET /api/v1/ws → {status}, subprotocol {SUBPROTOCOL}"));
        let mut socket = Self {
            who: person.name,
            screen,
            stream,
            topic: topic.to_owned(),
            epoch: Value::Null,
            head: 0,
            after: 0,
            events: Vec::new(),
            looked_at: 0,
            asked: 0,
        };
        let mut subscribe = json!({"type": "subscribe", "topic": topic});
        if let (Some((seq, epoch)), Some(frame)) = (after, subscribe.as_object_mut()) {
            frame.insert("after_seq".to_owned(), seq.into());
            frame.insert("epoch".to_owned(), epoch.clone());
        }
        let subscribed = socket.ask(subscribe).await?;
        socket.head = subscribed.get("seq").and_then(Value::as_i64).context("subscribing answers seq")?;
        socket.after = after.map_or(socket.head, |(seq, _)| seq);
        socket.epoch = subscribed.get("epoch").cloned().context("subscribing answers epoch")?;
        Ok(socket)
    }

    /// Commands something on the topic and answers what it gave.
    pub(super) async fn command(&mut self, command: &str, data: &Value) -> Result<Value> {
        self.ask(json!({"type": "command", "topic": self.topic, "command": command, "data": data})).await
    }

    /// The next event of this name that was not asked for yet.
    pub(super) async fn event(&mut self, name: &str) -> Result<Value> {
        loop {
            while let Some(event) = self.events.get(self.looked_at) {
                self.looked_at += 1;
                if event.get("event") == Some(&Value::from(name)) {
                    return Ok(event.clone());
                }
            }
            self.receive().await.with_context(|| format!("{} waits for {name}", self.who))?;
        }
    }

    /// Reads until the event of this number is there.
    pub(super) async fn up_to(&mut self, seq: i64) -> Result<()> {
        while self.seq() < seq {
            self.receive().await.with_context(|| format!("{} waits for event {seq}", self.who))?;
        }
        Ok(())
    }

    /// The newest number seen.
    pub(super) fn seq(&self) -> i64 {
        self.events.last().map_or(self.after, number)
    }

    /// The events with a number above `after`, up to `last`.
    pub(super) fn between(&self, after: i64, last: i64) -> Vec<Value> {
        self.events.iter().filter(|event| (after + 1..=last).contains(&number(event))).cloned().collect()
    }

    async fn ask(&mut self, mut frame: Value) -> Result<Value> {
        self.asked += 1;
        let id = Value::from(self.asked.to_string());
        if let Some(frame) = frame.as_object_mut() {
            frame.insert("id".to_owned(), id.clone());
        }
        self.print("⇒", &frame);
        self.stream.send(Message::text(frame.to_string())).await?;
        loop {
            let answer = self.receive().await?;
            if answer.get("id") != Some(&id) {
                continue;
            }
            return match answer.get("data") {
                Some(data) if answer.get("type") == Some(&json!("ok")) => Ok(data.clone()),
                _ => bail!("the frame {} was answered {}", excerpt(&frame), excerpt(&answer)),
            };
        }
    }

    /// The next frame; events are kept.
    async fn receive(&mut self) -> Result<Value> {
        loop {
            let next = tokio::time::timeout(FRAME_LIMIT, self.stream.next()).await.context("no frame came in time")?;
            match next.context("the server closed the WebSocket")?? {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(text.as_str())?;
                    self.print("⇐", &frame);
                    if frame.get("type") == Some(&json!("event")) {
                        self.events.push(frame.clone());
                    }
                    return Ok(frame);
                }
                Message::Close(why) => bail!("the server closed the WebSocket: {why:?}"),
                _ => {}
            }
        }
    }

    fn print(&self, arrow: &str, frame: &Value) {
        self.screen.count(Count::Frame);
        let named = ["type", "id", "command", "event", "seq"].into_iter().filter_map(|name| {
            let value = frame.get(name)?;
            Some(if name == "type" { text(value) } else { format!("{name}={}", text(value)) })
        });
        self.screen.line(self.who, "36", &format!("{arrow} {}", named.collect::<Vec<_>>().join(" ")));
        let rest = ["topic", "after_seq", "epoch", "data", "problem"].into_iter();
        let rest: Value = rest.filter_map(|name| Some((name.to_owned(), frame.get(name)?.clone()))).collect();
        self.screen.excerpt(" ", &rest);
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn number(event: &Value) -> i64 {
    event.get("seq").and_then(Value::as_i64).unwrap_or_default()
}
