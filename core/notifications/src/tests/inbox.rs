//! The inbox: whose it is, its pages, reading, and the live topic.

use consilium_db::{testing::TestDb, topics};
use consilium_kernel::*;

use super::stage::{CANARY, Stage};
use crate::model::*;

async fn three(test: TestDb) -> Stage {
    let stage = Stage::on(test);
    for _ in 0..3 {
        stage.scheduled("appointment_accepted", &stage.appointment()).await;
    }
    stage.digest().await;
    stage
}

#[actix_rt::test]
async fn pages_of_ones_own_newest_first() {
    for test in TestDb::both() {
        let stage = three(test).await;
        let page = |cursor, limit| {
            let meta = stage.as_patient();
            let notifications = stage.notifications.clone();
            async move { notifications.inbox(&meta, false, PageRequest { limit, cursor }).await }
        };
        let first = page(None, Some(2)).await.unwrap();
        assert_eq!(first.items.len(), 2);
        assert!(first.items[0].id > first.items[1].id);
        let second = page(first.next_cursor, Some(2)).await.unwrap();
        assert_eq!(second.items.len(), 1);
        assert!(second.items[0].id < first.items[1].id);
        assert_eq!(second.next_cursor, None);
        assert!(page(None, Some(101)).await.is_err());
        assert!(page(Some("nonsense".into()), None).await.is_err());

        let entry = &first.items[0];
        assert_eq!(entry.text.key, "notification.appointment_accepted.patient");
        assert_eq!(entry.text.params["doctor_name"], "Dr. Rahman");
        assert!(!serde_json::to_string(entry).unwrap().contains(CANARY));
    }
}

#[actix_rt::test]
async fn reading_is_for_the_reader_only_and_keeps_its_first_time() {
    for test in TestDb::both() {
        let stage = three(test).await;
        let inbox = |unread| {
            let (meta, notifications) = (stage.as_patient(), stage.notifications.clone());
            async move { notifications.inbox(&meta, unread, PageRequest::default()).await.unwrap().items }
        };
        let id = inbox(false).await[0].id;
        let foreign = stage.notifications.mark_read(&stage.as_doctor(), id).await.unwrap_err();
        assert_eq!(foreign.kind, RefusalKind::NotFound);
        let read = stage.notifications.mark_read(&stage.as_patient(), id).await.unwrap();
        assert_eq!(read.read_at, Some(stage.now()));
        stage.test.clock.advance(jiff::SignedDuration::from_secs(60));
        let again = stage.notifications.mark_read(&stage.as_patient(), id).await.unwrap();
        assert_eq!(again.read_at, read.read_at);
        assert_eq!(inbox(true).await.len(), 2);
        assert_eq!(stage.notifications.mark_all_read(&stage.as_patient()).await.unwrap(), 2);
        assert!(inbox(true).await.is_empty());
        assert_eq!(inbox(false).await.len(), 3);
        // A mail of one's own is not part of the inbox.
        let mail = stage.deliveries().await.into_iter().find(|it| it.channel == Channel::Email).unwrap();
        assert!(stage.notifications.mark_read(&stage.as_patient(), mail.id).await.is_err());
    }
}

/// Messages wait, their reader reads them elsewhere: what was not mailed never is, and the inbox shows it as seen.
#[actix_rt::test]
async fn what_waited_and_was_read_is_withdrawn() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        let thread = EntityRef::new("thread", RandomIds.next());
        let of = |seq: i64| serde_json::json!({"user_id": stage.patient.1, "seq": seq, "thread_id": thread.id});
        for seq in [4, 9] {
            stage.happens(thread.clone(), "messages_waiting", of(seq)).await;
        }
        stage.digest().await;
        let entries = async |unread| {
            let page = PageRequest::default();
            stage.notifications.inbox(&stage.as_patient(), unread, page).await.unwrap().items
        };
        let shown = entries(true).await;
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0].text.params["thread_id"], thread.id.to_string());
        assert_eq!(shown[0].text.params.len(), 1, "where, and nothing else");

        // Somebody else's reading, and reading elsewhere, changes nothing.
        let others = serde_json::json!({"user_id": stage.doctor.1, "seq": 9, "thread_id": thread.id});
        stage.happens(thread.clone(), "waiting_messages_read", others).await;
        let elsewhere = EntityRef::new("thread", RandomIds.next());
        stage.happens(elsewhere, "waiting_messages_read", of(9)).await;
        stage.digest().await;
        assert_eq!(entries(true).await.len(), 2);

        stage.happens(thread.clone(), "waiting_messages_read", of(4)).await;
        stage.digest().await;
        assert_eq!(entries(true).await.len(), 1, "the newer one still waits");
        assert_eq!(entries(false).await.len(), 2);
        let mails = stage.deliveries().await.into_iter().filter(|it| it.channel == Channel::Email);
        let states: Vec<DeliveryStatus> = mails.map(|it| it.status).collect();
        assert_eq!(states, [DeliveryStatus::Withdrawn, DeliveryStatus::Queued]);
        stage.send().await;
        assert_eq!(stage.post.kinds(), ["messages_waiting"]);
    }
}

#[actix_rt::test]
async fn watchers_get_what_the_inbox_holds() {
    for test in TestDb::both() {
        let stage = three(test).await;
        let topic = format!("user:{}", stage.doctor.1);
        let live = stage.test.db.read(move |session| topics::read_after(session, &topic, 0, 10)).await.unwrap();
        assert_eq!(live.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(live.iter().all(|event| event.event == "notification"));
        let mut shown: Vec<InboxEntry> =
            live.into_iter().map(|event| serde_json::from_value(event.data).unwrap()).collect();
        shown.sort_by_key(|entry| std::cmp::Reverse(entry.id));
        let meta = stage.as_doctor();
        let kept = stage.notifications.inbox(&meta, false, PageRequest::default()).await.unwrap().items;
        assert_eq!(shown, kept);
        assert_eq!(kept[0].text.params["patient_name"], format!("Amina {CANARY}"));
    }
}
