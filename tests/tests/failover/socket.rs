//! A participant's WebSocket.

use std::time::Duration;

use consilium_tests::client::Person;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects `person` and subscribes to `topic`.
    pub async fn open(address: &str, person: &Person, topic: &str) -> Self {
        let address = format!("{}/api/v1/ws", address.replacen("http", "ws", 1));
        let mut request = address.into_client_request().expect("an address");
        let offer = format!("consilium.v1, {}", person.token());
        request.headers_mut().insert("sec-websocket-protocol", offer.parse().expect("a header"));
        let (stream, _) = connect_async(request).await.expect("the server upgrades");
        let mut socket = Self(stream);
        let subscribe = json!({"type": "subscribe", "id": "1", "topic": topic});
        socket.0.send(Message::text(subscribe.to_string())).await.expect("the line holds");
        socket.until("ok", |frame| frame["type"] == "ok").await;
        socket
    }

    /// The next frame that is `wanted`; others are passed over.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let limit = Duration::from_secs(120);
        let next = async {
            loop {
                let message = self.0.next().await.expect("the line holds").expect("a frame");
                let Message::Text(text) = message else { continue };
                let frame: Value = serde_json::from_str(&text).expect("JSON");
                consilium_tests::protocol::received(&frame, None);
                if wanted(&frame) {
                    return frame;
                }
            }
        };
        tokio::time::timeout(limit, next).await.unwrap_or_else(|_| panic!("no {what}"))
    }
}
