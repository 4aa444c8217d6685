//! Reminders: never doubled, never after a cancellation, right after a reschedule.

use consilium_db::{testing::TestDb, timers::TimerRequest};
use consilium_kernel::*;
use consilium_scheduling::{Appointment, Status};
use jiff::SignedDuration;

use super::stage::Stage;
use crate::{decide::SendError, model::*};

/// Sets the timers as scheduling does.
async fn set_timers(stage: &Stage, appointment: &Appointment) {
    let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
    let it = appointment.clone();
    let set = stage.test.db.write(&meta, move |tx| {
        for (kind, hours) in [("reminder_24h", 24), ("reminder_1h", 1)] {
            tx.withdraw_timers(it.id.uuid(), &[kind])?;
            let due_at = it.starts_at - SignedDuration::from_hours(hours);
            if it.status == Status::Accepted && due_at > tx.now() {
                tx.set_timer(TimerRequest { kind, entity: it.entity(), revision: it.revision, due_at })?;
            }
        }
        Ok(())
    });
    set.await.unwrap();
}

/// Lets the clock run for `hours` in steps of ten minutes, doing all that a server does at each.
async fn run(stage: &Stage, hours: i64) {
    for _ in 0..hours * 6 {
        stage.test.clock.advance(SignedDuration::from_mins(10));
        stage.fire().await;
        stage.digest().await;
        stage.send().await;
    }
}

fn reminders(stage: &Stage) -> Vec<String> {
    stage.post.kinds().into_iter().filter(|kind| kind.starts_with("reminder")).collect()
}

async fn told(stage: &Stage) -> Vec<String> {
    stage.told().await.into_iter().filter(|it| it.starts_with("reminder")).collect()
}

#[actix_rt::test]
async fn a_day_and_an_hour_before_and_once_each() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        set_timers(&stage, &stage.appointment()).await;
        let appointment = stage.appointment();
        stage.scheduled("appointment_accepted", &appointment).await;
        set_timers(&stage, &appointment).await;
        run(&stage, 23).await;
        assert!(reminders(&stage).is_empty());
        run(&stage, 2).await;
        assert_eq!(reminders(&stage), ["reminder_24h"]);
        run(&stage, 24).await;
        assert_eq!(reminders(&stage), ["reminder_24h", "reminder_1h"]);
        let expected = [
            "reminder_1h/email/patient",
            "reminder_1h/in_app/doctor",
            "reminder_1h/in_app/patient",
            "reminder_24h/email/patient",
            "reminder_24h/in_app/doctor",
            "reminder_24h/in_app/patient",
        ];
        assert_eq!(told(&stage).await, expected);
    }
}

#[actix_rt::test]
async fn none_after_a_cancellation_even_if_its_timer_stayed() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        let mut appointment = stage.appointment();
        stage.scheduled("appointment_accepted", &appointment).await;
        set_timers(&stage, &appointment).await;
        run(&stage, 2).await;
        appointment.status = Status::Cancelled;
        // Scheduling would withdraw the timers too; here they are left standing on purpose.
        stage.scheduled("appointment_cancelled", &appointment).await;
        run(&stage, 48).await;
        assert!(told(&stage).await.is_empty());
        assert_eq!(stage.post.kinds().last().unwrap(), "appointment_cancelled");
    }
}

#[actix_rt::test]
async fn a_waiting_reminder_is_withdrawn_when_the_appointment_is_cancelled_or_moved() {
    for test in TestDb::both() {
        for (event, status, revision) in
            [("appointment_cancelled", Status::Cancelled, 0), ("appointment_rescheduled", Status::Accepted, 1)]
        {
            // One database serves both turns: the stage is new, its people are others.
            let stage = &Stage::on(if test.url.starts_with("sqlite") { TestDb::sqlite() } else { TestDb::postgres() });
            let mut appointment = stage.appointment();
            stage.scheduled("appointment_accepted", &appointment).await;
            set_timers(stage, &appointment).await;
            run(stage, 23).await;
            let down = SendError::Passing("connection".into());
            stage.test.clock.advance(SignedDuration::from_mins(61));
            stage.fire().await;
            stage.post.failures.lock().unwrap().push_back(down);
            stage.send().await;
            assert!(reminders(stage).is_empty());
            appointment.status = status;
            appointment.revision = revision;
            appointment.starts_at += SignedDuration::from_hours(3 * 24 * revision);
            appointment.ends_at += SignedDuration::from_hours(3 * 24 * revision);
            stage.scheduled(event, &appointment).await;
            set_timers(stage, &appointment).await;
            stage.digest().await;
            let withdrawn: Vec<_> =
                stage.deliveries().await.into_iter().filter(|it| it.status == DeliveryStatus::Withdrawn).collect();
            assert_eq!(withdrawn.len(), 1);
            assert_eq!((withdrawn[0].kind, withdrawn[0].revision), (Kind::Reminder24h, 0));
            run(stage, 24 * 5).await;
            let expected: &[&str] = if revision == 0 { &[] } else { &["reminder_24h", "reminder_1h"] };
            assert_eq!(reminders(stage), expected, "{event}");
        }
    }
}

/// The cancellation is committed, and its event not digested yet: the look at send time finds it.
#[actix_rt::test]
async fn the_last_look_before_sending_counts() {
    for test in TestDb::both() {
        let stage = Stage::on(test);
        let mut appointment = stage.appointment();
        stage.scheduled("appointment_accepted", &appointment).await;
        set_timers(&stage, &appointment).await;
        stage.test.clock.advance(SignedDuration::from_hours(25));
        stage.fire().await;
        assert_eq!(told(&stage).await.len(), 3);
        appointment.status = Status::Cancelled;
        stage.scheduled("appointment_cancelled", &appointment).await;
        stage.send().await;
        assert!(reminders(&stage).is_empty());
        let mail = stage
            .deliveries()
            .await
            .into_iter()
            .find(|it| it.kind == Kind::Reminder24h && it.channel == Channel::Email);
        assert_eq!(mail.unwrap().status, DeliveryStatus::Withdrawn);
    }
}

#[actix_rt::test]
async fn a_server_that_was_down_sends_no_reminder_too_late() {
    for test in TestDb::both() {
        // Down from before the first reminder until: half an hour before the start, and after it.
        for (hours, minutes, expected) in [(47, 30, 1), (48, 1, 0)] {
            let stage = Stage::on(if test.url.starts_with("sqlite") { TestDb::sqlite() } else { TestDb::postgres() });
            let appointment = stage.appointment();
            stage.scheduled("appointment_accepted", &appointment).await;
            set_timers(&stage, &appointment).await;
            stage.test.clock.advance(SignedDuration::from_hours(hours) + SignedDuration::from_mins(minutes));
            stage.fire().await;
            stage.digest().await;
            stage.send().await;
            assert_eq!(reminders(&stage).len(), expected, "{hours}:{minutes}");
            assert!(!reminders(&stage).contains(&"reminder_24h".to_owned()));
        }
    }
}
