//! The waiting line: who comes when, and who is told.

use consilium_db::testing::TestDb;
use consilium_kernel::{ConsultationId, Role};

use crate::world::{World, code, meta, staff};

/// The places that a consultation's topic was told, in order.
async fn told(world: &World, id: ConsultationId) -> Vec<i64> {
    let events = world.events(&format!("consultation:{id}")).await;
    events
        .into_iter()
        .filter(|(name, _)| name == "waiting_position_changed")
        .map(|(_, data)| data["position"].as_i64().unwrap())
        .collect()
}

#[actix_rt::test]
async fn emergencies_come_first_then_the_booked_order_then_arrival() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let at = |minute: u8| format!("2026-06-01T09:{minute:02}:00Z").parse().unwrap();
        let (ada, bob, eve) = (world.patient("ada").await, world.patient("bob").await, world.patient("eve").await);
        let (_, early) = world.accepted(&ada, at(0), false).await;
        let (_, late) = world.accepted(&bob, at(10), false).await;
        let (_, emergency) = world.accepted(&eve, at(20), true).await;
        let consultations = &world.consultations;

        world.at("09:05:00");
        assert_eq!(consultations.join(meta(&bob), late).await.unwrap().waiting.unwrap().position, 1);
        world.told_line(&[late]).await;
        assert_eq!(consultations.join(meta(&ada), early).await.unwrap().waiting.unwrap().position, 1);
        world.told_line(&[early, late]).await;
        assert_eq!(told(&world, late).await, [1, 2]);
        assert_eq!(consultations.join(meta(&eve), emergency).await.unwrap().waiting.unwrap().position, 1);
        world.told_line(&[emergency, early, late]).await;
        assert_eq!(told(&world, late).await, [1, 2, 3]);
        assert_eq!(told(&world, early).await, [1, 2]);

        // Nothing moved: nobody is told anything.
        consultations.join(meta(&eve), emergency).await.unwrap();
        world.told_line(&[emergency, early, late]).await;
        assert_eq!(told(&world, emergency).await, [1]);

        let line = consultations.waiting_line(&meta(&world.doctor), world.doctor_id()).await.unwrap();
        let waits: Vec<i64> = line.iter().map(|entry| entry.place.expected_wait_seconds).collect();
        assert_eq!(waits, [0, 600, 1_200], "ten minutes each, as booked");

        consultations.admit(meta(&world.doctor), emergency).await.unwrap();
        world.told_line(&[early, late]).await;
        assert_eq!((told(&world, early).await, told(&world, late).await), (vec![1, 2, 1], vec![1, 2, 3, 2]));
        world.at("09:11:00");
        let line = consultations.waiting_line(&meta(&world.doctor), world.doctor_id()).await.unwrap();
        let waits: Vec<i64> = line.iter().map(|entry| entry.place.expected_wait_seconds).collect();
        assert_eq!(waits, [240, 840], "what is left of the present one comes first");

        // The consultation took six minutes: that is what the next ones are expected to take.
        consultations.end(meta(&world.doctor), emergency).await.unwrap();
        let line = consultations.waiting_line(&meta(&world.doctor), world.doctor_id()).await.unwrap();
        let waits: Vec<i64> = line.iter().map(|entry| entry.place.expected_wait_seconds).collect();
        assert_eq!(waits, [0, 360]);

        // Whoever goes loses no place to those who come later, and has it back on return.
        consultations.leave(meta(&ada), early).await.unwrap();
        world.told_line(&[late]).await;
        consultations.join(meta(&ada), early).await.unwrap();
        world.told_line(&[early, late]).await;
    }
}

#[actix_rt::test]
async fn a_line_is_for_its_doctor_and_the_staff() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let doctor = world.doctor_id();
        for allowed in [world.doctor.clone(), staff(Role::Nurse), staff(Role::Admin), staff(Role::Support)] {
            assert!(world.consultations.waiting_line(&meta(&allowed), doctor).await.unwrap().is_empty());
        }
        for denied in [patient, staff(Role::Doctor), staff(Role::Pharmacist)] {
            assert_eq!(code(world.consultations.waiting_line(&meta(&denied), doctor).await), "not_found");
        }
    }
}
