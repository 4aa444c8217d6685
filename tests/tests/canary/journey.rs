//! The main job, with a word of its own in every field.

use std::time::Duration;

use consilium_kernel::{Clock, SystemClock, Timestamp};
use consilium_tests::{
    app::daily,
    client::{Client, text},
    deployment::{Deployment, Server},
    providers::{self, pharmacy::Pharmacy},
    smtp::{ReceivedMail, SmtpServer},
    socket::Socket,
};
use serde_json::{Value, json};

use crate::{PUBLIC, words::Words};

/// Plays everything; the server still runs.
pub async fn play(deployment: &mut Deployment, words: &mut Words) -> Server {
    let (smtp, secrets) = (SmtpServer::start().await, tempfile::tempdir().unwrap());
    let pharmacy = providers::Server::start(|_| Pharmacy::default()).await;
    configure(deployment, words, &smtp, &pharmacy, &secrets);
    let server = deployment.serve().await;
    let admin = server.client.login("admin").await;

    let (patient, patient_id) = register(&server.client, words, &smtp, "patient").await;
    let (doctor, doctor_id) = register(&server.client, words, &smtp, "doctor").await;
    credential(words, &doctor, &format!("/doctors/{doctor_id}")).await;
    let verify = format!("/admin/doctors/{doctor_id}/verify");
    admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
    profiles(words, &patient, &doctor, &doctor_id).await;
    mistakes(&server.client, words, &patient).await;

    let consultation = book(words, &patient, &doctor, &doctor_id).await;
    let room = format!("/consultations/{consultation}");
    let act = async |who: &Client, verb: &str| who.post(&format!("{room}/{verb}"), Value::Null).await.expect(200);
    act(&patient, "join").await;
    act(&doctor, "join").await;
    act(&doctor, "admit").await;
    let inside = act(&patient, "join").await;
    words.add("turn credential", text(&inside["video"]["ice_servers"][0], "credential"));
    chat(words, &patient, &doctor, &consultation).await;
    thread(words, &patient, &doctor, &doctor_id).await;
    files(words, &patient, &doctor, &consultation).await;

    let notes = doctor.get(&format!("{room}/notes")).await;
    let written: serde_json::Map<String, Value> = ["subjective", "objective", "assessment", "plan", "free_text"]
        .map(|part| (part.to_owned(), json!(words.text(part))))
        .into_iter()
        .collect();
    let put = doctor.put(&format!("{room}/notes"), Value::Object(written));
    put.header("If-Match", notes.header("etag")).await.expect(200);
    aftercare(words, &patient, &doctor, &admin, &room).await;
    prescribe(words, &patient, &doctor, &room, &pharmacy).await;
    // Somebody else reads the profile, which is audited.
    doctor.get(&format!("/patients/{patient_id}")).await.expect(200);
    smtp.wait_within(PATIENCE, |mail| mail.subject == "You have a new prescription").await;
    server
}

const PATIENCE: Duration = Duration::from_secs(60);

fn configure(
    deployment: &mut Deployment,
    words: &mut Words,
    smtp: &SmtpServer,
    pharmacy: &providers::Server<Pharmacy>,
    secrets: &tempfile::TempDir,
) {
    let mut secret = |name: &str| {
        let file = secrets.path().join(name);
        std::fs::write(&file, words.new_word(name)).unwrap();
        file.display().to_string()
    };
    let (turn, token, webhook) = (secret("turn_secret"), secret("api_token"), secret("webhook_secret"));
    for plugin in ["video-webrtc", "pharmacy-rest", "analytics"] {
        deployment.install(plugin);
    }
    deployment.configure(&format!(
        r#"
        [plugins.use.video-webrtc]
        config = {{ turn_urls = ["turn:turn.example.org:3478"] }}
        secret_files = {{ turn_secret = "{turn}" }}
        [plugins.use.pharmacy-rest]
        config = {{ base_url = "{}/fhir" }}
        allow_private_addresses = true
        secret_files = {{ api_token = "{token}", webhook_secret = "{webhook}" }}
        [plugins.use.analytics]
        "#,
        pharmacy.url
    ));
    deployment.set("SMTP__URL", &smtp.url());
    deployment.set("LOG__FILTER", "debug");
    deployment.set("IDENTITY__REQUIRE_VERIFIED_EMAIL", "true");
}

/// Registers, confirms the address and logs in; also the id as patient or doctor.
async fn register(client: &Client, words: &mut Words, smtp: &SmtpServer, role: &str) -> (Client, String) {
    let email = format!("{}@example.org", words.new_word(&format!("{role} address")));
    let password = words.new_word(&format!("{role} password"));
    // A doctor's name is public.
    let (given, family) = match role {
        "patient" => (words.new_word("given name"), words.new_word("family name")),
        _ => ("Openly".to_owned(), "Readable".to_owned()),
    };
    let account =
        json!({"email": email, "password": password, "role": role, "given_name": given, "family_name": family});
    let user = client.post("/auth/register", account).await.expect(201);
    let mail = smtp.wait_within(PATIENCE, |mail| mail.is_to(&email)).await;
    assert!(role == "doctor" || mail.text.as_deref().is_some_and(|text| text.contains(&given)), "{:?}", mail.text);
    let code = code(&mail);
    client.post("/auth/verify-email", json!({"token": code})).await.expect(200);
    words.add(&format!("{role} code"), &code);
    let login = json!({"email": email, "password": password, "token_delivery": "body"});
    let session = client.post("/auth/login", login).await.expect(200);
    words.add(&format!("{role} access token"), text(&session, "access_token"));
    words.add(&format!("{role} refresh token"), text(&session, "refresh_token"));
    (client.bearing(text(&session, "access_token")), text(&user, &format!("{role}_id")).to_owned())
}

/// The line of a mail that is one long word.
fn code(mail: &ReceivedMail) -> String {
    let text = mail.text.as_deref().unwrap();
    let is_code =
        |line: &&str| line.len() >= 20 && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    text.lines().map(str::trim).find(is_code).unwrap().to_owned()
}

async fn profiles(words: &mut Words, patient: &Client, doctor: &Client, doctor_id: &str) {
    for (name, value) in
        [("phone", "+8801799912345"), ("emergency phone", "+8801699954321"), ("birth date", "1931-07-13")]
    {
        words.add(name, value.trim_start_matches('+'));
    }
    let profile = json!({"patient": {
        "birth_date": "1931-07-13", "phone": "+8801799912345", "address": words.text("address"),
        "allergies": [words.text("allergy")], "conditions": [words.text("condition")],
        "emergency_contact": {
            "name": words.text("contact"), "relationship": words.text("relationship"), "phone": "+8801699954321",
        },
    }});
    patient.patch("/me", profile).await.expect(200);
    let path = format!("/doctors/{doctor_id}");
    let seen = doctor.get(&path).await;
    doctor.patch(&path, json!({"display_name": PUBLIC})).header("If-Match", seen.header("etag")).await.expect(200);
    let hours = format!("{path}/availability");
    let seen = doctor.get(&hours).await;
    let mut week = daily("00:00", "24:00");
    week["slot_minutes"] = json!(5);
    doctor.put(&hours, week).header("If-Match", seen.header("etag")).await.expect(200);
}

/// What people do wrong must not be kept either.
async fn mistakes(client: &Client, words: &mut Words, patient: &Client) {
    let wrong = json!({"email": format!("{}@example.org", words.new_word("wrong address")), "password": words.text("wrong password")});
    client.post("/auth/login", wrong).await.problem(401, "invalid_credentials");
    let unknown = json!({"email": format!("{}@example.org", words.new_word("unknown address"))});
    client.post("/auth/password-reset", unknown).await.expect(202);
    let mistyped = json!({"doctor_id": words.text("mistyped id"), "reason": [words.text("mistyped reason")]});
    assert_eq!(patient.post("/appointments", mistyped).await.status, 422);
    let broken = format!("{{\"reason\": \"{}", words.text("broken body"));
    let answer = patient.post("/appointments", Value::Null).body("application/json", broken).await;
    assert_eq!(answer.status, 400);
    let lost = words.new_word("lost path");
    assert_eq!(client.get(&format!("/doctors/{lost}")).await.status, 404);
    assert_eq!(client.get(&format!("//{lost}")).await.status, 404);
    client.get(&format!("/doctors?q={}", words.new_word("search"))).await.expect(200);
}

/// One that takes place now, and others that come to nothing, each with its reason: the first's consultation.
async fn book(words: &mut Words, patient: &Client, doctor: &Client, doctor_id: &str) -> String {
    let slots = patient.get(&format!("/doctors/{doctor_id}/slots")).await.expect(200);
    let starts = slots["items"].as_array().unwrap().iter().map(|slot| text(slot, "starts_at").to_owned());
    let soon = SystemClock.now() + Duration::from_secs(20);
    let starts: Vec<String> = starts.filter(|start| start.parse::<Timestamp>().unwrap() > soon).collect();
    let mut wish = |place: usize| {
        let wish = json!({
            "doctor_id": doctor_id, "starts_at": starts[place], "visit_type": "video",
            "reason": words.text(&format!("reason {place}")), "symptoms": words.text(&format!("symptoms {place}")),
        });
        patient.post("/appointments", wish).key(&format!("booking-{place}"))
    };
    let (first, cancelled, rejected) = (wish(0), wish(100), wish(200));
    let change = async |who: &Client, id: &str, verb: &str, body: Value| {
        who.post(&format!("/appointments/{id}/{verb}"), body).await.expect(200)
    };
    let booked = first.await.expect(201);
    let agreed = doctor.post(&format!("/appointments/{}/accept", text(&booked, "id")), Value::Null).await.expect(200);
    let other = cancelled.await.expect(201);
    let moved = json!({"starts_at": starts[300], "reason": words.text("reason to move")});
    change(patient, text(&other, "id"), "reschedule", moved).await;
    change(patient, text(&other, "id"), "cancel", json!({"reason": words.text("reason to cancel")})).await;
    let other = rejected.await.expect(201);
    change(doctor, text(&other, "id"), "reject", json!({"reason": words.text("reason to reject")})).await;
    text(&agreed, "consultation_id").to_owned()
}

/// A doctor's profile is public; the documents that vouch for it are not.
async fn credential(words: &mut Words, doctor: &Client, path: &str) {
    let (name, content) = (words.text("document name"), format!("%PDF-1.4\n{}\n", words.text("document content")));
    let id = doctor.upload_for(&format!("{name}.pdf"), content.as_bytes(), &[("purpose", "credential")]).await;
    doctor.until_file(&id, "available").await;
    let document = json!({"kind": "licence", "file_id": id});
    let credentials = format!("{path}/credentials");
    doctor.post(&credentials, document.clone()).await.expect(201);
    let listed = doctor.get(&credentials).await.expect(200);
    assert_eq!(text(&listed["items"][0]["file"], "name"), format!("{name}.pdf"));
    assert_eq!(doctor.get(&doctor.link(&id).await).await.status, 200);
}

/// One that is shown and read, and one that is never finished.
async fn files(words: &mut Words, patient: &Client, doctor: &Client, consultation: &str) {
    let (name, content) = (words.text("file name"), words.text("file content"));
    let id = patient.available_file(&format!("{name}.txt"), content.as_bytes(), Some(consultation)).await;
    patient.share_file(consultation, &id).await.expect(201);
    let link = doctor.link(&id).await;
    words.add("file link", link.split_once('.').unwrap().1);
    assert_eq!(doctor.get(&link).await.body, json!(content));
    let (name, content) = (words.text("unfinished file name"), words.text("unfinished file content"));
    let begun =
        patient.begin_upload(content.len() + 1, &[("filename", &name), ("purpose", "record")]).await.expect(201);
    patient.send_part(text(&begun, "id"), 0, content.as_bytes()).await.expect(204);
}

/// By HTTP and over WebSocket, stored and not.
async fn chat(words: &mut Words, patient: &Client, doctor: &Client, consultation: &str) {
    let topic = format!("consultation:{consultation}");
    let (mut patients, mut doctors) = (Socket::open(patient, &topic).await, Socket::open(doctor, &topic).await);
    let said = words.text("chat by http");
    let message = json!({"client_message_id": "1", "body": said});
    patient.post(&format!("/consultations/{consultation}/messages"), message).await.expect(201);
    doctors.until(|frame| frame["data"]["body"] == said.as_str()).await;
    let said = words.text("chat by websocket");
    doctors.command("send_message", json!({"client_message_id": "2", "body": said})).await;
    patients.until(|frame| frame["data"]["body"] == said.as_str()).await;
    let said = words.text("chat to be edited");
    let sent = patients.command("send_message", json!({"client_message_id": "3", "body": said})).await;
    let instead = words.text("chat edited");
    patients.command("edit_message", json!({"message_id": sent["id"], "body": instead})).await;
    doctors.until(|frame| frame["data"]["body"] == instead.as_str()).await;
    patients.command("delete_message", json!({"message_id": sent["id"]})).await;
    doctor.get(&format!("/consultations/{consultation}/messages?q=http")).await.expect(200);
    patients.command("signal", json!({"kind": "offer", "sdp": words.text("offer")})).await;
    doctors.until(|frame| frame["type"] == "signal").await;
}

/// Signed notes, an issue, the end, and what the patient thinks of it.
async fn aftercare(words: &mut Words, patient: &Client, doctor: &Client, admin: &Client, room: &str) {
    doctor.post(&format!("{room}/notes/sign"), Value::Null).await.expect(200);
    let amendment = json!({"text": words.text("amendment"), "reason": words.text("reason to amend")});
    doctor.post(&format!("{room}/notes/amendments"), amendment).await.expect(201);
    let issue = json!({
        "category": "device", "severity": "low", "description": words.text("issue"),
        "diagnostics": {"camera": words.text("diagnostics")},
    });
    let reported = patient.post(&format!("{room}/issues"), issue).key("issue").await.expect(201);
    let issue = format!("/support/issues/{}", text(&reported["issue"], "id"));
    admin.post(&format!("{issue}/comments"), json!({"text": words.text("comment")})).await.expect(201);
    admin.post(&format!("{issue}/resolve"), json!({"resolution": words.text("resolution")})).await.expect(200);
    doctor.post(&format!("{room}/end"), Value::Null).await.expect(200);
    patient.post(&format!("{room}/rating"), json!({"rating": 4, "text": words.text("rating")})).await.expect(201);
}

/// Outside the visit.
async fn thread(words: &mut Words, patient: &Client, doctor: &Client, doctor_id: &str) {
    let new = json!({
        "kind": "care", "subject": words.text("thread subject"), "participants": [{"doctor_id": doctor_id}],
    });
    let opened = patient.post("/threads", new).await.expect(201);
    let messages = format!("/threads/{}/messages", text(&opened, "id"));
    let message =
        json!({"client_message_id": words.new_word("client message id"), "body": words.text("thread message")});
    let sent = patient.post(&messages, message).key("thread-message").await.expect(201);
    let path = format!("{messages}/{}", text(&sent, "id"));
    patient.patch(&path, json!({"body": words.text("thread message edited")})).await.expect(200);
    doctor.get(&format!("{path}/history")).await.expect(200);
    doctor.get(&format!("{messages}?q={}", words.new_word("thread search"))).await.expect(200);
    doctor.get("/threads").await.expect(200);
}

async fn prescribe(
    words: &mut Words,
    patient: &Client,
    doctor: &Client,
    room: &str,
    pharmacy: &providers::Server<Pharmacy>,
) {
    let medicine = words.text("medicine");
    let prescription = json!({
        "diagnosis": words.text("diagnosis"), "advice": words.text("advice"),
        "medicines": [{
            "name": medicine, "dose": words.text("dose"), "route": words.text("route"),
            "frequency": words.text("frequency"), "duration_days": 5, "instructions": words.text("instructions"),
        }],
    });
    let issued = doctor.post(&format!("{room}/prescriptions"), prescription).await.expect(201);
    let path = format!("/prescriptions/{}", text(&issued, "id"));
    assert_eq!(patient.get(&format!("{path}/pdf")).await.status, 200);
    let code = text(&issued, "verification_code");
    doctor.get(&format!("/verify/{code}")).await.expect(200);
    patient.post(&format!("{path}/send"), json!({})).await.expect(200);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while patient.get(&path).await.expect(200)["dispatch"]["status"] != "sent" {
        assert!(tokio::time::Instant::now() < deadline, "the prescription reaches the pharmacy");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let received = pharmacy.contract.received().unwrap();
    assert!(received.to_string().contains(&medicine), "{received:#}");
}
