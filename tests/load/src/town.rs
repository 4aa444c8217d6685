//! The people in whose name a server is asked, and how a server is set up to be measured.

use std::path::Path;

use consilium_tests::{
    app::Backend,
    client::{Client, Person, text},
    deployment::{Deployment, Server},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

/// Requests under way at once while people are made.
const AT_ONCE: usize = 8;

/// A server with people.
pub struct Town {
    /// Where its data is.
    pub deployment: Deployment,
    /// The program.
    pub server: Server,
    /// Verified, and bookable every day.
    pub doctors: Vec<Person>,
    pub patients: Vec<Person>,
    /// Where the server tells its metrics, `http://host:port`.
    pub metrics: String,
}

/// A consultation with the tokens of those who take part.
#[derive(Debug, Clone)]
pub struct Meeting {
    pub consultation: String,
    pub doctor: String,
    pub patient: String,
}

impl Meeting {
    /// What its connections watch.
    pub fn topic(&self) -> String {
        format!("consultation:{}", self.consultation)
    }
}

/// As operators run it, but for what would only measure the measuring: limits of one client's rate, hashes of
/// passwords, tokens that end during a long run.
pub fn deployment(program: &Path, backend: Backend) -> Deployment {
    let mut deployment = Deployment::of(program.to_path_buf(), backend);
    deployment.set("LOG__FILTER", "info");
    deployment.set("METRICS__ENABLED", "true");
    deployment.set("IDENTITY__ACCESS_TOKEN_MINUTES", "60");
    deployment
}

impl Town {
    /// A new one.
    pub async fn build(program: &Path, backend: Backend, hours: Hours, doctors: usize, patients: usize) -> Self {
        let mut deployment = deployment(program, backend);
        let port = free_port();
        deployment.set("METRICS__PORT", &port.to_string());
        let server = deployment.serve().await;
        let client = &server.client;
        let admin = &client.login("admin").await;
        let doctors = stream::iter(0..doctors).map(|number| doctor(client, admin, hours, number)).buffered(AT_ONCE);
        let doctors = doctors.collect().await;
        let patients = stream::iter(0..patients).map(|number| patient(client, number)).buffered(AT_ONCE);
        let patients = patients.collect().await;
        Self { deployment, server, doctors, patients, metrics: format!("http://127.0.0.1:{port}") }
    }

    /// Every patient books so many appointments with one of the doctors.
    pub async fn book_some(&self, each: usize) {
        let mut waiting: Vec<Vec<&Person>> = vec![Vec::new(); self.doctors.len()];
        for (number, patient) in self.patients.iter().enumerate() {
            waiting[number % self.doctors.len()].push(patient);
        }
        let pairs = self.doctors.iter().zip(waiting).filter(|(_, patients)| !patients.is_empty());
        let booked = pairs.map(|(doctor, patients)| async move {
            let slots = patients[0].slots(doctor).await;
            assert!(slots.len() >= patients.len() * each, "{} slots are too few", slots.len());
            for (patient, slots) in patients.iter().zip(slots.chunks(each)) {
                for slot in slots {
                    patient.book(doctor, slot).await.expect(201);
                }
            }
        });
        stream::iter(booked).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }

    /// Every patient has a consultation with one of the doctors.
    pub async fn meet(&self) -> Vec<Meeting> {
        let mut waiting: Vec<Vec<&Person>> = vec![Vec::new(); self.doctors.len()];
        for (number, patient) in self.patients.iter().enumerate() {
            waiting[number % self.doctors.len()].push(patient);
        }
        let met = self.doctors.iter().zip(waiting).map(|(doctor, patients)| async move {
            let slots = doctor.slots(doctor).await;
            assert!(slots.len() >= patients.len(), "{} slots are too few", slots.len());
            let mut meetings = Vec::new();
            for (patient, slot) in patients.into_iter().zip(&slots) {
                let agreed = patient.agree(doctor, slot).await;
                let consultation = text(&agreed, "consultation_id").to_owned();
                // A login has one connection; the doctor needs one for each consultation.
                let doctor = doctor.again().await.token().to_owned();
                meetings.push(Meeting { consultation, doctor, patient: patient.token().to_owned() });
            }
            meetings
        });
        stream::iter(met).buffer_unordered(AT_ONCE).concat().await
    }

    /// Where it answers, `http://host:port`.
    pub fn address(&self) -> &str {
        self.server.client.address()
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}

const SPECIALTIES: [&str; 5] = ["cardiology", "dermatology", "neurology", "paediatrics", "psychiatry"];

async fn doctor(client: &Client, admin: &Person, hours: Hours, number: usize) -> Person {
    let doctor = client.register("doctor", &format!("doctor-{number}")).await;
    let path = format!("/doctors/{}", doctor.doctor_id);
    let seen = doctor.get(&path).await;
    let profile = json!({"specialty": SPECIALTIES[number % SPECIALTIES.len()], "languages": ["en", "bn"]});
    doctor.patch(&path, profile).header("If-Match", seen.header("etag")).await.expect(200);
    let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
    admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
    doctor.set_hours(hours.weekly()).await;
    doctor
}

async fn patient(client: &Client, number: usize) -> Person {
    client.register("patient", &format!("patient-{number}")).await
}

/// When the doctors of a town can be booked, every day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    /// From nine to five in slots of half an hour.
    Office,
    /// Around the clock in slots of five minutes: room for many bookings.
    All,
}

impl Hours {
    fn weekly(self) -> Value {
        let (start, end, minutes) = match self {
            Self::Office => ("09:00", "17:00", 30),
            Self::All => ("00:00", "24:00", 5),
        };
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let weekly: Vec<Value> = days.iter().map(|day| json!({"day": day, "start": start, "end": end})).collect();
        json!({"time_zone": "UTC", "weekly": weekly, "slot_minutes": minutes})
    }
}
