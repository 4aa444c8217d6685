//! What is shown to whom: hours, slots, lists, and the line in the audit log that a read leaves.

use std::collections::HashSet;

use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, PatientId, Principal, RefusalKind, Role};

use super::{
    service::{Clinic, both, code, wish},
    support::{as_patient, as_staff, draft, exception, new_id, t},
};
use crate::{Appointment, AppointmentFilter, Status, slots, store};

async fn audited(clinic: &Clinic, action: &'static str) -> i64 {
    clinic.test.db.read(move |session| store::tests::audited(session, action)).await.unwrap()
}

fn patient_id(meta: &CommandMeta) -> PatientId {
    meta.principal.user().unwrap().patient_id.unwrap()
}

fn anonymous() -> CommandMeta {
    CommandMeta { principal: Principal::Anonymous, ..CommandMeta::system(DEFAULT_FACILITY, "test") }
}

#[actix_rt::test]
async fn lists_hold_what_is_theirs_page_by_page() {
    for clinic in both() {
        let (doctor_id, doctor) = clinic.doctor("doctor@example.org", true).await;
        let (other_id, other) = clinic.doctor("other@example.org", true).await;
        let (ada, bob) = (clinic.patient("ada@example.org").await, clinic.patient("bob@example.org").await);
        let mut made: Vec<Appointment> = Vec::new();
        for (who, with, starts_at) in [
            (&ada, doctor_id, "2026-06-03T03:00:00Z"),
            (&bob, other_id, "2026-06-03T03:00:00Z"),
            (&bob, doctor_id, "2026-06-03T03:30:00Z"),
            (&ada, doctor_id, "2026-06-04T03:00:00Z"),
            (&ada, doctor_id, "2026-06-05T03:00:00Z"),
            (&ada, other_id, "2026-06-06T03:00:00Z"),
        ] {
            made.push(clinic.scheduling.book(who.clone(), wish(with, starts_at)).await.unwrap());
        }
        clinic.scheduling.accept(doctor.clone(), made[3].id).await.unwrap();
        let list = async |meta: &CommandMeta, filter: AppointmentFilter| {
            let mut pages = Vec::new();
            let mut cursor = None;
            loop {
                let filter = AppointmentFilter { limit: Some(2), cursor, ..filter.clone() };
                let page = clinic.scheduling.appointments(meta, filter).await.unwrap();
                pages.push(
                    page.items
                        .iter()
                        .map(|item| made.iter().position(|a| a.id == item.id).unwrap())
                        .collect::<Vec<_>>(),
                );
                cursor = page.next_cursor;
                if cursor.is_none() {
                    return pages;
                }
            }
        };
        let all = AppointmentFilter::default;
        assert_eq!(list(&ada, all()).await, [vec![0, 3], vec![4, 5]]);
        assert_eq!(list(&bob, all()).await, [vec![1, 2]]);
        assert_eq!(list(&doctor, all()).await, [vec![0, 2], vec![3, 4]]);
        assert_eq!(list(&other, all()).await, [vec![1, 5]]);
        assert_eq!(list(&as_patient(new_id()), all()).await, [vec![0; 0]]);
        let everything = list(&as_staff(Role::Admin), all()).await.concat();
        // Two start together: they come by id.
        assert_eq!(everything, [0, 1, 2, 3, 4, 5]);

        let accepted = AppointmentFilter { status: Some(Status::Accepted), ..all() };
        assert_eq!(list(&ada, accepted).await, [vec![3]]);
        let span =
            AppointmentFilter { from: Some(t("2026-06-03T03:30:00Z")), to: Some(t("2026-06-05T03:00:00Z")), ..all() };
        assert_eq!(list(&doctor, span).await, [vec![2, 3]]);
        let of_bob = AppointmentFilter { patient_id: Some(patient_id(&bob)), ..all() };
        assert_eq!(list(&doctor, of_bob.clone()).await, [vec![2]]);
        assert_eq!(list(&ada, of_bob).await, [vec![0; 0]], "not hers");
        let as_doctor = AppointmentFilter { role: Some(Role::Doctor), ..all() };
        assert_eq!(list(&ada, as_doctor).await, [vec![0; 0]]);

        let long_ago = Some(t("-009999-01-02T02:00:00Z"));
        let never = AppointmentFilter { from: long_ago, to: long_ago, ..all() };
        assert_eq!(list(&ada, never).await, [vec![0; 0]]);
        let cursor = Some("-sSgf1etgAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
        let page = clinic.scheduling.appointments(&ada, AppointmentFilter { cursor, ..all() }).await.unwrap();
        assert_eq!(page.items.len(), 4, "after something in the year 9977 BC");

        let refused = async |filter: AppointmentFilter| clinic.scheduling.appointments(&ada, filter).await.unwrap_err();
        for limit in [0, 101, -1] {
            assert_eq!(refused(AppointmentFilter { limit: Some(limit), ..all() }).await.errors[0].pointer, "?limit");
        }
        for cursor in ["", "x", "////", "AAAA", "!", "gICAgICAgIAAAAAAAAAAAAAAAAAAAAAA"] {
            let refusal = refused(AppointmentFilter { cursor: Some(cursor.to_owned()), ..all() }).await;
            assert_eq!(
                (refusal.kind, refusal.errors[0].pointer.as_str()),
                (RefusalKind::Invalid, "?cursor"),
                "{cursor}"
            );
        }
        assert_eq!(code(clinic.scheduling.appointments(&as_staff(Role::Pharmacist), all()).await), "forbidden");
        assert_eq!(code(clinic.scheduling.appointments(&anonymous(), all()).await), "forbidden");
    }
}

#[actix_rt::test]
async fn the_patients_words_are_read_by_few_and_never_unnoticed() {
    for clinic in both() {
        let (doctor_id, doctor) = clinic.doctor("doctor@example.org", true).await;
        let (_, stranger) = clinic.doctor("stranger@example.org", true).await;
        let patient = clinic.patient("patient@example.org").await;
        let id = clinic.scheduling.book(patient.clone(), wish(doctor_id, "2026-06-03T03:00:00Z")).await.unwrap().id;
        let read = async |meta: &CommandMeta| clinic.scheduling.appointment(meta, id).await.map(|found| found.reason);

        assert_eq!(read(&patient).await.unwrap().as_deref(), Some("a cough"));
        assert_eq!(read(&as_staff(Role::Admin)).await.unwrap(), None);
        assert_eq!(read(&as_staff(Role::Support)).await.unwrap(), None);
        assert_eq!(audited(&clinic, "read_appointment").await, 0);
        assert_eq!(read(&doctor).await.unwrap().as_deref(), Some("a cough"));
        assert_eq!(read(&as_staff(Role::Nurse)).await.unwrap().as_deref(), Some("a cough"));
        assert_eq!(audited(&clinic, "read_appointment").await, 2);
        for nobody in [&stranger, &as_patient(new_id()), &as_staff(Role::Pharmacist), &anonymous()] {
            assert_eq!(code(read(nobody).await), "not_found");
        }
        assert_eq!(audited(&clinic, "read_appointment").await, 2);

        let all = AppointmentFilter::default;
        let admin = clinic.scheduling.appointments(&as_staff(Role::Admin), all()).await.unwrap();
        assert_eq!(admin.items[0].reason, None);
        clinic.scheduling.appointments(&patient, all()).await.unwrap();
        assert_eq!(audited(&clinic, "read_appointments").await, 0);
        let own = clinic.scheduling.appointments(&doctor, all()).await.unwrap();
        assert_eq!(own.items[0].reason.as_deref(), Some("a cough"));
        assert_eq!(audited(&clinic, "read_appointments").await, 1);

        let treats = async |meta: &CommandMeta| clinic.scheduling.treats(meta, patient_id(&patient)).await.unwrap();
        assert!(!treats(&doctor).await, "nothing was agreed yet");
        clinic.scheduling.accept(doctor.clone(), id).await.unwrap();
        assert!(treats(&doctor).await && !treats(&stranger).await && !treats(&patient).await);
        // An administrator who cancels does not read the words from the answer.
        let cancelled = clinic.scheduling.cancel(as_staff(Role::Admin), id, None).await.unwrap();
        assert_eq!((cancelled.status, cancelled.reason), (Status::Cancelled, None));
    }
}

#[actix_rt::test]
async fn hours_are_public_once_the_doctor_is_verified_and_set_by_few() {
    for clinic in both() {
        let (id, doctor) = clinic.doctor("doctor@example.org", true).await;
        let (unlisted, newcomer) = clinic.doctor("new@example.org", false).await;
        let patient = clinic.patient("patient@example.org").await;
        assert_eq!(clinic.scheduling.availability(&anonymous(), id).await.unwrap().version, 1);
        assert_eq!(code(clinic.scheduling.availability(&anonymous(), unlisted).await), "doctor_not_found");
        assert_eq!(code(clinic.scheduling.slots(&patient, unlisted, None, None).await), "doctor_not_found");
        assert_eq!(clinic.scheduling.availability(&newcomer, unlisted).await.unwrap().version, 1);

        let hours = || draft("Asia/Dhaka", &[("10:00", "12:00")], 20, 0);
        let put =
            |meta: &CommandMeta, id, version| clinic.scheduling.put_availability(meta.clone(), id, hours(), version);
        assert_eq!(code(put(&newcomer, id, 1).await), "forbidden");
        assert_eq!(code(put(&patient, id, 1).await), "forbidden");
        assert_eq!(code(put(&as_staff(Role::Nurse), id, 1).await), "forbidden");
        assert_eq!(code(put(&patient, unlisted, 1).await), "doctor_not_found");
        let stale = put(&doctor, id, 0).await.unwrap_err();
        assert_eq!((stale.kind, stale.code.as_ref()), (RefusalKind::Stale, "stale"));
        assert_eq!(put(&doctor, id, 1).await.unwrap().version, 2);
        assert_eq!(put(&as_staff(Role::Admin), id, 2).await.unwrap().version, 3);
        assert_eq!(clinic.scheduling.availability(&patient, id).await.unwrap().availability, hours().check().unwrap());
    }
}

#[actix_rt::test]
async fn slots_are_listed_in_ranges_of_two_months() {
    for clinic in both() {
        let (id, _) = clinic.doctor("doctor@example.org", true).await;
        let patient = clinic.patient("patient@example.org").await;
        let slots = async |from: Option<&str>, to: Option<&str>| {
            clinic.scheduling.slots(&anonymous(), id, from.map(t), to.map(t)).await
        };
        let day = (Some("2026-06-03T00:00:00Z"), Some("2026-06-04T00:00:00Z"));
        let before = slots(day.0, day.1).await.unwrap();
        assert_eq!(before.len(), 16);
        clinic.scheduling.book(patient, wish(id, "2026-06-03T03:30:00Z")).await.unwrap();
        let after = slots(day.0, day.1).await.unwrap();
        assert_eq!(after.len(), 15);
        assert!(after.iter().all(|slot| slot.starts_at != t("2026-06-03T03:30:00Z")));
        // It is 14:00 in Dhaka: five slots are left today, six days follow, and a part of the seventh.
        assert_eq!(slots(None, None).await.unwrap().len(), 5 + 6 * 16 - 1 + 10);
        assert_eq!(slots(None, Some("2026-08-02T08:00:00Z")).await.unwrap().len(), 5 + 61 * 16 - 1 + 10);
        for (from, to) in [
            (None, Some("2026-08-02T08:00:00.000001Z")),
            (day.1, day.0),
            (day.0, day.0),
            (Some("-009999-01-02T01:59:59Z"), Some("9999-12-30T22:00:00Z")),
        ] {
            let refusal = slots(from, to).await.unwrap_err();
            assert_eq!((refusal.kind, refusal.errors[0].pointer.as_str()), (RefusalKind::Invalid, "?to"), "{from:?}");
        }
        // The ends of time are ranges like any other.
        assert!(slots(Some("-009999-01-02T02:00:00Z"), None).await.unwrap().is_empty());
        slots(Some("9999-12-29T22:00:00Z"), Some("9999-12-30T22:00:00Z")).await.unwrap();
        assert_eq!(code(clinic.scheduling.slots(&anonymous(), new_id(), None, None).await), "doctor_not_found");
    }
}

#[actix_rt::test]
async fn many_doctors_are_searched_at_once() {
    for clinic in both() {
        let (a, _) = clinic.doctor("a@example.org", true).await;
        let (b, doctor_b) = clinic.doctor("b@example.org", true).await;
        let (c, doctor_c) = clinic.doctor("c@example.org", true).await;
        let patient = clinic.patient("patient@example.org").await;
        // b works on one evening in Samoa, which is the day before in UTC; c never again.
        let mut evening = draft("Pacific/Apia", &[], 60, 0);
        evening.exceptions = vec![exception("2026-07-01", Some(("08:00", "09:00")))];
        clinic.scheduling.put_availability(doctor_b, b, evening, 1).await.unwrap();
        clinic.scheduling.put_availability(doctor_c, c, draft("UTC", &[], 60, 0), 1).await.unwrap();
        let on = async |date: &str| clinic.scheduling.available_on(&anonymous(), date.parse().unwrap()).await.unwrap();
        assert_eq!(on("2026-07-01").await, HashSet::from([a, b]));
        assert_eq!(on("2026-06-30").await, HashSet::from([a]));
        assert_eq!(on("2026-05-31").await, HashSet::new(), "in the past");

        let next = async || clinic.scheduling.next_free(&anonymous(), vec![a, b, c, new_id()]).await.unwrap();
        let found = next().await;
        assert_eq!(found[&a].starts_at, t("2026-06-01T08:30:00Z"));
        assert_eq!(found[&b].starts_at, t("2026-06-30T19:00:00Z"));
        assert_eq!(found.len(), 2);
        clinic.scheduling.book(patient.clone(), wish(a, "2026-06-01T08:30:00Z")).await.unwrap();
        clinic.scheduling.book(patient, wish(b, "2026-06-30T19:00:00Z")).await.unwrap();
        let found = next().await;
        assert_eq!((found.len(), found[&a].starts_at), (1, slots::after(t("2026-06-01T08:30:00Z"), 30)));
        assert_eq!(on("2026-07-01").await, HashSet::from([a]));
    }
}
