//! When somebody may write, and what a repeated message is answered with.

use super::*;

#[test]
fn the_chat_is_open_from_acceptance_until_a_week_after_the_end() {
    let long_before = start() - 2_000.hours();
    assert!(run(&mut consultation(), &by(PATIENT), write("hello"), long_before).is_ok());
    let completed = in_status(Status::Completed);
    let closes = start() + (7 * 24).hours();
    assert!(run(&mut completed.clone(), &by(PATIENT), write("thanks"), closes - 1.microsecond()).is_ok());
    assert_eq!(run(&mut completed.clone(), &by(DOCTOR), write("late"), closes), Err("chat_closed".to_owned()));
    // Never begun: the booked end counts.
    let booked_end = consultation().ends_at + (7 * 24).hours();
    assert!(run(&mut consultation(), &by(PATIENT), write("hello?"), booked_end - 1.microsecond()).is_ok());
    assert_eq!(run(&mut consultation(), &by(PATIENT), write("hello?"), booked_end), Err("chat_closed".to_owned()));
    let cancelled = Consultation { appointment_status: AppointmentStatus::Cancelled, ..consultation() };
    assert_eq!(run(&mut cancelled.clone(), &by(PATIENT), write("why"), start()), Err("chat_closed".to_owned()));
}

#[test]
fn messages_have_a_length() {
    for (body, ok) in
        [(String::new(), false), ("x".to_owned(), true), ("ক".repeat(8_000), true), ("ক".repeat(8_001), false)]
    {
        let outcome = decide(&consultation(), &write(&body), &Policy::default(), &by(PATIENT), start());
        match outcome {
            Ok(_) => assert!(ok),
            Err(refusal) => {
                assert!(!ok);
                assert_eq!((refusal.kind, refusal.errors[0].pointer.as_str()), (RefusalKind::Invalid, "/body"));
            }
        }
    }
    let unnamed = Action::SendMessage(NewMessage {
        client_message_id: String::new(),
        body: "x".to_owned(),
        attachments: Vec::new(),
    });
    assert_eq!(run(&mut consultation(), &by(PATIENT), unnamed, start()), Err("invalid".to_owned()));
}

#[test]
fn read_marks_only_move_forwards() {
    let mut consultation = in_status(Status::InProgress);
    assert_eq!(run(&mut consultation, &by(PATIENT), Action::MarkRead { seq: 5 }, start()), Ok(1));
    assert_eq!(run(&mut consultation, &by(PATIENT), Action::MarkRead { seq: 4 }, start()), Ok(0));
    assert_eq!(consultation.participant(user(PATIENT)).unwrap().read_seq, 5);
}
