//! How consultations end without anybody saying so: found by timers, which are rows and survive a restart.

use consilium_consultations::Status;
use consilium_db::testing::TestDb;
use consilium_scheduling::Status as AppointmentStatus;

use crate::world::{World, meta, nine};

#[actix_rt::test]
async fn a_patient_who_waits_is_no_no_show_however_late_the_doctor_is() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let timers = world.timers();
        let (ada, bob) = (world.patient("ada").await, world.patient("bob").await);
        let (waits, id) = world.accepted(&ada, nine(), false).await;
        let ten = "2026-06-01T09:10:00Z".parse().unwrap();
        let (never_came, _) = world.accepted(&bob, ten, false).await;
        world.at("08:55:00");
        world.consultations.join(meta(&ada), id).await.unwrap();
        world.at("10:30:00");
        timers.fire_due().await.unwrap();
        world.follow().await;
        assert_eq!(world.appointment_status(never_came).await, AppointmentStatus::NoShow);
        assert_eq!(world.appointment_status(waits).await, AppointmentStatus::Accepted);
        assert_eq!(world.state(id).await.status, Status::Waiting);
        // Two hours after the booked start nobody has come: the doctor missed it, not the patient.
        world.at("11:00:00");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(id).await.status, Status::Abandoned);
        assert_eq!(world.appointment_status(waits).await, AppointmentStatus::Cancelled);
        world.follow().await;
        assert_eq!(timers.fire_due().await.unwrap(), 0);
    }
}

#[actix_rt::test]
async fn whoever_gives_up_waiting_has_not_come() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let timers = world.timers();
        let (ada, bob) = (world.patient("ada").await, world.patient("bob").await);
        let (booked, id) = world.accepted(&ada, nine(), false).await;
        world.at("08:55:00");
        world.consultations.join(meta(&ada), id).await.unwrap();
        world.consultations.leave(meta(&ada), id).await.unwrap();
        let walked = world.walked_in(&bob).await;
        let walk_in = world.state(walked).await.appointment_id;
        world.consultations.leave(meta(&bob), walked).await.unwrap();

        // A walk-in without a place is nothing; a booked patient may still come.
        world.at("09:04:59");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(walked).await.status, Status::Waiting);
        world.at("09:05:00");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(walked).await.status, Status::Abandoned);
        assert_eq!(world.appointment_status(walk_in).await, AppointmentStatus::NoShow);
        assert_eq!(world.state(id).await.status, Status::Waiting);
        world.at("09:40:00");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(id).await.status, Status::Abandoned);
        assert_eq!(world.appointment_status(booked).await, AppointmentStatus::NoShow);
        // And may walk in again.
        world.walked_in(&bob).await;
    }
}

#[actix_rt::test]
async fn an_empty_room_ends_when_its_time_has_passed() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let timers = world.timers();
        let (ada, bob) = (world.patient("ada").await, world.patient("bob").await);
        let (met, id) = world.accepted(&ada, nine(), false).await;
        let ten = "2026-06-01T09:10:00Z".parse().unwrap();
        let (alone, empty) = world.accepted(&bob, ten, false).await;
        let doctor = meta(&world.doctor);
        world.at("08:58:00");
        world.consultations.join(meta(&ada), id).await.unwrap();
        world.consultations.join(doctor.clone(), id).await.unwrap();
        world.consultations.admit(doctor.clone(), id).await.unwrap();
        world.at("09:09:00");
        world.consultations.leave(meta(&ada), id).await.unwrap();
        world.consultations.leave(doctor.clone(), id).await.unwrap();
        // The doctor waits in a room to which nobody comes, and goes.
        world.consultations.join(doctor.clone(), empty).await.unwrap();
        world.consultations.start(doctor.clone(), empty).await.unwrap();
        world.consultations.leave(doctor.clone(), empty).await.unwrap();
        world.at("09:24:59");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(id).await.status, Status::InProgress, "ten past nine, and a quarter of an hour");
        world.at("09:25:00");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(id).await.status, Status::Completed);
        assert_eq!(world.appointment_status(met).await, AppointmentStatus::Completed);
        let (name, ended) = world.events(&format!("consultation:{id}")).await.pop().unwrap();
        assert_eq!((name.as_str(), ended["automatic"].as_bool()), ("consultation_ended", Some(true)));
        world.at("09:39:00");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(empty).await.status, Status::Abandoned);
        assert_eq!(world.appointment_status(alone).await, AppointmentStatus::NoShow);
    }
}

#[actix_rt::test]
async fn a_request_that_nobody_answered_lapses() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let timers = world.timers();
        let ada = world.patient("ada").await;
        let book = consilium_scheduling::BookAppointment {
            doctor_id: world.doctor_id(),
            starts_at: nine(),
            reason: "cough".to_owned(),
            symptoms: None,
            visit_type: consilium_scheduling::VisitType::Video,
            is_emergency: false,
        };
        let asked = world.scheduling.book(meta(&ada), book).await.unwrap();
        world.at("08:59:59");
        timers.fire_due().await.unwrap();
        assert_eq!(world.appointment_status(asked.id).await, AppointmentStatus::Pending);
        world.at("09:00:00");
        timers.fire_due().await.unwrap();
        assert_eq!(world.appointment_status(asked.id).await, AppointmentStatus::Cancelled);
        assert_eq!(timers.fire_due().await.unwrap(), 0);
    }
}
