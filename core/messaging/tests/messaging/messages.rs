//! Messages of threads: the same as a consultation's, for those who are in it.

use consilium_chat::{Message, Needle};
use consilium_db::testing::TestDb;
use futures_util::future::join_all;

use crate::world::{World, code, meta, text};

#[actix_rt::test]
async fn many_senders_at_once_leave_no_gap_and_nobody_is_stored_twice() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let thread = world.care().await;
        let messaging = &world.messaging;
        let people = [&world.ada, &world.doctor, &world.nurse];
        // Every message twice, at the same time.
        let sends = (0..60).map(|n| {
            let who = people[(n / 2) % 3];
            messaging.send_message(meta(who), thread.id, text(&(n / 2).to_string(), &format!("message {}", n / 2)))
        });
        let sent: Vec<Message> = join_all(sends).await.into_iter().map(Result::unwrap).collect();
        for twins in sent.chunks(2) {
            assert_eq!(twins[0], twins[1]);
        }
        let mut numbers: Vec<i64> = sent.iter().step_by(2).map(|message| message.seq).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=30).collect::<Vec<i64>>());
        let page = messaging.messages(&meta(&world.ada), thread.id, 0, 100).await.unwrap();
        assert_eq!(page.items.iter().map(|message| message.seq).collect::<Vec<_>>(), numbers);
    }
}

#[actix_rt::test]
async fn messages_are_changed_by_who_sent_them_and_read_by_who_is_in_it() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let thread = world.care().await;
        let messaging = &world.messaging;
        let sent = messaging.send_message(meta(&world.ada), thread.id, text("1", "since Firday")).await.unwrap();
        let edit =
            async |who, body: &str| messaging.edit_message(&meta(who), thread.id, sent.id, body.to_owned()).await;
        assert_eq!(code(edit(&world.doctor, "mine").await), "not_the_sender");
        assert_eq!(code(edit(&world.bob, "mine").await), "not_found");
        assert_eq!(edit(&world.ada, "since Friday").await.unwrap().body, "since Friday");
        let history = async |who| messaging.message_history(&meta(who), thread.id, sent.id).await;
        assert_eq!(history(&world.doctor).await.unwrap().earlier[0].body.as_deref(), Some("since Firday"));
        assert_eq!(world.audited("read_message_history").await, 1);
        assert_eq!(code(history(&world.other).await), "not_found");
        let search =
            async |who| messaging.search_messages(&meta(who), thread.id, Needle::parse("friday").unwrap(), 0, 10).await;
        assert_eq!(search(&world.nurse).await.unwrap().items.len(), 1);
        assert_eq!(world.audited("search_thread_messages").await, 1);
        assert_eq!(code(search(&world.admin).await), "not_found");

        assert_eq!(messaging.mark_read(meta(&world.doctor), thread.id, 2).await.unwrap().seq, 2);
        assert_eq!(messaging.mark_read(meta(&world.doctor), thread.id, 1).await.unwrap().seq, 2, "never backwards");
        assert_eq!(code(messaging.mark_read(meta(&world.doctor), thread.id, 99).await), "out_of_range");
        let marks = messaging.read_marks(&meta(&world.ada), thread.id).await.unwrap();
        let mark = marks.iter().find(|mark| mark.user_id == world.doctor.user_id).unwrap();
        assert_eq!((mark.role.as_str(), mark.seq), ("doctor", 2));

        assert_eq!(code(messaging.delete_message(&meta(&world.doctor), thread.id, sent.id).await), "not_the_sender");
        assert!(messaging.delete_message(&meta(&world.ada), thread.id, sent.id).await.unwrap().deleted_at.is_some());
        messaging.close(meta(&world.doctor), thread.id).await.unwrap();
        assert_eq!(code(messaging.delete_message(&meta(&world.ada), thread.id, sent.id).await), "thread_closed");
        assert_eq!(code(edit(&world.ada, "again").await), "thread_closed");
    }
}

#[actix_rt::test]
async fn neither_subject_nor_messages_stand_in_the_clear() {
    let world = World::new(TestDb::sqlite()).await;
    let thread = world.care().await;
    world.messaging.send_message(meta(&world.ada), thread.id, text("1", "canary-in-the-thread")).await.unwrap();
    for file in std::fs::read_dir(&world.test.folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for canary in ["canary-in-the-thread", "about the cough"] {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} stands in {}", path.display());
        }
    }
}
