//! The service with real doctors and patients: who can be booked by whom, and repeated requests.

use consilium_db::testing::TestDb;
use consilium_identity::{Account, Hashing, Identity, IdentitySettings};
use consilium_kernel::{
    CommandMeta, DEFAULT_FACILITY, DoctorId, IdempotencyKey, Principal, Refusal, RefusalKind, Role, Scope,
};
use consilium_people::{People, VerifyDoctor};
use serde_json::json;

use super::support::{as_staff, directory, draft, new_id, t};
use crate::{BookAppointment, Scheduling, SchedulingSettings, Status, VisitType};

/// A facility with people in it.
pub(super) struct Clinic {
    pub(super) test: TestDb,
    pub(super) people: People,
    pub(super) scheduling: Scheduling,
}

pub(super) fn both() -> [Clinic; 2] {
    TestDb::both().map(Clinic::open)
}

pub(super) fn scheduling(test: &TestDb, require_verified_email: bool) -> Scheduling {
    let settings = SchedulingSettings { require_verified_email, no_show_minutes: 15, follow_up_hold_hours: 72 };
    Scheduling::new(test.db.clone(), directory(test), settings)
}

impl Clinic {
    fn open(test: TestDb) -> Self {
        let settings = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
        let identity = Identity::new(test.db.clone(), settings).unwrap();
        let people = People::new(test.db.clone(), identity);
        let scheduling = scheduling(&test, true);
        Self { test, people, scheduling }
    }

    async fn register(&self, by: Principal, role: &str, email: &str) -> Account {
        let registration = json!({
            "email": email, "password": "correct horse battery staple", "role": role,
            "given_name": "Ada", "family_name": "Rahman", "time_zone": "Asia/Dhaka",
        });
        let meta = CommandMeta { principal: by, ..CommandMeta::system(DEFAULT_FACILITY, "test") };
        self.people.register(&meta, serde_json::from_value(registration).unwrap()).await.unwrap()
    }

    /// A patient with a confirmed address.
    pub(super) async fn patient(&self, email: &str) -> CommandMeta {
        meta_of(&self.register(Principal::System, "patient", email).await)
    }

    /// A doctor with a confirmed address who works from nine to five in Dhaka; approved, if wanted.
    pub(super) async fn doctor(&self, email: &str, approved: bool) -> (DoctorId, CommandMeta) {
        let account = self.register(Principal::System, "doctor", email).await;
        let (id, meta) = (account.doctor_id.unwrap(), meta_of(&account));
        if approved {
            self.approve(id).await;
        }
        let hours = draft("Asia/Dhaka", &[("09:00", "17:00")], 30, 0);
        self.scheduling.put_availability(meta.clone(), id, hours, 0).await.unwrap();
        (id, meta)
    }

    async fn approve(&self, id: DoctorId) {
        let command: VerifyDoctor = serde_json::from_value(json!({ "decision": "approved" })).unwrap();
        self.people.verify_doctor(&as_staff(Role::Admin), id, command).await.unwrap();
    }
}

fn meta_of(account: &Account) -> CommandMeta {
    CommandMeta {
        principal: Principal::User(account.user(new_id())),
        scope: Scope::of(account.facility_id),
        request_id: "test".to_owned(),
        trace: None,
        idempotency: None,
    }
}

pub(super) fn wish(doctor_id: DoctorId, starts_at: &str) -> BookAppointment {
    BookAppointment {
        doctor_id,
        starts_at: t(starts_at),
        reason: "  a cough  ".to_owned(),
        symptoms: Some(" ".to_owned()),
        visit_type: VisitType::Audio,
        is_emergency: false,
    }
}

fn keyed(meta: &CommandMeta, key: &str, body: u8) -> CommandMeta {
    let idempotency = Some(IdempotencyKey { key: key.to_owned(), body_hash: [body; 32] });
    CommandMeta { idempotency, ..meta.clone() }
}

pub(super) fn code<T>(answer: Result<T, Refusal>) -> String {
    answer.err().unwrap().code.into_owned()
}

#[actix_rt::test]
async fn a_repeated_request_is_answered_and_not_done_again() {
    for clinic in both() {
        let (doctor_id, doctor) = clinic.doctor("doctor@example.org", true).await;
        let patient = clinic.patient("patient@example.org").await;
        let book = |meta: CommandMeta, starts_at: &str| clinic.scheduling.book(meta, wish(doctor_id, starts_at));
        let first = book(keyed(&patient, "k", 1), "2026-06-03T03:00:00Z").await.unwrap();
        assert_eq!((first.reason.as_deref(), first.symptoms.as_deref()), (Some("a cough"), None));
        let again = book(keyed(&patient, "k", 1), "2026-06-03T03:00:00Z").await.unwrap();
        assert_eq!(again, first);
        let other = book(keyed(&patient, "k", 2), "2026-06-03T03:30:00Z").await;
        assert_eq!(code(other), "idempotency_key_reused");
        // A refusal frees its key.
        assert_eq!(code(book(keyed(&patient, "l", 3), "2026-06-03T03:00:00Z").await), "slot_taken");
        book(keyed(&patient, "l", 4), "2026-06-03T03:30:00Z").await.unwrap();

        let accepted = clinic.scheduling.accept(keyed(&doctor, "k", 1), first.id).await.unwrap();
        assert_eq!(clinic.scheduling.accept(keyed(&doctor, "k", 1), first.id).await.unwrap(), accepted);
        assert_eq!(code(clinic.scheduling.accept(doctor.clone(), first.id).await), "invalid_transition");
        assert_eq!(code(clinic.scheduling.accept(doctor, new_id()).await), "not_found");
    }
}

#[actix_rt::test]
async fn who_can_be_booked_by_whom() {
    for clinic in both() {
        let (doctor_id, doctor) = clinic.doctor("doctor@example.org", true).await;
        let (unlisted, _) = clinic.doctor("new@example.org", false).await;
        let patient = clinic.patient("patient@example.org").await;
        let at = "2026-06-03T03:00:00Z";
        let book = |meta: &CommandMeta, id: DoctorId| clinic.scheduling.book(meta.clone(), wish(id, at));
        assert_eq!(code(book(&patient, unlisted).await), "doctor_not_found");
        assert_eq!(code(book(&patient, new_id()).await), "doctor_not_found");
        assert_eq!(code(book(&doctor, doctor_id).await), "forbidden");
        assert_eq!(code(book(&as_staff(Role::Admin), doctor_id).await), "forbidden");
        let elsewhere = CommandMeta { scope: Scope::of(new_id()), ..patient.clone() };
        assert_eq!(code(book(&elsewhere, doctor_id).await), "doctor_not_found");

        let newcomer = clinic.register(Principal::Anonymous, "patient", "newcomer@example.org").await;
        assert_eq!(code(book(&meta_of(&newcomer), doctor_id).await), "email_not_verified");
        let unconfirmed = clinic.register(Principal::Anonymous, "doctor", "unconfirmed@example.org").await;
        let unconfirmed_id = unconfirmed.doctor_id.unwrap();
        clinic.approve(unconfirmed_id).await;
        assert_eq!(code(book(&patient, unconfirmed_id).await), "email_not_verified");
        // Where the operator does not ask for it, nobody is refused for that.
        let lenient = scheduling(&clinic.test, false);
        assert_eq!(code(lenient.book(patient.clone(), wish(unconfirmed_id, at)).await), "not_a_slot");
        lenient.book(meta_of(&newcomer), wish(doctor_id, at)).await.unwrap();
    }
}

#[actix_rt::test]
async fn what_a_booking_says_is_checked() {
    let [clinic, _] = both();
    let (doctor_id, _) = clinic.doctor("doctor@example.org", true).await;
    let patient = clinic.patient("patient@example.org").await;
    let long = |length: usize| "ß".repeat(length);
    for (reason, symptoms, pointer) in [
        (" \n ".to_owned(), None, "/reason"),
        (long(2_001), None, "/reason"),
        ("ok".to_owned(), Some(long(4_001)), "/symptoms"),
    ] {
        let command = BookAppointment { reason, symptoms, ..wish(doctor_id, "2026-06-03T03:00:00Z") };
        let refusal = clinic.scheduling.book(patient.clone(), command).await.unwrap_err();
        assert_eq!((refusal.kind, refusal.errors[0].pointer.as_str()), (RefusalKind::Invalid, pointer));
    }
    let command =
        BookAppointment { reason: long(2_000), symptoms: Some(long(4_000)), ..wish(doctor_id, "2026-06-03T03:00:00Z") };
    let booked = clinic.scheduling.book(patient.clone(), command).await.unwrap();
    assert_eq!(booked.status, Status::Pending);
    let note = Some(long(1_001));
    let refusal = clinic.scheduling.cancel(patient.clone(), booked.id, note).await.unwrap_err();
    assert_eq!(refusal.errors[0].pointer, "/reason");
    clinic.scheduling.cancel(patient, booked.id, Some(long(1_000))).await.unwrap();
}
