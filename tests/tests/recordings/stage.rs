//! A consultation in which doctor and patient meet, and what is known of its recordings from outside.

use std::{path::PathBuf, time::Duration};

use consilium_tests::{
    app::TestApp,
    client::{Call, Client, Person, text, wish},
};
use diesel::{RunQueryDsl, sql_query, sql_types as sql};
use serde_json::{Value, json};

/// How a WebM file begins: EBML header with the document type.
const WEBM: &[u8] =
    b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm";

/// What a recorder sends: the first begins a file, the others go on in it.
pub fn segment(number: usize, length: usize) -> Vec<u8> {
    let words: Vec<u8> = (0..1_000).flat_map(|n: u32| format!("{number}:{n} ").into_bytes()).collect();
    let mut bytes = if number == 1 { WEBM.to_vec() } else { Vec::new() };
    // By blocks: a long one must be there before a connection is closed for its idleness.
    while bytes.len() < length {
        bytes.extend_from_slice(&words);
    }
    bytes.truncate(length);
    bytes
}

/// A consultation that is going on.
pub struct Stage {
    pub doctor: Person,
    pub patient: Person,
    pub consultation: String,
}

impl Stage {
    pub async fn new(app: &TestApp) -> Self {
        Self::of(app.doctor("ayesha").await, app.patient("rafi").await).await
    }

    /// Doctor and patient meet.
    pub async fn of(doctor: Person, patient: Person) -> Self {
        Self::by(doctor, patient, "chat").await
    }

    /// Doctor and patient meet by chat, audio or video.
    pub async fn by(doctor: Person, patient: Person, visit_type: &str) -> Self {
        let mut wish = wish(&doctor, &patient.slots(&doctor).await.remove(0));
        wish["visit_type"] = json!(visit_type);
        let booked = patient.post("/appointments", wish).await.expect(201);
        let agreed = doctor.accept(text(&booked, "id")).await.expect(200);
        let consultation = text(&agreed, "consultation_id").to_owned();
        let path = format!("/consultations/{consultation}");
        doctor.post(&format!("{path}/start"), Value::Null).await.expect(200);
        doctor.post(&format!("{path}/join"), Value::Null).await.expect(200);
        patient.post(&format!("{path}/join"), Value::Null).await.expect(200);
        Self { doctor, patient, consultation }
    }

    pub fn topic(&self) -> String {
        format!("consultation:{}", self.consultation)
    }

    pub fn ask(&self, client: &Client) -> Call {
        client.post(&format!("/consultations/{}/recordings", self.consultation), json!({"media": "video"}))
    }

    /// The id of a recording that the doctor has asked for.
    pub async fn asked(&self) -> String {
        text(&self.ask(&self.doctor).await.expect(201), "id").to_owned()
    }

    /// The id of a recording that has begun.
    pub async fn begun(&self) -> String {
        let id = self.asked().await;
        assert_eq!(answer(&self.patient, &id, true).await.expect(200)["status"], "recording");
        id
    }

    /// The id of a recording of these segments that can be played.
    pub async fn ready(&self, app: &TestApp, segments: &[Vec<u8>]) -> String {
        let id = self.begun().await;
        for (place, bytes) in segments.iter().enumerate() {
            put(&self.doctor, &id, place + 1, bytes).await.expect(200);
        }
        // Taken back, so that no clock need be moved.
        answer(&self.patient, &id, false).await.expect(200);
        until(&self.doctor, &id, "ready").await;
        assert_eq!(objects(app).await, 1, "only the whole is left");
        id
    }
}

/// Consents, or refuses.
pub fn answer(client: &Client, id: &str, given: bool) -> Call {
    client.post(&format!("/recordings/{id}/consent"), json!({"given": given, "text_version": "1"}))
}

/// Sends a segment.
pub fn put(client: &Client, id: &str, number: usize, bytes: &[u8]) -> Call {
    let call = client.call("PUT".parse().unwrap(), &format!("/recordings/{id}/segments/{number}"));
    call.body("video/webm", bytes.to_vec())
}

/// Waits until a recording has this status.
pub async fn until(client: &Client, id: &str, status: &str) -> Value {
    let mut last = Value::Null;
    for _ in 0..2_000 {
        last = client.get(&format!("/recordings/{id}")).await.expect(200);
        if last["status"] == status {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the recording is never {status}: {last}");
}

/// A link to the content, as a path for `get`.
pub async fn link(client: &Client, id: &str) -> String {
    let link = client.post(&format!("/recordings/{id}/playback"), Value::Null).await.expect(201);
    text(&link, "url").strip_prefix("/api/v1").expect("a path of the API").to_owned()
}

/// How many objects lie in the folder of files, once nothing is at work on them any more.
pub async fn objects(app: &TestApp) -> usize {
    let keys = PathBuf::from(&app.server.state.config.keys.directory);
    let folder = keys.with_file_name("files");
    for _ in 0..500 {
        if count(app, "SELECT COUNT(*) AS count FROM recording WHERE work IS NOT NULL").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    std::fs::read_dir(folder).expect("the folder of files").count()
}

/// What a counting query answers.
pub async fn count(app: &TestApp, query: &'static str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Counted {
        #[diesel(sql_type = sql::BigInt)]
        count: i64,
    }
    let read = move |session: &mut consilium_db::Session<'_>| {
        Ok(sql_query(query).get_result::<Counted>(session.connection())?.count)
    };
    app.server.state.db.read(read).await.expect("the database can be asked")
}

/// What the audit log has of recordings under this action: who, and what it says besides.
pub async fn audited(app: &TestApp, action: &'static str) -> Vec<(String, Value)> {
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = sql::Nullable<consilium_db::types::Uuid>)]
        principal_id: Option<consilium_kernel::UserId>,
        #[diesel(sql_type = sql::Nullable<sql::Text>)]
        detail: Option<String>,
    }
    let read = move |session: &mut consilium_db::Session<'_>| {
        let query = "SELECT principal_id, detail FROM audit_entry WHERE entity_kind = 'recording' AND action = $1 \
                     ORDER BY tx, id";
        let lines: Vec<Line> = sql_query(query).bind::<sql::Text, _>(action).load(session.connection())?;
        Ok(lines)
    };
    let lines = app.server.state.db.read(read).await.expect("the audit log can be read");
    let told = |line: Line| {
        let who = line.principal_id.map(|id| id.to_string()).unwrap_or_default();
        (who, line.detail.map_or(Value::Null, |detail| serde_json::from_str(&detail).expect("JSON")))
    };
    lines.into_iter().map(told).collect()
}
