//! Patients without an appointment: who may come, and how they share the doctor's time with those who are booked.

use consilium_consultations::{NewWalkIn, Part, Policy, Status, WalkIns};
use consilium_db::testing::TestDb;
use consilium_kernel::{Role, Timestamp, User};
use consilium_scheduling::{AppointmentKind, BookAppointment, Status as AppointmentStatus, VisitType};

use crate::world::{World, code, keyed, meta, nine, staff};

fn booking(world: &World, starts_at: &str) -> BookAppointment {
    BookAppointment {
        doctor_id: world.doctor_id(),
        starts_at: format!("2026-06-01T{starts_at}:00Z").parse::<Timestamp>().unwrap(),
        reason: "cough".to_owned(),
        symptoms: None,
        visit_type: VisitType::Video,
        is_emergency: false,
    }
}

#[actix_rt::test]
async fn a_walk_in_waits_at_once_and_is_done_once() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        world.at("09:03:00");
        let first = world.consultations.walk_in(keyed(&patient, "k"), world.walk_in()).await.unwrap();
        let again = world.consultations.walk_in(keyed(&patient, "k"), world.walk_in()).await.unwrap();
        assert_eq!(first.consultation.id, again.consultation.id);
        let consultation = world.state(first.consultation.id).await;
        assert_eq!((consultation.status, consultation.kind), (Status::Waiting, AppointmentKind::WalkIn));
        assert!(consultation.is_present(Part::Patient));
        assert_eq!(first.waiting.unwrap().position, 1);
        let found = world.scheduling.appointment(&meta(&patient), consultation.appointment_id).await.unwrap();
        assert_eq!((found.status, found.kind), (AppointmentStatus::Accepted, AppointmentKind::WalkIn));
        assert_eq!(found.reason.as_deref(), Some("fever"));
        assert_eq!(
            (found.starts_at.to_string(), found.consultation_id),
            ("2026-06-01T09:03:00Z".to_owned(), Some(consultation.id))
        );
        // Waiting somewhere, one does not begin to wait elsewhere.
        assert_eq!(code(world.consultations.walk_in(meta(&patient), world.walk_in()).await), "already_waiting");
        // And going is possible before and after the schedule has heard of it.
        let cancelled = world.scheduling.cancel(meta(&patient), consultation.appointment_id, None).await.unwrap();
        assert_eq!(cancelled.status, AppointmentStatus::Cancelled);
        world.follow().await;
        assert_eq!(world.state(consultation.id).await.status, Status::Abandoned);
        world.told_line(&[]).await;
        assert_eq!(code(world.scheduling.cancel(meta(&patient), found.id, None).await), "invalid_transition");
    }
}

#[actix_rt::test]
async fn who_may_bring_whom() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (ada, bob) = (world.patient("ada").await, world.patient("bob").await);
        let walk_in = async |who: &User, new: NewWalkIn| world.consultations.walk_in(meta(who), new).await;
        let of = |patient: &User| NewWalkIn { patient_id: patient.patient_id, ..world.walk_in() };
        let unknown = Some(consilium_kernel::Id::new(uuid::Uuid::from_u128(404)));
        for (who, new, refusal) in [
            (&ada, of(&bob), "not_found"),
            (&ada, NewWalkIn { triage_level: Some(1), ..world.walk_in() }, "invalid"),
            (&ada, NewWalkIn { reason: " ".to_owned(), ..world.walk_in() }, "invalid"),
            (
                &ada,
                NewWalkIn { doctor_id: consilium_kernel::Id::new(uuid::Uuid::from_u128(404)), ..of(&ada) },
                "doctor_not_found",
            ),
            (&User { email_verified: false, ..ada.clone() }, world.walk_in(), "email_not_verified"),
            (&staff(Role::Nurse), world.walk_in(), "invalid"),
            (&staff(Role::Nurse), NewWalkIn { triage_level: Some(6), ..of(&bob) }, "invalid"),
            (&staff(Role::Nurse), NewWalkIn { patient_id: unknown, ..world.walk_in() }, "not_found"),
            (&staff(Role::Doctor), of(&bob), "forbidden"),
            (&staff(Role::Pharmacist), of(&bob), "forbidden"),
            (&staff(Role::Admin), of(&bob), "forbidden"),
        ] {
            assert_eq!(code(walk_in(who, new).await), refusal, "{}", who.role);
        }
        assert!(world.consultations.waiting_line(&meta(&world.doctor), world.doctor_id()).await.unwrap().is_empty());
        let brought = walk_in(&staff(Role::Support), of(&ada)).await.unwrap();
        assert!(!brought.consultation.is_present(Part::Patient), "whoever registers them is not the patient");
        assert_eq!(brought.waiting.unwrap().position, 1, "they wait nevertheless");
        walk_in(&world.doctor, of(&bob)).await.unwrap();
        let joined = world.consultations.join(meta(&ada), brought.consultation.id).await.unwrap();
        assert_eq!(joined.waiting.unwrap().position, 1);
    }
}

#[actix_rt::test]
async fn a_doctor_closes_the_queue_and_it_has_a_bound() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let doctor = world.doctor_id();
        let mine = meta(&world.doctor);
        let ada = world.patient("ada").await;
        world.consultations.take_walk_ins(mine.clone(), doctor, WalkIns::Never).await.unwrap();
        assert_eq!(code(world.consultations.walk_in(meta(&ada), world.walk_in()).await), "walk_ins_closed");
        world.consultations.take_walk_ins(mine.clone(), doctor, WalkIns::InHours).await.unwrap();
        // The doctor works on Mondays.
        world.test.clock.set("2026-06-02T09:00:00Z".parse().unwrap());
        assert_eq!(code(world.consultations.walk_in(meta(&ada), world.walk_in()).await), "walk_ins_closed");
        world.consultations.take_walk_ins(mine.clone(), doctor, WalkIns::Always).await.unwrap();

        let small = world.ruled_by(Policy { most_walk_ins: 1, ..Policy::default() });
        small.walk_in(meta(&ada), world.walk_in()).await.unwrap();
        let bob = world.patient("bob").await;
        assert_eq!(code(small.walk_in(meta(&bob), world.walk_in()).await), "waiting_room_full");
        // Emergencies find room, but not without end.
        for name in ["c", "d", "e", "f", "g"] {
            let patient = world.patient(name).await;
            small.walk_in(meta(&patient), NewWalkIn { is_emergency: true, ..world.walk_in() }).await.unwrap();
        }
        let urgent = NewWalkIn { is_emergency: true, ..world.walk_in() };
        assert_eq!(code(small.walk_in(meta(&bob), urgent).await), "waiting_room_full");
    }
}

#[actix_rt::test]
async fn two_who_come_for_the_last_place_do_not_both_get_it() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (ada, bob) = (world.patient("ada").await, world.patient("bob").await);
        let small = world.ruled_by(Policy { most_walk_ins: 1, ..Policy::default() });
        let (one, other) =
            futures_util::join!(small.walk_in(meta(&ada), world.walk_in()), small.walk_in(meta(&bob), world.walk_in()));
        let refused: Vec<String> =
            [one, other].into_iter().filter_map(|came| came.err()).map(|refusal| refusal.code.into_owned()).collect();
        assert_eq!(refused, ["waiting_room_full"]);
    }
}

#[actix_rt::test]
async fn a_walk_in_takes_the_doctors_time_only_while_it_is_seen() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (ada, bob, eve) = (world.patient("ada").await, world.patient("bob").await, world.patient("eve").await);
        let doctor = meta(&world.doctor);
        world.at("09:03:00");
        let id = world.walked_in(&ada).await;
        // It waits: the next slot is anybody's.
        let taken = world.scheduling.book(meta(&bob), booking(&world, "09:10")).await.unwrap();
        world.scheduling.reject(doctor.clone(), taken.id, None).await.unwrap();
        // It is seen, for ten minutes as far as anybody knows: the slot is gone, for a schedule that knew nothing of it.
        world.consultations.admit(doctor.clone(), id).await.unwrap();
        assert_eq!(code(world.scheduling.book(meta(&bob), booking(&world, "09:10")).await), "slot_taken");
        // It is over early: what is left is given back.
        world.at("09:06:00");
        world.consultations.end(doctor.clone(), id).await.unwrap();
        world.scheduling.book(meta(&bob), booking(&world, "09:10")).await.unwrap();

        // A booked patient's time stays the patient's, and nobody is seen twice at once on paper.
        world.at("09:08:00");
        let id = world.walked_in(&eve).await;
        world.consultations.admit(doctor.clone(), id).await.unwrap();
        world.consultations.end(doctor.clone(), id).await.unwrap();
        world.at("09:12:00");
        let ada_again = world.walked_in(&ada).await;
        world.consultations.admit(doctor.clone(), ada_again).await.unwrap();
        assert_eq!(world.state(ada_again).await.status, Status::InProgress, "somebody who is booked gave way");
        let moved =
            world.scheduling.reschedule(doctor, world.state(ada_again).await.appointment_id, nine(), None).await;
        assert_eq!(code(moved), "invalid_transition");
    }
}
