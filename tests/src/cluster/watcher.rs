//! Somebody who watches a consultation, resumes at another node when the line is cut, and expects no gap.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::History;
use crate::{client::Person, socket};

/// A line on which nothing comes for this long, not even a ping, is given up.
const SILENCE: Duration = Duration::from_secs(5);
/// After the end, nothing new for this long is the end.
const QUIET: Duration = Duration::from_secs(8);

/// The messages, in the order in which they were shown.
pub(super) async fn watch(history: &History, who: &[Person], consultation: &str, first: usize) -> Vec<String> {
    let topic = format!("consultation:{consultation}");
    let (mut seq, mut heard) = (0, Vec::new());
    for attempt in first.. {
        if follow(history, &who[attempt % who.len()], &topic, (&mut seq, &mut heard)).await {
            break;
        }
        history.retried.set(history.retried.get() + 1);
        sleep(Duration::from_millis(200)).await;
    }
    heard
}

/// Somebody whose line is so slow that they take nothing until everybody has come to an end. Nobody may wait for them; what
/// they are shown in the end is without a gap, as far as it goes.
pub(super) async fn dawdle(history: &History, who: &Person, consultation: &str) {
    let topic = format!("consultation:{consultation}");
    let mut line = socket::connect(who.address(), who.token()).await.expect("a WebSocket");
    let subscribe = json!({"type": "subscribe", "id": "1", "topic": topic, "after_seq": 0});
    line.send(Message::text(subscribe.to_string())).await.expect("a WebSocket");
    while !history.is_ending() {
        sleep(Duration::from_millis(200)).await;
    }
    let mut seq = 0;
    while let Ok(Some(Ok(next))) = timeout(QUIET, line.next()).await {
        let Message::Text(frame) = next else { continue };
        let frame: Value = serde_json::from_str(&frame).expect("JSON");
        match frame["type"].as_str() {
            Some("event") if frame["seq"] == seq + 1 => seq += 1,
            Some("event") => history.wrong(format!("{topic}: after {seq} a slow reader is shown {frame}")),
            Some("error" | "gap") => return,
            _ => {}
        }
    }
}

/// Follows until the line is cut; true at the end.
async fn follow(history: &History, who: &Person, topic: &str, (seq, heard): (&mut i64, &mut Vec<String>)) -> bool {
    let Ok(Ok(mut line)) = timeout(SILENCE, socket::connect(who.address(), who.token())).await else { return false };
    let subscribe = json!({"type": "subscribe", "id": "1", "topic": topic, "after_seq": *seq});
    if line.send(Message::text(subscribe.to_string())).await.is_err() {
        return false;
    }
    let mut quiet = tokio::time::Instant::now();
    loop {
        if history.is_ending() && quiet.elapsed() > QUIET {
            return true;
        }
        let next = match timeout(Duration::from_secs(1), line.next()).await {
            Ok(Some(Ok(next))) => next,
            Ok(_) => return false,
            // Nothing for a second: is it still there?
            Err(_) => match timeout(SILENCE, ping(&mut line)).await {
                Ok(Some(next)) => next,
                _ => return false,
            },
        };
        let Message::Text(frame) = next else { continue };
        let frame: Value = serde_json::from_str(&frame).expect("JSON");
        match frame["type"].as_str() {
            Some("event") => {
                let number = frame["seq"].as_i64().expect("a number");
                if number != *seq + 1 {
                    history.wrong(format!("{topic}: {number} came after {seq}"));
                }
                *seq = number;
                if frame["event"] == "message_sent" {
                    heard.push(frame["data"]["body"].as_str().expect("a text").to_owned());
                }
                quiet = tokio::time::Instant::now();
            }
            Some("error" | "gap") => {
                println!("  a watcher goes elsewhere: {frame}");
                return false;
            }
            _ => {}
        }
    }
}

/// What the server says to a ping; anything is a sign of life.
async fn ping(line: &mut socket::Stream) -> Option<Message> {
    line.send(Message::text(json!({"type": "ping"}).to_string())).await.ok()?;
    line.next().await?.ok()
}
