//! The doctor's notes: versioned, sealed, and nobody else's.

use consilium_consultations::NotesText;
use consilium_db::testing::TestDb;
use consilium_kernel::{RefusalKind, Role};

use crate::world::{World, code, meta, nine, staff};

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
