//! Login sessions and their refresh tokens.

use consilium_db::{
    Cell, Encrypted, Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_kernel::{FacilityId, Id, Role, SessionId, Timestamp, UserId};
use diesel::prelude::*;

use super::{
    account::parse_role,
    tables::{account, login_session, membership, refresh_token},
};
use crate::model::{Account, SessionSummary};

/// What a session allows right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub user: consilium_kernel::User,
    pub expires_at: Timestamp,
}

/// A refresh token with the state of its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub session_id: SessionId,
    pub account_id: UserId,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub started_at: Timestamp,
    pub refreshed_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// Why a session ended; kept for support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    Logout,
    PasswordReset,
    RefreshTokenReused,
    Idle,
}

impl EndReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::PasswordReset => "password_reset",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::Idle => "idle",
        }
    }
}

/// Writes a new session.
pub fn begin(
    tx: &mut Tx<'_>,
    id: SessionId,
    owner: &Account,
    device: Option<&String>,
    expires_at: Timestamp,
) -> Result<()> {
    let device = match device {
        Some(device) => Some(tx.seal(owner.id.uuid(), Cell::new("login_session", "device", id.uuid()), device)?),
        None => None,
    };
    let now = tx.now();
    diesel::insert_into(login_session::table)
        .values((
            login_session::id.eq(key(id)),
            login_session::facility_id.eq(key(owner.facility_id)),
            login_session::account_id.eq(key(owner.id)),
            login_session::device.eq(device),
            login_session::started_at.eq(at(now)),
            login_session::refreshed_at.eq(at(now)),
            login_session::expires_at.eq(at(expires_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Stores the hash of a refresh token.
pub fn add_refresh_token(
    tx: &mut Tx<'_>,
    session_id: SessionId,
    facility_id: FacilityId,
    hash: &[u8],
    expires_at: Timestamp,
) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(refresh_token::table)
        .values((
            refresh_token::hash.eq(hash),
            refresh_token::facility_id.eq(key(facility_id)),
            refresh_token::session_id.eq(key(session_id)),
            refresh_token::issued_at.eq(at(now)),
            refresh_token::expires_at.eq(at(expires_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// The refresh token that hashes to `hash`.
pub fn find_refresh_token(session: &mut Session<'_>, hash: &[u8]) -> Result<Option<RefreshToken>> {
    type Row = (SessionId, UserId, Timestamp, Option<Timestamp>, Timestamp, Timestamp, Option<Timestamp>);
    let row: Option<Row> = refresh_token::table
        .inner_join(login_session::table.on(login_session::id.eq(refresh_token::session_id)))
        .filter(refresh_token::hash.eq(hash))
        .select((
            login_session::id,
            login_session::account_id,
            refresh_token::expires_at,
            refresh_token::used_at,
            login_session::started_at,
            login_session::refreshed_at,
            login_session::ended_at,
        ))
        .first(session.connection())
        .optional()?;
    Ok(row.map(|(session_id, account_id, expires_at, used_at, started_at, refreshed_at, ended_at)| RefreshToken {
        session_id,
        account_id,
        expires_at,
        used_at,
        started_at,
        refreshed_at,
        ended_at,
    }))
}

/// Marks a refresh token as used; `false` when it was used before, even a moment ago by a twin.
pub fn spend_refresh_token(tx: &mut Tx<'_>, hash: &[u8]) -> Result<bool> {
    let now = tx.now();
    let unused = refresh_token::table.find(hash).filter(refresh_token::used_at.is_null());
    Ok(diesel::update(unused).set(refresh_token::used_at.eq(maybe_at(Some(now)))).execute(tx.connection())? == 1)
}

/// Notes that a live session was refreshed; `false` when it ended meanwhile.
pub fn touch(tx: &mut Tx<'_>, id: SessionId, expires_at: Timestamp) -> Result<bool> {
    let now = tx.now();
    let live = login_session::table.find(key(id)).filter(login_session::ended_at.is_null());
    let changed = diesel::update(live)
        .set((login_session::refreshed_at.eq(at(now)), login_session::expires_at.eq(at(expires_at))))
        .execute(tx.connection())?;
    Ok(changed == 1)
}

/// Ends one live session of `owner`; `false` when there was none.
pub fn end(tx: &mut Tx<'_>, owner: UserId, id: SessionId, reason: EndReason) -> Result<bool> {
    let now = tx.now();
    let live = login_session::table
        .find(key(id))
        .filter(login_session::account_id.eq(key(owner)))
        .filter(login_session::ended_at.is_null());
    let changed = diesel::update(live)
        .set((login_session::ended_at.eq(maybe_at(Some(now))), login_session::end_reason.eq(reason.as_str())))
        .execute(tx.connection())?;
    Ok(changed == 1)
}

/// Ends every live session of `owner` and tells how many there were.
pub fn end_all(tx: &mut Tx<'_>, owner: UserId, reason: EndReason) -> Result<usize> {
    let now = tx.now();
    let live =
        login_session::table.filter(login_session::account_id.eq(key(owner))).filter(login_session::ended_at.is_null());
    Ok(diesel::update(live)
        .set((login_session::ended_at.eq(maybe_at(Some(now))), login_session::end_reason.eq(reason.as_str())))
        .execute(tx.connection())?)
}

/// What a live session allows; `None` once it has ended or expired.
pub fn standing(session: &mut Session<'_>, id: SessionId) -> Result<Option<Standing>> {
    type Row = (UserId, FacilityId, Timestamp, Option<Timestamp>, String, Option<uuid::Uuid>);
    let now = session.now();
    let row: Option<Row> = login_session::table
        .inner_join(account::table.on(account::id.eq(login_session::account_id)))
        .inner_join(
            membership::table.on(membership::account_id
                .eq(login_session::account_id)
                .and(membership::facility_id.eq(login_session::facility_id))),
        )
        .filter(login_session::id.eq(key(id)))
        .filter(login_session::ended_at.is_null())
        .filter(login_session::expires_at.gt(at(now)))
        .select((
            login_session::account_id,
            login_session::facility_id,
            login_session::expires_at,
            account::email_verified_at,
            membership::role,
            membership::person_id,
        ))
        .first(session.connection())
        .optional()?;
    let Some((user_id, facility_id, expires_at, verified_at, role, person)) = row else { return Ok(None) };
    let role = parse_role(&role)?;
    let user = consilium_kernel::User {
        user_id,
        session_id: id,
        role,
        facility_id,
        doctor_id: person.filter(|_| role == Role::Doctor).map(Id::new),
        patient_id: person.filter(|_| role == Role::Patient).map(Id::new),
        email_verified: verified_at.is_some(),
    };
    Ok(Some(Standing { user, expires_at }))
}

/// The live sessions of an account, newest first, at most a hundred.
pub fn of_account(session: &mut Session<'_>, owner: UserId, current: SessionId) -> Result<Vec<SessionSummary>> {
    type Row = (SessionId, Option<Encrypted<String>>, Timestamp, Timestamp, Timestamp);
    let now = session.now();
    let rows: Vec<Row> = login_session::table
        .filter(login_session::account_id.eq(key(owner)))
        .filter(login_session::ended_at.is_null())
        .filter(login_session::expires_at.gt(at(now)))
        .order(login_session::refreshed_at.desc())
        .limit(100)
        .select((
            login_session::id,
            login_session::device,
            login_session::started_at,
            login_session::refreshed_at,
            login_session::expires_at,
        ))
        .load(session.connection())?;
    rows.into_iter()
        .map(|(id, device, started_at, refreshed_at, expires_at)| {
            let cell = Cell::new("login_session", "device", id.uuid());
            let device = device.map(|sealed| session.open(cell, &sealed)).transpose()?;
            Ok(SessionSummary { id, device, started_at, refreshed_at, expires_at, current: id == current })
        })
        .collect()
}

/// Deletes sessions, with their tokens, that expired before `before`.
pub fn sweep(tx: &mut Tx<'_>, before: Timestamp) -> Result<usize> {
    Ok(diesel::delete(login_session::table.filter(login_session::expires_at.lt(at(before))))
        .execute(tx.connection())?)
}
