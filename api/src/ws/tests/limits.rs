//! Clients that ask too much, send nonsense, or do not listen.

use std::time::Duration;

use consilium_consultations::NewMessage;
use consilium_db::testing::TestDb;
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{
    client::code,
    world::{World, meta, quick},
};
use crate::ws::{WsSettings, outgoing::QueueLimits};

#[actix_rt::test]
async fn one_connection_watches_so_many_topics_and_no_more() {
    let world = World::new(TestDb::sqlite(), WsSettings { subscriptions: 2, ..quick() }).await;
    let mut doctor = world.client("doctor").await;
    let line = format!("waiting_room:{}", world.users["doctor"].doctor_id.unwrap());
    assert_eq!(doctor.subscribe("user:me", None).await["type"], "ok");
    assert_eq!(doctor.subscribe(&line, None).await["type"], "ok");
    assert_eq!(code(&doctor.subscribe(&world.topic(), None).await), "too_many_subscriptions");
    // The line is told as it changes.
    world.consultations.join(meta(&world.users["ada"]), world.consultation).await.unwrap();
    let told = doctor.frame().await;
    assert_eq!((told["topic"].as_str(), told["event"].as_str()), (Some(line.as_str()), Some("waiting_line_changed")));
    assert_eq!(told["data"]["waiting"][0]["consultation_id"], world.consultation.to_string());
}

#[actix_rt::test]
async fn bad_frames_are_answered_and_bad_clients_sent_away() {
    let settings = WsSettings { burst: 20, per_second: 1, refused_in_a_row: 5, ..quick() };
    let world = World::new(TestDb::sqlite(), settings).await;
    let mut client = world.client("ada").await;
    for (bad, expected) in [("{", "malformed"), ("[1]", "malformed"), (r#"{"type":"x"}"#, "unknown_frame")] {
        client.socket.send(Message::text(bad)).await.unwrap();
        assert_eq!(code(&client.frame().await), expected);
    }
    // A message in parts is put together.
    for (text, code, last) in [("{\"type\":\"pi", Data::Text, false), ("ng\",\"id\":\"p\"}", Data::Continue, true)] {
        let part = Frame::message(text.as_bytes().to_vec(), OpCode::Data(code), last);
        client.socket.send(Message::Frame(part)).await.unwrap();
    }
    assert_eq!(client.frame().await["id"], "p");
    client.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.until_closed().await.1, 1003);

    let mut large = world.client("ada@2").await;
    let _ = large.socket.send(Message::text("x".repeat(65 * 1024))).await;
    assert_eq!(large.until_closed().await.1, 1009);

    let mut flood = world.client("ada@3").await;
    for _ in 0..30 {
        if flood.socket.send(Message::text(r#"{"type":"ping","id":"f"}"#)).await.is_err() {
            break;
        }
    }
    let (frames, close) = flood.until_closed().await;
    assert_eq!(close, 1008);
    let refused = frames.iter().filter(|frame| frame["type"] == "error").collect::<Vec<_>>();
    assert_eq!((refused.len(), code(refused[0])), (5, "too_many_requests"));
    assert_eq!(refused[0]["id"], "f");
}

#[actix_rt::test]
async fn a_client_that_does_not_read_is_cut_off_and_the_others_are_not() {
    let queue = QueueLimits { frames: 16, bytes: 256 * 1024, patience: Duration::from_millis(400) };
    let world = World::new(TestDb::sqlite(), WsSettings { queue, ..quick() }).await;
    let topic = world.topic();
    let (mut slow, mut doctor) = (world.client("ada").await, world.client("doctor").await);
    slow.subscribe(&topic, Some(0)).await;
    doctor.subscribe(&topic, Some(0)).await;
    let writer = world.users["ada"].clone();
    let (consultations, id) = (world.consultations.clone(), world.consultation);
    // Far more than sockets buffer.
    let writing = actix_rt::spawn(async move {
        for n in 0..1_500 {
            let message =
                NewMessage { client_message_id: n.to_string(), body: "x".repeat(8_000), attachments: Vec::new() };
            consultations.send_message(meta(&writer), id, message).await.unwrap();
        }
    });
    for n in 1..=1_500 {
        assert_eq!(doctor.frame().await["seq"], n, "whoever reads gets everything");
    }
    writing.await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(world.context.connected(), 1, "the slow client is let go before it reads again");
    let (mut frames, close) = slow.until_closed().await;
    assert_eq!(close, 4008);
    frames.retain(|frame| frame["type"] == "event");
    assert!(frames.len() < 1_500, "it got what was on the way and no more");
    // What it got was without a gap, and it can resume there.
    let last = i64::try_from(frames.len()).unwrap();
    assert_eq!(frames.last().unwrap()["seq"], last);
    let mut again = world.client("ada").await;
    again.subscribe(&topic, Some(last)).await;
    assert_eq!(again.frame().await["seq"], last + 1);
}
