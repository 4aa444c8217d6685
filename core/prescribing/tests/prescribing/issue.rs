//! Who may write and read what, and what a signature is worth.

use consilium_db::{outbox, testing::TestDb};
use consilium_kernel::{Id, Role, User};
use consilium_people::{Decision, MePatch, VerifyDoctor};
use consilium_prescribing::{SignedDocument, canonical, verify};

use crate::world::{DIAGNOSIS, MEDICINE, World, code, draft, keyed, meta, staff};

#[actix_rt::test]
async fn a_doctor_prescribes_while_and_after_the_patient_is_there() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let issue = async |who: &User| world.prescribing.issue(&meta(who), world.consultation, draft()).await;
        assert_eq!(code(issue(&world.doctor).await), "invalid_transition", "nobody has met yet");
        world.consultations.start(meta(&world.doctor), world.consultation).await.unwrap();
        let during = issue(&world.doctor).await.unwrap();
        assert_eq!(during.status().to_string(), "issued");
        assert_eq!(during.document.patient.allergies, ["Penicillin"]);
        assert_eq!(during.document.doctor.display_name, "Dr. Ayesha Rahman");
        assert_eq!(during.document.valid_until.to_string(), "2026-07-01");
        world.pass(600);
        world.consultations.end(meta(&world.doctor), world.consultation).await.unwrap();
        issue(&world.doctor).await.unwrap();
        assert_eq!(world.told().await, ["prescription_issued issued"; 2]);
    }
}

#[actix_rt::test]
async fn nobody_else_prescribes_and_nobody_learns_why() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        for other in
            [&world.other_doctor, &world.patient, &world.stranger, &staff(Role::Admin), &staff(Role::Pharmacist)]
        {
            let refused = world.prescribing.issue(&meta(other), world.consultation, draft()).await;
            assert_eq!(code(refused), "not_found", "{}", other.role);
        }
        let nowhere =
            world.prescribing.issue(&meta(&world.doctor), Id::new(world.doctor.user_id.uuid()), draft()).await;
        assert_eq!(code(nowhere), "not_found");
        let mut foreign = world.doctor.clone();
        foreign.facility_id = Id::new(world.doctor.user_id.uuid());
        assert_eq!(code(world.prescribing.issue(&meta(&foreign), world.consultation, draft()).await), "not_found");
        let rejected = VerifyDoctor { decision: Decision::Rejected, reason: Some("expired licence".to_owned()) };
        let admin = meta(&staff(Role::Admin));
        world.people.verify_doctor(&admin, world.doctor.doctor_id.unwrap(), rejected).await.unwrap();
        let refused = world.prescribing.issue(&meta(&world.doctor), world.consultation, draft()).await;
        assert_eq!(code(refused), "doctor_not_verified");
        assert!(world.told().await.is_empty());
    }
}

#[actix_rt::test]
async fn what_is_wrong_is_said_and_changes_nothing() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let mut wrong = draft();
        wrong.medicines[1].duration_days = 366;
        wrong.follow_up_on = Some("2026-05-31".to_owned());
        let refusal = world.prescribing.issue(&meta(&world.doctor), world.consultation, wrong).await.unwrap_err();
        let fields: Vec<_> = refusal.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(fields, ["/medicines/1/duration_days", "/follow_up_on"]);
        // Every field alone fits, all together cannot be printed.
        let mut long = draft();
        let mut medicine = long.medicines[0].clone();
        medicine.instructions = Some("word ".repeat(199));
        long.medicines = vec![medicine; 30];
        let refusal = world.prescribing.issue(&meta(&world.doctor), world.consultation, long).await.unwrap_err();
        assert_eq!(refusal.errors[0].code, "too_long");
        assert!(world.told().await.is_empty());
    }
}

#[actix_rt::test]
async fn a_repeated_command_gives_the_same_prescription() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let once = world.prescribing.issue(&keyed(&world.doctor, "k1"), world.consultation, draft()).await.unwrap();
        let twice = world.prescribing.issue(&keyed(&world.doctor, "k1"), world.consultation, draft()).await.unwrap();
        assert_eq!(once, twice);
        let send = async || world.prescribing.send(&keyed(&world.patient, "k2"), once.document.id, None).await.unwrap();
        assert_eq!(send().await, send().await);
        assert_eq!(world.told().await, ["prescription_issued issued", "prescription_sent queued"]);
    }
}

#[actix_rt::test]
async fn patient_doctor_and_pharmacist_read_it_and_foreign_reads_are_audited() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let id = world.issue().await.document.id;
        let read = async |who: &User| world.prescribing.prescription(&meta(who), id).await;
        let list = async |who: &User| {
            world
                .prescribing
                .of_consultation(&meta(who), world.consultation, None, None)
                .await
                .map(|page| page.items.len())
        };
        for nobody in
            [&world.other_doctor, &world.stranger, &staff(Role::Admin), &staff(Role::Nurse), &staff(Role::Support)]
        {
            assert_eq!(code(read(nobody).await), "not_found", "{}", nobody.role);
            assert_eq!(code(list(nobody).await), "not_found", "{}", nobody.role);
            assert_eq!(code(world.prescribing.pdf(&meta(nobody), id).await), "not_found");
        }
        let mut elsewhere = staff(Role::Pharmacist);
        elsewhere.facility_id = Id::new(id.uuid());
        assert_eq!(code(read(&elsewhere).await), "not_found");
        assert_eq!(read(&world.patient).await.unwrap().document.diagnosis, DIAGNOSIS);
        assert_eq!(list(&world.patient).await.unwrap(), 1);
        assert_eq!((world.audited("read_prescription").await, world.audited("read_prescriptions").await), (0, 0));
        for reader in [&world.doctor, &staff(Role::Pharmacist)] {
            assert_eq!(read(reader).await.unwrap().document.medicines[0].name, MEDICINE);
            assert_eq!(list(reader).await.unwrap(), 1);
        }
        assert_eq!((world.audited("read_prescription").await, world.audited("read_prescriptions").await), (2, 2));
    }
}

#[actix_rt::test]
async fn a_list_goes_on_where_it_ended() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let mut issued = Vec::new();
        for _ in 0..5 {
            issued.push(world.issue().await.document.id);
        }
        issued.reverse();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = world
                .prescribing
                .of_consultation(&meta(&world.patient), world.consultation, Some(2), cursor)
                .await
                .unwrap();
            assert!(page.items.len() <= 2);
            seen.extend(page.items.iter().map(|item| item.document.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, issued);
    }
}

#[actix_rt::test]
async fn what_was_signed_stays_what_it_was() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let issued = world.issue().await;
        let renamed = MePatch { family_name: Some("Khatun".to_owned()), ..MePatch::default() };
        world.people.patch_me(&meta(&world.patient), renamed).await.unwrap();
        let read = world.prescribing.prescription(&meta(&world.patient), issued.document.id).await.unwrap();
        assert_eq!(read, issued);
        assert_eq!(read.document.patient.family_name, "Example");
    }
}

/// Every leaf of the signed document, changed one at a time, breaks the signature.
#[actix_rt::test]
async fn a_signature_breaks_with_any_field() {
    let world = World::begun(TestDb::sqlite()).await;
    let issued = world.issue().await;
    let keys = world.test.db.vault().keys();
    let text = canonical(&issued.document).unwrap();
    assert!(verify(keys, &text, &issued.signature));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut leaves = Vec::new();
    pointers(&document, String::new(), &mut leaves);
    assert!(leaves.len() > 30, "{leaves:?}");
    for leaf in leaves {
        let mut changed = document.clone();
        let value = changed.pointer_mut(&leaf).unwrap();
        *value = match value {
            serde_json::Value::Number(number) => (number.as_i64().unwrap() + 1).into(),
            serde_json::Value::String(text) => format!("{text}.").into(),
            _ => "something".into(),
        };
        assert!(!verify(keys, &changed.to_string(), &issued.signature), "{leaf} may be changed");
        if let Ok(parsed) = serde_json::from_value::<SignedDocument>(changed) {
            assert!(!verify(keys, &canonical(&parsed).unwrap(), &issued.signature), "{leaf} may be changed");
        }
    }
    let mut forged = issued.signature.clone();
    forged.bytes[0] ^= 1;
    assert!(!verify(keys, &text, &forged));
    forged = issued.signature.clone();
    forged.key = "another".to_owned();
    assert!(!verify(keys, &text, &forged));
}

fn pointers(value: &serde_json::Value, at: String, leaves: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| pointers(value, format!("{at}/{name}"), leaves));
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, value)| pointers(value, format!("{at}/{place}"), leaves));
        }
        _ => leaves.push(at),
    }
}

#[actix_rt::test]
async fn a_day_to_come_again_is_told_to_whoever_arranges_it() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let mut without = draft();
        without.follow_up_on = None;
        world.prescribing.issue(&meta(&world.doctor), world.consultation, without).await.unwrap();
        assert_eq!(world.audited("follow_up_advised").await, 0);
        let issued = world.prescribing.issue(&meta(&world.doctor), world.consultation, draft()).await.unwrap();
        assert_eq!(world.audited("follow_up_advised").await, 1);
        let told = emitted(&world, "follow_up_advised").await;
        assert_eq!(told["prescription_id"], issued.document.id.to_string());
        assert_eq!(told["follow_up_on"], "2026-06-15", "the day alone");
        assert!(!told.to_string().contains(DIAGNOSIS));
    }
}

/// The data of the first event of this type. On PostgreSQL it shows only once no older transaction runs, and
/// there may be some in the databases of other tests.
async fn emitted(world: &World, event_type: &'static str) -> serde_json::Value {
    for _ in 0..200 {
        let read = |session: &mut consilium_db::Session<'_>| {
            let start = outbox::Position::default();
            (0..16).map(|shard| outbox::read_after(session, shard, start, 1_000)).collect::<Result<Vec<_>, _>>()
        };
        let events = world.test.db.read(read).await.unwrap();
        let mut found = events.into_iter().flatten().map(|(_, event)| event);
        if let Some(event) = found.find(|event| event.event_type == event_type) {
            return event.data;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no {event_type}");
}
