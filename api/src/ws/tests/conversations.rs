//! Conversations over the socket: who is there, what is taken back, and threads beside consultations.

use std::{collections::BTreeMap, time::Duration};

use consilium_chat::Connected;
use consilium_db::testing::TestDb;
use consilium_messaging::{Invited, OpenThread, Thread, ThreadKind};
use serde_json::{Value, json};

use super::{
    client::{Client, code},
    world::{World, meta, quick},
};
use crate::ws::WsSettings;

/// A thread of Ada's with her doctor.
async fn opened(world: &World) -> Thread {
    let new = OpenThread {
        kind: ThreadKind::Care,
        patient_id: None,
        subject: "After the visit".to_owned(),
        participants: vec![Invited::UserId(world.users["doctor"].user_id)],
    };
    world.context.messaging.open(meta(&world.users["ada"]), new).await.unwrap()
}

fn text(client_id: &str, body: &str) -> Value {
    json!({"client_message_id": client_id, "body": body})
}

#[actix_rt::test]
async fn a_thread_is_talked_in_like_a_consultation() {
    for test in TestDb::both() {
        let world = World::new(test, quick()).await;
        let thread = opened(&world).await;
        let topic = consilium_messaging::topic(thread.id);
        let (mut doctor, mut ada) = (world.client("doctor").await, world.client("ada").await);
        let mut bob = world.client("bob").await;
        assert_eq!(code(&bob.subscribe(&topic, None).await), "not_found");
        assert_eq!(code(&bob.command(&topic, "send_message", text("1", "let me in")).await), "not_found");
        assert_eq!(code(&bob.command(&topic, "typing", json!({})).await), "not_found");
        ada.subscribe(&topic, Some(0)).await;
        doctor.subscribe(&topic, Some(0)).await;

        let sent = ada.command(&topic, "send_message", text("a1", "hello")).await;
        assert_eq!((sent["type"].as_str(), sent["data"]["seq"].as_i64()), (Some("ok"), Some(1)));
        assert_eq!(ada.command(&topic, "send_message", text("a1", "hello")).await["data"], sent["data"]);
        let heard = doctor.frame().await;
        assert_eq!((heard["event"].as_str(), heard["data"]["body"].as_str()), (Some("message_sent"), Some("hello")));
        assert_eq!(ada.frame().await["seq"], 1);
        ada.command(&topic, "typing", json!({"typing": true})).await;
        assert_eq!(doctor.frame().await["signal"], "typing");
        // The same from a connection that does not watch.
        let mut elsewhere = world.client("ada@2").await;
        elsewhere.command(&topic, "typing", json!({"typing": true})).await;
        assert_eq!(doctor.frame().await["signal"], "typing");
        for long in [&mut ada, &mut elsewhere] {
            assert_eq!(code(&long.command(&topic, "typing", json!({"text": "x".repeat(300)})).await), "invalid");
        }
        assert_eq!(doctor.command(&topic, "mark_read", json!({"seq": 1})).await["data"]["seq"], 1);
        assert_eq!(ada.frame().await["event"], "message_read");
        assert_eq!(code(&doctor.command(&topic, "mark_read", json!({"seq": 99})).await), "invalid");
        for unknown in ["admit", "signal", "raise_hand", "explode"] {
            assert_eq!(code(&doctor.command(&topic, unknown, json!({})).await), "unknown_command");
        }
    }
}

#[actix_rt::test]
async fn whoever_resumes_reads_what_stands_now_under_the_same_numbers() {
    for test in TestDb::both() {
        let world = World::new(test, quick()).await;
        let thread = opened(&world).await;
        for topic in [world.topic(), consilium_messaging::topic(thread.id)] {
            let (mut doctor, mut ada) = (world.client("doctor").await, world.client("ada").await);
            doctor.subscribe(&topic, Some(0)).await;
            let id = ada.command(&topic, "send_message", text("1", "first words")).await["data"]["id"].clone();
            let gone = ada.command(&topic, "send_message", text("2", "to be gone")).await["data"]["id"].clone();
            let edit = |body: &str| json!({"message_id": id, "body": body});
            assert_eq!(code(&doctor.command(&topic, "edit_message", edit("not mine")).await), "not_the_sender");
            let other = json!({"message_id": gone});
            assert_eq!(code(&doctor.command(&topic, "delete_message", other.clone()).await), "not_the_sender");
            for body in ["second words", "third words"] {
                assert_eq!(ada.command(&topic, "edit_message", edit(body)).await["data"]["body"], body);
            }
            assert_eq!(ada.command(&topic, "delete_message", other).await["data"]["body"], Value::Null);

            // Who was there heard everything as it happened.
            let mut lived = Vec::new();
            for _ in 0..5 {
                let frame = doctor.frame().await;
                lived.push((frame["event"].as_str().unwrap().to_owned(), frame["data"]["body"].clone()));
            }
            let told = |event: &str, body: Value| (event.to_owned(), body);
            assert_eq!(
                lived,
                [
                    told("message_sent", json!("first words")),
                    told("message_sent", json!("to be gone")),
                    told("message_edited", json!("second words")),
                    told("message_edited", json!("third words")),
                    told("message_deleted", Value::Null),
                ]
            );
            // Whoever comes later gets the same numbers, and of each message only what it says now.
            let mut late = world.client("doctor@2").await;
            late.subscribe(&topic, Some(0)).await;
            for (seq, event, body) in [
                (1, "message_sent", json!("third words")),
                (2, "message_sent", Value::Null),
                (3, "message_edited", json!("third words")),
                (4, "message_edited", json!("third words")),
                (5, "message_deleted", Value::Null),
            ] {
                let frame = late.frame().await;
                assert_eq!(
                    (&frame["seq"], &frame["event"], &frame["data"]["body"]),
                    (&json!(seq), &json!(event), &body)
                );
            }
        }
    }
}

#[actix_rt::test]
async fn the_others_are_told_who_is_there_away_and_gone() {
    let settings = WsSettings { away_after: Duration::from_millis(1_500), ..quick() };
    let world = World::new(TestDb::sqlite(), settings).await;
    let topic = world.topic();
    let (doctor_id, ada_id) = (json!(world.users["doctor"].user_id), json!(world.users["ada"].user_id));
    let mut doctor = world.client("doctor").await;
    let begin = doctor.subscribe(&topic, None).await;
    assert_eq!(begin["data"]["presence"], json!([{"user_id": doctor_id, "state": "online"}]));
    let mut ada = world.client("ada").await;
    let begin = ada.subscribe(&topic, None).await;
    assert_eq!(begin["data"]["presence"].as_array().map(Vec::len), Some(2));
    assert_eq!(doctor.presence().await, (ada_id.clone(), json!("online")));
    let connected = || world.context.is_connected(&topic, world.users["ada"].user_id);
    assert!(connected().await);

    // Ada's client stops answering pings, because nobody reads from its socket.
    assert_eq!(doctor.presence().await, (ada_id.clone(), json!("away")));
    assert!(!connected().await, "whoever is away is told by mail");
    ada.ask(json!({"type": "ping"})).await;
    assert_eq!(doctor.presence().await, (ada_id.clone(), json!("online")));

    // A second connection keeps her there; losing the last one makes her away, and after the grace period gone.
    let mut second = world.client("ada@2").await;
    second.subscribe(&topic, None).await;
    drop(ada);
    second.ask(json!({"type": "ping"})).await;
    drop(second);
    assert_eq!(doctor.presence().await, (ada_id.clone(), json!("away")));
    assert_eq!(doctor.presence().await, (ada_id, json!("offline")));
    let mut ada = world.client("ada").await;
    let begin = ada.subscribe(&topic, None).await;
    assert_eq!(begin["data"]["presence"].as_array().map(Vec::len), Some(2));
}

#[actix_rt::test]
async fn whoever_is_taken_out_hears_no_more_and_whoever_comes_back_hears_all() {
    for test in TestDb::both() {
        let world = World::new(test, quick()).await;
        let thread = opened(&world).await;
        let topic = consilium_messaging::topic(thread.id);
        let nurse = world.users["nurse"].clone();
        let invited = Invited::UserId(nurse.user_id);
        let by_doctor = || meta(&world.users["doctor"]);
        world.context.messaging.add(by_doctor(), thread.id, invited).await.unwrap();
        let mut watching = world.client("nurse").await;
        watching.subscribe(&topic, Some(0)).await;
        assert_eq!(watching.frame().await["event"], "participant_added");

        world.context.messaging.remove(by_doctor(), thread.id, nurse.user_id).await.unwrap();
        assert_eq!(watching.frame().await["event"], "participant_removed", "one is told of that");
        assert_eq!(code(&watching.types_no_more(&topic).await), "not_found");
        let mut ada = world.client("ada").await;
        ada.command(&topic, "send_message", text("1", "not for the nurse")).await;
        watching.ask(json!({"type": "ping"})).await;
        assert_eq!(code(&watching.command(&topic, "send_message", text("1", "still here")).await), "not_found");
        assert!(!watching.has(|frame| frame["event"] == "message_sent"), "nothing more is heard");
        watching.ask(json!({"type": "unsubscribe", "topic": topic})).await;
        assert_eq!(code(&watching.subscribe(&topic, Some(0)).await), "not_found");

        world.context.messaging.add(by_doctor(), thread.id, invited).await.unwrap();
        watching.subscribe(&topic, Some(0)).await;
        for event in ["participant_added", "participant_removed", "message_sent", "participant_added"] {
            assert_eq!(watching.frame().await["event"], event);
        }
    }
}

/// Two who write at the same time while their lines break again and again: each message comes once, in the one order.
#[actix_rt::test]
async fn exactly_once_and_in_order_whatever_the_lines_do() {
    for test in TestDb::both() {
        let world = World::new(test, quick()).await;
        let thread = opened(&world).await;
        let topic = consilium_messaging::topic(thread.id);
        let write = async |name: &str| {
            let (mut seen, mut acknowledged) = (BTreeMap::new(), Vec::new());
            let mut client = world.client(name).await;
            client.subscribe(&topic, Some(0)).await;
            for n in 0..40 {
                let message = text(&format!("{name}-{n}"), &format!("{name} says {n}"));
                if n % 5 == 4 {
                    // Sent, and the line breaks before anything comes back.
                    client.send(&json!({"type": "command", "id": "x", "topic": topic, "command": "send_message", "data": message})).await;
                    note(&mut client, &mut seen);
                    drop(client);
                    client = world.client(name).await;
                    let after = seen.keys().last().copied().unwrap_or(0);
                    client.subscribe(&topic, Some(after)).await;
                }
                let answer = client.command(&topic, "send_message", message).await;
                acknowledged.push(answer["data"]["seq"].as_i64().unwrap());
                note(&mut client, &mut seen);
            }
            (client, seen, acknowledged)
        };
        let (doctors, adas) = futures_util::join!(write("doctor"), write("ada"));
        let mut all: Vec<i64> = doctors.2.iter().chain(&adas.2).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (1..=80).collect::<Vec<i64>>(), "each message has one number");
        for (mut client, mut seen, _) in [doctors, adas] {
            while seen.len() < 80 {
                let frame = client.frame().await;
                take(&mut seen, &frame);
            }
            assert_eq!(seen.keys().copied().collect::<Vec<_>>(), all);
            assert_eq!(seen.values().collect::<std::collections::BTreeSet<_>>().len(), 80, "no text twice");
        }
    }
}

fn note(client: &mut Client, seen: &mut BTreeMap<i64, String>) {
    for frame in client.set_aside() {
        take(seen, &frame);
    }
}

/// Numbers come one after the other, and never twice.
fn take(seen: &mut BTreeMap<i64, String>, frame: &Value) {
    if frame["type"] != "event" {
        return;
    }
    let seq = frame["seq"].as_i64().unwrap();
    assert_eq!(seq, seen.keys().last().copied().unwrap_or(0) + 1, "{frame}");
    seen.insert(seq, frame["data"]["body"].as_str().unwrap().to_owned());
}
