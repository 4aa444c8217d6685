//! Who may be in a thread, who may change it, and when it can be written in. Pure.

use consilium_kernel::{Refusal, Role, UserId};

use crate::{
    model::{Candidate, Part, Thread, ThreadKind},
    refusal::MessagingRefusal::{AlreadyInThread, LastClinician, ThreadClosed, ThreadOpen},
};

/// Characters of a subject at most.
const LONGEST_SUBJECT: usize = 200;
/// People in a thread at most.
pub(crate) const MOST_PARTICIPANTS: usize = 30;

/// Who is in a thread that `caller` opens with `others`, the patient among them if it is about care.
/// 403 for a role that opens none of this kind; 404 for a patient whom the caller does not treat; 422.
pub(crate) fn open(
    kind: ThreadKind,
    subject: &str,
    caller: &Candidate,
    patient: Option<UserId>,
    others: &[Candidate],
) -> Result<Vec<(UserId, Part)>, Refusal> {
    let opener = match caller.role {
        Role::Patient if kind == ThreadKind::Care => Part::Patient,
        Role::Patient => return Err(Refusal::forbidden()),
        _ => match part(kind, caller) {
            Some(part) => part,
            None if kind == ThreadKind::Care && matches!(caller.role, Role::Doctor | Role::Nurse) => {
                return Err(Refusal::not_found());
            }
            None => return Err(Refusal::forbidden()),
        },
    };
    match subject.trim().chars().count() {
        0 => return Err(Refusal::field("/subject", "too_short", "must not be empty")),
        count if count > LONGEST_SUBJECT => {
            let detail = format!("has {count} characters; at most {LONGEST_SUBJECT} are allowed");
            return Err(Refusal::field("/subject", "too_long", detail));
        }
        _ => {}
    }
    let mut members = vec![(caller.user_id, opener)];
    if let Some(patient) = patient.filter(|patient| *patient != caller.user_id) {
        members.push((patient, Part::Patient));
    }
    for (place, other) in others.iter().enumerate() {
        let pointer = format!("/participants/{place}");
        let part = part(kind, other).ok_or_else(|| cannot_be_in_it(&pointer))?;
        if !members.iter().any(|(user, _)| *user == other.user_id) {
            members.push((other.user_id, part));
        }
    }
    if members.len() < 2 || !members.iter().any(|(_, part)| *part != Part::Patient) {
        return Err(Refusal::field("/participants", "too_few", "somebody else has to be in the thread"));
    }
    check_size(members.len(), "/participants")?;
    Ok(members)
}

/// What a clinician is in a thread of this kind; nothing when they must not be in it. In a thread about care are
/// doctors who treat the patient and nurses of the facility where the patient is treated.
fn part(kind: ThreadKind, who: &Candidate) -> Option<Part> {
    match (kind, who.role) {
        (ThreadKind::Care, Role::Doctor) if who.treats => Some(Part::Doctor),
        (ThreadKind::Care, Role::Nurse) if who.treats => Some(Part::Nurse),
        (ThreadKind::Clinicians, Role::Doctor) if who.verified => Some(Part::Doctor),
        (ThreadKind::Clinicians, Role::Nurse) => Some(Part::Nurse),
        (ThreadKind::Clinicians, Role::Pharmacist) => Some(Part::Pharmacist),
        _ => None,
    }
}

/// The same for whoever does not exist: ids are not to be tried out.
pub(crate) fn cannot_be_in_it(pointer: &str) -> Refusal {
    Refusal::field(pointer, "not_eligible", "names nobody who can be in this thread")
}

fn check_size(count: usize, pointer: &str) -> Result<(), Refusal> {
    if count <= MOST_PARTICIPANTS {
        return Ok(());
    }
    Err(Refusal::field(pointer, "too_many", format!("a thread has at most {MOST_PARTICIPANTS} participants")))
}

/// What the caller is in the thread. 404 for everybody else.
pub(crate) fn own_part(thread: &Thread, caller: UserId) -> Result<Part, Refusal> {
    thread.participant(caller).map(|participant| participant.role).ok_or(Refusal::not_found())
}

/// Threads are led by those who treat.
fn lead(thread: &Thread, caller: UserId) -> Result<(), Refusal> {
    match own_part(thread, caller)? {
        Part::Patient => Err(Refusal::forbidden()),
        _ => Ok(()),
    }
}

/// As what somebody comes to be in it.
pub(crate) fn add(thread: &Thread, caller: UserId, who: &Candidate) -> Result<Part, Refusal> {
    lead(thread, caller)?;
    write(thread, caller)?;
    let part = part(thread.kind, who).ok_or_else(|| cannot_be_in_it(""))?;
    if thread.participant(who.user_id).is_some() {
        return Err(AlreadyInThread.refusal());
    }
    check_size(thread.participants.len() + 1, "")?;
    Ok(part)
}

/// Whether somebody may be taken out, or go. The patient stays, and one who treats.
pub(crate) fn remove(thread: &Thread, caller: UserId, who: UserId) -> Result<(), Refusal> {
    lead(thread, caller)?;
    match own_part(thread, who)? {
        Part::Patient => Err(Refusal::forbidden()),
        _ if thread.participants.iter().filter(|other| other.role != Part::Patient).count() > 1 => Ok(()),
        _ => Err(LastClinician.refusal()),
    }
}

/// Whether it may be closed.
pub(crate) fn close(thread: &Thread, caller: UserId) -> Result<(), Refusal> {
    lead(thread, caller)?;
    write(thread, caller)
}

/// Whether it may be opened again.
pub(crate) fn reopen(thread: &Thread, caller: UserId) -> Result<(), Refusal> {
    lead(thread, caller)?;
    if thread.closed_at.is_some() { Ok(()) } else { Err(ThreadOpen.refusal()) }
}

/// Whether the caller may write.
pub(crate) fn write(thread: &Thread, caller: UserId) -> Result<(), Refusal> {
    own_part(thread, caller)?;
    if thread.closed_at.is_some() { Err(ThreadClosed.refusal()) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
