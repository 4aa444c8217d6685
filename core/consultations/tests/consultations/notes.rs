//! The doctor's notes: versioned, sealed, and nobody else's.

use consilium_consultations::{AmendmentText, NotesText};
use consilium_db::{signing::verify, testing::TestDb};
use consilium_kernel::{RefusalKind, Role};

use crate::world::{World, code, keyed, meta, nine, staff};

#[actix_rt::test]
async fn notes_are_versioned_and_for_the_treating_doctor_alone() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let (consultations, doctor) = (&world.consultations, meta(&world.doctor));
        let empty = consultations.notes(&doctor, id).await.unwrap();
        assert_eq!((empty.version, empty.text), (0, NotesText::default()));
        let text = |plan: &str| NotesText { plan: plan.to_owned(), ..NotesText::default() };
        assert_eq!(consultations.put_notes(doctor.clone(), id, 0, text("rest")).await.unwrap().version, 1);
        for stale in [0, 2] {
            let refusal = consultations.put_notes(doctor.clone(), id, stale, text("lost")).await.unwrap_err();
            assert_eq!((refusal.kind, refusal.code.as_ref()), (RefusalKind::Stale, "stale"));
        }
        let saved = consultations.put_notes(doctor.clone(), id, 1, text("rest, and tea")).await.unwrap();
        assert_eq!(consultations.notes(&doctor, id).await.unwrap(), saved);
        assert_eq!(world.audited("read_notes").await, 2);
        let long = NotesText { objective: "x".repeat(20_001), ..NotesText::default() };
        assert_eq!(code(consultations.put_notes(doctor, id, 2, long).await), "invalid");
        for (who, refusal) in
            [(patient, "forbidden"), (staff(Role::Admin), "not_found"), (staff(Role::Nurse), "not_found")]
        {
            assert_eq!(code(consultations.notes(&meta(&who), id).await), refusal);
            assert_eq!(code(consultations.put_notes(meta(&who), id, 2, text("mine")).await), refusal);
        }
        assert!(world.event_names(id).await.is_empty(), "notes are never told on the topic");
    }
}

#[actix_rt::test]
async fn signed_notes_are_only_amended_and_each_signature_holds_on_sqlite_and_postgres() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let (consultations, doctor) = (&world.consultations, meta(&world.doctor));
        let text = |plan: &str| NotesText { plan: plan.to_owned(), ..NotesText::default() };
        let amendment = |text: &str| AmendmentText { text: text.to_owned(), reason: "a slip".to_owned() };
        assert_eq!(code(consultations.sign_notes(doctor.clone(), id, None).await), "invalid_transition");
        consultations.start(doctor.clone(), id).await.unwrap();
        assert_eq!(code(consultations.sign_notes(doctor.clone(), id, None).await), "notes_empty");
        consultations.put_notes(doctor.clone(), id, 0, text("rest the left knee")).await.unwrap();
        assert_eq!(code(consultations.amend_notes(doctor.clone(), id, amendment("right")).await), "notes_not_signed");
        assert_eq!(code(consultations.sign_notes(doctor.clone(), id, Some(0)).await), "stale");
        let key = keyed(&world.doctor, "sign");
        let signed = consultations.sign_notes(key.clone(), id, Some(1)).await.unwrap();
        assert_eq!(consultations.sign_notes(key, id, Some(1)).await.unwrap(), signed, "a repeated request");
        assert_eq!(code(consultations.sign_notes(doctor.clone(), id, None).await), "notes_signed");
        assert_eq!(code(consultations.put_notes(doctor.clone(), id, 2, text("gone")).await), "notes_signed");
        let blank = AmendmentText { text: "right".to_owned(), reason: String::new() };
        assert_eq!(code(consultations.amend_notes(doctor.clone(), id, blank).await), "invalid");
        for (who, refusal) in [(&patient, "forbidden"), (&staff(Role::Admin), "not_found")] {
            assert_eq!(code(consultations.sign_notes(meta(who), id, None).await), refusal);
            assert_eq!(code(consultations.amend_notes(meta(who), id, amendment("x")).await), refusal);
        }
        consultations.amend_notes(doctor.clone(), id, amendment("the right knee")).await.unwrap();
        let last = consultations.amend_notes(doctor.clone(), id, amendment("both knees")).await.unwrap();
        let read = consultations.notes(&doctor, id).await.unwrap();
        assert_eq!(read, last);
        assert_eq!((read.version, read.text.plan.as_str()), (4, "rest the left knee"), "what was signed stands");
        let numbers: Vec<_> = read.amendments.iter().map(|one| (one.number, one.text.text.as_str())).collect();
        assert_eq!(numbers, [(1, "the right knee"), (2, "both knees")]);
        let keys = world.test.db.vault().keys();
        let all: Vec<_> = read.signed.iter().chain(read.amendments.iter().map(|one| &one.signed)).collect();
        for (place, signed) in all.iter().enumerate() {
            assert!(verify(keys, &signed.document, &signed.signature), "signature {place}");
            let forged = signed.document.replace("knee", "foot");
            assert!(!verify(keys, &forged, &signed.signature), "signature {place} over another text");
        }
        for (before, after) in all.iter().zip(&all[1..]) {
            let hex: String = before.signature.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(after.document.contains(&hex), "each names the one before");
        }
        assert_eq!((world.audited("notes_signed").await, world.audited("notes_amended").await), (1, 2));
    }
}
