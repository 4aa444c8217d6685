//! The meeting itself: waiting, being let in, writing, notes, the end.

use consilium_kernel::Role;
use consilium_tests::{
    app::on_both,
    client::{Person, text, wish},
};
use serde_json::{Value, json};

#[actix_rt::test]
async fn patient_and_doctor_meet() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let (other_doctor, stranger) = (app.doctor("omar").await, app.patient("stranger").await);
        let agreed = patient.agree(&doctor, "2026-06-01T09:00:00Z").await;
        let path = format!("/consultations/{}", text(&agreed, "consultation_id"));
        let act = async |who: &Person, verb: &str| who.post(&format!("{path}/{verb}"), Value::Null).await;

        let early = act(&patient, "join").await;
        early.problem(409, "too_early");
        act(&doctor, "end").await.problem(409, "invalid_transition");
        act(&doctor, "admit").await.problem(409, "invalid_transition");
        act(&patient, "start").await.problem(403, "forbidden");
        act(&other_doctor, "start").await.problem(404, "not_found");
        act(&stranger, "join").await.problem(404, "not_found");
        assert_eq!(patient.get(&path).await.expect(200)["status"], "scheduled", "nothing of that did anything");

        app.wait(45); // the waiting room opens 15 minutes before the start
        patient.get("/me").await.problem(401, "token_expired");
        let (patient, doctor, stranger) = (patient.again().await, doctor.again().await, stranger.again().await);
        let waiting = act(&patient, "join").await.expect(200);
        assert_eq!((&waiting["status"], &waiting["role"]), (&json!("waiting"), &json!("patient")));
        assert_eq!((&waiting["waiting"]["position"], &waiting["video"]), (&json!(1), &Value::Null));
        assert_eq!(waiting["topic"], format!("consultation:{}", text(&agreed, "consultation_id")));
        let line = doctor.get(&format!("/doctors/{}/waiting-room", doctor.doctor_id)).await.expect(200);
        assert_eq!(line["items"][0]["consultation_id"], agreed["consultation_id"]);

        assert_eq!(act(&doctor, "join").await.expect(200)["role"], "doctor");
        assert_eq!(act(&doctor, "admit").await.expect(200)["status"], "in_progress");
        act(&doctor, "admit").await.problem(409, "invalid_transition");
        let inside = act(&patient, "join").await.expect(200);
        assert_eq!((&inside["status"], &inside["waiting"]), (&json!("in_progress"), &Value::Null));
        let cancel = format!("/appointments/{}/cancel", text(&agreed, "id"));
        patient.post(&cancel, Value::Null).await.problem(409, "invalid_transition");

        let messages = format!("{path}/messages");
        let say = async |who: &Person, id: &str, body: &str| {
            who.post(&messages, json!({"client_message_id": id, "body": body})).await
        };
        say(&patient, "m1", "").await.problem(422, "invalid");
        say(&stranger, "m1", "Let me in").await.problem(404, "not_found");
        let first = say(&patient, "m1", "Since Friday. জ্বর 🤒").await.expect(201);
        assert_eq!(say(&patient, "m1", "Since Friday. জ্বর 🤒").await.expect(201), first, "stored once");
        let second = say(&doctor, "m1", "Any fever?").await; // ids are each sender's own
        let found = doctor.get(second.header("location").strip_prefix("/api/v1").expect("our address")).await;
        let second = second.expect(201);
        assert_eq!(found.expect(200)["items"], json!([second]));
        assert!(first["seq"].as_i64() < second["seq"].as_i64());
        assert_eq!(patient.get(&messages).await.expect(200)["items"], json!([first, second]));
        let page = patient.get(&format!("{messages}?limit=1")).await.expect(200);
        assert_eq!((&page["items"], page["next_cursor"].is_string()), (&json!([first]), true));
        let rest = patient.get(&format!("{messages}?after_seq={}", first["seq"])).await.expect(200);
        assert_eq!((&rest["items"], &rest["next_cursor"]), (&json!([second]), &Value::Null));
        stranger.get(&messages).await.problem(404, "not_found");

        let notes = format!("{path}/notes");
        let text_of = json!({"subjective": "Cough since Friday", "plan": "Rest"});
        let empty = doctor.get(&notes).await;
        assert_eq!((empty.status, &empty.body["plan"]), (200, &json!("")));
        doctor.put(&notes, text_of.clone()).await.problem(428, "if_match_required");
        let kept = doctor.put(&notes, text_of.clone()).header("If-Match", empty.header("etag")).await.expect(200);
        assert_eq!(kept["plan"], "Rest");
        doctor.put(&notes, text_of).header("If-Match", empty.header("etag")).await.problem(412, "stale");
        patient.get(&notes).await.problem(403, "forbidden");
        other_doctor.again().await.get(&notes).await.problem(404, "not_found");

        assert_eq!(act(&patient, "leave").await.expect(200)["status"], "in_progress");
        assert_eq!(act(&doctor, "end").await.expect(200)["status"], "completed");
        act(&doctor, "end").await.problem(409, "invalid_transition");
        act(&patient, "join").await.problem(409, "invalid_transition");
        let appointment = patient.get(&format!("/appointments/{}", text(&agreed, "id"))).await.expect(200);
        assert_eq!(appointment["status"], "completed");
        say(&patient, "m2", "Thank you").await.expect(201);

        app.wait(8 * 24 * 60);
        let patient = patient.again().await;
        say(&patient, "m3", "One more thing").await.problem(409, "chat_closed");
        assert_eq!(patient.get(&messages).await.expect(200)["items"].as_array().map(Vec::len), Some(3));
    })
    .await;
}

#[actix_rt::test]
async fn who_waits_sees_the_place_in_the_line() {
    on_both(async |app| {
        let doctor = app.doctor("ayesha").await;
        let mut waiting = Vec::new();
        for (name, start) in [("first", "2026-06-01T08:30:00Z"), ("second", "2026-06-01T09:00:00Z")] {
            let patient = app.patient(name).await;
            let agreed = patient.agree(&doctor, start).await;
            waiting.push((patient, format!("/consultations/{}/join", text(&agreed, "consultation_id"))));
        }
        app.wait(45);
        let mut places = Vec::new();
        for (patient, join) in &mut waiting {
            *patient = patient.again().await;
            places.push(patient.post(join, Value::Null).await.expect(200)["waiting"]["position"].take());
        }
        assert_eq!(places, [json!(1), json!(2)]);
        let nurse = app.staff(Role::Nurse).await;
        let line = nurse.get(&format!("/doctors/{}/waiting-room", doctor.doctor_id)).await.expect(200);
        assert_eq!(line["items"].as_array().map(Vec::len), Some(2));

        let admit = waiting[0].1.replace("/join", "/admit");
        doctor.again().await.post(&admit, Value::Null).await.expect(200);
        let (second, join) = &waiting[1];
        assert_eq!(second.post(join, Value::Null).await.expect(200)["waiting"]["position"], 1);
    })
    .await;
}

#[actix_rt::test]
async fn without_a_provider_one_is_in_all_the_same() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let mut wish = wish(&doctor, "2026-06-01T08:30:00Z");
        wish["visit_type"] = json!("video");
        let booked = patient.post("/appointments", wish).await.expect(201);
        let agreed = doctor.accept(text(&booked, "id")).await.expect(200);
        let path = format!("/consultations/{}", text(&agreed, "consultation_id"));
        let refused = doctor.post(&format!("{path}/join"), Value::Null).await;
        refused.problem(503, "video_unavailable");
        assert!(!refused.header("retry-after").is_empty());
        let present = &doctor.get(&path).await.expect(200)["participants"][0];
        assert_eq!((&present["role"], &present["present"]), (&json!("doctor"), &json!(true)));
    })
    .await;
}

#[actix_rt::test]
async fn a_doctor_prefers_a_provider_that_exists_and_the_link_stays() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let profile = format!("/doctors/{}", doctor.doctor_id);
        let etag = doctor.get(&profile).await.header("etag").to_owned();
        let prefer = async |provider: Value| {
            doctor.patch(&profile, json!({"video_provider": provider})).header("If-Match", &etag).await
        };
        assert_eq!(prefer(json!("video-nowhere")).await.problem(422, "invalid"), ["/video_provider"]);
        assert_eq!(prefer(json!("video-webrtc")).await.expect(200)["video_provider"], "video-webrtc");
        assert_eq!(patient.get(&profile).await.expect(200)["video_provider"], Value::Null, "nobody else's business");
        let providers = patient.get("/video-providers").await.expect(200);
        let first = &providers["items"][0];
        assert_eq!((&first["id"], &first["available"]), (&json!("video-webrtc"), &json!(false)));
        assert_eq!((&first["code"], &first["state"]), (&json!("not_configured"), &Value::Null));

        let mut wish = wish(&doctor, "2026-06-01T09:00:00Z");
        wish["visit_type"] = json!("video");
        let booked = patient.post("/appointments", wish).await.expect(201);
        let agreed = doctor.accept(text(&booked, "id")).await.expect(200);
        let consultation = text(&agreed, "consultation_id").to_owned();
        let link = format!("//c/{consultation}");
        let page = app.client.get(&link).await;
        assert!(page.body.as_str().expect("a page").contains("/join/page.js"), "{page:?}");
        assert!(page.header("content-security-policy").contains("script-src 'self'"));
        assert_eq!(app.client.get("//join/page.js").await.status, 200);
        let move_it = format!("/appointments/{}/reschedule", text(&booked, "id"));
        let moved = doctor.post(&move_it, json!({"starts_at": "2026-06-01T10:00:00Z"})).await.expect(200);
        assert_eq!(text(&moved, "consultation_id"), consultation);
        assert_eq!(app.client.get(&link).await.status, 200);

        // No plugin runs here: in, without video, and told so.
        doctor.post(&format!("/consultations/{consultation}/start"), Value::Null).await.expect(200);
        let join = format!("/consultations/{consultation}/join");
        doctor.post(&join, json!({"capabilities": ["webrtc", "telepathy"]})).await.problem(503, "video_unavailable");
        doctor.post(&join, json!({"capabilities": "webrtc"})).await.problem(422, "invalid");
        let seen = doctor.get(&format!("/consultations/{consultation}")).await.expect(200);
        assert_eq!((&seen["video"], &seen["participants"][0]["present"]), (&Value::Null, &json!(true)));
    })
    .await;
}
