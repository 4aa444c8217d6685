//! Threads and their participants as rows. Changes of a thread take its row first, so that they wait for each other.

use consilium_db::{
    Cell, Encrypted, Error, Result, Session, Tx,
    types::{at, key, maybe_at, maybe_key},
};
use consilium_kernel::{FacilityId, PatientId, Scope, ThreadId, Timestamp, UserId};
use diesel::prelude::*;

use super::tables::{thread, thread_participant as participant};
use crate::model::{Part, Thread, ThreadParticipant};

#[derive(Queryable, Selectable)]
#[diesel(table_name = thread)]
pub(super) struct ThreadRow {
    id: ThreadId,
    facility_id: FacilityId,
    kind: String,
    patient_id: Option<PatientId>,
    subject: Encrypted<String>,
    opened_by: UserId,
    opened_at: Timestamp,
    closed_at: Option<Timestamp>,
    active_at: Timestamp,
    version: i64,
}

impl ThreadRow {
    pub(super) fn open(self, session: &mut Session<'_>) -> Result<Thread> {
        let participants = participants(session, self.id)?;
        Ok(Thread {
            id: self.id,
            facility_id: self.facility_id,
            kind: self.kind.parse().map_err(|_| Error::Sealed("a thread is of an unknown kind"))?,
            patient_id: self.patient_id,
            subject: session.open(cell(self.id), &self.subject)?,
            opened_by: self.opened_by,
            opened_at: self.opened_at,
            closed_at: self.closed_at,
            active_at: self.active_at,
            participants,
            version: self.version,
        })
    }
}

fn cell(id: ThreadId) -> Cell {
    Cell::new("thread", "subject", id.uuid())
}

fn participants(session: &mut Session<'_>, id: ThreadId) -> Result<Vec<ThreadParticipant>> {
    let rows: Vec<(UserId, String, Timestamp, i64)> = participant::table
        .filter(participant::thread_id.eq(key(id)).and(participant::removed_at.is_null()))
        .order((participant::added_at, participant::user_id))
        .select((participant::user_id, participant::role, participant::added_at, participant::read_seq))
        .load(session.connection())?;
    let one = |(user_id, role, added_at, read_seq): (_, String, _, _)| {
        let role = role.parse().map_err(|_| Error::Sealed("a participant has an unknown role"))?;
        Ok(ThreadParticipant { user_id, name: String::new(), role, added_at, read_seq })
    };
    rows.into_iter().map(one).collect()
}

/// One thread of the facility with its participants.
pub(crate) fn find(session: &mut Session<'_>, scope: Scope, id: ThreadId) -> Result<Option<Thread>> {
    let row: Option<ThreadRow> = thread::table
        .find(key(id))
        .filter(thread::facility_id.eq(key(scope.facility_id)))
        .select(ThreadRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(|row| row.open(session)).transpose()
}

/// Writes a new thread with its participants.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Thread) -> Result<()> {
    let subject = tx.seal(new.sealed_under(), cell(new.id), &new.subject)?;
    diesel::insert_into(thread::table)
        .values((
            thread::id.eq(key(new.id)),
            thread::facility_id.eq(key(new.facility_id)),
            thread::kind.eq(<&str>::from(new.kind)),
            thread::patient_id.eq(maybe_key(new.patient_id)),
            thread::subject.eq(subject),
            thread::opened_by.eq(key(new.opened_by)),
            thread::opened_at.eq(at(new.opened_at)),
            thread::active_at.eq(at(new.active_at)),
            thread::version.eq(new.version),
        ))
        .execute(tx.connection())?;
    for member in &new.participants {
        insert_participant(tx, new, member.user_id, member.role, new.opened_by)?;
    }
    Ok(())
}

/// Takes the thread's row for a change of its version; fails with `VersionConflict` when somebody else had it.
fn change(tx: &mut Tx<'_>, before: &Thread) -> Result<()> {
    let row = thread::table.find(key(before.id)).filter(thread::version.eq(before.version));
    match diesel::update(row).set(thread::version.eq(before.version + 1)).execute(tx.connection())? {
        1 => Ok(()),
        _ => Err(Error::VersionConflict),
    }
}

/// Closes it, or with `None` opens it again.
pub(crate) fn set_closed(tx: &mut Tx<'_>, before: &Thread, closed: Option<(Timestamp, UserId)>) -> Result<()> {
    change(tx, before)?;
    let (closed_at, closed_by) = closed.unzip();
    diesel::update(thread::table.find(key(before.id)))
        .set((thread::closed_at.eq(maybe_at(closed_at)), thread::closed_by.eq(maybe_key(closed_by))))
        .execute(tx.connection())?;
    Ok(())
}

/// Notes that somebody writes now. False when it was closed meanwhile.
pub(crate) fn touch(tx: &mut Tx<'_>, id: ThreadId) -> Result<bool> {
    let now = tx.now();
    let open = thread::table.find(key(id)).filter(thread::closed_at.is_null());
    Ok(diesel::update(open).set(thread::active_at.eq(at(now))).execute(tx.connection())? == 1)
}

/// Takes somebody in, or in again: what they had read stays read.
pub(crate) fn add(tx: &mut Tx<'_>, before: &Thread, user: UserId, role: Part, by: UserId) -> Result<()> {
    change(tx, before)?;
    let now = tx.now();
    let again = diesel::update(participant::table.find((key(before.id), key(user))))
        .set((
            participant::role.eq(<&str>::from(role)),
            participant::added_at.eq(at(now)),
            participant::added_by.eq(key(by)),
            participant::removed_at.eq(maybe_at(None)),
        ))
        .execute(tx.connection())?;
    if again == 0 { insert_participant(tx, before, user, role, by) } else { Ok(()) }
}

/// Takes somebody out.
pub(crate) fn remove(tx: &mut Tx<'_>, before: &Thread, user: UserId) -> Result<()> {
    change(tx, before)?;
    let now = tx.now();
    diesel::update(participant::table.find((key(before.id), key(user))))
        .set(participant::removed_at.eq(maybe_at(Some(now))))
        .execute(tx.connection())?;
    Ok(())
}

fn insert_participant(tx: &mut Tx<'_>, of: &Thread, user: UserId, role: Part, by: UserId) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(participant::table)
        .values((
            participant::thread_id.eq(key(of.id)),
            participant::user_id.eq(key(user)),
            participant::facility_id.eq(key(of.facility_id)),
            participant::role.eq(<&str>::from(role)),
            participant::added_at.eq(at(now)),
            participant::added_by.eq(key(by)),
            participant::read_seq.eq(0_i64),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Notes how far somebody has read; false when they had read as far before.
pub(crate) fn save_read(tx: &mut Tx<'_>, id: ThreadId, user: UserId, seq: i64) -> Result<bool> {
    let behind = participant::table
        .find((key(id), key(user)))
        .filter(participant::removed_at.is_null())
        .filter(participant::read_seq.lt(seq));
    Ok(diesel::update(behind).set(participant::read_seq.eq(seq)).execute(tx.connection())? == 1)
}
