//! Nothing is recorded without the consent of everybody who is there.

use consilium_kernel::Role;
use consilium_tests::{app::on_both, client::text, socket::Socket};
use serde_json::{Value, json};

use crate::stage::{Stage, answer, audited, count, objects, put, segment, until};

#[actix_rt::test]
async fn what_is_refused_is_stored_nowhere() {
    on_both(async |app| {
        let stage = Stage::new(app).await;
        let (doctor, patient) = (&stage.doctor, &stage.patient);
        let asked = stage.ask(doctor).await.expect(201);
        let id = text(&asked, "id").to_owned();
        assert_eq!((text(&asked, "status"), text(&asked["consent_text"], "version")), ("requested", "1"));
        assert!(text(&asked["consent_text"], "text").contains("recorded"));
        put(doctor, &id, 1, &segment(1, 500)).await.problem(409, "recording_not_started");
        assert_eq!(answer(patient, &id, false).await.expect(200)["status"], "refused");
        put(doctor, &id, 1, &segment(1, 500)).await.problem(409, "recording_refused");
        answer(patient, &id, true).await.problem(409, "invalid_transition");
        doctor.post(&format!("/recordings/{id}/playback"), Value::Null).await.problem(409, "recording_not_ready");

        assert_eq!(count(app, "SELECT COUNT(*) AS count FROM recording_segment").await, 0);
        assert_eq!(objects(app).await, 0);
        let found = patient.get(&format!("/recordings/{id}")).await.expect(200);
        let said: Vec<(&str, &str, &str)> = found["consents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|consent| (text(consent, "user_id"), text(consent, "decision"), text(consent, "text_version")))
            .collect();
        assert_eq!(said, [(doctor.id.as_str(), "given", "1"), (patient.id.as_str(), "refused", "1")]);
        assert_eq!(audited(app, "recording_refused").await, [(patient.id.clone(), Value::Null)]);
        stage.ask(doctor).await.expect(201); // one may ask again, and be refused again
    })
    .await;
}

#[actix_rt::test]
async fn a_consent_that_is_taken_back_ends_it_at_once() {
    on_both(async |app| {
        let stage = Stage::new(app).await;
        let (doctor, patient) = (&stage.doctor, &stage.patient);
        let mut room = Socket::open(patient, &stage.topic()).await;
        let id = stage.begun().await;
        room.until(|frame| frame["event"] == "recording_started").await;
        let kept = put(doctor, &id, 1, &segment(1, 1_000)).await.expect(200);
        assert_eq!(put(doctor, &id, 1, &segment(1, 1_000)).await.expect(200), kept, "it is acknowledged again");
        let answer = json!({"recording_id": id, "given": false, "text_version": "1"});
        let stopped = room.command("answer_recording", answer).await;
        assert_eq!((text(&stopped, "status"), text(&stopped, "stopped_because")), ("stopped", "consent_withdrawn"));
        put(doctor, &id, 2, &segment(2, 1_000)).await.problem(409, "recording_stopped");
        let told = room.until(|frame| frame["event"] == "recording_stopped").await;
        assert_eq!(text(&told["data"], "stopped_because"), "consent_withdrawn");

        let ready = until(patient, &id, "ready").await;
        assert_eq!((&ready["segments"], &ready["size_bytes"]), (&json!(1), &json!(1_000)));
        assert_eq!(objects(app).await, 1);
        assert_eq!(audited(app, "recording_consent_withdrawn").await.len(), 1);
    })
    .await;
}

#[actix_rt::test]
async fn whoever_comes_later_must_have_consented() {
    on_both(async |app| {
        let stage = Stage::new(app).await;
        let doctor = &stage.doctor;
        let nurse = app.staff(Role::Nurse).await;
        let path = format!("/consultations/{}", stage.consultation);
        let mut room = Socket::open(doctor, &stage.topic()).await;
        doctor.post(&format!("{path}/invitations"), json!({"user_id": nurse.id, "role": "nurse"})).await.expect(201);

        // Who says yes before they come interrupts nothing.
        let id = stage.begun().await;
        answer(&nurse, &id, true).await.expect(200);
        nurse.post(&format!("{path}/join"), Value::Null).await.expect(200);
        room.until(|frame| frame["event"] == "participant_joined" && frame["data"]["role"] == "nurse").await;
        put(doctor, &id, 1, &segment(1, 1_000)).await.expect(200);
        assert_eq!(doctor.get(&format!("/recordings/{id}")).await.expect(200)["status"], "recording");
        room.command("stop_recording", json!({"recording_id": id})).await;
        nurse.post(&format!("{path}/leave"), Value::Null).await.expect(200);

        let id = stage.begun().await;
        put(doctor, &id, 1, &segment(1, 1_000)).await.expect(200);
        nurse.post(&format!("{path}/join"), Value::Null).await.expect(200);
        // Whether or not the platform has told of it yet.
        let refused = put(doctor, &id, 2, &segment(2, 1_000)).await;
        assert!(["consent_missing", "recording_stopped"].contains(&text(&refused.body, "code")), "{refused:?}");
        let told =
            room.until(|frame| frame["event"] == "recording_stopped" && frame["data"]["recording_id"] == id).await;
        assert_eq!(text(&told["data"], "stopped_because"), "consent_missing");
        put(doctor, &id, 2, &segment(2, 1_000)).await.problem(409, "recording_stopped");
    })
    .await;
}

#[actix_rt::test]
async fn it_ends_with_the_consultation_and_lapses_when_it_never_began() {
    on_both(async |app| {
        let (first, second) =
            (Stage::new(app).await, Stage::of(app.doctor("omar").await, app.patient("ada").await).await);
        let (recorded, asked) = (first.begun().await, second.asked().await);
        put(&first.doctor, &recorded, 1, &segment(1, 1_000)).await.expect(200);
        for stage in [&first, &second] {
            let end = format!("/consultations/{}/end", stage.consultation);
            stage.doctor.post(&end, Value::Null).await.expect(200);
        }
        let stopped = until(&first.doctor, &recorded, "stopped").await;
        assert_eq!(text(&stopped, "stopped_because"), "consultation_ended");
        until(&second.doctor, &asked, "lapsed").await;
        put(&first.doctor, &recorded, 2, &segment(2, 1_000)).await.expect(200); // recorded before
        app.wait(1);
        let late = put(&first.doctor, &recorded, 3, &segment(3, 1_000)).await;
        late.problem(409, "recording_stopped");
        assert_eq!(until(&first.doctor, &recorded, "ready").await["size_bytes"], 2_000);
    })
    .await;
}

#[actix_rt::test]
async fn who_may_do_what() {
    on_both(async |app| {
        let stage = Stage::new(app).await;
        let (doctor, patient) = (&stage.doctor, &stage.patient);
        let (stranger, colleague, nurse) =
            (app.patient("eve").await, app.doctor("mallory").await, app.staff(Role::Nurse).await);
        stage.ask(patient).await.problem(403, "forbidden");
        let list = format!("/consultations/{}/recordings", stage.consultation);
        doctor.post(&list, json!({"media": "smell"})).await.problem(422, "invalid");
        let mut room = Socket::open(doctor, &stage.topic()).await;
        let id = text(&room.command("request_recording", json!({"media": "screen"})).await, "id").to_owned();
        stage.ask(doctor).await.problem(409, "already_recording");
        let told = room.until(|frame| frame["event"] == "recording_requested").await;
        assert_eq!((&told["data"]["user_id"], text(&told["data"], "media")), (&json!(doctor.id), "screen"));
        let older = json!({"given": true, "text_version": "0"});
        patient.post(&format!("/recordings/{id}/consent"), older).await.problem(422, "invalid");

        for foreign in [&stranger, &colleague, &nurse] {
            stage.ask(foreign).await.problem(404, "not_found");
            foreign.get(&list).await.problem(404, "not_found");
            foreign.get(&format!("/recordings/{id}")).await.problem(404, "not_found");
            answer(foreign, &id, true).await.problem(404, "not_found");
            put(foreign, &id, 1, &segment(1, 100)).await.problem(404, "not_found");
            for verb in ["stop", "playback"] {
                foreign.post(&format!("/recordings/{id}/{verb}"), Value::Null).await.problem(404, "not_found");
            }
        }
        answer(patient, &id, true).await.expect(200);
        put(patient, &id, 1, &segment(1, 100)).await.problem(403, "forbidden");
        for content in [&b"<svg onload=alert(1)>"[..], b"#!/bin/sh\n"] {
            put(doctor, &id, 1, content).await.problem(415, "active_content");
        }
        put(doctor, &id, 1, b"nothing of that sort").await.problem(415, "unsupported_recording");
        assert_eq!((objects(app).await, count(app, "SELECT COUNT(*) AS count FROM recording_segment").await), (0, 0));
        assert_eq!(app.admin.get(&list).await.expect(200)["items"][0]["id"], id);
    })
    .await;
}
