//! The people of the matrix and the things they try to get at. The patient is the doctor's.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    time::Duration,
};

use consilium_kernel::Role;
use consilium_tests::{
    app::{TestApp, daily},
    client::{Person, text},
};
use serde_json::{Value, json};

/// Everybody, and something of each kind that belongs to the patient and the doctor.
pub struct World {
    pub app_client: consilium_tests::client::Client,
    pub patient: Person,
    pub foreign_patient: Person,
    pub doctor: Person,
    pub foreign_doctor: Person,
    pub staff: Vec<Person>,
    /// A consultation that has begun.
    pub consultation: String,
    /// A recording of it that can be played.
    pub recording: String,
    /// A file of the patient's, shown in it.
    pub file: String,
    /// A prescription of it.
    pub prescription: Value,
    /// A message in the patient's inbox.
    pub notification: String,
    /// A delivery of any kind.
    pub delivery: String,
    /// A webhook subscription of the facility.
    pub subscription: String,
    free: RefCell<VecDeque<String>>,
    count: Cell<usize>,
}

impl World {
    pub async fn new(app: &TestApp) -> Self {
        let (patient, foreign_patient) = (app.patient("patient").await, app.patient("foreign-patient").await);
        let (doctor, foreign_doctor) = (app.doctor("doctor").await, app.doctor("foreign-doctor").await);
        let mut hours = daily("00:00", "24:00");
        hours["slot_minutes"] = json!(5);
        doctor.set_hours(hours).await;
        let mut staff = vec![app.admin.clone()];
        for role in [Role::Nurse, Role::Pharmacist, Role::Support] {
            staff.push(app.staff(role).await);
        }
        let mut world = Self {
            app_client: app.client.clone(),
            free: RefCell::new(patient.slots(&doctor).await.into()),
            patient,
            foreign_patient,
            doctor,
            foreign_doctor,
            staff,
            consultation: String::new(),
            recording: String::new(),
            file: String::new(),
            prescription: Value::Null,
            notification: String::new(),
            delivery: String::new(),
            subscription: String::new(),
            count: Cell::new(0),
        };
        world.consultation = world.begun().await;
        world.recording = world.recorded().await;
        world.prescription = world.prescribe(&world.consultation).await;
        world.file = world.patient.available_file("a.txt", b"A letter", Some(&world.consultation)).await;
        world.patient.share_file(&world.consultation, &world.file).await.expect(201);
        world.notification = first(&world.patient, "/me/notifications").await;
        world.subscription = world.subscribed().await;
        world.delivery = first(&app.admin, "/admin/notifications").await;
        world
    }

    /// Who is meant by a column; nobody for the anonymous one.
    pub fn person(&self, caller: &str) -> Option<&Person> {
        match caller {
            "anonymous" => None,
            "patient" => Some(&self.patient),
            "foreign patient" => Some(&self.foreign_patient),
            "doctor" => Some(&self.doctor),
            "foreign doctor" => Some(&self.foreign_doctor),
            role => Some(self.staff.iter().find(|person| person.name == role).expect("a member of staff")),
        }
    }

    /// A number that was not used before.
    pub fn fresh(&self) -> usize {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }

    /// A slot that nobody has.
    pub fn slot(&self) -> String {
        self.free.borrow_mut().pop_front().expect("enough slots")
    }

    /// The id of an appointment that waits for the doctor's answer.
    pub async fn asked(&self) -> String {
        let booked = self.patient.book(&self.doctor, &self.slot()).await.expect(201);
        text(&booked, "id").to_owned()
    }

    /// The id of a consultation that has not begun.
    pub async fn agreed(&self) -> String {
        let agreed = self.patient.agree(&self.doctor, &self.slot()).await;
        text(&agreed, "consultation_id").to_owned()
    }

    /// The id of a consultation whose patient waits.
    pub async fn waited(&self) -> String {
        let id = self.agreed().await;
        self.patient.post(&format!("/consultations/{id}/join"), Value::Null).await.expect(200);
        id
    }

    /// The id of a patient whom nobody has seen yet.
    pub async fn newcomer(&self) -> String {
        self.app_client.register("patient", &format!("newcomer-{}", self.fresh())).await.patient_id
    }

    /// A consultation to which a nurse was invited, and the invitation.
    pub async fn invited(&self) -> (String, String) {
        let id = self.agreed().await;
        let nurse = json!({"user_id": self.person("nurse").expect("a nurse").id, "role": "nurse"});
        let made = self.doctor.post(&format!("/consultations/{id}/invitations"), nurse).await.expect(201);
        (id, text(&made, "id").to_owned())
    }

    /// The account of a new member of staff.
    pub async fn invited_staff(&self) -> String {
        let email = format!("staff-{}@example.org", self.fresh());
        let staff = json!({"email": email, "role": "nurse", "given_name": "Ada", "family_name": "Example"});
        text(&self.administrator().post("/admin/users", staff).await.expect(201), "id").to_owned()
    }

    /// The id of a consultation that has begun.
    pub async fn begun(&self) -> String {
        let id = self.agreed().await;
        self.doctor.post(&format!("/consultations/{id}/start"), Value::Null).await.expect(200);
        id
    }

    /// The id of a consultation in which doctor and patient are together.
    pub async fn met(&self) -> String {
        let id = self.begun().await;
        for person in [&self.doctor, &self.patient] {
            person.post(&format!("/consultations/{id}/join"), Value::Null).await.expect(200);
        }
        id
    }

    /// The id of a recording that goes on.
    pub async fn recording(&self) -> String {
        let path = format!("/consultations/{}/recordings", self.met().await);
        let asked = self.doctor.post(&path, json!({"media": "video"})).await.expect(201);
        let id = text(&asked, "id").to_owned();
        self.patient.post(&format!("/recordings/{id}/consent"), consents(true)).await.expect(200);
        id
    }

    /// The id of a recording that can be played.
    pub async fn recorded(&self) -> String {
        let id = self.recording().await;
        let path = format!("/recordings/{id}");
        let segment = self.doctor.call("PUT".parse().expect("a method"), &format!("{path}/segments/1"));
        segment.body("video/webm", SEGMENT).await.expect(200);
        self.patient.post(&format!("{path}/consent"), consents(false)).await.expect(200);
        for _ in 0..500 {
            if self.doctor.get(&path).await.expect(200)["status"] == "ready" {
                return id;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} is never ready");
    }

    /// The id of a consultation that has begun and has notes.
    pub async fn noted(&self) -> String {
        let id = self.begun().await;
        let path = format!("/consultations/{id}/notes");
        let etag = self.doctor.get(&path).await.header("etag").to_owned();
        let call = self.doctor.call("PUT".parse().expect("a method"), &path).header("If-Match", &etag);
        call.json(&json!({"plan": "Rest"})).await.expect(200);
        id
    }

    /// The id of a consultation that is completed.
    pub async fn completed(&self) -> String {
        let id = self.begun().await;
        self.doctor.post(&format!("/consultations/{id}/end"), Value::Null).await.expect(200);
        id
    }

    /// The id of an issue that the patient reported in a consultation of its own.
    pub async fn issue(&self) -> String {
        let reported = self.patient.post(&format!("/consultations/{}/issues", self.begun().await), issue()).await;
        text(&reported.expect(201)["issue"], "id").to_owned()
    }

    /// The id of a follow-up whose slot is kept for the patient.
    pub async fn kept(&self) -> String {
        let known = self.patient.get("/me/follow-ups").await.expect(200);
        let known: Vec<String> = ids(&known);
        let mut again = prescription();
        again["follow_up_on"] = json!("2026-06-20");
        let written = format!("/consultations/{}/prescriptions", self.consultation);
        self.doctor.post(&written, again).await.expect(201);
        for _ in 0..100 {
            let page = self.patient.get("/me/follow-ups").await.expect(200);
            let new = page["items"]
                .as_array()
                .expect("items")
                .iter()
                .find(|one| one["status"] == "held" && !known.contains(&text(one, "id").to_owned()));
            if let Some(new) = new {
                return text(new, "id").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no slot is kept");
    }

    /// The id of a thread of the patient with the doctor.
    pub async fn threaded(&self) -> String {
        let new =
            json!({"kind": "care", "subject": "A question", "participants": [{"doctor_id": self.doctor.doctor_id}]});
        text(&self.patient.post("/threads", new).await.expect(201), "id").to_owned()
    }

    /// The id of a message that the doctor has written in a consultation or thread.
    pub async fn said(&self, place: &str) -> String {
        let message = json!({"body": "Hello", "client_message_id": format!("said-{}", self.fresh())});
        text(&self.doctor.post(&format!("{place}/messages"), message).await.expect(201), "id").to_owned()
    }

    /// The id of a file that was uploaded by this caller, if they may: otherwise by the patient.
    pub async fn uploaded(&self, caller: &str) -> String {
        let owner = if caller == "doctor" { &self.doctor } else { &self.patient };
        owner.available_file("a.txt", b"Another letter", Some(&self.consultation)).await
    }

    /// The id of a document of the doctor's that was not submitted.
    pub async fn document(&self) -> String {
        let id = self.doctor.upload_for("licence.pdf", b"%PDF-1.4 A licence", &[("purpose", "credential")]).await;
        self.doctor.until_file(&id, "available").await;
        id
    }

    /// Says whether the doctor is who he says.
    pub async fn decide(&self, decision: &str) {
        let verify = format!("/admin/doctors/{}/verify", self.doctor.doctor_id);
        self.administrator().post(&verify, json!({"decision": decision, "reason": "As seen"})).await.expect(200);
    }

    /// The id of an upload of the patient's that has just begun.
    pub async fn uploading(&self) -> String {
        let begun = self.patient.begin_upload(9, &[("filename", "a.txt"), ("purpose", "record")]).await.expect(201);
        text(&begun, "id").to_owned()
    }

    /// The first of the staff.
    pub fn administrator(&self) -> &Person {
        &self.staff[0]
    }

    /// A new webhook subscription of the facility.
    pub async fn subscribed(&self) -> String {
        let made = self.administrator().post("/webhook-subscriptions", webhook_subscription()).await.expect(201);
        text(&made, "id").to_owned()
    }

    /// A new template of the doctor.
    pub async fn template(&self) -> String {
        let made = self.doctor.post("/prescription-templates", template()).await.expect(201);
        text(&made, "id").to_owned()
    }

    /// A prescription of this consultation.
    pub async fn prescribe(&self, consultation: &str) -> Value {
        self.doctor.post(&format!("/consultations/{consultation}/prescriptions"), prescription()).await.expect(201)
    }
}

/// What a doctor prescribes often.
pub fn template() -> Value {
    json!({"name": "Flu", "medicines": prescription()["medicines"]})
}

/// Where nobody is reached.
pub fn webhook_subscription() -> Value {
    json!({"url": "https://hooks.example.invalid/consilium", "event_types": ["appointment_*"]})
}

/// How a recording begins.
pub const SEGMENT: &[u8] = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm and so on";

/// What somebody says to being recorded.
pub fn consents(given: bool) -> Value {
    json!({"given": given, "text_version": "1"})
}

/// What the patient reports.
pub fn issue() -> Value {
    json!({"category": "audio", "severity": "low", "description": "No sound"})
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().expect("items").iter().map(|item| text(item, "id").to_owned()).collect()
}

/// What the doctor prescribes.
pub fn prescription() -> Value {
    let medicine = json!({
        "name": "Paracetamol 500 mg", "dose": "1 tablet", "route": "oral", "frequency": "three times a day",
        "duration_days": 3,
    });
    json!({"diagnosis": "A cold", "medicines": [medicine]})
}

/// The id of the first item of a list, once it is there.
async fn first(person: &Person, list: &str) -> String {
    for _ in 0..100 {
        let page = person.get(list).await.expect(200);
        if let Some(id) = page["items"][0]["id"].as_str() {
            return id.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{list} stays empty");
}
