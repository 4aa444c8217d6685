//! The rules of a consultation, case by case.

mod chat;
mod waiting;

use consilium_kernel::{
    CommandMeta, DEFAULT_FACILITY, FacilityId, Id, Principal, RefusalKind, Role, Scope, Timestamp, User, UserId,
};
use consilium_scheduling::Status as AppointmentStatus;
use jiff::ToSpan;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::model::{AppointmentKind, NewMessage, VisitType};

const DOCTOR: u128 = 1;
const PATIENT: u128 = 2;
const STRANGER: u128 = 3;
const JOIN: Action =
    Action::Join { capabilities: None, client: Client { user_agent: None, device: None, connection: None } };

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn start() -> Timestamp {
    at("2026-06-01T09:00:00Z")
}

fn consultation() -> Consultation {
    Consultation {
        id: Id::new(Uuid::from_u128(10)),
        appointment_id: Id::new(Uuid::from_u128(11)),
        appointment_status: AppointmentStatus::Accepted,
        facility_id: DEFAULT_FACILITY,
        doctor_id: Id::new(Uuid::from_u128(DOCTOR)),
        patient_id: Id::new(Uuid::from_u128(PATIENT)),
        status: Status::Scheduled,
        kind: AppointmentKind::Booked,
        visit_type: VisitType::Video,
        is_emergency: false,
        triage: None,
        starts_at: start(),
        ends_at: start() + 30.minutes(),
        waiting_since: None,
        place_at: None,
        away_since: None,
        started_at: None,
        ended_at: None,
        participants: Vec::new(),
        invitations: Vec::new(),
        videos: Vec::new(),
        version: 0,
    }
}

fn meta(principal: Principal) -> CommandMeta {
    CommandMeta {
        principal,
        scope: Scope::of(DEFAULT_FACILITY),
        request_id: "test".to_owned(),
        trace: None,
        idempotency: None,
    }
}

fn user(number: u128) -> UserId {
    Id::new(Uuid::from_u128(100 + number))
}

fn by(number: u128) -> CommandMeta {
    let id = Uuid::from_u128(number);
    let role = if number == DOCTOR { Role::Doctor } else { Role::Patient };
    meta(Principal::User(User {
        user_id: user(number),
        session_id: Id::new(Uuid::from_u128(200 + number)),
        role,
        facility_id: DEFAULT_FACILITY,
        doctor_id: (role == Role::Doctor).then(|| Id::new(id)),
        patient_id: (role == Role::Patient).then(|| Id::new(id)),
        email_verified: true,
    }))
}

fn system() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "timer")
}

fn run(consultation: &mut Consultation, meta: &CommandMeta, action: Action, now: Timestamp) -> Result<usize, String> {
    let events =
        decide(consultation, &action, &Policy::default(), meta, now).map_err(|refusal| refusal.code.into_owned())?;
    events.iter().for_each(|event| consultation.take(event));
    Ok(events.len())
}

fn in_status(status: Status) -> Consultation {
    let mut consultation = consultation();
    let now = start();
    let path: &[(u128, Action)] = match status {
        Status::Scheduled => &[],
        Status::Waiting | Status::Abandoned => &[(PATIENT, JOIN)],
        Status::InProgress => &[(PATIENT, JOIN), (DOCTOR, JOIN), (DOCTOR, Action::Admit)],
        Status::Completed => &[(DOCTOR, Action::Start), (DOCTOR, Action::End)],
    };
    for (who, action) in path {
        run(&mut consultation, &by(*who), action.clone(), now).unwrap();
    }
    if status == Status::Abandoned {
        let timer = Id::new(Uuid::from_u128(9));
        run(&mut consultation, &system(), Action::Abandon { timer }, now + 3.hours()).unwrap();
    }
    assert_eq!(consultation.status, status);
    consultation
}

fn write(body: &str) -> Action {
    Action::SendMessage(NewMessage {
        client_message_id: "1".to_owned(),
        body: body.to_owned(),
        attachments: Vec::new(),
    })
}

#[test]
fn every_verb_in_every_state() {
    use Status::{Abandoned, Completed, InProgress, Scheduled, Waiting};
    const NO: Result<Status, &str> = Err("invalid_transition");
    // (state, patient joins, doctor joins, admit, start, end)
    let table = [
        (Scheduled, Ok(Waiting), Ok(Scheduled), NO, Ok(InProgress), NO),
        (Waiting, Ok(Waiting), Ok(Waiting), Ok(InProgress), Ok(InProgress), NO),
        (InProgress, Ok(InProgress), Ok(InProgress), NO, NO, Ok(Completed)),
        (Completed, NO, NO, NO, NO, NO),
        (Abandoned, NO, NO, NO, NO, NO),
    ];
    for (state, patient_joins, doctor_joins, admit, start_it, end) in table {
        for (who, action, expected) in [
            (PATIENT, JOIN, patient_joins),
            (DOCTOR, JOIN, doctor_joins),
            (DOCTOR, Action::Admit, admit),
            (DOCTOR, Action::Start, start_it),
            (DOCTOR, Action::End, end),
        ] {
            let mut consultation = in_status(state);
            let before = consultation.clone();
            let outcome = run(&mut consultation, &by(who), action.clone(), start()).map(|_| consultation.status);
            assert_eq!(outcome, expected.map_err(str::to_owned), "{state} {action:?}");
            if outcome.is_err() {
                assert_eq!(consultation, before, "a refusal changes nothing");
            }
        }
    }
}

#[test]
fn only_the_doctor_admits_starts_and_ends() {
    for state in [Status::Scheduled, Status::Waiting, Status::InProgress] {
        for action in [Action::Admit, Action::Start, Action::End] {
            assert_eq!(run(&mut in_status(state), &by(PATIENT), action, start()), Err("forbidden".to_owned()));
        }
    }
}

#[test]
fn strangers_and_other_facilities_find_nothing() {
    for action in [JOIN, Action::Leave, Action::Admit, Action::End, Action::MarkRead { seq: 1 }, write("hello")] {
        assert_eq!(run(&mut consultation(), &by(STRANGER), action.clone(), start()), Err("not_found".to_owned()));
        let mut elsewhere = by(DOCTOR);
        elsewhere.scope.facility_id = FacilityId::new(Uuid::from_u128(77));
        assert_eq!(run(&mut consultation(), &elsewhere, action, start()), Err("not_found".to_owned()));
    }
    let another_doctor = by(STRANGER);
    let Principal::User(mut user) = another_doctor.principal else { unreachable!() };
    (user.role, user.patient_id, user.doctor_id) = (Role::Doctor, None, Some(Id::new(Uuid::from_u128(STRANGER))));
    assert_eq!(run(&mut consultation(), &meta(Principal::User(user)), JOIN, start()), Err("not_found".to_owned()));
}

#[test]
fn what_belongs_to_the_platform_is_not_for_people() {
    let timer = Id::new(Uuid::from_u128(9));
    for action in [Action::Drop { user_id: user(PATIENT) }, Action::Abandon { timer }] {
        assert_eq!(run(&mut in_status(Status::Waiting), &by(DOCTOR), action, start()), Err("forbidden".to_owned()));
    }
}

#[test]
fn the_waiting_room_opens_fifteen_minutes_early_for_patients_and_at_once_for_doctors() {
    let opens = start() - 15.minutes();
    let just_before = opens - 1.microsecond();
    assert_eq!(run(&mut consultation(), &by(PATIENT), JOIN, just_before), Err("too_early".to_owned()));
    assert!(run(&mut consultation(), &by(PATIENT), JOIN, opens).is_ok());
    assert!(run(&mut consultation(), &by(DOCTOR), JOIN, start() - 240.hours()).is_ok());
    // The doctor began early: then the patient may come early too.
    let mut begun = consultation();
    run(&mut begun, &by(DOCTOR), Action::Start, just_before).unwrap();
    assert!(run(&mut begun, &by(PATIENT), JOIN, just_before).is_ok());
}

#[test]
fn an_appointment_that_does_not_stand_opens_no_room() {
    for status in [AppointmentStatus::Pending, AppointmentStatus::Cancelled, AppointmentStatus::NoShow] {
        let unagreed = Consultation { appointment_status: status, ..consultation() };
        for (who, action) in [(PATIENT, JOIN), (DOCTOR, JOIN), (DOCTOR, Action::Start)] {
            assert_eq!(run(&mut unagreed.clone(), &by(who), action, start()), Err("invalid_transition".to_owned()));
        }
    }
}

#[test]
fn joining_twice_is_one_presence_and_coming_back_is_a_reconnect() {
    let mut consultation = in_status(Status::Waiting);
    let since = consultation.waiting_since;
    assert_eq!(run(&mut consultation, &by(PATIENT), JOIN, start() + 1.minute()), Ok(0));
    assert_eq!(run(&mut consultation, &system(), Action::Drop { user_id: user(PATIENT) }, start()), Ok(1));
    assert_eq!(run(&mut consultation, &system(), Action::Drop { user_id: user(PATIENT) }, start()), Ok(0));
    assert!(!consultation.is_present(Part::Patient));
    let events = decide(&consultation, &JOIN, &Policy::default(), &by(PATIENT), start() + 2.minutes()).unwrap();
    assert!(matches!(events.as_slice(), [Event::Joined { reconnected: true, .. }]), "{events:?}");
    events.iter().for_each(|event| consultation.take(event));
    assert_eq!(consultation.waiting_since, since, "the place in the line is kept");
}

#[test]
fn a_waiting_patient_is_admitted_whichever_way_the_doctor_begins() {
    for action in [Action::Admit, Action::Start] {
        let events = decide(&in_status(Status::Waiting), &action, &Policy::default(), &by(DOCTOR), start()).unwrap();
        assert_eq!(events, [Event::Admitted, Event::Started { at: start() }]);
    }
    let events = decide(&consultation(), &Action::Start, &Policy::default(), &by(DOCTOR), start()).unwrap();
    assert_eq!(events, [Event::Opened, Event::Started { at: start() }]);
}

#[test]
fn only_what_lies_idle_is_given_up() {
    let timer = Id::new(Uuid::from_u128(9));
    let give_up = Action::Abandon { timer };
    let limit = Policy::default().waiting_limit;

    let mut waiting = in_status(Status::Waiting);
    assert_eq!(abandoned_at(&waiting, &Policy::default(), start()), Some(start() + limit));
    assert_eq!(run(&mut waiting, &system(), give_up.clone(), start() + 1.hour()), Ok(0), "not yet");
    run(&mut waiting, &by(DOCTOR), JOIN, start() + 1.hour()).unwrap();
    assert_eq!(run(&mut waiting, &system(), give_up.clone(), start() + limit), Ok(0), "the doctor is there");

    let mut busy = in_status(Status::InProgress);
    assert_eq!(abandoned_at(&busy, &Policy::default(), start()), None);
    assert_eq!(run(&mut busy, &system(), give_up.clone(), start()), Ok(0), "somebody is there");
    for who in [DOCTOR, PATIENT] {
        run(&mut busy, &by(who), Action::Leave, start()).unwrap();
    }
    assert_eq!(abandoned_at(&busy, &Policy::default(), start()), Some(start() + Policy::default().empty_limit));
    assert_eq!(run(&mut busy, &system(), give_up, start() + 30.minutes()), Ok(1));
    assert_eq!((busy.status, busy.ended_at), (Status::Abandoned, Some(start() + 30.minutes())));
}

fn any_step() -> impl Strategy<Value = (u128, Action, i64)> {
    let timer = Id::new(Uuid::from_u128(9));
    let action = prop_oneof![
        Just(JOIN),
        Just(Action::Leave),
        Just(Action::Admit),
        Just(Action::Start),
        Just(Action::End),
        Just(write("x")),
        Just(Action::RaiseEmergency),
        (0i64..50).prop_map(|seq| Action::MarkRead { seq }),
        Just(Action::Drop { user_id: user(PATIENT) }),
        Just(Action::Abandon { timer }),
    ];
    (0u128..=3, action, 0i64..5_000)
}

fn rank(status: Status) -> u8 {
    match status {
        Status::Scheduled => 0,
        Status::Waiting => 1,
        Status::InProgress => 2,
        Status::Completed | Status::Abandoned => 3,
    }
}

proptest! {

#[test]
    fn no_sequence_leaves_the_graph(steps in proptest::collection::vec(any_step(), 1..60)) {
        let mut consultation = consultation();
        let mut now = start() - 1.hour();
        for (who, action, seconds) in steps {
            now += seconds.seconds();
            let before = consultation.clone();
            let meta = if who == 0 { system() } else { by(who) };
            let outcome = run(&mut consultation, &meta, action, now);
            prop_assert!(rank(consultation.status) >= rank(before.status));
            prop_assert!(!before.status.is_over() || before.status == consultation.status);
            prop_assert!(before.started_at.is_none() || consultation.started_at == before.started_at);
            prop_assert_eq!(consultation.ended_at.is_some(), consultation.status.is_over());
            prop_assert!(!consultation.status.is_over() || !consultation.is_occupied());
            prop_assert!(consultation.status != Status::Completed || consultation.started_at.is_some());
            prop_assert!(consultation.version >= before.version);
            if outcome.is_err() || who == STRANGER {
                prop_assert_eq!(consultation, before.clone());
                consultation = before;
            }
        }
    }
}
