//! Who is told what, over which channel: the one table.

use consilium_kernel::EventEnvelope;

use crate::model::{
    Audience::{self, Account, Doctor, Patient},
    Channel::{self, Email, InApp, Push},
    Kind,
};

/// What sets off a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// An event of this type.
    Event(&'static str),
    /// An event of this type whose field has this value.
    EventWith(&'static str, &'static str, &'static str),
    /// A timer of this kind.
    Timer(&'static str),
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What sets it off.
    pub trigger: Trigger,
    /// What is told.
    pub kind: Kind,
    /// Who is told, and how.
    pub to: &'static [(Audience, &'static [Channel])],
}

const fn rule(trigger: Trigger, kind: Kind, to: &'static [(Audience, &'static [Channel])]) -> Rule {
    Rule { trigger, kind, to }
}

const BOTH_WAYS: &[Channel] = &[Email, InApp];
const EVERY_WAY: &[Channel] = &[Email, InApp, Push];
const IN_APP: &[(Audience, &[Channel])] = &[(Patient, &[InApp]), (Doctor, &[InApp])];
const PATIENT_AND_DOCTOR: &[(Audience, &[Channel])] = &[(Patient, EVERY_WAY), (Doctor, EVERY_WAY)];

/// The table. A doctor's day is in the doctor's calendar: reminders reach doctors inside the product only. Browsers are
/// told what somebody would want to know at once.
pub const RULES: &[Rule] = &[
    rule(Trigger::Event("appointment_booked"), Kind::AppointmentBooked, PATIENT_AND_DOCTOR),
    rule(Trigger::Event("appointment_accepted"), Kind::AppointmentAccepted, PATIENT_AND_DOCTOR),
    rule(Trigger::Event("appointment_rejected"), Kind::AppointmentRejected, PATIENT_AND_DOCTOR),
    rule(Trigger::Event("appointment_cancelled"), Kind::AppointmentCancelled, PATIENT_AND_DOCTOR),
    rule(Trigger::Event("appointment_rescheduled"), Kind::AppointmentRescheduled, PATIENT_AND_DOCTOR),
    rule(Trigger::Event("appointment_no_show"), Kind::AppointmentNoShow, &[(Patient, EVERY_WAY), (Doctor, &[InApp])]),
    rule(Trigger::Timer("reminder_24h"), Kind::Reminder24h, &[(Patient, EVERY_WAY), (Doctor, &[InApp])]),
    rule(Trigger::Timer("reminder_1h"), Kind::Reminder1h, &[(Patient, EVERY_WAY), (Doctor, &[InApp])]),
    rule(Trigger::Event("email_verification_requested"), Kind::EmailVerification, &[(Account, &[Email])]),
    rule(Trigger::Event("password_reset_requested"), Kind::PasswordReset, &[(Account, &[Email])]),
    rule(Trigger::Event("password_changed"), Kind::PasswordChanged, &[(Account, BOTH_WAYS)]),
    rule(Trigger::Event("refresh_token_reused"), Kind::SecurityAlert, &[(Account, EVERY_WAY)]),
    rule(Trigger::EventWith("doctor_verified", "decision", "approved"), Kind::DoctorApproved, &[(Account, EVERY_WAY)]),
    rule(Trigger::EventWith("doctor_verified", "decision", "rejected"), Kind::DoctorRejected, &[(Account, EVERY_WAY)]),
    rule(Trigger::Event("consultation_ended"), Kind::ConsultationEnded, &[(Patient, &[InApp])]),
    rule(Trigger::Event("prescription_issued"), Kind::PrescriptionIssued, &[(Patient, EVERY_WAY)]),
    rule(Trigger::Event("messages_waiting"), Kind::MessagesWaiting, &[(Account, EVERY_WAY)]),
    rule(Trigger::Event("prescription_status_changed"), Kind::PrescriptionStatusChanged, &[(Patient, &[InApp, Push])]),
    rule(Trigger::Event("follow_up_held"), Kind::FollowUpHeld, &[(Patient, EVERY_WAY)]),
    rule(Trigger::Event("follow_up_expired"), Kind::FollowUpExpired, IN_APP),
    rule(Trigger::Event("follow_up_declined"), Kind::FollowUpDeclined, &[(Doctor, &[InApp])]),
    rule(Trigger::Event("follow_up_unplaced"), Kind::FollowUpUnplaced, IN_APP),
];

/// Events after which reminders of the appointment's present and earlier revisions are wrong.
pub const ENDS_REMINDERS: &[&str] =
    &["appointment_rejected", "appointment_cancelled", "appointment_completed", "appointment_no_show"];

/// The event after which reminders of earlier revisions are wrong.
pub const MOVES_REMINDERS: &str = "appointment_rescheduled";

/// The event after which it is not true any more that messages wait.
pub const ENDS_WAITING: &str = "waiting_messages_read";

/// Events with which logins end, and with them the web push to their browsers: of one login where they name one, of
/// all of the account otherwise.
pub const ENDS_LOGINS: &[&str] = &["session_ended", "sessions_ended", "refresh_token_reused", "password_changed"];

/// The rules that an event sets off.
pub fn of_event(event: &EventEnvelope) -> impl Iterator<Item = &'static Rule> {
    RULES.iter().filter(move |rule| match rule.trigger {
        Trigger::Event(kind) => kind == event.event_type,
        Trigger::EventWith(kind, field, value) => {
            kind == event.event_type && event.data.get(field).and_then(|found| found.as_str()) == Some(value)
        }
        Trigger::Timer(_) => false,
    })
}

/// The rule that a timer sets off.
pub fn of_timer(kind: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| matches!(rule.trigger, Trigger::Timer(timer) if timer == kind))
}
