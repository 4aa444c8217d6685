//! Follow-ups: the first slot that fits is kept, becomes an appointment when the patient says so, and is free again
//! when not; whatever else is booked meanwhile.

use consilium_db::testing::TestDb;
use consilium_kernel::{
    CommandMeta, ConsultationId, DEFAULT_FACILITY, DoctorId, EntityRef, EventEnvelope, Id, IdempotencyKey, Ids,
    RandomIds, Refusal, Role, Timestamp,
};
use consilium_runtime::{Subscriber, TimerWorker};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    service::{Clinic, both},
    support::{as_staff, t},
};
use crate::{
    BookAppointment, FollowUp, FollowUpStatus, FollowUpSubscriber, FollowUpTimer, Scheduling, Status, VisitType, store,
};

/// A doctor, a patient who has met the doctor, and another patient.
struct Practice {
    clinic: Clinic,
    doctor_id: DoctorId,
    doctor: CommandMeta,
    patient: CommandMeta,
    other: CommandMeta,
    met: ConsultationId,
    prescription: uuid::Uuid,
}

impl Practice {
    async fn open(clinic: Clinic) -> Self {
        let (doctor_id, doctor) = clinic.doctor("doctor@example.org", true).await;
        let patient = clinic.patient("patient@example.org").await;
        let other = clinic.patient("other@example.org").await;
        let booked = clinic.scheduling.book(patient.clone(), wish(doctor_id, "2026-06-02T03:00:00Z")).await.unwrap();
        let met = clinic.scheduling.accept(doctor.clone(), booked.id).await.unwrap().consultation_id.unwrap();
        Self { clinic, doctor_id, doctor, patient, other, met, prescription: RandomIds.next() }
    }

    fn scheduling(&self) -> &Scheduling {
        &self.clinic.scheduling
    }

    async fn hears(&self, event_type: &'static str, data: Value) {
        let event = EventEnvelope {
            event_type: event_type.to_owned(),
            schema: 1,
            id: Id::new(RandomIds.next()),
            entity: EntityRef::new("prescription", self.prescription),
            version: 1,
            facility: DEFAULT_FACILITY,
            at: self.clinic.test.clock_now(),
            trace: None,
            data,
        };
        let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
        self.clinic.test.db.write(&meta, move |tx| FollowUpSubscriber.digest(tx, &event)).await.unwrap();
    }

    async fn advise(&self, day: &str) {
        let (prescription, met) = (self.prescription, self.met);
        let data = json!({"prescription_id": prescription, "consultation_id": met, "follow_up_on": day});
        self.hears("follow_up_advised", data).await;
    }

    /// Fires what is due.
    async fn fire(&self) -> usize {
        let handler = std::sync::Arc::new(FollowUpTimer::new(self.scheduling().clone()));
        TimerWorker::new(self.clinic.test.db.clone(), vec![handler]).fire_due().await.unwrap()
    }

    async fn only(&self) -> FollowUp {
        let all = self.scheduling().follow_ups(&self.patient).await.unwrap();
        assert_eq!(all.len(), 1);
        all[0].clone()
    }

    /// Starts of everything that is held of the doctor's time; none of it overlaps.
    async fn held(&self) -> Vec<String> {
        let (doctor_id, from) = (self.doctor_id, t("2026-06-01T00:00:00Z"));
        let read = self.clinic.test.db.read(move |session| store::occupancy::of_doctor(session, doctor_id, from));
        let mut held: Vec<_> = read.await.unwrap().into_iter().map(|(_, held)| held).collect();
        held.sort();
        assert!(held.windows(2).all(|pair| pair[0].ends_at <= pair[1].starts_at), "{held:?}");
        held.into_iter().map(|held| held.starts_at.to_string()).collect()
    }
}

trait Now {
    fn clock_now(&self) -> Timestamp;
}

impl Now for TestDb {
    fn clock_now(&self) -> Timestamp {
        use consilium_kernel::Clock;
        self.clock.now()
    }
}

fn wish(doctor_id: DoctorId, starts_at: &str) -> BookAppointment {
    BookAppointment {
        doctor_id,
        starts_at: t(starts_at),
        reason: "canary-reason".to_owned(),
        symptoms: None,
        visit_type: VisitType::Audio,
        is_emergency: false,
    }
}

fn code<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> String {
    answer.unwrap_err().code.into_owned()
}

#[actix_rt::test]
async fn the_first_slot_that_fits_both_is_kept_and_confirmed_on_sqlite_and_postgres() {
    for clinic in both() {
        let practice = Practice::open(clinic).await;
        let scheduling = practice.scheduling();
        // Nine o'clock in Dhaka is somebody else's, and at half past nine the patient is with another doctor.
        let other_doctor = practice.clinic.doctor("second@example.org", true).await.0;
        scheduling.book(practice.other.clone(), wish(practice.doctor_id, "2026-06-10T03:00:00Z")).await.unwrap();
        scheduling.book(practice.patient.clone(), wish(other_doctor, "2026-06-10T03:30:00Z")).await.unwrap();
        practice.advise("2026-06-10").await;
        practice.advise("2026-06-10").await;
        assert_eq!((practice.only().await.status, practice.fire().await), (FollowUpStatus::Wanted, 1));
        let kept = practice.only().await;
        assert_eq!((kept.status, kept.starts_at), (FollowUpStatus::Held, Some(t("2026-06-10T04:00:00Z"))));
        assert_eq!(kept.expires_at, Some(t("2026-06-04T08:00:00Z")), "three days");
        let taken = scheduling.book(practice.other.clone(), wish(practice.doctor_id, "2026-06-10T04:00:00Z")).await;
        assert_eq!(code(taken), "slot_taken");
        let free = scheduling.slots(&practice.other, practice.doctor_id, Some(t("2026-06-10T00:00:00Z")), None).await;
        assert_eq!(free.unwrap()[0].starts_at, t("2026-06-10T03:30:00Z"), "it is not offered to others");

        for stranger in [&practice.other, &practice.doctor, &as_staff(Role::Admin), &as_staff(Role::Nurse)] {
            assert_eq!(code(scheduling.confirm_follow_up(stranger.clone(), kept.id).await), "not_found");
            assert_eq!(code(scheduling.decline_follow_up(stranger.clone(), kept.id).await), "not_found");
        }
        let key = IdempotencyKey { key: "confirm".to_owned(), body_hash: [0; 32] };
        let keyed = CommandMeta { idempotency: Some(key), ..practice.patient.clone() };
        let agreed = scheduling.confirm_follow_up(keyed.clone(), kept.id).await.unwrap();
        assert_eq!(scheduling.confirm_follow_up(keyed, kept.id).await.unwrap(), agreed, "a repeated request");
        assert_eq!((agreed.status, agreed.starts_at), (Status::Accepted, t("2026-06-10T04:00:00Z")));
        assert_eq!(agreed.visit_type, VisitType::Audio);
        let read = scheduling.appointment(&practice.doctor, agreed.id).await.unwrap();
        assert_eq!(read.reason.as_deref(), Some("Follow-up: canary-reason"));
        assert!(read.consultation_id.is_some() && read.consultation_id != Some(practice.met));
        let done = practice.only().await;
        assert_eq!((done.status, done.appointment_id), (FollowUpStatus::Confirmed, Some(agreed.id)));
        assert_eq!(code(scheduling.decline_follow_up(practice.patient.clone(), kept.id).await), "invalid_transition");
        assert_eq!(practice.held().await.len(), 3);
        // From now on it is like any other: calling it off gives the time back.
        scheduling.cancel(practice.patient.clone(), agreed.id, None).await.unwrap();
        assert_eq!(practice.held().await.len(), 2);
        scheduling.book(practice.other.clone(), wish(practice.doctor_id, "2026-06-10T04:00:00Z")).await.unwrap();
    }
}

#[actix_rt::test]
async fn an_answer_that_is_missing_negative_or_withdrawn_frees_the_slot_on_sqlite_and_postgres() {
    for [expected, how] in [["expired", "late"], ["declined", "no"], ["withdrawn", "withdrawn"]] {
        for clinic in both() {
            let practice = Practice::open(clinic).await;
            practice.advise("2026-06-10").await;
            practice.fire().await;
            let kept = practice.only().await;
            let scheduling = practice.scheduling();
            match how {
                "late" => {
                    practice.clinic.test.clock.set(kept.expires_at.unwrap());
                    let late = scheduling.confirm_follow_up(practice.patient.clone(), kept.id).await;
                    assert_eq!(code(late), "hold_expired", "before any timer");
                    assert_eq!(practice.fire().await, 1);
                }
                "no" => {
                    scheduling.decline_follow_up(practice.patient.clone(), kept.id).await.unwrap();
                }
                _ => {
                    let data = json!({"prescription_id": practice.prescription});
                    practice.hears("prescription_withdrawn", data).await;
                    assert_eq!(practice.fire().await, 1);
                }
            }
            assert_eq!(practice.only().await.status.to_string(), expected);
            let late = scheduling.confirm_follow_up(practice.patient.clone(), kept.id).await;
            assert_eq!(code(late), "invalid_transition");
            practice.clinic.test.clock.set(kept.expires_at.unwrap());
            assert_eq!(practice.fire().await, 0, "no timer is left");
            scheduling.book(practice.other.clone(), wish(practice.doctor_id, "2026-06-10T03:00:00Z")).await.unwrap();
            assert_eq!(practice.held().await.len(), 2);
        }
    }
}

#[actix_rt::test]
async fn without_a_free_slot_nothing_is_kept_and_what_is_not_kept_yet_can_be_withdrawn() {
    for clinic in both() {
        let practice = Practice::open(clinic).await;
        let hours = super::support::draft("Asia/Dhaka", &[], 30, 0);
        let put = practice.scheduling().put_availability(practice.doctor.clone(), practice.doctor_id, hours, 1).await;
        put.unwrap();
        practice.advise("2026-06-10").await;
        assert_eq!(practice.fire().await, 1);
        assert_eq!(practice.only().await.status, FollowUpStatus::Unplaced);
    }
    for clinic in both() {
        let practice = Practice::open(clinic).await;
        practice.advise("2026-06-10").await;
        practice.hears("prescription_withdrawn", json!({"prescription_id": practice.prescription})).await;
        assert_eq!((practice.fire().await, practice.only().await.status), (0, FollowUpStatus::Withdrawn));
        assert_eq!(practice.held().await.len(), 1);
    }
}

/// The wanted day has one slot. Somebody books it in the moment in which it is kept, through another node: one of
/// them has it, and the other gets the day after or is refused.
#[actix_rt::test]
async fn a_booking_and_a_follow_up_race_for_one_slot_on_sqlite_and_postgres() {
    for round in 0..4 {
        for clinic in both() {
            let practice = Practice::open(clinic).await;
            let mut hours = super::support::draft("Asia/Dhaka", &[("09:00", "09:30")], 30, 0);
            hours.max_per_day = Some(1);
            let put = practice.scheduling().put_availability(practice.doctor.clone(), practice.doctor_id, hours, 1);
            put.await.unwrap();
            practice.advise("2026-06-10").await;
            let elsewhere = super::service::scheduling(&practice.clinic.test, true);
            // Both nodes have loaded the schedule while the slot is free.
            let too_odd = elsewhere.book(practice.other.clone(), wish(practice.doctor_id, "2026-06-10T03:01:00Z"));
            assert_eq!(code(too_odd.await), "not_a_slot");
            let book = async {
                let wish = wish(practice.doctor_id, "2026-06-10T03:00:00Z");
                let node = if round % 2 == 0 { &elsewhere } else { practice.scheduling() };
                node.book(practice.other.clone(), wish).await.map(|_| ()).map_err(|refusal| refusal.code)
            };
            let (booked, fired) = futures_util::future::join(book, practice.fire()).await;
            // A lost race is tried again a second later.
            practice.clinic.test.clock.advance(jiff::SignedDuration::from_secs(2));
            assert_eq!(fired + practice.fire().await, 1);
            let kept = practice.only().await;
            let day = match &booked {
                Ok(()) => "2026-06-11T03:00:00Z",
                Err(code) => {
                    assert!(["slot_taken", "day_full"].contains(&code.as_ref()), "{code}");
                    "2026-06-10T03:00:00Z"
                }
            };
            assert_eq!((kept.status, kept.starts_at), (FollowUpStatus::Held, Some(t(day))), "{booked:?}");
            practice.held().await;
        }
    }
}

#[actix_rt::test]
async fn two_answers_at_once_are_one_answer_on_sqlite_and_postgres() {
    for clinic in both() {
        let practice = Practice::open(clinic).await;
        practice.advise("2026-06-10").await;
        practice.fire().await;
        let (id, elsewhere) = (practice.only().await.id, super::service::scheduling(&practice.clinic.test, true));
        let confirm = |node: Scheduling| {
            let patient = practice.patient.clone();
            async move { node.confirm_follow_up(patient, id).await.map(|_| ()).map_err(|refusal| refusal.code) }
        };
        let answers = join_all([confirm(practice.scheduling().clone()), confirm(elsewhere)]).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        assert_eq!(practice.held().await.len(), 2);
    }
}

#[test]
fn a_follow_up_never_leaves_its_graph() {
    use FollowUpStatus::*;
    use strum::IntoEnumIterator;
    let arrows = [
        (Wanted, vec![Held, Unplaced, Withdrawn]),
        (Held, vec![Confirmed, Declined, Expired, Withdrawn]),
        (Confirmed, vec![]),
        (Declined, vec![]),
        (Expired, vec![]),
        (Unplaced, vec![]),
        (Withdrawn, vec![]),
    ];
    assert_eq!(arrows.len(), FollowUpStatus::iter().count());
    for (from, to) in arrows {
        for next in FollowUpStatus::iter() {
            assert_eq!(from.may_become(next), to.contains(&next), "{from} → {next}");
        }
    }
}
