//! The real program with `video-webrtc`, a coturn, a doctor and a patient who have a consultation now, and a browser
//! for each of them.

use std::{net::TcpListener, path::PathBuf};

use consilium_tests::{
    app::Backend,
    artifacts,
    browser::Browsers,
    client::{PASSWORD, Person, email, text},
    coturn::{Coturn, SECRET},
    deployment::{Deployment, Server},
};
use serde_json::{Value, json};

/// Runs before the page's own scripts: connections may only use relays, and the test can look at them.
const RELAYED: &str = include_str!("relayed.js");

/// Everything that a call needs.
pub struct World {
    pub deployment: Deployment,
    pub server: Option<Server>,
    pub coturn: Coturn,
    pub browsers: Browsers,
    pub consultation: String,
    address: String,
}

/// The two pages.
pub const BOTH: [&str; 2] = ["doctor", "patient"];

impl World {
    /// With server and coturn at `host`, an address of this machine.
    pub async fn new(backend: Backend, host: &str) -> Self {
        // Before anything is started, so that what is missing is said at once.
        let browsers = Browsers::new();
        let coturn = Coturn::on(host.parse().expect("an address"));
        let mut deployment = Deployment::new(backend);
        deployment.install("video-webrtc");
        let secret = deployment.write("turn-secret", SECRET);
        deployment.configure(&format!(
            "[video]\nproviders = [\"video-webrtc\"]\n[plugins.use.video-webrtc]\nlibrary = \"video-webrtc.so\"\n\
             config = {{ turn_urls = [{:?}] }}\nsecret_files = {{ turn_secret = {secret:?} }}\n",
            coturn.url()
        ));
        // The same one after a restart.
        let port = TcpListener::bind((host, 0)).and_then(|listener| listener.local_addr()).expect("a port").port();
        deployment.set("SERVER__PORT", &port.to_string());
        deployment.set("SERVER__HOST", host);
        let server = deployment.serve().await;
        let consultation = agree(&server).await;
        let address = server.client.address().to_owned();
        Self { deployment, server: Some(server), coturn, browsers, consultation, address }
    }

    /// Opens the link and logs in; `before` starts the browser.
    pub async fn come(&mut self, who: &str, before: &[&str]) {
        let link = format!("{}/c/{}", self.address, self.consultation);
        self.browsers.open(who, &link, before, RELAYED).await;
        self.browsers.fill(who, "#email", &email(who)).await;
        self.browsers.fill(who, "#password", PASSWORD).await;
        self.browsers.click(who, "#login button").await;
    }

    /// The patient comes, waits, is admitted, and both see each other.
    pub async fn meet(&mut self, patient_before: &[&str]) {
        self.come("patient", patient_before).await;
        self.says("patient", "You are number 1 in the line").await;
        self.come("doctor", &[]).await;
        self.says("doctor", "The patient waits.").await;
        assert_eq!(self.browsers.evaluate("patient", "connections.length").await, 0, "nobody calls before admission");
        self.browsers.click("doctor", "#begin").await;
        self.both_see().await;
    }

    /// Waits until the page says so.
    pub async fn says(&mut self, who: &str, words: &str) {
        let script = format!("document.body.innerText.includes({})", json!(words));
        self.browsers.until(who, &script).await;
    }

    /// Each decodes the other's picture, more and more of it, and it moves.
    pub async fn both_see(&mut self) {
        for who in BOTH {
            self.browsers.until(who, "newest()?.connectionState === 'connected'").await;
            let begin = self.browsers.until(who, "decoded()").await.as_i64().expect("frames");
            let before = self.browsers.evaluate(who, "picture()").await;
            self.browsers.until(who, &format!("decoded().then((frames) => frames >= {} && frames)", begin + 20)).await;
            let after = self.browsers.evaluate(who, "picture()").await;
            assert_ne!(before, after, "{who} sees a still picture");
        }
    }

    /// How many frames each has decoded.
    pub async fn decoded(&mut self) -> [i64; 2] {
        let mut frames = [0; 2];
        for (who, frames) in BOTH.into_iter().zip(&mut frames) {
            *frames = self.browsers.evaluate(who, "decoded()").await.as_i64().expect("frames");
        }
        frames
    }

    /// Writes in the chat, whether or not it can be sent now.
    pub async fn write(&mut self, who: &str, words: &str) {
        self.browsers.fill(who, "#text", words).await;
        self.browsers.click(who, "#write button").await;
    }

    /// Both have these messages, each once and in this order.
    pub async fn both_read(&mut self, messages: &[&str]) {
        for who in BOTH {
            let script = format!("said().length >= {} && said()", messages.len());
            assert_eq!(self.browsers.until(who, &script).await, json!(messages), "{who}");
        }
    }

    /// Keeps pictures of both pages below the build folder.
    pub async fn photograph(&mut self, name: &str) {
        for who in BOTH {
            let path: PathBuf = artifacts::folder().join(format!("{name}-{who}.png"));
            self.browsers.screenshot(who, &path).await;
            eprintln!("{}", path.display());
        }
    }
}

/// A consultation by video that begins within minutes.
async fn agree(server: &Server) -> String {
    let admin = server.client.login("admin").await;
    let doctor = server.client.register("doctor", "doctor").await;
    let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
    admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
    let mut hours = consilium_tests::app::daily("00:00", "24:00");
    hours["slot_minutes"] = json!(5);
    doctor.set_hours(hours).await;
    let patient: Person = server.client.register("patient", "patient").await;
    let slot = patient.slots(&doctor).await.into_iter().next().expect("a free slot");
    let wish = json!({"doctor_id": doctor.doctor_id, "starts_at": slot, "reason": "A cough", "visit_type": "video"});
    let booked: Value = patient.post("/appointments", wish).await.expect(201);
    let agreed = doctor.accept(text(&booked, "id")).await.expect(200);
    text(&agreed, "consultation_id").to_owned()
}
