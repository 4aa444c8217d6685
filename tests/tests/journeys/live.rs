//! What happens in the room over the WebSocket: media, signals, drawings, and people who misbehave.

use std::process::Stdio;

use consilium_tests::{
    app::{TestApp, on_both},
    client::{Person, text},
    node,
    socket::{Raw, Socket},
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

/// A consultation in progress, with both on its topic.
async fn room(app: &TestApp, doctor: &Person, patient: &Person) -> (String, Socket, Socket) {
    let agreed = patient.agree(doctor, "2026-06-01T09:00:00Z").await;
    let id = text(&agreed, "consultation_id").to_owned();
    app.wait(50);
    let (doctor, patient) = (doctor.again().await, patient.again().await);
    patient.post(&format!("/consultations/{id}/join"), Value::Null).await.expect(200);
    doctor.post(&format!("/consultations/{id}/join"), Value::Null).await.expect(200);
    let topic = format!("consultation:{id}");
    let (mut leads, mut listens) = (Socket::open(&doctor, &topic).await, Socket::open(&patient, &topic).await);
    leads.command("admit", Value::Null).await;
    listens.until(|frame| frame["event"] == "consultation_started").await;
    (id, leads, listens)
}

#[actix_rt::test]
async fn asyncapis_own_parser_finds_nothing_wrong_with_the_document() {
    let app = TestApp::start(consilium_tests::app::Backend::Sqlite, |_| {}).await;
    let document = app.client.get("//api/asyncapi.json").await.expect(200);
    assert_eq!(document["asyncapi"], "3.0.0");
    for (good, document) in [
        (true, document.clone()),
        (false, {
            let mut broken = document;
            broken["operations"]["tell"]["messages"][0]["$ref"] = json!("#/channels/connection/messages/nowhere");
            broken
        }),
    ] {
        let mut parser = node::script("asyncapi.mjs")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is missing: run scripts/setup-tests");
        let mut input = parser.stdin.take().expect("its input");
        input.write_all(document.to_string().as_bytes()).await.expect("it reads");
        drop(input);
        let said = parser.wait_with_output().await.expect("it ends");
        assert_eq!(said.status.success(), good, "{}", String::from_utf8_lossy(&said.stdout));
    }
    app.server.abort().await;
}

#[actix_rt::test]
async fn microphones_screens_and_hands_are_told_once_and_remembered() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let agreed = patient.agree(&doctor, "2026-06-01T15:00:00Z").await;
        let early = format!("consultation:{}", text(&agreed, "consultation_id"));
        let mut outside = Socket::open(&patient, &early).await;
        for (command, data) in [("set_media", json!({"camera": false})), ("cursor", json!({"x": 0, "y": 0}))] {
            assert_eq!(outside.refused(command, data).await, "not_admitted", "{command}");
        }
        drop(outside);
        let (id, mut leads, mut listens) = room(app, &doctor, &patient).await;
        let media = format!("/consultations/{id}/media");

        let muted = listens.command("set_media", json!({"microphone": false})).await;
        assert_eq!((&muted["microphone"], &muted["camera"]), (&json!(false), &json!(true)));
        listens.command("set_media", json!({"microphone": false})).await; // nothing changes, nobody is told
        listens.command("raise_hand", json!({})).await;
        leads.command("share_screen", json!({"sharing": true})).await;
        listens.command("raise_hand", json!({"raised": false})).await;
        let mut told = Vec::new();
        while told.last() != Some(&"hand_lowered".to_owned()) {
            let event = leads.until(|frame| frame["event"].is_string() && frame["data"]["user_id"].is_string()).await;
            told.push(text(&event, "event").to_owned());
        }
        let told: Vec<&str> =
            told.iter().map(String::as_str).filter(|event| !event.starts_with("participant")).collect();
        assert_eq!(told, ["media_changed", "hand_raised", "screen_share_started", "hand_lowered"]);
        let (doctor, patient) = (doctor.again().await, patient.again().await);
        let known = doctor.get(&media).await.expect(200);
        let of = |person: &Person| {
            let items = known["items"].as_array().expect("a list");
            items.iter().find(|one| one["user_id"] == person.id.as_str()).expect("is there").clone()
        };
        assert_eq!((&of(&patient)["microphone"], &of(&patient)["screen"]), (&json!(false), &json!(false)));
        assert_eq!((&of(&doctor)["microphone"], &of(&doctor)["screen"]), (&json!(true), &json!(true)));

        // Whoever comes back begins anew.
        patient.post(&format!("/consultations/{id}/leave"), Value::Null).await.expect(200);
        app.wait(1);
        patient.post(&format!("/consultations/{id}/join"), Value::Null).await.expect(200);
        let known = patient.get(&media).await.expect(200);
        assert!(known["items"].as_array().expect("a list").iter().all(|one| one["microphone"] == true), "{known}");
        app.client.get(&media).await.problem(401, "unauthenticated");
        app.patient("bob").await.get(&media).await.problem(404, "not_found");
    })
    .await;
}

#[actix_rt::test]
async fn what_is_drawn_passes_by_and_what_is_kept_is_there_for_both() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let (id, mut leads, mut listens) = room(app, &doctor, &patient).await;
        let stroke = json!({"tool": "arrow", "color": "#a3342b", "width": 4, "points": [[0.1, 0.2], [0.3, 0.4]]});
        leads.command("cursor", json!({"x": 0.25, "y": 1})).await;
        leads.command("annotate", json!({"stroke": stroke})).await;
        let offer = json!({"kind": "offer", "sdp": "v=0", "to": patient.id, "call": "1"});
        leads.command("signal", offer.clone()).await;
        for (signal, data) in [
            ("cursor", json!({"x": 0.25, "y": 1.0})),
            ("annotate", json!({"stroke": stroke, "clear": false})),
            ("signal", offer),
        ] {
            let heard = listens.until(|frame| frame["type"] == "signal").await;
            assert_eq!((text(&heard, "signal"), &heard["data"]), (signal, &data));
            assert_eq!(heard["from"], doctor.id.as_str());
        }
        for (command, data) in [
            ("cursor", json!({"x": 1.5, "y": 0})),
            ("cursor", json!({"x": 0, "y": 0, "name": "Ada"})),
            ("annotate", json!({})),
            ("annotate", json!({"stroke": stroke, "clear": true})),
            ("annotate", json!({"stroke": {"tool": "pen", "color": "red", "width": 4, "points": [[0, 0]]}})),
            ("signal", json!({"kind": "wave"})),
            ("signal", json!({"kind": "offer", "to": id})),
            ("signal", json!({"kind": "offer", "sdp": "x".repeat(50_000)})),
            ("typing", json!({"text": "x".repeat(300)})),
            ("share_screen", json!({})),
            ("set_media", json!({"microphone": "off"})),
            ("save_annotations", json!({"client_annotation_id": "1", "strokes": []})),
        ] {
            assert_eq!(leads.refused(command, data.clone()).await, "invalid", "{command} {data}");
        }
        let mut refused = 0;
        for _ in 0..30 {
            match leads.attempt("cursor", json!({"x": 0, "y": 0})).await {
                answer if answer["type"] == "ok" => {}
                answer => {
                    assert_eq!(answer["problem"]["code"], "too_many_signals", "{answer}");
                    assert!(answer["problem"]["retry_after"].as_i64() > Some(0));
                    refused += 1;
                }
            }
        }
        assert!(refused > 0, "a cursor is not endlessly fast");

        let drawing = json!({"client_annotation_id": "1", "strokes": [stroke]});
        let kept = leads.command("save_annotations", drawing.clone()).await;
        assert_eq!(leads.command("save_annotations", drawing.clone()).await, kept, "the same again");
        let event = listens.until(|frame| frame["event"] == "annotations_saved").await;
        assert_eq!(event["data"]["id"], kept["id"]);
        let path = format!("/consultations/{id}/annotations");
        let (doctor, patient) = (doctor.again().await, patient.again().await);
        let mine = patient.post(&path, drawing).await.expect(201);
        assert_ne!(mine["id"], kept["id"], "another author's");
        for person in [&doctor, &patient] {
            assert_eq!(person.get(&path).await.expect(200)["items"], json!([kept, mine]));
        }
        app.patient("bob").await.get(&path).await.problem(404, "not_found");
        leads.command("end", Value::Null).await;
        let late = json!({"client_annotation_id": "2", "strokes": [stroke]});
        doctor.post(&path, late).await.problem(409, "not_admitted");
    })
    .await;
}

/// Every way to misbehave, one connection after the other, of a patient who is in the room with a second login; and
/// after each the two others go on talking.
#[actix_rt::test]
async fn the_room_goes_on_whatever_a_client_does() {
    on_both(async |app| {
        let (doctor, patient, stranger) =
            (app.doctor("ayesha").await, app.patient("rafi").await, app.patient("bob").await);
        let (id, mut leads, mut listens) = room(app, &doctor, &patient).await;
        let (patient, stranger) = (patient.again().await, stranger.again().await);
        let topic = format!("consultation:{id}");
        let mut said = 0;
        let mut goes_on = async || {
            said += 1;
            let message = json!({"client_message_id": said.to_string(), "body": format!("{said}")});
            let sent = leads.command("send_message", message).await;
            let heard = listens.until(|frame| frame["event"] == "message_sent").await;
            assert_eq!((&heard["seq"], &heard["data"]["body"]), (&sent["seq"], &json!(said.to_string())));
        };
        goes_on().await;
        let subscribe = |topic: &str, after: Value| json!({"type": "subscribe", "id": "1", "topic": topic, "after_seq": after});
        let command = |topic: &str, command: &str, data: Value| json!({"type": "command", "id": "1", "topic": topic, "command": command, "data": data});
        let message = json!({"client_message_id": "x", "body": "x"});
        for (who, frame, code) in [
            (&patient, json!([]), "malformed"),
            (&patient, json!({"type": "explode", "id": "1"}), "unknown_frame"),
            (&patient, subscribe("facility:x:emergency", Value::Null), "unknown_topic"),
            (&patient, subscribe(&topic, json!(-1)), "invalid"),
            (&patient, subscribe(&topic, json!("9")), "invalid"),
            (&patient, command(&topic, "explode", json!({})), "unknown_command"),
            (&patient, command(&topic, "mark_read", json!({"seq": 1_000_000})), "invalid"),
            (&patient, command(&topic, "mark_read", json!({"seq": -1})), "invalid"),
            (&patient, command(&topic, "send_message", json!({"client_message_id": "x", "body": "x", "seq": 1})), "invalid"),
            (&patient, command(&topic, "end", json!({})), "forbidden"),
            (&stranger, subscribe(&topic, Value::Null), "not_found"),
            (&stranger, command(&topic, "send_message", message.clone()), "not_found"),
            (&stranger, command(&topic, "signal", json!({"kind": "offer"})), "not_found"),
            (&stranger, command(&topic, "set_media", json!({"camera": false})), "not_found"),
        ] {
            let mut raw = Raw::open(who).await;
            raw.send(&frame).await;
            assert_eq!(raw.frame().await["problem"]["code"], code, "{frame}");
            goes_on().await;
        }
        // A number from the future: told that it means nothing, and what is to come.
        let mut raw = Raw::open(&patient).await;
        raw.send(&subscribe(&topic, json!(1_000_000))).await;
        let head = raw.frame().await["data"]["seq"].clone();
        assert_eq!(raw.frame().await, json!({"type": "gap", "topic": topic, "seq": head, "epoch": raw.epoch()}));
        goes_on().await;

        let mut large = Raw::open(&patient).await;
        large.text("x".repeat(65 * 1024)).await;
        assert_eq!(large.closed().await, 1009);
        assert_eq!(raw.closed().await, 4009, "the same login came again");
        goes_on().await;
        let mut binary = Raw::open(&patient).await;
        binary.bytes(vec![1, 2, 3]).await;
        assert_eq!(binary.closed().await, 1003);
        goes_on().await;
        let mut flood = Raw::open(&patient).await;
        for _ in 0..400 {
            flood.text(r#"{"type":"ping"}"#.to_owned()).await;
        }
        assert_eq!(flood.closed().await, 1008);
        goes_on().await;
        let mut elsewhere = Raw::open(&patient).await;
        elsewhere.send(&json!({"type": "reauthenticate", "id": "1", "token": stranger.token()})).await;
        assert_eq!(elsewhere.frame().await["problem"]["code"], "another_session");
        assert_eq!(elsewhere.closed().await, 4003);
        goes_on().await;
        assert_eq!(Raw::refused(app.client.address(), "nonsense").await, 401);
        let mut expired = Raw::open(&patient).await;
        app.wait(16);
        assert_eq!(expired.closed().await, 4001);
        assert_eq!(Raw::refused(app.client.address(), patient.token()).await, 401);
    })
    .await;
}
