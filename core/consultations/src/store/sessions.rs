//! Each time that somebody was there, and what that comes down to.

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_kernel::{ConsultationId, Timestamp, UserId};
use diesel::prelude::*;

use super::tables::participant_session as stay;
use crate::{
    model::{Client, Consultation, LeftBecause, Part, Summary},
    sessions::{ParticipantSession, SessionId},
};

/// Somebody who comes.
pub(crate) struct NewSession {
    pub(crate) user_id: UserId,
    pub(crate) role: Part,
    pub(crate) reconnected: bool,
    pub(crate) joined_at: Timestamp,
}

/// Notes that somebody came.
pub(crate) fn open_session(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    new: &NewSession,
    client: &Client,
) -> Result<()> {
    let id: SessionId = tx.new_id();
    diesel::insert_into(stay::table)
        .values((
            stay::id.eq(key(id)),
            stay::consultation_id.eq(key(consultation.id)),
            stay::user_id.eq(key(new.user_id)),
            stay::facility_id.eq(key(consultation.facility_id)),
            stay::role.eq(new.role.to_string()),
            stay::reconnected.eq(new.reconnected),
            stay::user_agent.eq(&client.user_agent),
            stay::device.eq(client.device.map(|device| device.to_string())),
            stay::connection.eq(client.connection.map(|connection| connection.to_string())),
            stay::joined_at.eq(at(new.joined_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Notes that somebody went; `None` means everybody.
pub(crate) fn close_session(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    user: Option<UserId>,
    because: LeftBecause,
) -> Result<()> {
    let now = tx.now();
    let values = (stay::left_at.eq(maybe_at(Some(now))), stay::left_because.eq(because.to_string()));
    let open = stay::table.filter(stay::consultation_id.eq(key(consultation.id)).and(stay::left_at.is_null()));
    match user {
        Some(user) => diesel::update(open.filter(stay::user_id.eq(key(user)))).set(values).execute(tx.connection())?,
        None => diesel::update(open).set(values).execute(tx.connection())?,
    };
    Ok(())
}

type SessionRow = (
    SessionId,
    UserId,
    String,
    bool,
    (Option<String>, Option<String>, Option<String>),
    Timestamp,
    Option<Timestamp>,
    Option<String>,
);

/// The times that somebody, or only `user`, was there, oldest first, after `after`, at most `limit`.
pub(crate) fn sessions(
    session: &mut Session<'_>,
    id: ConsultationId,
    user: Option<UserId>,
    after: Option<SessionId>,
    limit: i64,
) -> Result<Vec<ParticipantSession>> {
    let mut query = stay::table
        .filter(stay::consultation_id.eq(key(id)))
        // Ids grow with time.
        .order(stay::id)
        .limit(limit)
        .select((
            stay::id,
            stay::user_id,
            stay::role,
            stay::reconnected,
            (stay::user_agent, stay::device, stay::connection),
            stay::joined_at,
            stay::left_at,
            stay::left_because,
        ))
        .into_boxed();
    if let Some(user) = user {
        query = query.filter(stay::user_id.eq(key(user)));
    }
    if let Some(after) = after {
        query = query.filter(stay::id.gt(key(after)));
    }
    let rows: Vec<SessionRow> = query.load(session.connection())?;
    rows.into_iter().map(opened).collect()
}

/// Who was there at any time between these two.
pub(crate) fn there_between(
    session: &mut Session<'_>,
    id: ConsultationId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<UserId>> {
    Ok(stay::table
        .filter(stay::consultation_id.eq(key(id)).and(stay::joined_at.lt(at(until))))
        .filter(stay::left_at.is_null().or(stay::left_at.gt(maybe_at(Some(from)))))
        .select(stay::user_id)
        .distinct()
        .load(session.connection())?)
}

fn opened(row: SessionRow) -> Result<ParticipantSession> {
    let (id, user_id, role, reconnected, (user_agent, device, connection), joined_at, left_at, because) = row;
    let unknown = |_| Error::Sealed("a session has an unknown word");
    Ok(ParticipantSession {
        id,
        user_id,
        role: role.parse().map_err(unknown)?,
        reconnected,
        client: Client {
            user_agent,
            device: device.map(|word| word.parse()).transpose().map_err(unknown)?,
            connection: connection.map(|word| word.parse()).transpose().map_err(unknown)?,
        },
        joined_at,
        left_at,
        left_because: because.map(|word| word.parse()).transpose().map_err(unknown)?,
    })
}

/// What a consultation comes down to.
pub(crate) fn summary(session: &mut Session<'_>, consultation: &Consultation) -> Result<Summary> {
    let id = consultation.id;
    let interruptions = stay::table
        .filter(stay::consultation_id.eq(key(id)))
        .filter(stay::left_because.eq(LeftBecause::Dropped.to_string()))
        .count()
        .get_result(session.connection())?;
    let messages = consilium_chat::count(session, id.uuid())?;
    let came = consultation.participants.iter().filter(|participant| participant.joined_at.is_some()).count();
    let duration = consultation.started_at.zip(consultation.ended_at);
    Ok(Summary {
        duration_seconds: duration.map_or(0, |(begin, end)| end.duration_since(begin).as_secs()),
        participants: i64::try_from(came).unwrap_or(i64::MAX),
        interruptions,
        messages,
    })
}
