//! Two people in a consultation.

use std::time::Duration;

use consilium_db::testing::TestDb;
use serde_json::json;

use super::{
    client::code,
    world::{World, meta, quick},
};

#[actix_rt::test]
async fn two_people_talk_and_one_who_was_away_misses_nothing() {
    for test in TestDb::both() {
        let world = World::new(test, quick()).await;
        let topic = world.topic();
        let (mut doctor, mut ada) = (world.client("doctor").await, world.client("ada").await);
        let begin = ada.subscribe(&topic, Some(0)).await;
        assert_eq!(begin["data"]["seq"], 0);
        doctor.subscribe(&topic, Some(0)).await;

        let hello = json!({"client_message_id": "a1", "body": "hello"});
        let sent = ada.command(&topic, "send_message", hello.clone()).await;
        assert_eq!((sent["type"].as_str(), sent["data"]["seq"].as_i64()), (Some("ok"), Some(1)));
        assert_eq!(ada.command(&topic, "send_message", hello).await["data"], sent["data"], "the same again");
        let heard = doctor.frame().await;
        assert_eq!((heard["event"].as_str(), heard["seq"].as_i64()), (Some("message_sent"), Some(1)));
        assert_eq!(heard["data"]["body"], "hello");
        assert_eq!(ada.frame().await["seq"], 1, "one's own messages come back too");

        // Not stored, and not to oneself.
        ada.command(&topic, "typing", json!({"typing": true})).await;
        let typing = doctor.frame().await;
        assert_eq!((typing["type"].as_str(), typing["signal"].as_str()), (Some("signal"), Some("typing")));
        assert_eq!(typing["from"], world.users["ada"].user_id.to_string());

        drop(ada);
        for n in 2..=4 {
            let body = json!({"client_message_id": n.to_string(), "body": format!("message {n}")});
            assert_eq!(doctor.command(&topic, "send_message", body).await["data"]["seq"], n);
        }
        let mut ada = world.client("ada").await;
        let resumed = ada.subscribe(&topic, Some(1)).await;
        assert_eq!(resumed["data"]["seq"], 4);
        assert_eq!(resumed["data"]["epoch"], begin["data"]["epoch"]);
        for n in 2..=4 {
            assert_eq!(ada.frame().await["seq"], n);
        }
        assert_eq!(ada.command(&topic, "mark_read", json!({"seq": 4})).await["data"]["seq"], 4);
        assert_eq!(ada.frame().await["event"], "message_read");

        // The doctor leads, by the same commands as over HTTP; offers pass only inside the room.
        let offer = json!({"kind": "offer", "sdp": "v=0"});
        assert_eq!(code(&ada.command(&topic, "signal", offer.clone()).await), "not_admitted");
        assert_eq!(code(&ada.command(&topic, "start", json!({})).await), "forbidden");
        assert_eq!(doctor.command(&topic, "start", json!({})).await["data"]["status"], "in_progress");
        assert_eq!(ada.frame().await["event"], "consultation_started");
        doctor.command(&topic, "signal", offer.clone()).await;
        let signal = ada.frame().await;
        assert_eq!((signal["signal"].as_str(), &signal["data"]), (Some("signal"), &offer));
        assert_eq!(doctor.command(&topic, "end", json!({})).await["data"]["status"], "completed");
        assert_eq!(code(&doctor.command(&topic, "end", json!({})).await), "invalid_transition");
        assert_eq!(ada.frame().await["event"], "consultation_ended");
    }
}

#[actix_rt::test]
async fn what_is_not_yours_or_not_there_is_refused() {
    let world = World::new(TestDb::sqlite(), quick()).await;
    let topic = world.topic();
    let line = format!("waiting_room:{}", world.users["doctor"].doctor_id.unwrap());
    let mut bob = world.client("bob").await;
    assert_eq!(code(&bob.subscribe(&topic, None).await), "not_found");
    assert_eq!(code(&bob.subscribe(&line, None).await), "not_found");
    let message = json!({"client_message_id": "1", "body": "let me in"});
    assert_eq!(code(&bob.command(&topic, "send_message", message.clone()).await), "not_found");
    for unknown in ["vitals:x", "facility:x:emergency", "user:1"] {
        assert_eq!(code(&bob.subscribe(unknown, None).await), "unknown_topic");
    }
    assert_eq!(code(&bob.command(&topic, "explode", json!({})).await), "unknown_command");
    assert_eq!(code(&bob.command("user:me", "send_message", message).await), "unknown_command");
    assert_eq!(code(&bob.command(&topic, "send_message", json!({"body": 5})).await), "invalid");
    assert_eq!(code(&bob.ask(json!({"type": "unsubscribe", "topic": "user:me"})).await), "not_subscribed");
    assert_eq!(bob.subscribe("user:me", None).await["type"], "ok");
    assert_eq!(code(&bob.subscribe("user:me", None).await), "already_subscribed");
    assert_eq!(bob.ask(json!({"type": "unsubscribe", "topic": "user:me"})).await["type"], "ok");
    assert_eq!(bob.subscribe("user:me", None).await["type"], "ok", "and once more");
    bob.ask(json!({"type": "unsubscribe", "topic": "user:me"})).await;
    assert_eq!(code(&bob.subscribe("user:me", Some(-1)).await), "invalid");
}

#[actix_rt::test]
async fn whoever_loses_the_connection_for_long_has_left_and_whoever_comes_back_has_not() {
    for test in TestDb::both() {
        let world = World::new(test, quick()).await;
        let topic = world.topic();
        let ada = world.users["ada"].clone();
        world.consultations.join(meta(&ada), world.consultation).await.unwrap();
        let mut client = world.client("ada").await;
        client.subscribe(&topic, None).await;
        drop(client);
        let mut client = world.client("ada").await;
        client.subscribe(&topic, None).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let present = async || {
            let state = world.consultations.consultation(&meta(&ada), world.consultation).await.unwrap();
            state.participant(ada.user_id).unwrap().present
        };
        assert!(present().await, "came back in time");
        drop(client);
        for _ in 0..100 {
            if !present().await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(!present().await, "stayed away");

        // After a restart nobody watches: whoever is marked as present has the same time to come back.
        world.consultations.join(meta(&ada), world.consultation).await.unwrap();
        world.context.recover().await.unwrap();
        assert!(present().await);
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert!(!present().await);
    }
}
