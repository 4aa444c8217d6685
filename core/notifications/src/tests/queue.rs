//! Sending: retries under one Message-ID, dead letters, claims, order.

use std::time::Duration;

use consilium_db::testing::TestDb;
use consilium_kernel::*;
use consilium_scheduling::Status;
use jiff::SignedDuration;
use serde_json::json;

use super::stage::{Post, Stage};
use crate::{
    decide::SendError,
    model::{Delivery, *},
    notifier::{Outgoing, Transport},
    settings::NotificationSettings,
    store,
};

/// One mail to the patient, one to the doctor.
async fn two_mails(test: TestDb) -> Stage {
    let stage = Stage::on(test);
    stage.scheduled("appointment_accepted", &stage.appointment()).await;
    stage.digest().await;
    stage
}

async fn one_mail(test: TestDb) -> Stage {
    let stage = Stage::on(test);
    stage.book.doctors.lock().unwrap().clear();
    stage.scheduled("appointment_accepted", &stage.appointment()).await;
    stage.digest().await;
    stage
}

async fn mail(stage: &Stage) -> Delivery {
    stage.deliveries().await.into_iter().find(|it| it.channel == Channel::Email).unwrap()
}

fn fail(stage: &Stage, errors: impl IntoIterator<Item = SendError>) {
    stage.post.failures.lock().unwrap().extend(errors);
}

fn passing() -> SendError {
    SendError::Passing("smtp_451".into())
}

#[actix_rt::test]
async fn what_is_due_is_sent_once() {
    for test in TestDb::both() {
        let stage = two_mails(test).await;
        stage.send().await;
        stage.send().await;
        let taken = stage.post.taken.lock().unwrap().clone();
        assert_eq!(taken.len(), 2);
        assert_ne!(taken[0].3, taken[1].3);
        for delivery in stage.deliveries().await {
            assert_eq!(delivery.status, DeliveryStatus::Sent);
            assert!(delivery.sent_at.is_some());
            assert_eq!(delivery.message_id, format!("{}@clinic.example.org", delivery.id));
        }
    }
}

#[actix_rt::test]
async fn a_passing_failure_is_tried_again_later_under_the_same_message_id() {
    for test in TestDb::both() {
        let stage = one_mail(test).await;
        fail(&stage, [passing()]);
        stage.send().await;
        let failed = mail(&stage).await;
        assert_eq!((failed.status, failed.attempts), (DeliveryStatus::Failed, 1));
        assert_eq!(failed.last_error.as_deref(), Some("smtp_451"));
        let wait = failed.next_attempt_at.duration_since(stage.now());
        assert!(wait >= SignedDuration::from_secs(5) && wait <= SignedDuration::from_secs(10), "{wait}");

        stage.send().await;
        assert!(stage.post.kinds().is_empty(), "before its time");
        stage.test.clock.set(failed.next_attempt_at);
        stage.send().await;
        assert_eq!(stage.post.message_ids(), [failed.message_id]);
        assert_eq!(mail(&stage).await.status, DeliveryStatus::Sent);
    }
}

#[actix_rt::test]
async fn after_the_last_attempt_it_is_a_dead_letter_that_an_administrator_can_retry() {
    for test in TestDb::both() {
        let stage = one_mail(test).await;
        fail(&stage, [passing(), passing(), passing()]);
        for _ in 0..5 {
            stage.send().await;
            stage.test.clock.advance(SignedDuration::from_mins(5));
        }
        let dead = mail(&stage).await;
        assert_eq!((dead.status, dead.attempts), (DeliveryStatus::Dead, 3));
        assert_eq!(dead_letters(&stage).await, std::slice::from_ref(&dead));

        let queued = stage.notifications.retry(&stage.admin(), dead.id).await.unwrap();
        assert_eq!((queued.status, queued.attempts), (DeliveryStatus::Queued, 0));
        assert_eq!(stage.notifications.retry(&stage.admin(), dead.id).await.unwrap_err().code, "invalid_transition");
        stage.send().await;
        assert_eq!(stage.post.message_ids(), [dead.message_id]);
        assert!(dead_letters(&stage).await.is_empty());

        let nobody = Id::new(RandomIds.next());
        assert_eq!(stage.notifications.retry(&stage.admin(), nobody).await.unwrap_err().code, "not_found");
    }
}

async fn dead_letters(stage: &Stage) -> Vec<Delivery> {
    let page = PageRequest::default();
    stage.notifications.deliveries(&stage.admin(), Some(DeliveryStatus::Dead), page).await.unwrap().items
}

#[actix_rt::test]
async fn a_final_failure_is_not_tried_again() {
    for test in TestDb::both() {
        let stage = one_mail(test).await;
        fail(&stage, [SendError::Final("smtp_550".into())]);
        stage.send().await;
        let dead = mail(&stage).await;
        assert_eq!(
            (dead.status, dead.attempts, dead.last_error.as_deref()),
            (DeliveryStatus::Dead, 1, Some("smtp_550"))
        );
        stage.test.clock.advance(SignedDuration::from_hours(2));
        stage.send().await;
        assert!(stage.post.kinds().is_empty());
    }
}

/// The server has taken the mail, and the process dies before that is written.
#[actix_rt::test]
async fn after_a_crash_the_copy_carries_the_same_message_id() {
    for test in TestDb::both() {
        let stage = one_mail(test).await;
        let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
        let claim = |length| {
            stage.test.db.write(&meta, move |tx| {
                Ok(store::claim(tx, Channel::Email, 10, length)?
                    .into_iter()
                    .map(|it| it.message_id)
                    .collect::<Vec<_>>())
            })
        };
        let lost = claim(Duration::from_secs(60)).await.unwrap();
        assert_eq!(lost.len(), 1);
        stage.send().await;
        assert!(stage.post.kinds().is_empty(), "somebody may still be at it");

        stage.test.clock.advance(SignedDuration::from_secs(61));
        stage.send().await;
        assert_eq!(stage.post.message_ids(), lost);
        stage.test.clock.advance(SignedDuration::from_hours(1));
        stage.send().await;
        assert_eq!(stage.post.message_ids().len(), 1);
        assert_eq!(mail(&stage).await.attempts, 2);
    }
}

#[actix_rt::test]
async fn whoever_lost_the_claim_cannot_settle_it() {
    for test in TestDb::both() {
        let stage = one_mail(test).await;
        let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
        let claim = || {
            stage.test.db.write(&meta, |tx| {
                let mut claimed = store::claim(tx, Channel::Email, 10, Duration::from_secs(60))?;
                Ok(claimed.pop().map(|it| (it.id, it.version)).unwrap())
            })
        };
        let (id, lost) = claim().await.unwrap();
        stage.test.clock.advance(SignedDuration::from_secs(61));
        let (_, held) = claim().await.unwrap();
        let now = stage.now();
        let settle = |version| {
            stage
                .test
                .db
                .write(&meta, move |tx| store::settle(tx, id, version, &crate::decide::judge(Ok(()), 1, 3, 0, now)))
        };
        assert!(!settle(lost).await.unwrap());
        assert!(settle(held).await.unwrap());
    }
}

#[actix_rt::test]
async fn two_notifiers_on_one_database_send_nothing_twice() {
    for test in TestDb::both() {
        let mut stage = Stage::on(test);
        stage.post = std::sync::Arc::new(Post { slow: Some(Duration::from_millis(5)), ..Post::default() });
        for _ in 0..20 {
            stage.scheduled("appointment_accepted", &stage.appointment()).await;
        }
        stage.digest().await;
        let (one, other) = (stage.notifier(), stage.notifier());
        let (first, second) = futures_util::future::join(one.send_due(), other.send_due()).await;
        assert!(first.unwrap() + second.unwrap() >= 40);
        stage.send().await;
        let mut ids = stage.post.message_ids();
        assert_eq!(ids.len(), 40);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 40);
    }
}

#[actix_rt::test]
async fn nobody_reads_of_the_cancellation_before_the_booking() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        stage.book.doctors.lock().unwrap().clear();
        let mut appointment = stage.appointment();
        for (event, status) in [
            ("appointment_booked", Status::Pending),
            ("appointment_accepted", Status::Accepted),
            ("appointment_cancelled", Status::Cancelled),
        ] {
            appointment.status = status;
            stage.scheduled(event, &appointment).await;
            stage.digest().await;
        }
        fail(&stage, [passing()]);
        stage.send().await;
        assert!(stage.post.kinds().is_empty());
        stage.test.clock.advance(SignedDuration::from_secs(10));
        stage.send().await;
        assert_eq!(stage.post.kinds(), ["appointment_booked", "appointment_accepted", "appointment_cancelled"]);
    }
}

#[actix_rt::test]
async fn what_somebody_needs_this_minute_is_sent_before_what_has_waited_for_longer() {
    for test in TestDb::both() {
        let stage = two_mails(test).await;
        stage.test.clock.advance(SignedDuration::from_mins(1));
        let account = EntityRef::new("account", RandomIds.next());
        stage.happens(account, "password_reset_requested", json!({"user_id": stage.patient.1, "token": "t"})).await;
        stage.digest().await;
        let one_at_a_time = NotificationSettings { concurrency: 1, ..Default::default() };
        stage.notifications.notifier(stage.post.clone(), &one_at_a_time).send_due().await.unwrap();
        assert_eq!(stage.post.kinds(), ["password_reset", "appointment_accepted", "appointment_accepted"]);
    }
}

#[actix_rt::test]
async fn what_nobody_can_read_any_more_does_not_stop_the_rest() {
    for test in TestDb::both() {
        let stage = two_mails(test).await;
        stage.book.contacts.lock().unwrap().remove(&stage.patient.1);
        stage.send().await;
        assert_eq!(stage.post.kinds().len(), 1);
        let dead: Vec<_> =
            stage.deliveries().await.into_iter().filter(|it| it.status == DeliveryStatus::Dead).collect();
        assert_eq!(dead.len(), 1);
        assert_eq!(dead[0].last_error.as_deref(), Some("no_address"));
    }
}

#[actix_rt::test]
async fn a_message_that_came_too_late_is_not_sent() {
    let stage = one_mail(TestDb::sqlite()).await;
    stage.test.clock.advance(SignedDuration::from_hours(7 * 24 + 1));
    stage.send().await;
    assert!(stage.post.kinds().is_empty());
    assert_eq!(mail(&stage).await.last_error.as_deref(), Some("expired"));
}

#[actix_rt::test]
async fn a_channel_that_hangs_costs_one_attempt() {
    let mut stage = one_mail(TestDb::sqlite()).await;
    stage.post = std::sync::Arc::new(Post { slow: Some(Duration::from_secs(60)), ..Post::default() });
    stage.send().await;
    assert_eq!(mail(&stage).await.last_error.as_deref(), Some("timeout"));
}

/// An e-mail channel whose first message never comes to an end, or panics.
struct Stuck {
    panics: bool,
    post: std::sync::Arc<Post>,
    first: std::sync::atomic::AtomicBool,
}

#[async_trait::async_trait]
impl Transport for Stuck {
    fn channel(&self) -> Channel {
        Channel::Email
    }
    fn time_limit(&self) -> Duration {
        Duration::from_secs(600)
    }
    async fn send(&self, outgoing: &Outgoing) -> Result<(), SendError> {
        if self.first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            assert!(!self.panics, "as a test wants it");
            std::future::pending::<()>().await;
        }
        self.post.send(outgoing).await
    }
}

#[actix_rt::test]
async fn a_message_that_takes_long_or_panics_holds_up_no_other() {
    for panics in [false, true] {
        let stage = Stage::on(TestDb::sqlite());
        for _ in 0..3 {
            stage.scheduled("appointment_accepted", &stage.appointment()).await;
        }
        stage.digest().await;
        let stuck = Stuck { panics, post: stage.post.clone(), first: true.into() };
        let two_at_a_time = NotificationSettings { concurrency: 2, ..Default::default() };
        let notifier = stage.notifications.notifier(std::sync::Arc::new(stuck), &two_at_a_time);
        let tasks = consilium_runtime::Tasks::default();
        tasks.spawn(notifier.run(std::sync::Arc::default(), tasks.shutdown()));
        let count = async |status| {
            let mails = stage.deliveries().await.into_iter().filter(|it| it.channel == Channel::Email);
            mails.filter(|it| it.status == status).count()
        };
        until(async || count(DeliveryStatus::Sent).await == 5).await;
        assert_eq!(count(DeliveryStatus::Sending).await, 1, "it is held until its claim runs out");
        tasks.finish(Duration::from_millis(10)).await;
    }
}

/// Waits for what other tasks bring about.
async fn until(come: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if come().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not come");
}

#[actix_rt::test]
async fn the_actor_sends_until_it_is_told_to_end() {
    let stage = two_mails(TestDb::sqlite()).await;
    let tasks = consilium_runtime::Tasks::default();
    let wake = std::sync::Arc::new(tokio::sync::Notify::new());
    tasks.spawn(stage.notifier().run(wake.clone(), tasks.shutdown()));
    until(async || stage.post.kinds().len() == 2).await;
    tasks.finish(Duration::from_secs(5)).await;
    stage.scheduled("appointment_cancelled", &stage.appointment()).await;
    stage.digest().await;
    wake.notify_one();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(stage.post.kinds().len(), 2);
}
