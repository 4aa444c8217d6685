//! Sending, editing, deleting, searching: what readers get, and what stands where.

use consilium_chat::Needle;
use consilium_db::testing::TestDb;
use futures_util::future::join_all;
use serde_json::json;

use crate::world::{World, code};

#[actix_rt::test]
async fn what_was_replaced_is_history_and_what_was_deleted_is_nobodys() {
    for test in TestDb::both() {
        let world = World::new(test);
        let sent = world.send(world.ada, "1", "first").await;
        let (id, conversation) = (sent.id, world.conversation.clone());
        assert_eq!(code(world.edit(world.bob, id, "mine now").await), "not_the_sender");
        assert_eq!(code(world.delete(world.bob, id).await), "not_the_sender");
        assert_eq!(code(world.edit(world.ada, id, "").await), "invalid");
        assert_eq!(code(world.edit(world.ada, consilium_kernel::Id::new(conversation.id), "x").await), "not_found");
        assert_eq!(world.events().await.len(), 1, "nothing of that did anything");

        world.wait(60);
        let edited = world.edit(world.ada, id, "second").await.unwrap();
        assert_eq!((edited.body.as_str(), edited.seq, edited.sent_at), ("second", sent.seq, sent.sent_at));
        assert_eq!(world.edit(world.ada, id, "second").await.unwrap(), edited, "no change is no event");
        world.edit(world.ada, id, "third").await.unwrap();
        assert_eq!(world.send(world.ada, "1", "first").await.body, "third", "sent again, it is what it is now");
        let history = async || {
            let conversation = conversation.clone();
            let read = world.test.db.read(move |session| consilium_chat::history(session, &conversation, id));
            read.await.unwrap().unwrap()
        };
        let texts: Vec<_> = history().await.earlier.into_iter().map(|text| text.body.unwrap()).collect();
        assert_eq!(texts, ["first", "second"]);
        let events: Vec<_> = world.events().await;
        assert_eq!(events.len(), 3);
        assert!(events.iter().all(|(_, _, data)| data["body"] == "third"), "{events:?}");
        assert_eq!(events[1].2["message_seq"], 1);

        world.wait(60);
        let deleted = world.delete(world.ada, id).await.unwrap();
        assert_eq!((deleted.text(), deleted.body.as_str()), (None, ""));
        assert_eq!(world.delete(world.ada, id).await.unwrap(), deleted, "twice is once");
        assert_eq!(code(world.edit(world.ada, id, "again").await), "message_deleted");
        let after = history().await;
        assert_eq!(after.earlier.len(), 3);
        assert!(after.earlier.iter().all(|text| text.body.is_none()));
        let events = world.events().await;
        let names: Vec<&str> = events.iter().map(|(_, name, _)| name.as_str()).collect();
        assert_eq!(names, ["message_sent", "message_edited", "message_edited", "message_deleted"]);
        for (_, _, data) in &events {
            assert_eq!((&data["body"], data["deleted_at"].is_string()), (&json!(null), true), "{data}");
        }
        assert_eq!(world.send(world.ada, "1", "first").await, deleted, "sent again, it stays deleted");
    }
}

#[actix_rt::test]
async fn a_message_of_another_conversation_is_not_there() {
    for test in TestDb::both() {
        let mut world = World::new(test);
        let sent = world.send(world.ada, "1", "here").await;
        world.conversation.id = consilium_kernel::Ids::next(&consilium_kernel::RandomIds);
        assert_eq!(code(world.edit(world.ada, sent.id, "there").await), "not_found");
        assert_eq!(code(world.delete(world.ada, sent.id).await), "not_found");
        let conversation = world.conversation.clone();
        let read = world.test.db.read(move |session| consilium_chat::history(session, &conversation, sent.id));
        assert!(read.await.unwrap().is_none());
    }
}

#[actix_rt::test]
async fn an_hour_after_it_was_sent_a_message_can_only_be_deleted() {
    for test in TestDb::both() {
        let world = World::new(test);
        let sent = world.send(world.ada, "1", "first").await;
        world.wait(3_601);
        assert_eq!(code(world.edit(world.ada, sent.id, "late").await), "too_late_to_edit");
        assert!(world.delete(world.ada, sent.id).await.unwrap().deleted_at.is_some());
    }
}

#[actix_rt::test]
async fn a_search_finds_what_stands_and_pages() {
    for test in TestDb::both() {
        let world = World::new(test);
        for n in 0..6 {
            let body = if n % 2 == 0 { format!("Fever {n}") } else { format!("cough {n}") };
            world.send(world.ada, &n.to_string(), &body).await;
        }
        let gone = world.send(world.ada, "gone", "fever that never was").await;
        world.delete(world.ada, gone.id).await.unwrap();
        let changed = world.send(world.ada, "changed", "fever, no: a rash").await;
        world.edit(world.ada, changed.id, "a rash").await.unwrap();
        let search = async |text: &str, after: i64, limit: i64| {
            let (id, needle) = (world.conversation.id, Needle::parse(text).unwrap());
            let found = world.test.db.read(move |session| consilium_chat::search(session, id, &needle, after, limit));
            let page = found.await.unwrap();
            let bodies: Vec<String> = page.items.into_iter().map(|message| message.body).collect();
            (bodies, page.next_after_seq)
        };
        assert_eq!(search("FEVER", 0, 10).await, (vec!["Fever 0".into(), "Fever 2".into(), "Fever 4".into()], None));
        let (first, next) = search("fever", 0, 2).await;
        assert_eq!((first.len(), next), (2, Some(3)));
        assert_eq!(search("fever", 3, 2).await, (vec!["Fever 4".into()], None));
        assert_eq!(search("rash", 0, 10).await.0, ["a rash"]);
        assert_eq!(search("nothing like it", 0, 10).await, (Vec::new(), None));
    }
}

/// Sending, editing and reading at the same time: numbers have no gaps, nothing is lost, nobody waits for another.
#[actix_rt::test]
async fn many_at_once_leave_no_gap_and_no_deadlock() {
    for test in TestDb::both() {
        let world = World::new(test);
        let first = world.send(world.ada, "first", "first").await;
        let people = [world.ada, world.bob, world.eve];
        let doings = (0..30usize).map(|n| {
            let world = &world;
            async move {
                let who = people[n % 3];
                match n % 3 {
                    0 => {
                        // Of several edits at once all but one may be told to look again.
                        let edited = world.edit(world.ada, first.id, &format!("edit {n}")).await;
                        assert!(matches!(edited, Ok(_) | Err(consilium_db::Error::VersionConflict)), "{edited:?}");
                    }
                    1 => drop(world.send(who, &n.to_string(), &format!("message {n}")).await),
                    _ => world.read(who, 1).await,
                }
            }
        });
        join_all(doings).await;
        let events = world.events().await; // checks the numbers
        assert_eq!(events.iter().filter(|(_, name, _)| name == "message_sent").count(), 11);
        let last = world.edit(world.ada, first.id, "the last word").await.unwrap();
        let told: Vec<_> =
            world.events().await.into_iter().filter(|(_, _, data)| data["id"] == last.id.to_string()).collect();
        assert!(told.len() > 2 && told.iter().all(|(_, _, data)| data["body"] == "the last word"), "{told:?}");
    }
}

#[actix_rt::test]
async fn neither_a_text_nor_its_history_stands_in_the_clear() {
    let world = World::new(TestDb::sqlite());
    let sent = world.send(world.ada, "canary-client-id", "canary-first").await;
    world.edit(world.ada, sent.id, "canary-second").await.unwrap();
    world.delete(world.ada, sent.id).await.unwrap();
    for file in std::fs::read_dir(&world.test.folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for canary in ["canary-first", "canary-second", "canary-client-id"] {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} stands in {}", path.display());
        }
    }
}
