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
    /// Which client used it: the SHA-256 of what it calls itself.
    pub used_by: Option<Vec<u8>>,
    /// The hash of the token that it was given for; none for that of a login.
    pub predecessor: Option<Vec<u8>>,
    pub successors: Successors,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// What became of the tokens that were given for one: several when answers were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Successors {
    /// None was given.
    None,
    Unused,
    Used,
}

/// Why a session ended; kept for support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    Logout,
    PasswordReset,
    RefreshTokenReused,
    Idle,
    Deactivated,
    RoleChanged,
}

impl EndReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::PasswordReset => "password_reset",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::Idle => "idle",
            Self::Deactivated => "deactivated",
            Self::RoleChanged => "role_changed",
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

/// A refresh token to be stored, by its hash.
#[derive(Debug, Clone, Copy)]
pub struct NewRefreshToken<'a> {
    pub session_id: SessionId,
    pub facility_id: FacilityId,
    pub hash: &'a [u8],
    /// The hash of the token that it is given for.
    pub predecessor: Option<&'a [u8]>,
    pub expires_at: Timestamp,
}

/// Stores the hash of a refresh token.
pub fn add_refresh_token(tx: &mut Tx<'_>, new: NewRefreshToken<'_>) -> Result<()> {
    let NewRefreshToken { session_id, facility_id, hash, predecessor, expires_at } = new;
    let now = tx.now();
    diesel::insert_into(refresh_token::table)
        .values((
            refresh_token::hash.eq(hash),
            refresh_token::facility_id.eq(key(facility_id)),
            refresh_token::session_id.eq(key(session_id)),
            refresh_token::issued_at.eq(at(now)),
            refresh_token::expires_at.eq(at(expires_at)),
            refresh_token::predecessor.eq(predecessor),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// The refresh token that hashes to `hash`.
pub fn find_refresh_token(session: &mut Session<'_>, hash: &[u8]) -> Result<Option<RefreshToken>> {
    type Bytes = Option<Vec<u8>>;
    type Row = (SessionId, UserId, Timestamp, Option<Timestamp>, Bytes, Bytes, Timestamp, Option<Timestamp>);
    let row: Option<Row> = refresh_token::table
        .inner_join(login_session::table.on(login_session::id.eq(refresh_token::session_id)))
        .filter(refresh_token::hash.eq(hash))
        .select((
            login_session::id,
            login_session::account_id,
            refresh_token::expires_at,
            refresh_token::used_at,
            refresh_token::used_by,
            refresh_token::predecessor,
            login_session::started_at,
            login_session::ended_at,
        ))
        .first(session.connection())
        .optional()?;
    let Some((session_id, account_id, expires_at, used_at, used_by, predecessor, started_at, ended_at)) = row else {
        return Ok(None);
    };
    let successors = successors(session, session_id, hash)?;
    Ok(Some(RefreshToken {
        session_id,
        account_id,
        expires_at,
        used_at,
        used_by,
        predecessor,
        successors,
        started_at,
        ended_at,
    }))
}

fn successors(session: &mut Session<'_>, session_id: SessionId, hash: &[u8]) -> Result<Successors> {
    let uses: Vec<Option<Timestamp>> = refresh_token::table
        .filter(refresh_token::session_id.eq(key(session_id)))
        .filter(refresh_token::predecessor.eq(hash))
        .select(refresh_token::used_at)
        .load(session.connection())?;
    Ok(match uses.as_slice() {
        [] => Successors::None,
        uses if uses.iter().all(Option::is_none) => Successors::Unused,
        _ => Successors::Used,
    })
}

/// Has everybody else who would refresh this session wait for the end of the transaction.
pub fn hold(tx: &mut Tx<'_>, id: SessionId) -> Result<()> {
    diesel::update(login_session::table.find(key(id)))
        .set(login_session::refreshed_at.eq(login_session::refreshed_at))
        .execute(tx.connection())?;
    Ok(())
}

/// Marks an unused refresh token as used by `client`, and those that were given for the same one beside it: of them,
/// one counts.
pub fn spend_refresh_token(tx: &mut Tx<'_>, hash: &[u8], token: &RefreshToken, client: &[u8]) -> Result<()> {
    let now = tx.now();
    diesel::update(refresh_token::table.find(hash))
        .set((refresh_token::used_at.eq(maybe_at(Some(now))), refresh_token::used_by.eq(client)))
        .execute(tx.connection())?;
    let beside = refresh_token::table
        .filter(refresh_token::session_id.eq(key(token.session_id)))
        .filter(refresh_token::predecessor.eq(token.predecessor.as_deref()))
        .filter(refresh_token::used_at.is_null());
    diesel::update(beside).set(refresh_token::used_at.eq(maybe_at(Some(now)))).execute(tx.connection())?;
    Ok(())
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
        // One that began while the account was deactivated.
        .filter(account::deactivated_at.is_null())
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
