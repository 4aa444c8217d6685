//! The real program with the LiveKit plugin in a child process, a server that plays LiveKit, and one that has the files.

use std::time::Duration;

use consilium_kernel::Timestamp;
use consilium_tests::{
    app::{Backend, daily},
    client::{Person, text},
    deployment::{Deployment, Server as Program},
    providers::{
        Answer, Contract, Request, Server, Violation,
        livekit::{API_KEY, API_SECRET, LiveKit, now},
    },
};
use serde_json::{Value, json};

use crate::stage::{Stage, answer};

/// Where LiveKit puts its files, in the bucket.
const PREFIX: &str = "consultations/";

/// A bucket: every file is the same.
pub struct Bucket {
    content: Vec<u8>,
    /// Whether it says how long a file is.
    says_length: bool,
}

impl Contract for Bucket {
    fn answer(&self, request: &Request) -> Result<Answer, Violation> {
        let ours = request.method == "GET" && request.path.starts_with("/recordings/consultations/");
        let signed = request.query.contains_key("X-Amz-Signature") && request.query.contains_key("X-Amz-Expires");
        if !(ours && signed) {
            return Err(Answer::empty(403).because("a file is asked for by a signed link"));
        }
        let answer = Answer { status: 200, headers: Vec::new(), body: self.content.clone() };
        Ok(if self.says_length { answer } else { answer.with("Transfer-Encoding", "chunked") })
    }
}

/// An MP4 of so many bytes.
pub fn mp4(length: usize) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".to_vec();
    let words: Vec<u8> = (0..1_000).flat_map(|n: u32| format!("{n}|").into_bytes()).collect();
    while bytes.len() < length {
        bytes.extend_from_slice(&words);
    }
    bytes.truncate(length);
    bytes
}

/// Everything that runs.
pub struct World {
    pub deployment: Deployment,
    program: Option<Program>,
    pub livekit: Server<LiveKit>,
    pub bucket: Server<Bucket>,
    pub admin: Person,
    pub stage: Stage,
    /// LiveKit's name for the consultation's room.
    pub room: String,
}

/// Plays `journey` on each database, with files of this content.
pub async fn on_both(content: Vec<u8>, journey: impl AsyncFn(&mut World)) {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        eprintln!("on {backend:?}");
        let mut world = World::new(backend, content.clone(), true).await;
        journey(&mut world).await;
        world.close().await;
    }
}

impl World {
    /// Doctor and patient are in a room of LiveKit's.
    pub async fn new(backend: Backend, content: Vec<u8>, says_length: bool) -> Self {
        let livekit = Server::start(|_| LiveKit::default()).await;
        let bucket = Server::start(|_| Bucket { content, says_length }).await;
        let mut deployment = Deployment::new(backend);
        deployment.install("video-livekit");
        deployment.set("RECORDINGS__MAX_RECORDING_MIB", "1");
        deployment.set("RECORDINGS__MAX_SEGMENT_MIB", "1");
        let (api, s3) = (deployment.write("api", API_SECRET), deployment.write("s3", "the secret of the bucket"));
        deployment.configure(&format!(
            "[video]\nproviders = [\"livekit\"]\n\
             [plugins.use.livekit]\nlibrary = \"video-livekit.so\"\nallow_private_addresses = true\n\
             secret_files = {{ api_secret = {api:?}, s3_secret = {s3:?} }}\n\
             [plugins.use.livekit.config]\nserver_url = {:?}\nclient_url = \"wss://livekit.example.org\"\n\
             api_key = {API_KEY:?}\n\
             [plugins.use.livekit.config.recording]\nprefix = {PREFIX:?}\n\
             [plugins.use.livekit.config.recording.s3]\nendpoint = {:?}\nregion = \"eu-central-1\"\n\
             bucket = \"recordings\"\naccess_key = \"AK\"\n",
            livekit.url, bucket.url
        ));
        let program = deployment.serve().await;
        let admin = program.client.login("admin").await;
        let doctor = program.client.register("doctor", "ayesha").await;
        let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
        admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
        doctor.set_hours(daily("00:00", "24:00")).await;
        let stage = Stage::by(doctor, program.client.register("patient", "rafi").await, "video").await;
        let room = livekit.contract.rooms().pop().expect("a room at LiveKit");
        Self { deployment, program: Some(program), livekit, bucket, admin, stage, room }
    }

    fn program(&self) -> &Program {
        self.program.as_ref().expect("it runs")
    }

    /// LiveKit records from now on; what began before the consent would not be kept.
    pub fn record(&self) {
        self.livekit.contract.record(&self.room, PREFIX);
    }

    /// LiveKit has finished the file; nobody is told yet.
    pub async fn finish(&self) {
        // So that it is some time long.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        self.livekit.contract.finish_egresses();
    }

    /// LiveKit tells that the file is finished, in a delivery of this id.
    pub async fn tell(&self, delivery: &str) {
        let egress = self.livekit.contract.egresses().pop().expect("it has recorded");
        self.post(json!({"event": "egress_ended", "id": delivery, "createdAt": now(), "egressInfo": egress})).await;
    }

    /// LiveKit tells of a file in a room.
    pub async fn tell_of(&self, room: &str) {
        let nanoseconds = (now() * 1_000_000_000).to_string();
        let egress = json!({
            "egress_id": format!("EG_{room}"), "room_name": room, "status": "EGRESS_COMPLETE",
            "started_at": nanoseconds, "ended_at": nanoseconds,
            "file_results": [{"filename": "a.mp4", "started_at": nanoseconds, "ended_at": nanoseconds, "size": "10"}],
        });
        self.post(json!({"event": "egress_ended", "id": room, "createdAt": now(), "egressInfo": egress})).await;
    }

    async fn post(&self, event: Value) {
        let (token, body) = self.livekit.contract.webhook(&event, now());
        let post = self.program().client.post("/webhooks/livekit", Value::Null).header("Authorization", &token);
        assert_eq!(post.body("application/webhook+json", body).await.status, 204);
    }

    /// The only file of a provider that the administrator sees.
    pub async fn file(&self) -> Value {
        let admin = self.admin.again().await;
        let list = admin.get("/admin/provider-recordings").await.expect(200);
        let items = list["items"].as_array().expect("a list").clone();
        assert!(items.len() <= 1, "one row per file: {items:?}");
        items.into_iter().next().unwrap_or(Value::Null)
    }

    /// Waits until the file has this status.
    pub async fn until(&self, status: &str) -> Value {
        let mut last = Value::Null;
        for _ in 0..600 {
            last = self.file().await;
            if last["status"] == status {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the file is never {status}: {last}\n{}", self.deployment.log());
    }

    /// What the participants know of recordings made by LiveKit.
    pub async fn kept(&self) -> Vec<Value> {
        let doctor = self.stage.doctor.again().await;
        let list = doctor.get(&format!("/consultations/{}/recordings", self.stage.consultation)).await.expect(200);
        let items = list["items"].as_array().expect("a list").iter();
        items.filter(|recording| recording["provider"] == "livekit").cloned().collect()
    }

    /// How many files lie in the store.
    pub fn lying(&self) -> usize {
        std::fs::read_dir(self.deployment.folder().join("files")).expect("the folder of files").count()
    }

    /// Nothing is kept, and why is seen by the administrator and in the audit log.
    pub async fn is_refused(&self, because: &str) {
        let file = self.until("refused").await;
        assert_eq!((text(&file, "problem"), &file["recording_id"]), (because, &Value::Null));
        assert_eq!((self.kept().await, self.lying()), (Vec::new(), 0));
        let audited = self.deployment.audited(&["provider_recording_refused"]).await;
        assert_eq!((audited.len(), text(&audited[0].1, "reason")), (1, because));
    }

    /// Consent of everybody: the id of the recording that has begun.
    pub async fn agree(&self) -> String {
        self.stage.begun().await
    }

    /// The patient takes it back.
    pub async fn take_back(&self, recording: &str) {
        answer(&self.stage.patient, recording, false).await.expect(200);
    }

    /// What is to be looked at later is looked at now.
    pub async fn look_now(&self) {
        use diesel::{RunQueryDsl, sql_query};
        let meta = consilium_kernel::CommandMeta::system(consilium_kernel::DEFAULT_FACILITY, "test");
        let db = self.deployment.db();
        let changed = db.write(&meta, |tx| {
            let sooner = "UPDATE provider_look SET due_at = (SELECT MIN(requested_at) FROM recording)";
            Ok(sql_query(sooner).execute(tx.connection())?)
        });
        assert_eq!(changed.await.expect("the database can be written"), 1, "one room is looked at");
    }

    pub async fn kill(&mut self) {
        self.program.take().expect("it runs").kill().await;
    }

    pub async fn serve(&mut self) {
        let program = self.deployment.serve().await;
        self.stage.doctor = program.client.login("ayesha").await;
        self.admin = program.client.login("admin").await;
        self.program = Some(program);
    }

    async fn close(mut self) {
        self.livekit.finish();
        self.kill().await;
    }
}

/// A time that the API gave.
pub fn time(value: &Value, field: &str) -> Timestamp {
    text(value, field).parse().expect("a time")
}
