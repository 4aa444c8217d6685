//! Opening, listing and closing threads, and who is in them.

use consilium_db::testing::TestDb;
use consilium_messaging::{Invited, OpenThread, PageRequest, ThreadKind, ThreadState};
use jiff::SignedDuration;

use crate::world::{World, code, elsewhere, keyed, meta, new, text};

#[actix_rt::test]
async fn a_thread_is_for_those_who_treat_and_nobody_else_knows_of_it() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let messaging = &world.messaging;
        let care = |others: &[&_]| new(ThreadKind::Care, others);
        for (others, refusal) in [
            (vec![&world.other], "not_eligible"),
            (vec![&world.bob], "not_eligible"),
            (vec![&world.support], "not_eligible"),
            (vec![&world.pharmacist], "not_eligible"),
            (vec![], "too_few"),
        ] {
            assert_eq!(code(messaging.open(meta(&world.ada), care(&others)).await), refusal);
        }
        // Nobody treats Bob, so that no nurse of the facility does either.
        assert_eq!(code(messaging.open(meta(&world.bob), care(&[&world.nurse])).await), "not_eligible");
        let of_ada = |others: &[&_]| OpenThread { patient_id: world.ada.patient_id, ..care(others) };
        for (who, refusal) in [
            (&world.other, "not_found"),
            (&world.bob, "not_found"),
            (&world.support, "forbidden"),
            (&world.admin, "forbidden"),
            (&elsewhere(&world.doctor), "not_found"),
        ] {
            assert_eq!(code(messaging.open(meta(who), of_ada(&[&world.doctor])).await), refusal);
        }
        assert_eq!(code(messaging.open(meta(&world.doctor), care(&[&world.nurse])).await), "required");
        let unknown = Invited::UserId(consilium_kernel::Id::new(uuid::Uuid::from_u128(1)));
        let with_nobody = OpenThread { participants: vec![unknown], ..care(&[]) };
        assert_eq!(code(messaging.open(meta(&world.ada), with_nobody).await), "not_eligible");

        let thread = messaging.open(keyed(&world.doctor, "k"), of_ada(&[&world.nurse])).await.unwrap();
        let again = messaging.open(keyed(&world.doctor, "k"), of_ada(&[&world.nurse])).await.unwrap();
        assert_eq!(thread, again, "once");
        let names: Vec<&str> = thread.participants.iter().map(|participant| participant.name.as_str()).collect();
        assert_eq!(names, ["doctor Example", "ada Example", "nurse Example"]);
        let told = world.events(&format!("user:{}", world.ada.user_id)).await;
        assert_eq!((told[0].0.as_str(), &told[0].1["thread_id"]), ("thread_opened", &serde_json::json!(thread.id)));
        assert!(!told[0].1.to_string().contains("cough"));

        for who in [&world.ada, &world.doctor, &world.nurse] {
            assert_eq!(messaging.thread(&meta(who), thread.id).await.unwrap().thread.subject, "about the cough");
        }
        assert_eq!(world.audited("read_thread").await, 2, "not the patient's own read");
        for who in [&world.bob, &world.other, &world.support, &world.admin, &elsewhere(&world.ada)] {
            let refusal = code(messaging.thread(&meta(who), thread.id).await);
            assert_eq!(refusal, "not_found", "{:?}", who.role);
            assert_eq!(code(messaging.messages(&meta(who), thread.id, 0, 10).await), "not_found");
            assert_eq!(code(messaging.read_marks(&meta(who), thread.id).await), "not_found");
            assert_eq!(code(messaging.send_message(meta(who), thread.id, text("1", "x")).await), "not_found");
            assert_eq!(code(messaging.mark_read(meta(who), thread.id, 0).await), "not_found");
            assert_eq!(code(messaging.signal_typing(&meta(who), thread.id, serde_json::json!({})).await), "not_found");
            assert_eq!(code(messaging.close(meta(who), thread.id).await), "not_found");
            assert_eq!(code(messaging.reopen(meta(who), thread.id).await), "not_found");
            assert_eq!(code(messaging.add(meta(who), thread.id, unknown).await), "not_found");
            assert_eq!(code(messaging.remove(meta(who), thread.id, world.nurse.user_id).await), "not_found");
        }
    }
}

#[actix_rt::test]
async fn clinicians_come_and_go_and_the_patient_stays() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (messaging, thread) = (&world.messaging, world.care().await);
        let nurse = Invited::UserId(world.nurse.user_id);
        let by = |user: &_| meta(user);
        assert_eq!(code(messaging.add(by(&world.ada), thread.id, nurse).await), "forbidden");
        assert_eq!(code(messaging.add(by(&world.doctor), thread.id, nurse).await), "already_in_thread");
        let doctor = Invited::DoctorId(world.other.doctor_id.unwrap());
        assert_eq!(code(messaging.add(by(&world.doctor), thread.id, doctor).await), "not_eligible");
        assert_eq!(code(messaging.remove(by(&world.doctor), thread.id, world.ada.user_id).await), "forbidden");
        assert!(world.event_names(thread.id).await.is_empty(), "nothing of that did anything");

        messaging.remove(by(&world.nurse), thread.id, world.nurse.user_id).await.unwrap();
        assert_eq!(code(messaging.thread(&meta(&world.nurse), thread.id).await), "not_found");
        assert_eq!(code(messaging.remove(by(&world.doctor), thread.id, world.doctor.user_id).await), "last_clinician");
        messaging.send_message(by(&world.ada), thread.id, text("1", "hello")).await.unwrap();
        let back = messaging.add(by(&world.doctor), thread.id, nurse).await.unwrap();
        assert_eq!(back.participants.len(), 3);
        assert_eq!(messaging.thread(&meta(&world.nurse), thread.id).await.unwrap().unread, 1);

        assert_eq!(code(messaging.close(by(&world.ada), thread.id).await), "forbidden");
        assert!(messaging.close(by(&world.doctor), thread.id).await.unwrap().closed_at.is_some());
        assert_eq!(code(messaging.close(by(&world.doctor), thread.id).await), "thread_closed");
        assert_eq!(code(messaging.send_message(by(&world.ada), thread.id, text("2", "more")).await), "thread_closed");
        assert_eq!(messaging.messages(&meta(&world.ada), thread.id, 0, 10).await.unwrap().items.len(), 1);
        assert!(messaging.mark_read(by(&world.doctor), thread.id, 2).await.is_ok(), "it can be read");
        assert_eq!(code(messaging.reopen(by(&world.ada), thread.id).await), "forbidden");
        assert!(messaging.reopen(by(&world.nurse), thread.id).await.unwrap().closed_at.is_none());
        assert_eq!(code(messaging.reopen(by(&world.nurse), thread.id).await), "thread_open");
        messaging.send_message(by(&world.ada), thread.id, text("2", "more")).await.unwrap();
        let expected = [
            "participant_removed",
            "message_sent",
            "participant_added",
            "thread_closed",
            "message_read",
            "thread_reopened",
            "message_sent",
        ];
        assert_eq!(world.event_names(thread.id).await, expected);
    }
}

#[actix_rt::test]
async fn clinicians_write_among_themselves() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let messaging = &world.messaging;
        let among = |others: &[&_]| new(ThreadKind::Clinicians, others);
        assert_eq!(code(messaging.open(meta(&world.ada), among(&[&world.doctor])).await), "forbidden");
        assert_eq!(code(messaging.open(meta(&world.doctor), among(&[&world.ada])).await), "not_eligible");
        assert_eq!(code(messaging.open(meta(&world.doctor), among(&[&world.admin])).await), "not_eligible");
        let about = OpenThread { patient_id: world.ada.patient_id, ..among(&[&world.nurse]) };
        assert_eq!(code(messaging.open(meta(&world.doctor), about).await), "not_allowed");
        let opened = messaging.open(meta(&world.doctor), among(&[&world.other, &world.pharmacist])).await.unwrap();
        assert_eq!((opened.patient_id, opened.participants.len()), (None, 3));
        messaging.send_message(meta(&world.pharmacist), opened.id, text("1", "out of stock")).await.unwrap();
        assert_eq!(messaging.messages(&meta(&world.other), opened.id, 0, 10).await.unwrap().items.len(), 1);
        assert_eq!(world.audited("read_thread_messages").await, 1);
        assert_eq!(code(messaging.thread(&meta(&world.nurse), opened.id).await), "not_found");
    }
}

#[actix_rt::test]
async fn ones_own_threads_the_most_active_first_with_what_is_unread() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let messaging = &world.messaging;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(world.care().await.id);
            world.test.clock.advance(SignedDuration::from_mins(1));
        }
        for n in 0..2 {
            messaging.send_message(meta(&world.ada), ids[0], text(&n.to_string(), "hello")).await.unwrap();
        }
        messaging.close(meta(&world.doctor), ids[2]).await.unwrap();
        let list = async |who, state, limit, cursor| {
            let page = messaging.threads(&meta(who), state, PageRequest { limit: Some(limit), cursor }).await.unwrap();
            let seen: Vec<_> = page.items.into_iter().map(|item| (item.thread.id, item.unread)).collect();
            (seen, page.next_cursor)
        };
        let (all, next) = list(&world.doctor, None, 10, None).await;
        assert_eq!((all, next), (vec![(ids[0], 2), (ids[2], 0), (ids[1], 0)], None));
        let (first, next) = list(&world.ada, None, 2, None).await;
        assert_eq!(first, [(ids[0], 0), (ids[2], 0)], "one's own messages are read");
        let (rest, next) = list(&world.ada, None, 2, next).await;
        assert_eq!((rest, next), (vec![(ids[1], 0)], None));
        assert_eq!(list(&world.ada, Some(ThreadState::Closed), 10, None).await.0, [(ids[2], 0)]);
        assert_eq!(list(&world.ada, Some(ThreadState::Open), 10, None).await.0, [(ids[0], 0), (ids[1], 0)]);
        messaging.mark_read(meta(&world.doctor), ids[0], 1).await.unwrap();
        assert_eq!(list(&world.doctor, None, 1, None).await.0, [(ids[0], 1)]);
        assert!(list(&world.bob, None, 10, None).await.0.is_empty());
        assert_eq!(world.audited("list_threads").await, 2, "not the patients' own");
        let wrong = PageRequest { limit: None, cursor: Some("nonsense".to_owned()) };
        assert_eq!(code(messaging.threads(&meta(&world.ada), None, wrong).await), "not_a_cursor");
    }
}
