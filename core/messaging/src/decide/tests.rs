//! The rules, by tables and properties.

use consilium_kernel::{DEFAULT_FACILITY, Id, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::ThreadParticipant;

fn user(number: u128) -> UserId {
    Id::new(uuid::Uuid::from_u128(number))
}

fn who(number: u128, role: Role) -> Candidate {
    Candidate { user_id: user(number), role, treats: true, verified: true }
}

fn stranger(number: u128, role: Role) -> Candidate {
    Candidate { treats: false, verified: false, ..who(number, role) }
}

fn thread(kind: ThreadKind, members: &[(u128, Part)]) -> Thread {
    let now = Timestamp::UNIX_EPOCH;
    let participant = |(number, role): &(u128, Part)| ThreadParticipant {
        user_id: user(*number),
        name: String::new(),
        role: *role,
        added_at: now,
        read_seq: 0,
    };
    Thread {
        id: Id::new(uuid::Uuid::from_u128(9)),
        facility_id: DEFAULT_FACILITY,
        kind,
        patient_id: (kind == ThreadKind::Care).then(|| Id::new(uuid::Uuid::from_u128(8))),
        subject: "a cough".to_owned(),
        opened_by: user(1),
        opened_at: now,
        closed_at: None,
        active_at: now,
        participants: members.iter().map(participant).collect(),
        version: 1,
    }
}

fn code<T>(outcome: Result<T, Refusal>) -> Option<String> {
    outcome.err().map(|refusal| refusal.errors.first().map_or(refusal.code.clone(), |error| error.code.clone()).into())
}

const PATIENT: Option<UserId> = Some(Id::new(uuid::Uuid::from_u128(1)));

/// Kind, caller, patient, others, and what refuses it.
type Opening = (ThreadKind, Candidate, Option<UserId>, Vec<Candidate>, Option<&'static str>);

#[test]
fn who_opens_what_with_whom() {
    use Role::{Admin, Doctor, Nurse, Patient, Pharmacist, Support};
    use ThreadKind::{Care, Clinicians};
    let patient = || who(1, Patient);
    let table: Vec<Opening> = vec![
        (Care, patient(), PATIENT, vec![who(2, Doctor)], None),
        (Care, patient(), PATIENT, vec![who(2, Doctor), who(3, Nurse)], None),
        (Care, patient(), PATIENT, vec![who(3, Nurse)], None),
        (Care, patient(), PATIENT, vec![], Some("too_few")),
        (Care, patient(), PATIENT, vec![patient()], Some("not_eligible")),
        (Care, patient(), PATIENT, vec![stranger(2, Doctor)], Some("not_eligible")),
        (Care, patient(), PATIENT, vec![who(2, Doctor), stranger(3, Nurse)], Some("not_eligible")),
        (Care, patient(), PATIENT, vec![who(4, Patient)], Some("not_eligible")),
        (Care, patient(), PATIENT, vec![who(4, Admin)], Some("not_eligible")),
        (Care, patient(), PATIENT, vec![who(4, Pharmacist)], Some("not_eligible")),
        (Care, who(2, Doctor), PATIENT, vec![], None),
        (Care, who(3, Nurse), PATIENT, vec![who(2, Doctor)], None),
        (Care, stranger(2, Doctor), PATIENT, vec![], Some("not_found")),
        (Care, stranger(3, Nurse), PATIENT, vec![who(2, Doctor)], Some("not_found")),
        (Care, who(5, Pharmacist), PATIENT, vec![who(2, Doctor)], Some("forbidden")),
        (Care, who(5, Admin), PATIENT, vec![who(2, Doctor)], Some("forbidden")),
        (Clinicians, who(2, Doctor), None, vec![who(3, Nurse), who(5, Pharmacist)], None),
        (Clinicians, who(3, Nurse), None, vec![stranger(5, Pharmacist)], None),
        (Clinicians, who(2, Doctor), None, vec![], Some("too_few")),
        (Clinicians, who(2, Doctor), None, vec![who(2, Doctor)], Some("too_few")),
        (Clinicians, who(2, Doctor), None, vec![stranger(4, Doctor)], Some("not_eligible")),
        (Clinicians, who(2, Doctor), None, vec![who(4, Patient)], Some("not_eligible")),
        (Clinicians, who(2, Doctor), None, vec![who(4, Support)], Some("not_eligible")),
        (Clinicians, stranger(2, Doctor), None, vec![who(3, Nurse)], Some("forbidden")),
        (Clinicians, patient(), None, vec![who(2, Doctor)], Some("forbidden")),
        (Clinicians, who(4, Support), None, vec![who(2, Doctor)], Some("forbidden")),
    ];
    for (kind, caller, patient, others, refused) in table {
        let outcome = open(kind, "a cough", &caller, patient, &others);
        assert_eq!(code(outcome).as_deref(), refused, "{kind} {caller:?} with {others:?}");
    }
    let members = open(Care, " ok ", &who(2, Doctor), PATIENT, &[who(3, Nurse), who(3, Nurse)]).unwrap();
    assert_eq!(members, [(user(2), Part::Doctor), (user(1), Part::Patient), (user(3), Part::Nurse)]);
    for (subject, refused) in [("  ".to_owned(), "too_short"), ("ক".repeat(201), "too_long")] {
        assert_eq!(code(open(Care, &subject, &patient(), PATIENT, &[who(2, Doctor)])).as_deref(), Some(refused));
    }
    let many: Vec<Candidate> = (10..40).map(|number| who(number, Nurse)).collect();
    assert_eq!(code(open(Clinicians, "x", &who(2, Doctor), None, &many)).as_deref(), Some("too_many"));
}

#[test]
fn only_its_clinicians_lead_a_thread() {
    let care = thread(ThreadKind::Care, &[(1, Part::Patient), (2, Part::Doctor), (3, Part::Nurse)]);
    let closed = Thread { closed_at: Some(Timestamp::UNIX_EPOCH), ..care.clone() };
    // (caller) → close, reopen of the open one, reopen of the closed one, write, write in the closed one
    for (caller, outcomes) in [
        (2, [None, Some("thread_open"), None, None, Some("thread_closed")]),
        (3, [None, Some("thread_open"), None, None, Some("thread_closed")]),
        (1, [Some("forbidden"), Some("forbidden"), Some("forbidden"), None, Some("thread_closed")]),
        (7, [Some("not_found"); 5]),
    ] {
        let caller = user(caller);
        let seen = [
            code(close(&care, caller)),
            code(reopen(&care, caller)),
            code(reopen(&closed, caller)),
            code(write(&care, caller)),
            code(write(&closed, caller)),
        ];
        assert_eq!(seen.each_ref().map(Option::as_deref), outcomes, "{caller}");
    }
    assert_eq!(code(close(&closed, user(2))).as_deref(), Some("thread_closed"));
}

#[test]
fn who_comes_and_goes() {
    let care = thread(ThreadKind::Care, &[(1, Part::Patient), (2, Part::Doctor)]);
    let closed = Thread { closed_at: Some(Timestamp::UNIX_EPOCH), ..care.clone() };
    for (thread, caller, candidate, refused) in [
        (&care, 2, who(4, Role::Doctor), None),
        (&care, 2, who(4, Role::Nurse), None),
        (&care, 2, stranger(4, Role::Doctor), Some("not_eligible")),
        (&care, 2, who(4, Role::Patient), Some("not_eligible")),
        (&care, 2, who(2, Role::Doctor), Some("already_in_thread")),
        (&care, 1, who(4, Role::Doctor), Some("forbidden")),
        (&care, 7, who(4, Role::Doctor), Some("not_found")),
        (&closed, 2, who(4, Role::Doctor), Some("thread_closed")),
    ] {
        assert_eq!(code(add(thread, user(caller), &candidate)).as_deref(), refused, "{candidate:?}");
    }
    let full = thread(ThreadKind::Clinicians, &(0..30).map(|number| (number, Part::Nurse)).collect::<Vec<_>>());
    assert_eq!(code(add(&full, user(1), &who(99, Role::Nurse))).as_deref(), Some("too_many"));

    let three = thread(ThreadKind::Care, &[(1, Part::Patient), (2, Part::Doctor), (3, Part::Nurse)]);
    for (thread, caller, gone, refused) in [
        (&three, 2, 3, None),
        (&three, 3, 3, None),
        (&three, 2, 1, Some("forbidden")),
        (&three, 1, 3, Some("forbidden")),
        (&three, 2, 7, Some("not_found")),
        (&three, 7, 3, Some("not_found")),
        (&care, 2, 2, Some("last_clinician")),
    ] {
        assert_eq!(code(remove(thread, user(caller), user(gone))).as_deref(), refused, "{caller} removes {gone}");
    }
}

proptest! {
    /// Whoever asks for whatever in whichever order: the patient stays, somebody who treats stays, nobody who must
    /// not be in it comes in, and nobody outside changes anything.
    #[test]
    fn no_sequence_of_changes_leaves_a_thread_without_care(
        steps in proptest::collection::vec((0u8..4, 0u128..6, 0u128..6, 0usize..6, any::<bool>()), 1..60)
    ) {
        let roles = [Role::Patient, Role::Doctor, Role::Nurse, Role::Pharmacist, Role::Support, Role::Admin];
        let mut state = thread(ThreadKind::Care, &[(0, Part::Patient), (1, Part::Doctor)]);
        for (verb, caller, other, role, treats) in steps {
            let inside = state.participant(user(caller)).is_some();
            let candidate = Candidate { treats, ..who(other, roles[role]) };
            let outcome = match verb {
                0 => add(&state, user(caller), &candidate).map(|role| {
                    prop_assert!(treats && matches!(role, Part::Doctor | Part::Nurse));
                    let added_at = Timestamp::UNIX_EPOCH;
                    let (user_id, name) = (user(other), String::new());
                    state.participants.push(ThreadParticipant { user_id, name, role, added_at, read_seq: 0 });
                    Ok(())
                }),
                1 => remove(&state, user(caller), user(other)).map(|()| {
                    state.participants.retain(|participant| participant.user_id != user(other));
                    Ok(())
                }),
                2 => close(&state, user(caller)).map(|()| {
                    state.closed_at = Some(Timestamp::UNIX_EPOCH);
                    Ok(())
                }),
                _ => reopen(&state, user(caller)).map(|()| {
                    state.closed_at = None;
                    Ok(())
                }),
            };
            match outcome {
                Ok(checked) => {
                    checked?;
                    prop_assert!(inside, "somebody outside changed it");
                }
                Err(refusal) => prop_assert!(inside || refusal.code == "not_found"),
            }
            prop_assert!(state.participant(user(0)).is_some_and(|patient| patient.role == Part::Patient));
            prop_assert!(state.participants.iter().any(|participant| participant.role != Part::Patient));
            let mut ids: Vec<UserId> = state.participants.iter().map(|participant| participant.user_id).collect();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), state.participants.len());
        }
    }
}
