//! Which browsers are told what: a row for each, once.

use consilium_db::testing::TestDb;
use consilium_kernel::*;
use serde_json::json;

use super::stage::Stage;
use crate::{
    BrowserAddress, PushSettings, PushSubscription,
    model::{Delivery, *},
};

/// The key of RFC 8291, appendix A.
const POINT: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

async fn subscribe(stage: &Stage, meta: &CommandMeta, name: &str) -> PushSubscription {
    let endpoint = format!("https://push.example.org/{name}");
    let address = BrowserAddress { endpoint, p256dh: POINT.to_owned(), auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned() };
    stage.notifications.subscribe(meta, address, &PushSettings::default()).await.unwrap()
}

async fn pushes(stage: &Stage) -> Vec<Delivery> {
    stage.deliveries().await.into_iter().filter(|it| it.channel == Channel::Push).collect()
}

#[actix_rt::test]
async fn each_browser_has_a_row_of_its_own_once() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        for name in ["phone", "laptop"] {
            subscribe(&stage, &stage.as_patient(), name).await;
        }
        let appointment = stage.appointment();
        stage.scheduled("appointment_accepted", &appointment).await;
        stage.digest().await;
        assert_eq!(pushes(&stage).await.len(), 2);
        stage.scheduled("appointment_accepted", &appointment).await; // the same revision told again
        stage.digest().await;
        let told = pushes(&stage).await;
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|it| it.recipient_id == stage.patient.1 && it.status == DeliveryStatus::Queued));
    }
}

#[actix_rt::test]
async fn codes_and_what_can_wait_are_not_pushed() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        subscribe(&stage, &stage.as_patient(), "phone").await;
        let patient = stage.patient.1;
        let visit = json!({
            "consultation_id": RandomIds.next(), "appointment_id": RandomIds.next(), "doctor_id": stage.doctor.0,
            "patient_id": stage.patient.0, "prescription_id": RandomIds.next(), "status": "dispensed",
        });
        let account = || EntityRef::new("account", RandomIds.next());
        for event in ["email_verification_requested", "password_reset_requested"] {
            stage.happens(account(), event, json!({"user_id": patient, "token": "t"})).await;
        }
        stage.happens(account(), "consultation_ended", visit.clone()).await;
        stage.digest().await;
        assert_eq!(pushes(&stage).await, []);
        for event in ["prescription_issued", "prescription_status_changed"] {
            stage.happens(account(), event, visit.clone()).await;
        }
        stage.happens(account(), "messages_waiting", json!({"user_id": patient, "seq": 1})).await;
        stage.digest().await;
        assert_eq!(pushes(&stage).await.len(), 3);
    }
}

#[actix_rt::test]
async fn a_login_that_ends_takes_its_browser_with_it_and_a_new_password_all() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        let (here, there) = (stage.as_patient(), stage.as_patient());
        subscribe(&stage, &here, "phone").await;
        let kept = subscribe(&stage, &there, "laptop").await;
        let own = async || stage.notifications.subscriptions(&here).await.unwrap();
        let account = EntityRef::new("account", stage.patient.1.uuid());
        let ended = json!({"user_id": stage.patient.1, "session_id": here.principal.user().unwrap().session_id});
        stage.happens(account.clone(), "session_ended", ended).await;
        stage.digest().await;
        assert_eq!(own().await, [kept]);
        let others = json!({"user_id": stage.doctor.1});
        stage.happens(account.clone(), "password_changed", others).await;
        stage.digest().await;
        assert_eq!(own().await.len(), 1);
        stage.happens(account, "password_changed", json!({"user_id": stage.patient.1})).await;
        stage.digest().await;
        assert_eq!(own().await, []);
    }
}

#[actix_rt::test]
async fn the_key_is_told_and_what_is_not_there_cannot_be_unsubscribed() {
    let stage = Stage::on(TestDb::sqlite());
    assert_eq!(stage.notifications.push_key().unwrap().len(), 87, "65 bytes as base64url");
    let foreign = stage.notifications.unsubscribe(&stage.as_doctor(), Id::new(RandomIds.next())).await;
    assert_eq!(foreign.unwrap_err().kind, RefusalKind::NotFound);
}
