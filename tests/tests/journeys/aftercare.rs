//! What follows a consultation: signed notes, the next doctor's view of the patient, the rating and the figures, the
//! follow-up; and what helps while it does not work.

use std::{path::Path, time::Duration};

use consilium_api::config::{Config, Plugin};
use consilium_kernel::Role;
use consilium_tests::{
    app::{BEGINNING, on_both, on_both_with},
    artifacts,
    client::{Person, text},
    socket::Socket,
};
use serde_json::{Value, json};

/// The analytics plugin, as a child process of the built server.
pub fn with_analytics(config: &mut Config) {
    let folder = Path::new(&config.keys.directory).with_file_name("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(artifacts::plugin("analytics"), folder.join("analytics.so")).unwrap();
    config.plugins.directory = folder.display().to_string();
    config.plugins.cache_directory = folder.join("cache").display().to_string();
    config.plugins.child_command = vec![artifacts::consilium().display().to_string(), "plugin-host".to_owned()];
    config.plugins.r#use.insert("analytics".to_owned(), Plugin::default());
}

async fn post(who: &Person, path: &str, body: Value) -> consilium_tests::client::Answer {
    who.post(path, body).await
}

/// The path of a consultation that has begun.
pub async fn begun(doctor: &Person, patient: &Person, starts_at: &str) -> String {
    let agreed = patient.agree(doctor, starts_at).await;
    let path = format!("/consultations/{}", text(&agreed, "consultation_id"));
    doctor.post(&format!("{path}/start"), Value::Null).await.expect(200);
    path
}

fn prescription(follow_up_on: Option<&str>) -> Value {
    json!({
        "diagnosis": "A cold", "follow_up_on": follow_up_on,
        "medicines": [{
            "name": "Paracetamol 500 mg", "dose": "1 tablet", "route": "oral", "frequency": "twice a day",
            "duration_days": 3,
        }],
    })
}

/// The first answer that fits, within ten seconds.
pub async fn until(who: &Person, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..200 {
        let answer = who.get(path).await;
        if answer.status == 200 && fits(&answer.body) {
            return answer.body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never fits: {:?}", who.get(path).await.body);
}

#[actix_rt::test]
async fn notes_are_signed_and_the_next_visit_knows_of_the_last() {
    on_both(async |app| {
        let (doctor, patient, other) =
            (app.doctor("ayesha").await, app.patient("rafi").await, app.doctor("omar").await);
        let profile = json!({"patient": {"allergies": ["Penicillin"], "conditions": ["Asthma"], "blood_type": "0+"}});
        patient.patch("/me", profile).await.problem(422, "invalid");
        let profile = json!({"patient": {
            "allergies": ["Penicillin"], "conditions": ["Asthma"], "blood_type": "O+", "birth_date": "1990-06-02",
        }});
        patient.patch("/me", profile).await.expect(200);
        let first = begun(&doctor, &patient, "2026-06-01T09:00:00Z").await;
        let notes = format!("{first}/notes");
        let sign = format!("{notes}/sign");
        doctor.post(&sign, Value::Null).await.problem(409, "notes_empty");
        let empty = doctor.get(&notes).await;
        let written = json!({"subjective": "Cough", "plan": "Rest"});
        let draft = doctor.put(&notes, written).header("If-Match", empty.header("etag")).await;
        assert_eq!((&draft.body["status"], &draft.body["signature"]), (&json!("draft"), &Value::Null));
        doctor
            .post(&format!("{notes}/amendments"), json!({"text": "x", "reason": "y"}))
            .await
            .problem(409, "notes_not_signed");
        doctor.post(&sign, Value::Null).header("If-Match", empty.header("etag")).await.problem(412, "stale");
        let signed = doctor.post(&sign, Value::Null).header("If-Match", draft.header("etag")).await;
        assert_eq!(
            (&signed.body["status"], &signed.body["signature"]["algorithm"]),
            (&json!("signed"), &json!("Ed25519"))
        );
        let again = doctor.put(&notes, json!({"plan": "Run"})).header("If-Match", signed.header("etag")).await;
        again.problem(409, "notes_signed");
        doctor.post(&format!("{notes}/amendments"), json!({"text": "Rest for a week"})).await.problem(422, "invalid");
        let amendment = json!({"text": "Rest for a week", "reason": "Was left out"});
        let amended = doctor.post(&format!("{notes}/amendments"), amendment).await.expect(201);
        assert_eq!(amended["amendments"][0]["reason"], "Was left out");
        patient.get(&notes).await.problem(403, "forbidden");
        doctor.post(&format!("{first}/prescriptions"), prescription(None)).await.expect(201);
        doctor.post(&format!("{first}/end"), Value::Null).await.expect(200);

        let agreed = patient.agree(&doctor, "2026-06-02T09:00:00Z").await;
        let summary = format!("/consultations/{}/summary", text(&agreed, "consultation_id"));
        let seen = doctor.get(&summary).await.expect(200);
        let who = &seen["patient"];
        assert_eq!(
            (&who["age"], &who["allergies"], &who["blood_type"]),
            (&json!(35), &json!(["Penicillin"]), &json!("O+"))
        );
        let past = &seen["past_consultations"];
        assert_eq!((&past[0]["diagnoses"], &past[0]["notes"]["plan"]), (&json!(["A cold"]), &json!("Rest")));
        assert_eq!(past[0]["notes"]["amendments"][0]["text"], "Rest for a week");
        assert_eq!(past.as_array().map(Vec::len), Some(1), "not the one that is yet to come");
        assert_eq!(seen["running_prescriptions"][0]["medicines"][0]["name"], "Paracetamol 500 mg");
        assert_eq!((&seen["last_vitals"], seen["appointment"]["reason"].is_string()), (&Value::Null, true));
        let nurse = app.staff(Role::Nurse).await;
        assert_eq!(nurse.get(&summary).await.expect(200)["patient"], *who);
        for (who, status) in [(&patient, 403), (&other, 404), (&app.admin, 403)] {
            assert_eq!(who.get(&summary).await.status, status);
        }
        let elsewhere = patient.agree(&other, "2026-06-03T09:00:00Z").await;
        let theirs =
            other.get(&format!("/consultations/{}/summary", text(&elsewhere, "consultation_id"))).await.expect(200);
        assert_eq!(theirs["past_consultations"], json!([]), "another doctor's notes are not shown");
        assert_eq!(theirs["running_prescriptions"][0]["diagnosis"], "A cold", "what is taken is");
        app.wait(6 * 24 * 60);
        let later = doctor.again().await.get(&summary).await.expect(200);
        assert_eq!(later["running_prescriptions"].as_array().map(Vec::len), Some(1), "it may yet be dispensed");
        app.wait(30 * 24 * 60);
        let done = doctor.again().await.get(&summary).await.expect(200);
        assert_eq!(done["running_prescriptions"], json!([]));
    })
    .await;
}

#[actix_rt::test]
async fn a_rating_changes_the_profile_and_the_figures() {
    on_both_with(with_analytics, async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let path = begun(&doctor, &patient, "2026-06-01T09:00:00Z").await;
        let rating = format!("{path}/rating");
        post(&patient, &rating, json!({"rating": 4})).await.problem(409, "invalid_transition");
        app.wait(10);
        doctor.post(&format!("{path}/end"), Value::Null).await.expect(200);
        post(&patient, &rating, json!({"rating": 9})).await.problem(422, "invalid");
        post(&patient, &rating, json!({"rating": 4, "tags": ["handsome"]})).await.problem(422, "invalid");
        post(&patient, &rating, json!({"rating": 4, "text": "Calm", "tags": ["listened"]})).await.expect(201);
        post(&patient, &rating, json!({"rating": 5})).await.problem(409, "already_rated");
        let profile = patient.get(&format!("/doctors/{}", doctor.doctor_id)).await.expect(200);
        assert_eq!(profile["rating"], json!({"average": 4.0, "count": 1}));
        let list = format!("/doctors/{}/ratings", doctor.doctor_id);
        let seen = doctor.get(&list).await.expect(200);
        assert_eq!((&seen["items"][0]["text"], &seen["items"][0]["patient_id"]), (&json!("Calm"), &Value::Null));
        assert_eq!(app.admin.get(&list).await.expect(200)["items"][0]["patient_id"], patient.patient_id);
        let figures = format!("/analytics/doctors/{}?from=2026-06-01&to=2026-06-01", doctor.doctor_id);
        let day = until(&doctor, &figures, |figures| !figures["items"][0]["average_rating"].is_null()).await;
        assert_eq!((&day["items"][0]["average_rating"], &day["items"][0]["sessions"]), (&json!(4.0), &json!(1)));
    })
    .await;
}

#[actix_rt::test]
async fn a_follow_up_is_kept_told_and_confirmed() {
    on_both(async |app| {
        let (doctor, patient, other) =
            (app.doctor("ayesha").await, app.patient("rafi").await, app.patient("eve").await);
        let path = begun(&doctor, &patient, "2026-06-01T09:00:00Z").await;
        doctor.post(&format!("{path}/prescriptions"), prescription(Some("2026-06-08"))).await.expect(201);
        let held = |page: &Value| page["items"][0]["status"] == "held";
        let kept = until(&patient, "/me/follow-ups", held).await["items"][0].clone();
        assert_eq!(kept["starts_at"], "2026-06-08T08:00:00Z");
        assert_eq!(other.get("/me/follow-ups").await.expect(200)["items"], json!([]));
        let booked = other.book(&doctor, "2026-06-08T08:00:00Z").await;
        booked.problem(409, "slot_taken");
        let told = |page: &Value| page["items"].as_array().unwrap().iter().any(|one| one["kind"] == "follow_up_held");
        let inbox = until(&patient, "/me/notifications", told).await;
        let entry = inbox["items"].as_array().unwrap().iter().find(|one| one["kind"] == "follow_up_held").unwrap();
        assert_eq!(entry["params"]["follow_up_id"], kept["id"]);
        let confirm = format!("/follow-ups/{}/confirm", text(&kept, "id"));
        other.post(&confirm, Value::Null).await.problem(404, "not_found");
        doctor.post(&confirm, Value::Null).await.problem(403, "forbidden");
        let agreed = patient.post(&confirm, Value::Null).await.expect(200);
        assert_eq!((&agreed["status"], &agreed["starts_at"]), (&json!("accepted"), &kept["starts_at"]));
        assert!(agreed["consultation_id"].is_string());
        let own = doctor.get("/appointments?status=accepted&from=2026-06-08T00:00:00Z").await.expect(200);
        assert_eq!(own["items"][0]["id"], agreed["id"]);
        patient.post(&confirm, Value::Null).await.problem(409, "invalid_transition");
    })
    .await;
}

#[actix_rt::test]
async fn issues_and_quality_go_over_the_socket_and_reach_support() {
    fn with_contacts(config: &mut Config) {
        config.consultations.emergency_contacts = vec!["Front desk: 100".to_owned()];
    }
    on_both_with(with_contacts, async |app| {
        let (doctor, patient, support) =
            (app.doctor("ayesha").await, app.patient("rafi").await, app.staff(Role::Support).await);
        let path = begun(&doctor, &patient, "2026-06-01T09:00:00Z").await;
        let topic = format!("consultation:{}", path.rsplit('/').next().unwrap());
        let mut watching = Socket::open(&doctor, &topic).await;
        let mut socket = Socket::open(&patient, &topic).await;
        let measured = json!({
            "at": BEGINNING, "direction": "inbound", "media": "video", "bitrate_kbps": 900, "packet_loss_percent": 1.5,
            "jitter_ms": 5, "round_trip_ms": 80, "frames_per_second": 25,
        });
        let reported = socket.command("report_quality", json!({"measurements": [measured]})).await;
        assert_eq!(reported, json!({"accepted": 1, "advice": "video"}));
        let nothing = json!({"measurements": []});
        patient.post(&format!("{path}/quality"), nothing).await.problem(422, "invalid");
        let seen = support.get(&format!("{path}/quality")).await.expect(200);
        assert_eq!(seen["items"][0]["minutes"][0]["packet_loss_percent"], 1.5);
        let issue = json!({
            "category": "audio", "severity": "medium", "description": "No sound", "diagnostics": {"browser": "x"},
        });
        let answer = socket.command("report_issue", issue).await;
        assert_eq!(answer["backup"]["emergency_contacts"], json!(["Front desk: 100"]), "{answer}");
        let offer = watching.until(|frame| frame["event"] == "backup_link_offered").await;
        assert_eq!(offer["data"]["reason"], "issue");
        let inbox = support.get("/support/issues?status=open&severity=medium").await.expect(200);
        assert_eq!(inbox["items"][0]["description"], "No sound");
        support.get("/support/issues?status=lost").await.problem(422, "invalid");
        let one = format!("/support/issues/{}", text(&inbox["items"][0], "id"));
        support.post(&format!("{one}/assign"), Value::Null).await.expect(200);
        support.post(&format!("{one}/comments"), json!({"text": "Muted"})).await.expect(201);
        support.post(&format!("{one}/resolve"), json!({"resolution": "Unmuted"})).await.expect(200);
        let timeline = app.admin.get(&format!("{one}/timeline")).await.expect(200);
        let kinds: Vec<_> =
            timeline["items"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["reported", "backup_link_offered", "assigned", "commented", "resolved"]);
        doctor.get(&one).await.problem(403, "forbidden");
        watching.until(|frame| frame["event"] == "issue_resolved").await;
    })
    .await;
}
