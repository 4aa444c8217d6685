//! WebSockets with small buffers: thousands of them are held at once.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

/// One connection.
pub type Socket = WebSocketStream<TcpStream>;

/// Bytes that are read at once.
const BUFFER: usize = 4 * 1024;

/// Connects to `http://host:port` and this path; with a token, in its bearer's name.
pub async fn connect(address: &str, path: &str, token: Option<&str>) -> Socket {
    let host = address.strip_prefix("http://").expect("an address without TLS");
    let mut request = format!("ws://{host}{path}").into_client_request().expect("an address");
    if let Some(token) = token {
        let offer = format!("consilium.v1, {token}").parse().expect("a header");
        request.headers_mut().insert("sec-websocket-protocol", offer);
    }
    let stream = TcpStream::connect(host).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    let settings = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
    client_async_with_config(request, stream, Some(settings)).await.expect("the server opens a WebSocket").0
}

/// Watches a topic from now on.
pub async fn subscribe(socket: &mut Socket, topic: &str) {
    let ask = json!({"type": "subscribe", "id": "subscribe", "topic": topic});
    socket.send(Message::text(ask.to_string())).await.expect("the line is open");
    loop {
        let text = text(socket).await;
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        if frame["id"] == "subscribe" {
            assert_eq!(frame["type"], "ok", "{frame}");
            return;
        }
    }
}

/// The next text.
pub async fn text(socket: &mut Socket) -> String {
    loop {
        match socket.next().await.expect("the line is open").expect("a frame") {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?} is no text"),
        }
    }
}
