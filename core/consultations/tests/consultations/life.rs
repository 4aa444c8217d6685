//! The life of a consultation, from the waiting room to its end.

use std::sync::Arc;

use consilium_consultations::{AbandonmentTimer, LeftBecause, Part, Status};
use consilium_db::testing::TestDb;
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, RefusalKind, Role};
use consilium_runtime::{EventBus, LiveEvent, TimerWorker};
use consilium_scheduling::Status as AppointmentStatus;

use crate::world::{World, code, eventually, keyed, meta, nine, staff};

#[actix_rt::test]
async fn a_patient_waits_is_admitted_and_the_appointment_is_completed() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (appointment, id) = world.accepted(&patient, nine(), false).await;
        let (consultations, doctor) = (&world.consultations, &world.doctor);

        assert_eq!(world.state(id).await.version, 0, "not opened yet");
        assert_eq!(code(consultations.join(meta(&patient), id).await), "too_early");
        assert_eq!(code(consultations.admit(meta(doctor), id).await), "invalid_transition");
        assert_eq!(code(consultations.end(meta(doctor), id).await), "invalid_transition");
        world.at("08:45:00");
        let joined = consultations.join(meta(&patient), id).await.unwrap();
        assert_eq!((joined.status, joined.role), (Status::Waiting, Part::Patient));
        assert_eq!(joined.topic, format!("consultation:{id}"));
        let place = joined.waiting.unwrap();
        assert_eq!((place.position, place.expected_wait_seconds), (1, 15 * 60), "until the booked start");
        assert!(joined.video.is_none(), "a waiting patient has no way into the room");

        let joined = consultations.join(meta(doctor), id).await.unwrap();
        assert_eq!(joined.video.unwrap().token.unwrap(), "doctor:doctor Example");
        assert!(joined.waiting.is_none());
        assert_eq!(code(consultations.admit(meta(&patient), id).await), "forbidden");

        let mut watching = world.bus.subscribe(&format!("consultation:{id}")).await;
        assert_eq!(consultations.admit(meta(doctor), id).await.unwrap().status, Status::InProgress);
        // The patient alone is sent the way into the room; it is not stored.
        loop {
            let event = watching.next().await.unwrap().unwrap();
            if let LiveEvent::Signal(signal) = event.as_ref() {
                assert_eq!((signal.signal.as_str(), signal.to), ("admitted", Some(patient.user_id.uuid())));
                assert_eq!(signal.data["video"]["token"], "patient:ada Example");
                break;
            }
        }
        let joined = consultations.join(meta(&patient), id).await.unwrap();
        assert_eq!(joined.video.unwrap().provider, "first");
        assert!(joined.waiting.is_none());
        for again in [consultations.admit(meta(doctor), id).await, consultations.start(meta(doctor), id).await] {
            assert_eq!(code(again), "invalid_transition");
        }

        world.at("09:05:00");
        let ended = consultations.end(meta(doctor), id).await.unwrap();
        assert_eq!(ended.status, Status::Completed);
        assert!(ended.participants.iter().all(|participant| !participant.present));
        let completed = world.scheduling.appointment(&meta(doctor), appointment).await.unwrap();
        assert_eq!(completed.status, AppointmentStatus::Completed);
        for after in [
            code(consultations.end(meta(doctor), id).await),
            code(consultations.start(meta(doctor), id).await),
            code(consultations.join(meta(&patient), id).await),
        ] {
            assert_eq!(after, "invalid_transition");
        }
        world.timers().fire_due().await.unwrap();
        eventually("the room is closed", async || world.video.closed.lock().unwrap().len() == 1).await;
        let events = world.events(&format!("consultation:{id}")).await;
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        let without_places: Vec<&str> = names.into_iter().filter(|name| *name != "waiting_position_changed").collect();
        assert_eq!(
            without_places,
            [
                "participant_joined",
                "participant_joined",
                "participant_admitted",
                "consultation_started",
                "consultation_ended"
            ]
        );
        let (_, ended) = events.last().unwrap();
        assert_eq!((ended["duration_seconds"].as_i64(), ended["status"].as_str()), (Some(1_200), Some("completed")));
        assert_eq!(ended["appointment_id"], appointment.to_string());
    }
}

#[actix_rt::test]
async fn a_doctor_may_start_at_once_and_the_patient_walks_in() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        assert_eq!(world.consultations.start(meta(&world.doctor), id).await.unwrap().status, Status::InProgress);
        let joined = world.consultations.join(meta(&patient), id).await.unwrap();
        assert!(joined.video.is_some() && joined.waiting.is_none());
    }
}

#[actix_rt::test]
async fn nobody_else_learns_that_it_exists_and_staff_reads_are_audited() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, other) = (world.patient("ada").await, world.patient("bob").await);
        let (_, id) = world.accepted(&patient, nine(), false).await;
        world.at("08:50:00");
        for stranger in [other, staff(Role::Doctor), staff(Role::Pharmacist)] {
            let who = meta(&stranger);
            for outcome in [
                code(world.consultations.consultation(&who, id).await),
                code(world.consultations.messages(&who, id, 0, 10).await),
                code(world.consultations.join(who.clone(), id).await),
                code(world.consultations.end(who.clone(), id).await),
                code(world.consultations.notes(&who, id).await),
            ] {
                assert_eq!(outcome, "not_found", "{}", stranger.role);
            }
        }
        assert_eq!(world.audited("read_consultation").await, 0);
        let nurse = meta(&staff(Role::Nurse));
        assert_eq!(world.consultations.consultation(&nurse, id).await.unwrap().id, id);
        assert_eq!(world.audited("read_consultation").await, 1);
        assert_eq!(code(world.consultations.messages(&nurse, id, 0, 10).await), "not_found");
        assert_eq!(code(world.consultations.join(nurse, id).await), "not_found");
        world.consultations.consultation(&meta(&patient), id).await.unwrap();
        assert_eq!(world.audited("read_consultation").await, 1, "one's own reads are not foreign");
        assert_eq!(world.audited("read_messages").await, 0);
        world.consultations.messages(&meta(&world.doctor), id, 0, 10).await.unwrap();
        assert_eq!(world.audited("read_messages").await, 1);
    }
}

#[actix_rt::test]
async fn a_restart_or_a_second_owner_goes_on_from_stored_state() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        world.at("08:50:00");
        world.consultations.join(meta(&patient), id).await.unwrap();
        let second = world.reopened();
        assert_eq!(second.admit(meta(&world.doctor), id).await.unwrap().status, Status::InProgress);
        // The first actor still believes that the patient waits: the version tells it otherwise.
        assert_eq!(code(world.consultations.admit(meta(&world.doctor), id).await), "invalid_transition");
        let left = world.consultations.leave(meta(&patient), id).await.unwrap();
        assert!(!left.is_present(Part::Patient));
        assert!(second.join(meta(&patient), id).await.unwrap().video.is_some());
        assert_eq!(second.left_open().await.unwrap(), [(DEFAULT_FACILITY, id, patient.user_id)]);
        let system = CommandMeta::system(DEFAULT_FACILITY, "test");
        second.drop_participant(system, id, patient.user_id).await.unwrap();
        let events = world.events(&format!("consultation:{id}")).await;
        let left: Vec<_> = events.iter().filter(|(name, _)| name == "participant_left").collect();
        let reasons: Vec<LeftBecause> =
            left.iter().map(|(_, data)| serde_json::from_value(data["reason"].clone()).unwrap()).collect();
        assert_eq!(reasons, [LeftBecause::Left, LeftBecause::Dropped]);
        let rejoined: Vec<_> = events.iter().filter(|(name, _)| name == "participant_joined").collect();
        assert_eq!(rejoined.len(), 2);
        assert_eq!(rejoined[1].1["reconnected"], true);
    }
}

#[actix_rt::test]
async fn a_repeated_join_is_answered_as_of_now_and_done_once() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        world.at("08:50:00");
        let first = world.consultations.join(keyed(&patient, "k"), id).await.unwrap();
        assert!(first.waiting.is_some());
        world.consultations.admit(meta(&world.doctor), id).await.unwrap();
        let again = world.consultations.join(keyed(&patient, "k"), id).await.unwrap();
        assert!(again.waiting.is_none() && again.video.is_some());
        let joins = world.event_names(id).await.into_iter().filter(|name| name == "participant_joined").count();
        assert_eq!(joins, 1);
    }
}

#[actix_rt::test]
async fn a_provider_that_fails_does_not_undo_the_join() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        world.video.fail_all();
        let refusal = world.consultations.join(meta(&world.doctor), id).await.unwrap_err();
        assert_eq!((refusal.kind, refusal.code.as_ref()), (RefusalKind::Unavailable, "video_unavailable"));
        assert!(refusal.retry_after.is_some());
        assert!(world.state(id).await.is_present(Part::Doctor));
        world.video.heal("second");
        assert!(world.consultations.join(meta(&world.doctor), id).await.unwrap().video.is_some());
    }
}

#[actix_rt::test]
async fn what_nobody_comes_back_to_is_given_up_by_a_timer() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let timers =
            TimerWorker::new(world.test.db.clone(), vec![Arc::new(AbandonmentTimer::new(world.consultations.clone()))]);
        let (ada, bob) = (world.patient("ada").await, world.patient("bob").await);
        let (_, waiting) = world.accepted(&ada, nine(), false).await;
        let (_, empty) = world.accepted(&bob, "2026-06-01T09:10:00Z".parse().unwrap(), false).await;
        world.at("08:58:00");
        world.consultations.join(meta(&ada), waiting).await.unwrap();
        world.consultations.join(meta(&bob), empty).await.unwrap();
        world.consultations.start(meta(&world.doctor), empty).await.unwrap();
        world.consultations.leave(meta(&bob), empty).await.unwrap();
        world.at("09:27:59");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(empty).await.status, Status::InProgress, "not yet");
        world.at("09:28:00");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(empty).await.status, Status::Abandoned);
        let (name, data) = world.events(&format!("consultation:{empty}")).await.pop().unwrap();
        assert_eq!((name.as_str(), data["status"].as_str()), ("consultation_ended", Some("abandoned")));
        assert_eq!(world.state(waiting).await.status, Status::Waiting);
        world.at("11:00:00");
        timers.fire_due().await.unwrap();
        assert_eq!(world.state(waiting).await.status, Status::Abandoned);
        world.told_line(&[]).await;
        assert_eq!(timers.fire_due().await.unwrap(), 0, "nothing is left to fire");
    }
}

#[actix_rt::test]
async fn a_cancelled_appointment_ends_the_wait_and_a_moved_one_moves_it() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (ada, bob) = (world.patient("ada").await, world.patient("bob").await);
        let (cancelled, first) = world.accepted(&ada, nine(), false).await;
        let (moved, second) = world.accepted(&bob, "2026-06-01T09:10:00Z".parse().unwrap(), false).await;
        world.at("08:56:00");
        for (patient, id) in [(&ada, first), (&bob, second)] {
            world.consultations.join(meta(patient), id).await.unwrap();
        }
        world.told_line(&[first, second]).await;
        let doctor = meta(&world.doctor);
        world.consultations.join(doctor.clone(), first).await.unwrap().video.expect("a room");
        world.scheduling.cancel(doctor.clone(), cancelled, Some("ill".to_owned())).await.unwrap();
        assert_eq!(code(world.consultations.admit(doctor.clone(), first).await), "invalid_transition");
        assert_eq!(code(world.consultations.join(meta(&ada), first).await), "invalid_transition");
        world.follow().await;
        assert_eq!(world.state(first).await.status, Status::Abandoned);
        world.timers().fire_due().await.unwrap();
        eventually("its room is closed", async || world.video.closed.lock().unwrap().len() == 1).await;
        world.told_line(&[second]).await;
        let later = "2026-06-01T10:00:00Z".parse().unwrap();
        world.scheduling.reschedule(doctor, moved, later, None).await.unwrap();
        world.follow().await;
        let state = world.state(second).await;
        assert_eq!((state.status, state.starts_at), (Status::Waiting, later));
    }
}
