//! One queue of booked, walk-in and emergency patients, by the documented order.

use consilium_consultations::{DelayReason, DeviceCheck, DeviceState, NewDelay, WalkIns};
use consilium_db::testing::TestDb;
use consilium_kernel::{Clock, ConsultationId, Role, Timestamp};
use consilium_runtime::{EventBus, LiveEvent};
use serde_json::Value;

use crate::world::{World, code, meta, nine, staff};

fn booked(minute: i64) -> Timestamp {
    nine() + jiff::SignedDuration::from_mins(minute)
}

/// The places that a consultation's topic was told, in order.
async fn told(world: &World, id: ConsultationId) -> Vec<i64> {
    let events = world.events(&format!("consultation:{id}")).await;
    let positions = events.into_iter().filter(|(name, _)| name == "waiting_position_changed");
    positions.map(|(_, data)| data["position"].as_i64().unwrap()).collect()
}

async fn newest(world: &World, topic: &str, event: &str) -> Value {
    let events = world.events(topic).await;
    events.into_iter().rev().find(|(name, _)| name == event).map(|(_, data)| data).unwrap_or_default()
}

/// The clock stands still between an arrival and everybody's being told of it.
#[actix_rt::test]
async fn walk_in_booked_and_emergency_patients_are_admitted_in_the_documented_order() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let nurse = world.colleague("nurse", Role::Nurse).await;
        let (amir, bela, chen) =
            (world.patient("amir").await, world.patient("bela").await, world.patient("chen").await);
        let (dora, emil, fay) = (world.patient("dora").await, world.patient("emil").await, world.patient("fay").await);
        let (gus, hana) = (world.patient("gus").await, world.patient("hana").await);
        let consultations = &world.consultations;
        let (_, at_nine) = world.accepted(&amir, booked(0), false).await;
        let (_, at_ten_past) = world.accepted(&bela, booked(10), false).await;
        let (_, emergency) = world.accepted(&chen, booked(20), true).await;
        let mut doctors = world.bus.subscribe(&format!("waiting_room:{}", world.doctor_id())).await;

        world.at("08:50:00");
        let early = world.walked_in(&dora).await;
        world.told_line(&[early]).await;
        // The doctor's side is told live, not when somebody looks.
        let Some(Ok(live)) = doctors.next().await else { panic!("the doctor was not told") };
        let LiveEvent::Event(arrival) = live.as_ref() else { panic!("{live:?}") };
        assert_eq!(arrival.event, "waiting_line_changed");
        assert_eq!(arrival.data["waiting"][0]["kind"], "walk_in");
        assert_eq!(world.test.clock.now().to_string(), "2026-06-01T08:50:00Z", "no time has passed");

        world.at("08:52:00");
        consultations.join(meta(&amir), at_nine).await.unwrap();
        world.told_line(&[early, at_nine]).await;
        world.at("08:58:00");
        consultations.join(meta(&bela), at_ten_past).await.unwrap();
        world.told_line(&[early, at_nine, at_ten_past]).await;
        world.at("09:02:00");
        let between = world.registered(&nurse, &emil, Some(4)).await;
        world.told_line(&[early, at_nine, between, at_ten_past]).await;
        world.at("09:03:00");
        let urgent = world.registered(&nurse, &fay, Some(3)).await;
        world.told_line(&[urgent, early, at_nine, between, at_ten_past]).await;
        world.at("09:05:00");
        consultations.join(meta(&chen), emergency).await.unwrap();
        world.told_line(&[emergency, urgent, early, at_nine, between, at_ten_past]).await;
        world.at("09:06:00");
        let at_once = world.registered(&nurse, &gus, Some(1)).await;
        world.told_line(&[at_once, emergency, urgent, early, at_nine, between, at_ten_past]).await;
        world.at("09:11:00");
        let last = world.walked_in(&hana).await;
        world.told_line(&[at_once, emergency, urgent, early, at_nine, between, at_ten_past, last]).await;
        assert_eq!(told(&world, at_ten_past).await, [3, 4, 5, 6, 7]);
        assert_eq!(told(&world, early).await, [1, 2, 3, 4]);

        // Bela cannot wait: her place (09:10) is before that of the other emergency (09:20).
        consultations.raise_emergency(meta(&bela), at_ten_past).await.unwrap();
        let order = [at_once, at_ten_past, emergency, urgent, early, at_nine, between, last];
        world.told_line(&order).await;
        let raised = newest(&world, &format!("waiting_room:{}", world.doctor_id()), "emergency_raised").await;
        assert_eq!(raised["consultation_id"], at_ten_past.to_string());

        let doctor = meta(&world.doctor);
        for (index, id) in order.iter().enumerate() {
            let line = consultations.waiting_line(&doctor, world.doctor_id()).await.unwrap();
            assert_eq!(line[0].consultation_id, *id, "number {index} is next");
            consultations.admit(doctor.clone(), *id).await.unwrap();
            consultations.end(doctor.clone(), *id).await.unwrap();
            world.told_line(&order[index + 1..]).await;
        }
        assert_eq!(told(&world, last).await, [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(world.test.clock.now().to_string(), "2026-06-01T09:11:00Z", "no time has passed");
    }
}

#[actix_rt::test]
async fn whoever_goes_keeps_the_place_for_a_while() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (amir, bela) = (world.patient("amir").await, world.patient("bela").await);
        let (_, first) = world.accepted(&amir, booked(0), false).await;
        let (_, second) = world.accepted(&bela, booked(10), false).await;
        let consultations = &world.consultations;
        world.at("08:58:00");
        consultations.join(meta(&amir), first).await.unwrap();
        consultations.join(meta(&bela), second).await.unwrap();
        world.told_line(&[first, second]).await;

        consultations.leave(meta(&amir), first).await.unwrap();
        world.told_line(&[second]).await;
        world.at("09:08:00");
        consultations.join(meta(&amir), first).await.unwrap();
        world.told_line(&[first, second]).await;

        consultations.leave(meta(&amir), first).await.unwrap();
        world.at("09:18:00.000001");
        let joined = consultations.join(meta(&amir), first).await.unwrap();
        assert_eq!(joined.waiting.unwrap().position, 2, "ten minutes are over: by arrival now");
        world.told_line(&[second, first]).await;
        // Coming back once more does not bring the old place back.
        consultations.leave(meta(&amir), first).await.unwrap();
        consultations.join(meta(&amir), first).await.unwrap();
        world.told_line(&[second, first]).await;
    }
}

#[actix_rt::test]
async fn whoever_comes_too_late_stands_by_arrival() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (amir, bela, chen) =
            (world.patient("amir").await, world.patient("bela").await, world.patient("chen").await);
        let (_, late) = world.accepted(&amir, booked(0), false).await;
        let (_, in_time) = world.accepted(&bela, booked(10), false).await;
        let (_, later) = world.accepted(&chen, booked(20), false).await;
        world.at("09:10:30");
        for (patient, id) in [(&bela, in_time), (&amir, late), (&chen, later)] {
            world.consultations.join(meta(patient), id).await.unwrap();
        }
        world.told_line(&[in_time, late, later]).await;
    }
}

#[actix_rt::test]
async fn a_late_doctor_tells_all_who_wait_and_expected_waits_follow() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (amir, bela) = (world.patient("amir").await, world.patient("bela").await);
        let (_, first) = world.accepted(&amir, booked(0), false).await;
        world.at("08:59:00");
        world.consultations.join(meta(&amir), first).await.unwrap();
        world.told_line(&[first]).await;
        let late = |minutes: i64| NewDelay {
            minutes,
            reason: DelayReason::Emergency,
            text: Some(" An emergency in the ward. ".to_owned()),
        };
        let doctor = world.doctor_id();
        for stranger in [amir.clone(), staff(Role::Support), staff(Role::Admin), staff(Role::Doctor)] {
            assert_eq!(code(world.consultations.delay(meta(&stranger), doctor, late(20)).await), "not_found");
        }
        let mine = meta(&world.doctor);
        assert_eq!(code(world.consultations.delay(mine.clone(), doctor, late(481)).await), "invalid");
        let long = NewDelay { text: Some("x".repeat(501)), ..late(20) };
        assert_eq!(code(world.consultations.delay(mine.clone(), doctor, long).await), "invalid");
        assert_eq!(newest(&world, &format!("consultation:{first}"), "doctor_delayed").await, Value::Null);

        let room = world.consultations.delay(mine.clone(), doctor, late(20)).await.unwrap();
        assert_eq!(room.delay.unwrap().until.to_string(), "2026-06-01T09:19:00Z");
        let told = newest(&world, &format!("consultation:{first}"), "doctor_delayed").await;
        assert_eq!((told["minutes"].as_i64(), told["expected_wait_seconds"].as_i64()), (Some(20), Some(1_200)));
        assert_eq!(
            (told["reason"].as_str(), told["text"].as_str()),
            (Some("emergency"), Some("An emergency in the ward."))
        );
        // Whoever comes afterwards learns of it too, and waits behind.
        let walked = world.consultations.walk_in(meta(&bela), world.walk_in()).await.unwrap();
        assert_eq!(walked.delay.unwrap().reason, DelayReason::Emergency);
        world.at("09:04:00");
        let line = world.consultations.waiting_line(&mine, doctor).await.unwrap();
        let waits: Vec<i64> = line.iter().map(|entry| entry.place.expected_wait_seconds).collect();
        assert_eq!(waits, [900, 1_500], "what is left of the delay, and ten minutes each");

        // The first one who is seen ends it.
        world.consultations.admit(mine.clone(), line[0].consultation_id).await.unwrap();
        assert_eq!(world.consultations.waiting_room(&mine, doctor).await.unwrap().delay, None);
        world.consultations.delay(meta(&staff(Role::Nurse)), doctor, late(5)).await.unwrap();
        assert_eq!(world.consultations.delay(mine, doctor, late(0)).await.unwrap().delay, None);
    }
}

#[actix_rt::test]
async fn a_device_check_is_shown_in_front_of_the_doctor() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (amir, bela) = (world.patient("amir").await, world.patient("bela").await);
        let (_, id) = world.accepted(&amir, booked(0), false).await;
        let check = |bandwidth: i32| DeviceCheck {
            camera: DeviceState::Blocked,
            microphone: DeviceState::Ok,
            bandwidth_kbps: Some(bandwidth),
            browser: Some("firefox 140".to_owned()),
            checked_at: world.test.clock.now(),
        };
        let consultations = &world.consultations;
        assert_eq!(code(consultations.check_device(meta(&bela), id, check(900)).await), "not_found");
        assert_eq!(code(consultations.check_device(meta(&amir), id, check(-1)).await), "invalid");
        assert_eq!(world.state(id).await.version, 0, "nothing was kept");
        // Long before the waiting room opens.
        consultations.check_device(meta(&amir), id, check(900)).await.unwrap();
        consultations.check_device(meta(&amir), id, check(2_500)).await.unwrap();
        world.at("08:59:00");
        consultations.join(meta(&amir), id).await.unwrap();
        let line = consultations.waiting_line(&meta(&world.doctor), world.doctor_id()).await.unwrap();
        let shown = line[0].device_check.clone().unwrap();
        assert_eq!((shown.camera, shown.bandwidth_kbps), (DeviceState::Blocked, Some(2_500)));
        let told = newest(&world, &format!("waiting_room:{}", world.doctor_id()), "device_checked").await;
        assert_eq!(told["check"]["camera"], "blocked");
    }
}

#[actix_rt::test]
async fn only_a_waiting_patient_raises_an_emergency_and_once() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (amir, bela) = (world.patient("amir").await, world.patient("bela").await);
        let (_, id) = world.accepted(&amir, booked(0), false).await;
        let consultations = &world.consultations;
        assert_eq!(code(consultations.raise_emergency(meta(&amir), id).await), "invalid_transition", "not there yet");
        world.at("08:59:00");
        consultations.join(meta(&amir), id).await.unwrap();
        assert_eq!(code(consultations.raise_emergency(meta(&bela), id).await), "not_found");
        assert_eq!(code(consultations.raise_emergency(meta(&world.doctor), id).await), "forbidden");
        assert!(consultations.raise_emergency(meta(&amir), id).await.unwrap().is_emergency);
        consultations.raise_emergency(meta(&amir), id).await.unwrap();
        let raised = world.event_names(id).await.into_iter().filter(|name| name == "emergency_raised").count();
        assert_eq!(raised, 1);
        assert!(world.reopened().consultation(&meta(&amir), id).await.unwrap().is_emergency, "it is stored");
        consultations.admit(meta(&world.doctor), id).await.unwrap();
        assert_eq!(code(consultations.raise_emergency(meta(&amir), id).await), "invalid_transition");
    }
}

#[actix_rt::test]
async fn a_waiting_room_is_run_by_its_doctor_and_nurses() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let doctor = world.doctor_id();
        for stranger in [patient, staff(Role::Support), staff(Role::Doctor)] {
            let refused = world.consultations.take_walk_ins(meta(&stranger), doctor, WalkIns::Never).await;
            assert_eq!(code(refused), "not_found");
        }
        let mine = meta(&world.doctor);
        assert_eq!(world.consultations.waiting_room(&mine, doctor).await.unwrap().walk_ins, WalkIns::InHours);
        world.consultations.take_walk_ins(meta(&staff(Role::Nurse)), doctor, WalkIns::Always).await.unwrap();
        assert_eq!(world.consultations.waiting_room(&mine, doctor).await.unwrap().walk_ins, WalkIns::Always);
        let nowhere = consilium_kernel::Id::new(uuid::Uuid::from_u128(404));
        let refused = world.consultations.take_walk_ins(meta(&staff(Role::Nurse)), nowhere, WalkIns::Always).await;
        assert_eq!(code(refused), "not_found");
    }
}
