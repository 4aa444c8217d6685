//! Somebody's threads, page by page, by (last activity, id), newest first.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_db::{
    Result, Session,
    types::{at, key},
};
use consilium_kernel::{Id, Refusal, Scope, ThreadId, Timestamp, UserId, not_a_cursor};
use diesel::prelude::*;

use super::{
    tables::{thread, thread_participant as participant},
    threads::ThreadRow,
};
use crate::model::{Page, Thread, ThreadState};

/// Whose threads, and which of them.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) scope: Scope,
    pub(crate) user: UserId,
    pub(crate) state: Option<ThreadState>,
    pub(crate) before: Option<Cursor>,
    pub(crate) limit: i64,
}

/// The last thread of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    active_at: Timestamp,
    id: ThreadId,
}

impl Cursor {
    /// Reads what `of` wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_a_cursor())?;
        let (micros, id) = bytes.split_at_checked(8).ok_or_else(not_a_cursor)?;
        let micros = i64::from_be_bytes(micros.try_into().map_err(|_| not_a_cursor())?);
        let active_at = Timestamp::from_microsecond(micros).map_err(|_| not_a_cursor())?;
        Ok(Self {
            // PostgreSQL knows no year before 4713 BC, and there are no threads before 1970.
            active_at: active_at.max(Timestamp::UNIX_EPOCH),
            id: Id::new(uuid::Uuid::from_slice(id).map_err(|_| not_a_cursor())?),
        })
    }

    fn of(last: &Thread) -> String {
        let micros = last.active_at.as_microsecond().to_be_bytes();
        URL_SAFE_NO_PAD.encode([micros.as_slice(), last.id.uuid().as_bytes()].concat())
    }
}

/// One page.
pub(crate) fn list(session: &mut Session<'_>, listing: &Listing) -> Result<Page<Thread>> {
    let mut rows = thread::table
        .inner_join(participant::table)
        .filter(thread::facility_id.eq(key(listing.scope.facility_id)))
        .filter(participant::user_id.eq(key(listing.user)))
        .filter(participant::removed_at.is_null())
        .order((thread::active_at.desc(), thread::id.desc()))
        .limit(listing.limit + 1)
        .select(ThreadRow::as_select())
        .into_boxed();
    match listing.state {
        Some(ThreadState::Open) => rows = rows.filter(thread::closed_at.is_null()),
        Some(ThreadState::Closed) => rows = rows.filter(thread::closed_at.is_not_null()),
        None => {}
    }
    if let Some(Cursor { active_at, id }) = listing.before {
        rows = rows
            .filter(thread::active_at.le(at(active_at)))
            .filter(thread::active_at.lt(at(active_at)).or(thread::id.lt(key(id))));
    }
    let mut rows: Vec<ThreadRow> = rows.load(session.connection())?;
    let more = rows.len() as i64 > listing.limit;
    rows.truncate(usize::try_from(listing.limit).unwrap_or(usize::MAX));
    let items = rows.into_iter().map(|row| row.open(session)).collect::<Result<Vec<_>>>()?;
    let next_cursor = items.last().filter(|_| more).map(Cursor::of);
    Ok(Page { items, next_cursor })
}
