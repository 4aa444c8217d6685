//! Opening and closing threads, and who is in them.

use consilium_db::{Result, Session, Tx};
use consilium_kernel::{CommandMeta, Id, PatientId, Refusal, Role, ThreadId, Timestamp, User, UserId};
use serde_json::json;

use super::{Messaging, caller, candidates, named, own};
use crate::{
    decide::{self, MOST_PARTICIPANTS},
    facts,
    model::{Candidate, Invited, OpenThread, Thread, ThreadKind, ThreadParticipant},
    store,
};

impl Messaging {
    /// Opens a thread. Everybody in it is told on their own topic.
    /// 403; 404 for a patient whom the caller does not treat; 422.
    pub async fn open(&self, meta: CommandMeta, new: OpenThread) -> Result<Thread, Refusal> {
        let (db, again) = (self.db.clone(), meta.clone());
        let opened = async move {
            let caller_of = again.clone();
            Ok(db.command(&again, move |tx| open(tx, &caller_of, &new)).await?)
        };
        self.db.once(&meta, opened).await
    }

    /// Has somebody else in it. 403 for the patient; 409 `thread_closed`, `already_in_thread`; 422 `not_eligible`.
    pub async fn add(&self, meta: CommandMeta, id: ThreadId, who: Invited) -> Result<Thread, Refusal> {
        self.change(meta, move |tx, meta| {
            let (thread, user) = own(tx, meta, id)?;
            let candidate = candidates::named(tx, meta.scope, who, thread.patient_id)?;
            let candidate = candidate.unwrap_or(NOBODY);
            let part = decide::add(&thread, user.user_id, &candidate)?;
            store::add(tx, &thread, candidate.user_id, part, user.user_id)?;
            let after = reloaded(tx, meta, &thread)?;
            let details = json!({"user_id": candidate.user_id, "role": part});
            facts::emit(tx, &after, "thread_participant_added", details.clone())?;
            facts::publish(tx, &after, "participant_added", details)?;
            tell_opened(tx, &after, &[candidate.user_id])?;
            Ok(after)
        })
        .await
    }

    /// Takes somebody out of it; oneself, too. 403 for and of the patient; 409 `last_clinician`.
    pub async fn remove(&self, meta: CommandMeta, id: ThreadId, who: UserId) -> Result<Thread, Refusal> {
        self.change(meta, move |tx, meta| {
            let (thread, user) = own(tx, meta, id)?;
            decide::remove(&thread, user.user_id, who)?;
            store::remove(tx, &thread, who)?;
            let after = reloaded(tx, meta, &thread)?;
            let details = json!({"user_id": who});
            facts::emit(tx, &after, "thread_participant_removed", details.clone())?;
            facts::publish(tx, &after, "participant_removed", details)?;
            // Nothing waits any more for somebody who cannot read it.
            consilium_chat::forget_reader(tx, &facts::conversation(&after), who)?;
            Ok(after)
        })
        .await
    }

    /// Closes it: it can be read, and nothing can be written. 403 for the patient; 409 `thread_closed`.
    pub async fn close(&self, meta: CommandMeta, id: ThreadId) -> Result<Thread, Refusal> {
        self.change(meta, move |tx, meta| {
            let (thread, user) = own(tx, meta, id)?;
            decide::close(&thread, user.user_id)?;
            set_closed(tx, meta, &thread, Some((tx.now(), user.user_id)))
        })
        .await
    }

    /// Opens it again. 403 for the patient; 409 `thread_open`.
    pub async fn reopen(&self, meta: CommandMeta, id: ThreadId) -> Result<Thread, Refusal> {
        self.change(meta, move |tx, meta| {
            let (thread, user) = own(tx, meta, id)?;
            decide::reopen(&thread, user.user_id)?;
            set_closed(tx, meta, &thread, None)
        })
        .await
    }

    /// One change, once per Idempotency-Key.
    async fn change(
        &self,
        meta: CommandMeta,
        change: impl Fn(&mut Tx<'_>, &CommandMeta) -> Result<Thread> + Send + 'static,
    ) -> Result<Thread, Refusal> {
        let (db, again) = (self.db.clone(), meta.clone());
        let changed = async move {
            let of = again.clone();
            Ok(db.command(&again, move |tx| change(tx, &of)).await?)
        };
        self.db.once(&meta, changed).await
    }
}

/// Whoever does not exist can be in no thread.
const NOBODY: Candidate =
    Candidate { user_id: Id::new(uuid::Uuid::nil()), role: Role::Support, treats: false, verified: false };

fn open(tx: &mut Tx<'_>, meta: &CommandMeta, new: &OpenThread) -> Result<Thread> {
    let user = caller(meta)?;
    let patient_id = patient_of(new, &user)?;
    if new.participants.len() > MOST_PARTICIPANTS {
        let detail = format!("a thread has at most {MOST_PARTICIPANTS} participants");
        return Err(Refusal::field("/participants", "too_many", detail).into());
    }
    let opener = candidates::of_user(tx, meta.scope, &user, patient_id)?;
    let mut others = Vec::with_capacity(new.participants.len());
    for invited in &new.participants {
        others.push(candidates::named(tx, meta.scope, *invited, patient_id)?.unwrap_or(NOBODY));
    }
    let patient = match patient_id {
        Some(patient) => patients_account(tx, &user, patient)?,
        None => None,
    };
    let members = decide::open(new.kind, &new.subject, &opener, patient, &others)?;
    if patient_id.is_some() && patient.is_none() {
        return Err(Refusal::field("/patient_id", "no_account", "the patient has no account to read with").into());
    }
    let now = tx.now();
    let participant =
        |(user_id, role)| ThreadParticipant { user_id, name: String::new(), role, added_at: now, read_seq: 0 };
    let thread = Thread {
        id: tx.new_id(),
        facility_id: meta.scope.facility_id,
        kind: new.kind,
        patient_id,
        subject: new.subject.trim().to_owned(),
        opened_by: user.user_id,
        opened_at: now,
        closed_at: None,
        active_at: now,
        participants: members.into_iter().map(participant).collect(),
        version: 1,
    };
    store::insert(tx, &thread)?;
    facts::emit(tx, &thread, "thread_opened", json!({"opened_by": user.user_id}))?;
    let everybody: Vec<UserId> = thread.participants.iter().map(|participant| participant.user_id).collect();
    tell_opened(tx, &thread, &everybody)?;
    named(tx, thread)
}

/// Whose care a new thread is about: a patient's own, whoever else is named.
fn patient_of(new: &OpenThread, user: &User) -> Result<Option<PatientId>, Refusal> {
    match (new.kind, user.role) {
        (ThreadKind::Clinicians, _) if new.patient_id.is_some() => {
            Err(Refusal::field("/patient_id", "not_allowed", "a thread among clinicians has no patient"))
        }
        (ThreadKind::Clinicians, _) => Ok(None),
        (ThreadKind::Care, Role::Patient) => match new.patient_id {
            Some(named) if user.patient_id != Some(named) => Err(Refusal::not_found()),
            _ => user.patient_id.map(Some).ok_or(Refusal::forbidden()),
        },
        (ThreadKind::Care, _) => match new.patient_id {
            Some(named) => Ok(Some(named)),
            None => Err(Refusal::field("/patient_id", "required", "a thread about care has a patient")),
        },
    }
}

fn patients_account(session: &mut Session<'_>, user: &User, patient: PatientId) -> Result<Option<UserId>> {
    if user.patient_id == Some(patient) {
        return Ok(Some(user.user_id));
    }
    let found = consilium_people::patient(session, patient)?;
    Ok(found.filter(|found| found.facility_id == user.facility_id).and_then(|found| found.user_id))
}

fn set_closed(
    tx: &mut Tx<'_>,
    meta: &CommandMeta,
    thread: &Thread,
    closed: Option<(Timestamp, UserId)>,
) -> Result<Thread> {
    store::set_closed(tx, thread, closed)?;
    let after = reloaded(tx, meta, thread)?;
    let event = if closed.is_some() { "thread_closed" } else { "thread_reopened" };
    let details = json!({"by": meta.principal.user_id()});
    facts::emit(tx, &after, event, details.clone())?;
    facts::publish(tx, &after, event, details)?;
    Ok(after)
}

fn reloaded(session: &mut Session<'_>, meta: &CommandMeta, before: &Thread) -> Result<Thread> {
    let after = store::find(session, meta.scope, before.id)?.ok_or_else(Refusal::not_found)?;
    named(session, after)
}

/// Tells people, each on their own topic, that a thread is theirs now. Last, and in sorted order.
fn tell_opened(tx: &mut Tx<'_>, thread: &Thread, users: &[UserId]) -> Result<()> {
    let mut users = users.to_vec();
    users.sort();
    for user in users {
        let data = json!({"thread_id": thread.id, "kind": thread.kind});
        tx.publish(&format!("user:{user}"), "thread_opened", user.uuid(), &data)?;
    }
    Ok(())
}
