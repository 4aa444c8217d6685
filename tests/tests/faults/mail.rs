//! The mail server is away: mail is late, none is lost, none is doubled, and what is given up can be seen.

use std::collections::BTreeMap;

use consilium_tests::{
    app::Backend,
    client::{Person, email, text},
    deployment::Deployment,
    smtp::{Action, ReceivedMail, SmtpServer, Stage},
};
use serde_json::{Value, json};

use crate::{PATIENCE, doctor, until};

async fn deliveries(admin: &Person, status: &str) -> Vec<Value> {
    let mut page = admin.get(&format!("/admin/notifications?limit=100&status={status}")).await.expect(200);
    page["items"].as_array_mut().expect("a list").drain(..).collect()
}

async fn late_and_none_lost(backend: Backend) {
    let smtp = SmtpServer::start().await;
    let mut deployment = Deployment::new(backend);
    deployment.set("SMTP__URL", &smtp.url());
    let server = deployment.serve().await;
    let admin = server.client.login("admin").await;
    let ((doctor, slots), patient) =
        (doctor(&server.client, "ayesha").await, server.client.register("patient", "rafi").await);
    let of = |about: &str| smtp.mails().iter().filter(|mail| mail.subject.contains(about)).count();
    until("the mails about accounts", async || (smtp.arrived() == 3).then_some(Value::Null)).await;

    smtp.go_down().await;
    let mut expected = BTreeMap::new();
    for slot in &slots[..3] {
        let agreed = patient.agree(&doctor, slot).await;
        expected.insert(text(&agreed, "id").to_owned(), slot.clone());
    }
    // Everything else goes on, and everybody who may know sees what waits and why.
    let inbox = until("the inbox", async || {
        let inbox = patient.get("/me/notifications").await.expect(200);
        (inbox["items"].as_array()?.len() == 6).then_some(inbox)
    });
    inbox.await;
    let waits = until("a failed delivery", async || deliveries(&admin, "failed").await.pop()).await;
    assert_eq!((&waits["last_error"], &waits["channel"]), (&json!("connection"), &json!("email")));
    assert_eq!(smtp.arrived(), 3);

    smtp.come_back().await;
    until("every mail", async || (smtp.arrived() == 15).then_some(Value::Null)).await;
    // Booked and confirmed, three times, to two people, each under its own id.
    assert_eq!((of("request for an appointment"), of("onfirmed")), (6, 6));
    for person in ["rafi", "ayesha"] {
        let mails = smtp.mails();
        let told = mails.iter().filter(|mail| mail.is_to(&email(person)) && mail.calendar.is_some());
        let told: Vec<String> = told
            .filter_map(|mail| Some(format!("{} {}", mail.calendar.as_ref()?.property("UID")?, mail.subject)))
            .collect();
        let once: std::collections::BTreeSet<&String> = told.iter().collect();
        assert_eq!((told.len(), once.len()), (6, 6), "{told:?}");
        assert!(expected.keys().all(|id| told.iter().filter(|line| line.starts_with(id)).count() == 2), "{told:?}");
    }

    dead_letters(&smtp, &admin, &patient, &doctor, &slots[3]).await;
    server.stop().await;
}

/// What the mail server will never take is given up, is seen, and goes out under its old id when it is tried again.
async fn dead_letters(smtp: &SmtpServer, admin: &Person, patient: &Person, doctor: &Person, slot: &str) {
    let before = smtp.arrived();
    smtp.fail_next(Stage::Recipient, Action::Refuse(550));
    patient.book(doctor, slot).await.expect(201);
    let dead = until("a dead letter", async || deliveries(admin, "dead").await.pop()).await;
    assert_eq!(dead["last_error"], "smtp_550");
    until("the other mail", async || (smtp.arrived() == before + 1).then_some(Value::Null)).await;
    // A Message-ID is the delivery's id at this server.
    let id = text(&dead, "id");
    let is_it = |mail: &ReceivedMail| mail.message_id.as_deref().is_some_and(|message| message.starts_with(id));
    assert!(!smtp.mails().iter().any(is_it));

    admin.post(&format!("/admin/notifications/{id}/retry"), Value::Null).await.expect(200);
    smtp.wait_within(PATIENCE, is_it).await;
    until("no dead letters", async || deliveries(admin, "dead").await.is_empty().then_some(Value::Null)).await;
}

#[actix_rt::test]
async fn a_mail_server_that_is_away_delays_mail_on_sqlite() {
    late_and_none_lost(Backend::Sqlite).await;
}

#[actix_rt::test]
async fn a_mail_server_that_is_away_delays_mail_on_postgresql() {
    late_and_none_lost(Backend::Postgres).await;
}
