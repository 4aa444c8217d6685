//! Each event brings exactly the deliveries that it should, once.

use consilium_db::{outbox, testing::TestDb, topics};
use consilium_kernel::*;
use consilium_scheduling::Status;
use serde_json::{Value, json};

use super::stage::{CANARY, Stage};
use crate::{model::*, rules::RULES};

/// Event, its data, and who must be told how. Written by hand, not read from the table under test.
fn expectations(stage: &Stage) -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let appointment = |status: Status| {
        let mut it = stage.appointment();
        it.status = status;
        let mut data = serde_json::to_value(&it).unwrap();
        data["by"] = json!("doctor");
        data
    };
    let patient = stage.patient.1;
    let visit = json!({
        "consultation_id": RandomIds.next(), "appointment_id": RandomIds.next(), "doctor_id": stage.doctor.0,
        "patient_id": stage.patient.0, "prescription_id": RandomIds.next(), "status": "dispensed",
    });
    let follow_up = |status: &str| {
        json!({
            "id": RandomIds.next(), "doctor_id": stage.doctor.0, "patient_id": stage.patient.0, "status": status,
            "starts_at": "2026-12-01T09:00:00Z", "expires_at": "2026-11-28T09:00:00Z", "visit_type": "video",
        })
    };
    vec![
        (
            "appointment_booked",
            appointment(Status::Pending),
            vec![
                "appointment_booked/email/doctor",
                "appointment_booked/email/patient",
                "appointment_booked/in_app/doctor",
                "appointment_booked/in_app/patient",
            ],
        ),
        (
            "appointment_accepted",
            appointment(Status::Accepted),
            vec![
                "appointment_accepted/email/doctor",
                "appointment_accepted/email/patient",
                "appointment_accepted/in_app/doctor",
                "appointment_accepted/in_app/patient",
            ],
        ),
        (
            "appointment_rejected",
            appointment(Status::Rejected),
            vec![
                "appointment_rejected/email/doctor",
                "appointment_rejected/email/patient",
                "appointment_rejected/in_app/doctor",
                "appointment_rejected/in_app/patient",
            ],
        ),
        (
            "appointment_cancelled",
            appointment(Status::Cancelled),
            vec![
                "appointment_cancelled/email/doctor",
                "appointment_cancelled/email/patient",
                "appointment_cancelled/in_app/doctor",
                "appointment_cancelled/in_app/patient",
            ],
        ),
        (
            "appointment_rescheduled",
            appointment(Status::Pending),
            vec![
                "appointment_rescheduled/email/doctor",
                "appointment_rescheduled/email/patient",
                "appointment_rescheduled/in_app/doctor",
                "appointment_rescheduled/in_app/patient",
            ],
        ),
        (
            "appointment_no_show",
            appointment(Status::NoShow),
            vec![
                "appointment_no_show/email/patient",
                "appointment_no_show/in_app/doctor",
                "appointment_no_show/in_app/patient",
            ],
        ),
        ("appointment_completed", appointment(Status::Completed), vec![]),
        (
            "email_verification_requested",
            json!({"user_id": patient, "token": "t"}),
            vec!["email_verification/email/patient"],
        ),
        ("password_reset_requested", json!({"user_id": patient, "token": "t"}), vec!["password_reset/email/patient"]),
        (
            "password_changed",
            json!({"user_id": patient}),
            vec!["password_changed/email/patient", "password_changed/in_app/patient"],
        ),
        (
            "refresh_token_reused",
            json!({"user_id": patient, "session_id": RandomIds.next()}),
            vec!["security_alert/email/patient", "security_alert/in_app/patient"],
        ),
        (
            "doctor_verified",
            json!({"doctor_id": stage.doctor.0, "user_id": stage.doctor.1, "decision": "approved"}),
            vec!["doctor_approved/email/doctor", "doctor_approved/in_app/doctor"],
        ),
        (
            "doctor_verified",
            json!({"doctor_id": stage.doctor.0, "user_id": stage.doctor.1, "decision": "rejected",
            "reason": "The licence has expired."}),
            vec!["doctor_rejected/email/doctor", "doctor_rejected/in_app/doctor"],
        ),
        ("consultation_ended", visit.clone(), vec!["consultation_ended/in_app/patient"]),
        (
            "prescription_issued",
            visit.clone(),
            vec!["prescription_issued/email/patient", "prescription_issued/in_app/patient"],
        ),
        ("prescription_status_changed", visit, vec!["prescription_status_changed/in_app/patient"]),
        ("follow_up_held", follow_up("held"), vec!["follow_up_held/email/patient", "follow_up_held/in_app/patient"]),
        (
            "follow_up_expired",
            follow_up("expired"),
            vec!["follow_up_expired/in_app/doctor", "follow_up_expired/in_app/patient"],
        ),
        ("follow_up_declined", follow_up("declined"), vec!["follow_up_declined/in_app/doctor"]),
        (
            "follow_up_unplaced",
            follow_up("unplaced"),
            vec!["follow_up_unplaced/in_app/doctor", "follow_up_unplaced/in_app/patient"],
        ),
        ("message_sent", json!({"body": CANARY}), vec![]),
        (
            "messages_waiting",
            json!({"user_id": patient, "seq": 4, "thread_id": RandomIds.next(), "body": CANARY}),
            vec!["messages_waiting/email/patient", "messages_waiting/in_app/patient"],
        ),
        ("waiting_messages_read", json!({"user_id": patient, "seq": 4, "thread_id": RandomIds.next()}), vec![]),
        ("session_started", json!({"user_id": patient}), vec![]),
    ]
}

fn entity_of(event: &str, data: &Value) -> EntityRef {
    match data.get("id").filter(|_| event.starts_with("appointment")).and_then(|id| id.as_str()) {
        Some(id) => EntityRef::new("appointment", id.parse().unwrap()),
        None => EntityRef::new("account", RandomIds.next()),
    }
}

#[actix_rt::test]
async fn every_event_tells_exactly_whom_it_should() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        let mut before = Vec::new();
        for (event, data, expected) in expectations(&stage) {
            stage.happens(entity_of(event, &data), event, data).await;
            assert_eq!(stage.digest().await, 1);
            let mut after = stage.told().await;
            for known in &before {
                let at = after.iter().position(|it| it == known).unwrap();
                after.remove(at);
            }
            assert_eq!(after, expected, "{event}");
            before = stage.told().await;
        }
    }
}

#[test]
fn every_rule_is_expected_above() {
    let stage = Stage::on(TestDb::sqlite());
    let known: Vec<&str> = expectations(&stage).into_iter().map(|(event, ..)| event).collect();
    for rule in RULES {
        use crate::rules::Trigger::*;
        match rule.trigger {
            Event(event) | EventWith(event, ..) => assert!(known.contains(&event), "{event}"),
            Timer(_) => assert!(rule.kind.is_reminder()),
        }
        // A token belongs into the mailbox that it proves, and nowhere else.
        if matches!(rule.kind, Kind::EmailVerification | Kind::PasswordReset) {
            assert!(rule.to.iter().all(|(_, channels)| *channels == [Channel::Email]));
        }
    }
}

#[actix_rt::test]
async fn the_same_events_again_add_nothing() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        for (event, data, _) in expectations(&stage) {
            stage.happens(entity_of(event, &data), event, data).await;
        }
        let count = stage.digest().await;
        let first = stage.deliveries().await;
        assert!(first.len() > 30, "{}", first.len());
        let topic = format!("user:{}", stage.patient.1);
        let head = |topic: String| stage.test.db.read(move |session| topics::head(session, &topic));
        let published = head(topic.clone()).await.unwrap();
        assert!(published > 5);

        let subscriber = stage.notifications.subscriber();
        let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
        let again = stage.test.db.write(&meta, move |tx| {
            let mut replayed = 0;
            for shard in 0..outbox::SHARDS {
                for (_, event) in outbox::read_after(tx, shard, outbox::Position { tx: -1, id: 0 }, 1_000)? {
                    subscriber.digest(tx, &event)?;
                    replayed += 1;
                }
            }
            Ok(replayed)
        });
        assert_eq!(again.await.unwrap(), count);
        assert_eq!(stage.deliveries().await, first);
        assert_eq!(head(topic).await.unwrap(), published);
    }
}

#[actix_rt::test]
async fn asking_twice_for_a_code_sends_two_mails() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        let account = EntityRef::new("account", stage.patient.1.uuid());
        for token in ["first", "second"] {
            let data = json!({"user_id": stage.patient.1, "token": token});
            stage.happens(account.clone(), "email_verification_requested", data).await;
        }
        stage.digest().await;
        assert_eq!(stage.told().await.len(), 2);
    }
}

#[actix_rt::test]
async fn a_patient_without_an_account_is_no_reason_to_stop() {
    let stage = Stage::on(TestDb::sqlite());
    stage.book.patients.lock().unwrap().get_mut(&stage.patient.0).unwrap().user_id = None;
    stage.scheduled("appointment_accepted", &stage.appointment()).await;
    stage.digest().await;
    assert_eq!(stage.told().await, ["appointment_accepted/email/doctor", "appointment_accepted/in_app/doctor"]);
}

/// Names, addresses, reasons and tokens stand nowhere in the database file or its log.
#[actix_rt::test]
async fn nothing_about_a_patient_is_readable_in_the_database() {
    let stage = Stage::on(TestDb::sqlite());
    stage.scheduled("appointment_accepted", &stage.appointment()).await;
    let data = json!({"user_id": stage.patient.1, "token": format!("{CANARY}token")});
    stage.happens(EntityRef::new("account", RandomIds.next()), "email_verification_requested", data).await;
    stage.digest().await;
    stage.send().await;
    assert_eq!(stage.post.kinds().len(), 3);
    let mut searched = 0;
    for file in std::fs::read_dir(&stage.test.folder).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("consilium.db") {
            let bytes = std::fs::read(&path).unwrap();
            searched += bytes.len();
            assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{}", path.display());
            assert!(!bytes.windows(10).any(|window| window == b"Dr. Rahman"), "{}", path.display());
        }
    }
    assert!(searched > 100_000);
}
