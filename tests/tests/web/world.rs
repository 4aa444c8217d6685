//! The real program, with people in it, and the scripts that go through its pages.

use std::{fs, path::PathBuf};

use consilium_kernel::{Clock, SystemClock};
use consilium_tests::{
    app::{Backend, daily},
    artifacts,
    client::{PASSWORD, email, text},
    deployment::{Deployment, Server},
    node,
    providers::{self, pharmacy::Pharmacy, push::PushService},
};
use serde_json::{Value, json};

/// Between the server and the pharmacy.
const PHARMACY_SECRET: &str = "shared with the pharmacy";
const STAFF: [&str; 3] = ["nurse", "pharmacist", "support"];

/// A server that has the web client inside. The doctor "ayesha" and the patient "rafi" have agreed to meet within
/// minutes.
pub struct World {
    pub server: Server,
    pub given: Value,
    _pharmacy: providers::Server<Pharmacy>,
    _push: providers::Server<PushService>,
    _deployment: Deployment,
}

impl World {
    pub async fn new() -> Self {
        let deployment = Deployment::new(Backend::Sqlite);
        let pharmacy = providers::Server::start(|_| Pharmacy::default()).await;
        let secret = deployment.write("pharmacy", PHARMACY_SECRET).display().to_string();
        for plugin in ["video-webrtc", "pharmacy-rest", "analytics"] {
            deployment.install(plugin);
        }
        deployment.configure(&format!(
            r#"
            [video]
            providers = ["video-webrtc"]
            [push]
            allow_private_addresses = true
            [plugins.use.video-webrtc]
            [plugins.use.analytics]
            [plugins.use.pharmacy-rest]
            config = {{ base_url = "{}/fhir" }}
            allow_private_addresses = true
            secret_files = {{ api_token = "{secret}", webhook_secret = "{secret}" }}
            "#,
            pharmacy.url
        ));
        for role in STAFF {
            deployment.employ(role);
        }
        let server = deployment.serve().await;
        let admin = server.client.login("admin").await;
        let doctor = server.client.register("doctor", "ayesha").await;
        let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
        admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
        let mut hours = daily("00:00", "24:00");
        hours["slot_minutes"] = json!(15);
        doctor.set_hours(hours).await;
        let patient = server.client.register("patient", "rafi").await;
        let slot = patient.slots(&doctor).await.into_iter().next().expect("a free slot");
        let wish =
            json!({"doctor_id": doctor.doctor_id, "starts_at": slot, "reason": "A cough", "visit_type": "video"});
        let booked = patient.post("/appointments", wish).await.expect(201);
        let agreed = doctor.accept(text(&booked, "id")).await.expect(200);

        let key = server.client.get("/push/key").await.expect(200);
        let service = |url: &str| PushService::new(url, text(&key, "public_key"), || SystemClock.now());
        let push = providers::Server::start(service).await;
        let people = ["ayesha", "rafi", "admin"].into_iter().chain(STAFF);
        let emails: Value =
            people.map(|name| (name.to_owned(), json!(email(name)))).collect::<serde_json::Map<_, _>>().into();
        let given = json!({
            "packages": node::packages(), "url": server.client.address(), "pictures": pictures(), "password": PASSWORD,
            "emails": emails, "doctor_id": doctor.doctor_id, "appointment_id": agreed["id"],
            "consultation_id": agreed["consultation_id"], "push": push.contract.browser("phone").json(),
            "pharmacy": {"url": pharmacy.url, "secret": PHARMACY_SECRET},
        });
        Self { server, given, _pharmacy: pharmacy, _push: push, _deployment: deployment }
    }

    /// Plays `tests/node/web/<name>.mjs`.
    pub async fn play(&self, name: &str) {
        let script = node::folder().join(format!("web/{name}.mjs"));
        let mut command = tokio::process::Command::new("node");
        finish(command.arg(script).arg(self.given.to_string())).await;
    }
}

/// Runs it to its end, and tells what it told when that was not a good one.
pub async fn finish(command: &mut tokio::process::Command) {
    let output = command.kill_on_drop(true).output().await.expect("node is missing: run scripts/setup-tests");
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{told}\npictures: {}", pictures().display());
    println!("{told}");
}

/// Where pictures of pages are kept.
fn pictures() -> PathBuf {
    let folder = artifacts::folder().join("web-pictures");
    fs::create_dir_all(&folder).expect("a folder");
    folder
}
