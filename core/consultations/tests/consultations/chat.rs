//! Chat: stored before it is answered, numbered without gaps, never doubled.

use consilium_chat::Needle;
use consilium_consultations::{Consultations, Message, NewMessage, SignalKind};
use consilium_db::testing::TestDb;
use consilium_kernel::{ConsultationId, Role, User};
use consilium_runtime::{EventBus, LiveEvent};
use futures_util::future::join_all;
use serde_json::json;

use crate::world::{World, code, meta, nine, staff};

fn text(client_id: &str, body: &str) -> NewMessage {
    NewMessage { client_message_id: client_id.to_owned(), body: body.to_owned(), attachments: Vec::new() }
}

async fn send(world: &World, who: &User, id: ConsultationId, client_id: &str, body: &str) -> Message {
    world.consultations.send_message(meta(who), id, text(client_id, body)).await.unwrap()
}

#[actix_rt::test]
async fn a_message_sent_again_is_the_message_already_stored() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let first = send(&world, &patient, id, "m1", "hello").await;
        assert_eq!((first.seq, first.sender_id), (1, patient.user_id));
        let again = send(&world, &patient, id, "m1", "something else").await;
        assert_eq!(again, first);
        // Another sender's ids are another matter.
        let reply = send(&world, &world.doctor, id, "m1", "good morning").await;
        assert_eq!(reply.seq, 2);
        let events = world.events(&format!("consultation:{id}")).await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].1["body"], "hello");
        assert_eq!(events[0].1["id"], first.id.to_string());
        assert_eq!(events[0].1["client_message_id"], "m1");
    }
}

/// A client repeats at another node what it had no answer to, and both nodes get to it at once.
#[actix_rt::test]
async fn a_message_sent_to_two_nodes_at_once_is_stored_once_and_answered_twice() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let second = world.reopened();
        for n in 0..30 {
            let client_id = format!("m{n}");
            let at =
                async |node: &Consultations| node.send_message(meta(&patient), id, text(&client_id, "hello")).await;
            let (here, there) = futures_util::join!(at(&world.consultations), at(&second));
            assert_eq!(here.unwrap(), there.unwrap());
        }
        assert_eq!(world.event_names(id).await.len(), 30);
    }
}

#[actix_rt::test]
async fn many_senders_at_once_leave_no_gap_and_lose_nothing() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let second = world.reopened();
        let sends = (0..40).map(|n| {
            let who = if n % 2 == 0 { &patient } else { &world.doctor };
            // Every other pair goes through another node's actor.
            let through = if n % 4 < 2 { &world.consultations } else { &second };
            through.send_message(meta(who), id, text(&n.to_string(), &format!("message {n}")))
        });
        let mut sent: Vec<Message> = join_all(sends).await.into_iter().map(Result::unwrap).collect();
        sent.sort_by_key(|message| message.seq);
        let numbers: Vec<i64> = sent.iter().map(|message| message.seq).collect();
        assert_eq!(numbers, (1..=40).collect::<Vec<i64>>());
        assert_eq!(world.event_names(id).await.len(), 40);
        // Read in pages, resumed where the last one ended.
        let (mut after, mut read) = (0, Vec::new());
        loop {
            let page = world.consultations.messages(&meta(&patient), id, after, 15).await.unwrap();
            assert!(page.items.len() <= 15);
            read.extend(page.items);
            match page.next_after_seq {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(read, sent);
        let rest = world.consultations.messages(&meta(&world.doctor), id, 38, 100).await.unwrap();
        assert_eq!(rest.items, sent[38..]);
    }
}

#[actix_rt::test]
async fn read_marks_are_told_and_bounded() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let message = send(&world, &patient, id, "m1", "hello").await;
        let consultations = &world.consultations;
        let doctor = meta(&world.doctor);
        assert_eq!(consultations.mark_read(doctor.clone(), id, message.seq).await.unwrap().seq, 1);
        assert_eq!(consultations.mark_read(doctor.clone(), id, 0).await.unwrap().seq, 1, "never backwards");
        assert_eq!(code(consultations.mark_read(doctor.clone(), id, 99).await), "invalid");
        assert_eq!(world.event_names(id).await, ["message_sent", "message_read"]);
        assert_eq!(world.reopened().mark_read(doctor, id, 1).await.unwrap().seq, 1, "kept over a restart");
        assert_eq!(world.event_names(id).await.len(), 2);
    }
}

#[actix_rt::test]
async fn the_chat_closes_a_week_after_the_end() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        world.at("09:00:00");
        world.consultations.start(meta(&world.doctor), id).await.unwrap();
        world.consultations.end(meta(&world.doctor), id).await.unwrap();
        send(&world, &patient, id, "m1", "thank you").await;
        world.test.clock.set("2026-06-08T09:00:00Z".parse().unwrap());
        let late = world.consultations.send_message(meta(&patient), id, text("m2", "one more thing")).await;
        assert_eq!(code(late), "chat_closed");
        assert_eq!(world.consultations.messages(&meta(&patient), id, 0, 10).await.unwrap().items.len(), 1);
    }
}

#[actix_rt::test]
async fn what_is_written_stands_nowhere_in_the_clear() {
    let world = World::new(TestDb::sqlite()).await;
    let patient = world.patient("ada").await;
    let (_, id) = world.accepted(&patient, nine(), false).await;
    send(&world, &patient, id, "canary-client-id", "canary-in-the-chat").await;
    for file in std::fs::read_dir(&world.test.folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for canary in ["canary-in-the-chat", "canary-client-id"] {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} stands in {}", path.display());
        }
    }
}

#[actix_rt::test]
async fn signals_reach_whoever_is_there_and_the_room_is_for_those_in_it() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let mut watching = world.bus.subscribe(&format!("consultation:{id}")).await;
        let consultations = &world.consultations;
        let by_patient = meta(&patient);
        consultations.signal(&by_patient, id, SignalKind::Typing, None, json!({"typing": true})).await.unwrap();
        let event = watching.next().await.unwrap().unwrap();
        let LiveEvent::Signal(signal) = event.as_ref() else { panic!("{event:?}") };
        assert_eq!((signal.signal.as_str(), signal.from), ("typing", Some(patient.user_id.uuid())));
        for kind in [SignalKind::Signal, SignalKind::Cursor, SignalKind::Annotate] {
            assert_eq!(code(consultations.signal(&by_patient, id, kind, None, json!({})).await), "not_admitted");
            assert_eq!(
                code(consultations.signal(&meta(&world.doctor), id, kind, None, json!({})).await),
                "not_admitted"
            );
        }
        consultations.start(meta(&world.doctor), id).await.unwrap();
        for kind in [SignalKind::Signal, SignalKind::Cursor, SignalKind::Annotate] {
            consultations.signal(&by_patient, id, kind, None, json!({})).await.unwrap();
        }
        let stranger = world.patient("bob").await;
        assert_eq!(
            code(consultations.signal(&meta(&stranger), id, SignalKind::Typing, None, json!({})).await),
            "not_found"
        );
    }
}

#[actix_rt::test]
async fn messages_are_changed_by_who_sent_them_while_the_chat_is_open() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let stranger = world.patient("bob").await;
        let consultations = &world.consultations;
        let sent = send(&world, &patient, id, "m1", "since Firday").await;
        let edit = |who: &User, body: &str| {
            let (meta, body) = (meta(who), body.to_owned());
            async move { consultations.edit_message(&meta, id, sent.id, body).await }
        };
        for (who, refusal) in [
            (&world.doctor, "not_the_sender"),
            (&stranger, "not_found"),
            (&staff(Role::Admin), "not_found"),
            (&staff(Role::Nurse), "not_found"),
        ] {
            assert_eq!(code(edit(who, "mine").await), refusal);
            assert_eq!(code(consultations.delete_message(&meta(who), id, sent.id).await), refusal);
        }
        let edited = edit(&patient, "since Friday").await.unwrap();
        assert_eq!((edited.body.as_str(), edited.seq), ("since Friday", sent.seq));
        let page = consultations.messages(&meta(&world.doctor), id, 0, 10).await.unwrap();
        assert_eq!(page.items, [edited]);

        // What it said before is for those who take part, and a doctor's look at it is in the audit log.
        let history = async |who: &User| consultations.message_history(&meta(who), id, sent.id).await;
        assert_eq!(history(&world.doctor).await.unwrap().earlier[0].body.as_deref(), Some("since Firday"));
        assert_eq!(world.audited("read_message_history").await, 1);
        for who in [&stranger, &staff(Role::Support)] {
            assert_eq!(code(history(who).await), "not_found");
        }

        let second = send(&world, &patient, id, "m2", "and a cough").await;
        world.test.clock.set("2026-06-08T11:00:00Z".parse().unwrap());
        assert_eq!(code(edit(&patient, "too late").await), "chat_closed");
        assert_eq!(code(consultations.delete_message(&meta(&patient), id, second.id).await), "chat_closed");
        let names = world.event_names(id).await;
        assert_eq!(names, ["message_sent", "message_edited", "message_sent"]);
    }
}

#[actix_rt::test]
async fn participants_search_and_see_who_has_read() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let stranger = world.patient("bob").await;
        let consultations = &world.consultations;
        for (client, body) in [("1", "a cough"), ("2", "a Fever")] {
            send(&world, &patient, id, client, body).await;
        }
        let search = async |who: &User| {
            consultations.search_messages(&meta(who), id, Needle::parse("fever").unwrap(), 0, 10).await
        };
        assert_eq!(search(&patient).await.unwrap().items.len(), 1);
        assert_eq!(world.audited("search_messages").await, 0);
        assert_eq!(search(&world.doctor).await.unwrap().items[0].body, "a Fever");
        assert_eq!(world.audited("search_messages").await, 1);
        consultations.mark_read(meta(&world.doctor), id, 2).await.unwrap();
        let marks = consultations.read_marks(&meta(&patient), id).await.unwrap();
        let mark = marks.iter().find(|mark| mark.user_id == world.doctor.user_id).unwrap();
        assert_eq!((mark.role.as_str(), mark.seq), ("doctor", 2));
        for who in [&stranger, &staff(Role::Nurse)] {
            assert_eq!(code(search(who).await), "not_found");
            assert_eq!(code(consultations.read_marks(&meta(who), id).await), "not_found");
        }
    }
}

/// Both who never came to the consultation are told, too: the one who wrote is not.
#[actix_rt::test]
async fn whoever_never_came_is_told_that_something_waits() {
    struct Nobody;
    #[async_trait::async_trait]
    impl consilium_chat::Connected for Nobody {
        async fn is_connected(&self, _: &str, _: consilium_kernel::UserId) -> bool {
            false
        }
    }
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        send(&world, &world.doctor, id, "m1", "please bring your papers").await;
        world.at("08:03:00");
        let policy = consilium_chat::ChatPolicy::default();
        let handler = consilium_chat::NoticeTimer::new(world.test.db.clone(), policy, std::sync::Arc::new(Nobody));
        let timers = consilium_runtime::TimerWorker::new(world.test.db.clone(), vec![std::sync::Arc::new(handler)]);
        timers.fire_due().await.unwrap();
        assert_eq!(world.audited("messages_waiting").await, 1);
    }
}

/// What was written before messages had a table of their own still opens, and going back loses nothing of a visit.
#[actix_rt::test]
async fn messages_survive_the_way_back_and_forth_between_tables() {
    use diesel::connection::SimpleConnection;
    macro_rules! step {
        ($backend:literal, $file:literal) => {
            include_str!(concat!("../../../../migrations/", $backend, "/2026-11-28-000017_chat/", $file, ".sql"))
        };
    }
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let sent = send(&world, &patient, id, "m1", "hello").await;
        for (postgres, sqlite) in
            [(step!("postgres", "down"), step!("sqlite", "down")), (step!("postgres", "up"), step!("sqlite", "up"))]
        {
            let by = meta(&patient);
            let moved = world.test.db.write(&by, move |tx| {
                let statements = tx.connection().dialect(postgres, sqlite).to_owned();
                Ok(tx.connection().batch_execute(&statements)?)
            });
            moved.await.unwrap();
        }
        let page = world.consultations.messages(&meta(&patient), id, 0, 10).await.unwrap();
        assert_eq!(page.items, std::slice::from_ref(&sent));
        assert_eq!(send(&world, &patient, id, "m1", "hello").await, sent, "and is known by the client's id");
        let edited = world.consultations.edit_message(&meta(&patient), id, sent.id, "hello again".to_owned()).await;
        assert_eq!(edited.unwrap().body, "hello again");
    }
}
