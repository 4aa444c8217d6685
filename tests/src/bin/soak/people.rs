//! Who meets whom.

use consilium_tests::{
    app::daily,
    client::{Client, Person, text},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

/// Requests under way at once while people are made.
const AT_ONCE: usize = 8;

/// Somebody in a consultation.
pub struct Seat {
    /// `http://host:port`.
    pub address: String,
    /// The access token.
    pub token: String,
    /// The account.
    pub user: String,
    /// Of the consultation.
    pub topic: String,
}

/// So many consultations in progress, each with a doctor and a patient of its own.
pub async fn meet(client: &Client, consultations: usize) -> Vec<[Seat; 2]> {
    let admin = client.login("admin").await;
    stream::iter(0..consultations).map(|number| pair(client, &admin, number)).buffer_unordered(AT_ONCE).collect().await
}

async fn pair(client: &Client, admin: &Person, number: usize) -> [Seat; 2] {
    let doctor = client.register("doctor", &format!("doctor-{number}")).await;
    let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
    admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
    doctor.set_hours(daily("00:00", "24:00")).await;
    let patient = client.register("patient", &format!("patient-{number}")).await;
    let slot = patient.slots(&doctor).await.into_iter().next().expect("a free slot");
    let agreed = patient.agree(&doctor, &slot).await;
    let id = text(&agreed, "consultation_id");
    doctor.post(&format!("/consultations/{id}/start"), Value::Null).await.expect(200);
    [doctor, patient].map(|person| Seat {
        address: person.address().to_owned(),
        token: person.token().to_owned(),
        user: person.id.clone(),
        topic: format!("consultation:{id}"),
    })
}
