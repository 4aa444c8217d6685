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
            prescription: Value::Null,
            notification: String::new(),
            delivery: String::new(),
            subscription: String::new(),
            count: Cell::new(0),
        };
        world.consultation = world.begun().await;
        world.prescription = world.prescribe(&world.consultation).await;
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

    /// The id of a consultation that has begun.
    pub async fn begun(&self) -> String {
        let id = self.agreed().await;
        self.doctor.post(&format!("/consultations/{id}/start"), Value::Null).await.expect(200);
        id
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

    /// A prescription of this consultation.
    pub async fn prescribe(&self, consultation: &str) -> Value {
        self.doctor.post(&format!("/consultations/{consultation}/prescriptions"), prescription()).await.expect(201)
    }
}

/// Where nobody is reached.
pub fn webhook_subscription() -> Value {
    json!({"url": "https://hooks.example.invalid/consilium", "event_types": ["appointment_*"]})
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
