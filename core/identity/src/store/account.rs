//! Accounts and memberships.

use consilium_db::{
    Cell, Encrypted, Error, MultiBackend, Result, Session, Tx,
    outbox::Fact,
    types::{at, key, maybe_at, maybe_key},
    violates,
};
use consilium_kernel::{Email, EntityRef, FacilityId, Id, Role, Scope, Timestamp, UserId};
use diesel::prelude::*;
use serde_json::json;

use super::{
    mail_token,
    tables::{account, membership},
};
use crate::{
    model::{Account, AccountFilter, AccountPatch, Contact, NewAccount, Profile},
    refusal::IdentityRefusal,
};

/// An account with what is needed to let somebody in.
pub struct Credentials {
    pub account: Account,
    pub password_hash: String,
}

type Row = (
    UserId,
    FacilityId,
    Encrypted<Email>,
    Encrypted<Profile>,
    String,
    Option<Timestamp>,
    Timestamp,
    i64,
    Option<Timestamp>,
    String,
    Option<uuid::Uuid>,
);

/// Which accounts are meant.
enum Wanted<'a> {
    Id(UserId),
    Address(Vec<u8>),
    Listed { scope: Scope, filter: &'a AccountFilter, before: Option<UserId>, limit: i64 },
}

/// Writes an account with its membership and `account_registered`. Refuses with `email_taken`.
pub fn create(tx: &mut Tx<'_>, new: NewAccount) -> Result<Account> {
    let id: UserId = tx.new_id();
    let facility_id = tx.meta().scope.facility_id;
    let now = tx.now();
    let address = tx.vault().email_index(&new.email);
    if by_address(tx, &address)?.is_some() {
        return Err(IdentityRefusal::EmailTaken.refusal().into());
    }
    let profile = Profile {
        given_name: new.given_name,
        family_name: new.family_name,
        time_zone: new.time_zone,
        language: new.language,
    };
    let sealed_email = tx.seal(id.uuid(), Cell::new("account", "email", id.uuid()), &new.email)?;
    let sealed_profile = tx.seal(id.uuid(), Cell::new("account", "profile", id.uuid()), &profile)?;
    diesel::insert_into(account::table)
        .values((
            account::id.eq(key(id)),
            account::facility_id.eq(key(facility_id)),
            account::email_index.eq(&address),
            account::email.eq(sealed_email),
            account::profile.eq(sealed_profile),
            account::password_hash.eq(&new.password_hash),
            account::email_verified_at.eq(maybe_at(new.email_verified.then_some(now))),
            account::created_at.eq(at(now)),
            account::version.eq(1_i64),
        ))
        .execute(tx.connection())
        .map_err(|error| match violates(&error, "email_index") {
            true => Error::from(IdentityRefusal::EmailTaken.refusal()),
            false => error.into(),
        })?;
    diesel::insert_into(membership::table)
        .values((
            membership::account_id.eq(key(id)),
            membership::facility_id.eq(key(facility_id)),
            membership::role.eq(new.role.to_string()),
            membership::person_id.eq(maybe_key(new.person)),
            membership::created_at.eq(at(now)),
        ))
        .execute(tx.connection())?;
    emit(tx, id, 1, "account_registered", &json!({ "user_id": id, "role": new.role }))?;
    Ok(assemble((id, facility_id, now, 1, None, new.role, new.person), (new.email, profile, new.email_verified)))
}

/// One account.
pub fn account(session: &mut Session<'_>, id: UserId) -> Result<Option<Account>> {
    Ok(find(session, Wanted::Id(id))?.pop().map(|found| found.account))
}

/// How to reach the owner of an account.
pub fn contact(session: &mut Session<'_>, id: UserId) -> Result<Option<Contact>> {
    Ok(account(session, id)?.map(Contact::from))
}

/// The account with this address.
pub fn account_by_email(session: &mut Session<'_>, email: &Email) -> Result<Option<Account>> {
    let address = session.vault().email_index(email);
    Ok(by_address(session, &address)?.map(|found| found.account))
}

/// The account behind an address, with its password hash.
pub fn by_address(session: &mut Session<'_>, address: &[u8]) -> Result<Option<Credentials>> {
    Ok(find(session, Wanted::Address(address.to_vec()))?.pop())
}

/// Accounts of a facility that come before `before`, the newest first.
pub fn list(
    session: &mut Session<'_>,
    scope: Scope,
    filter: &AccountFilter,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<Account>> {
    let found = find(session, Wanted::Listed { scope, filter, before, limit })?;
    Ok(found.into_iter().map(|found| found.account).collect())
}

/// Changes names, time zone or language. `not_found` when there is no such account.
pub fn patch_account(tx: &mut Tx<'_>, id: UserId, patch: AccountPatch) -> Result<Account> {
    let mut before = account(tx, id)?.ok_or_else(consilium_kernel::Refusal::not_found)?;
    if patch.is_empty() {
        return Ok(before);
    }
    let profile = Profile {
        given_name: patch.given_name.unwrap_or(before.given_name),
        family_name: patch.family_name.unwrap_or(before.family_name),
        time_zone: patch.time_zone.unwrap_or(before.time_zone),
        language: patch.language.unwrap_or(before.language),
    };
    let sealed = tx.seal(id.uuid(), Cell::new("account", "profile", id.uuid()), &profile)?;
    let changed = diesel::update(account::table.find(key(id)).filter(account::version.eq(before.version)))
        .set((account::profile.eq(sealed), account::version.eq(before.version + 1)))
        .execute(tx.connection())?;
    one(changed)?;
    before.version += 1;
    tx.audit("account_updated", &entity(id), before.version)?;
    Ok(Account {
        given_name: profile.given_name,
        family_name: profile.family_name,
        time_zone: profile.time_zone,
        language: profile.language,
        ..before
    })
}

/// Marks the address as confirmed; says `email_verified` the first time.
pub fn confirm_email(tx: &mut Tx<'_>, id: UserId) -> Result<Account> {
    let mut found = account(tx, id)?.ok_or_else(consilium_kernel::Refusal::not_found)?;
    if found.email_verified {
        return Ok(found);
    }
    let now = tx.now();
    let changed = diesel::update(account::table.find(key(id)).filter(account::version.eq(found.version)))
        .set((account::email_verified_at.eq(maybe_at(Some(now))), account::version.eq(found.version + 1)))
        .execute(tx.connection())?;
    one(changed)?;
    (found.version, found.email_verified) = (found.version + 1, true);
    emit(tx, id, found.version, "email_verified", &json!({ "user_id": id }))?;
    Ok(found)
}

/// Keeps the owner out since then, or lets them in again.
pub fn set_deactivated(tx: &mut Tx<'_>, before: Account, since: Option<Timestamp>) -> Result<Account> {
    let changed = diesel::update(account::table.find(key(before.id)).filter(account::version.eq(before.version)))
        .set((account::deactivated_at.eq(maybe_at(since)), account::version.eq(before.version + 1)))
        .execute(tx.connection())?;
    one(changed)?;
    Ok(Account { deactivated_at: since, version: before.version + 1, ..before })
}

/// Gives another role in the account's facility.
pub fn set_role(tx: &mut Tx<'_>, before: Account, role: Role) -> Result<Account> {
    let changed = diesel::update(account::table.find(key(before.id)).filter(account::version.eq(before.version)))
        .set(account::version.eq(before.version + 1))
        .execute(tx.connection())?;
    one(changed)?;
    diesel::update(membership::table.find((key(before.id), key(before.facility_id))))
        .set(membership::role.eq(role.to_string()))
        .execute(tx.connection())?;
    Ok(Account { role, version: before.version + 1, ..before })
}

/// How many administrators of the facility can log in, without this one. Has everybody else who would make them fewer
/// wait for the end of the transaction.
pub fn other_admins(tx: &mut Tx<'_>, but: UserId) -> Result<i64> {
    let facility = tx.meta().scope.facility_id;
    let admins = membership::table
        .filter(membership::facility_id.eq(key(facility)))
        .filter(membership::role.eq(Role::Admin.to_string()));
    diesel::update(admins).set(membership::role.eq(membership::role)).execute(tx.connection())?;
    Ok(account::table
        .inner_join(
            membership::table
                .on(membership::account_id.eq(account::id).and(membership::facility_id.eq(account::facility_id))),
        )
        .filter(membership::facility_id.eq(key(facility)))
        .filter(membership::role.eq(Role::Admin.to_string()))
        .filter(account::deactivated_at.is_null())
        .filter(account::id.ne(key(but)))
        .count()
        .get_result(tx.connection())?)
}

/// Replaces the password hash and says `password_changed`.
pub fn set_password(tx: &mut Tx<'_>, found: &Account, password_hash: &str) -> Result<()> {
    let changed = diesel::update(account::table.find(key(found.id)).filter(account::version.eq(found.version)))
        .set((account::password_hash.eq(password_hash), account::version.eq(found.version + 1)))
        .execute(tx.connection())?;
    one(changed)?;
    emit(tx, found.id, found.version + 1, "password_changed", &json!({ "user_id": found.id }))
}

/// Replaces `outdated` by a hash of the same password, unless the password was changed meanwhile.
pub fn renew_hash(tx: &mut Tx<'_>, id: UserId, outdated: &str, renewed: &str) -> Result<()> {
    diesel::update(account::table.find(key(id)).filter(account::password_hash.eq(outdated)))
        .set(account::password_hash.eq(renewed))
        .execute(tx.connection())?;
    Ok(())
}

/// An account, as events and the audit log name it.
pub fn entity(id: UserId) -> EntityRef {
    EntityRef::new("account", id.uuid())
}

/// Writes an event about an account, sealed with the account's key.
pub fn emit(tx: &mut Tx<'_>, id: UserId, version: i64, event_type: &str, data: &serde_json::Value) -> Result<()> {
    let entity = entity(id);
    tx.emit(Fact { entity, version, event_type, schema: 1, subject: id.uuid(), data })
}

/// Writes a verification code and says `email_verification_requested`.
pub fn request_verification(tx: &mut Tx<'_>, found: &Account, valid: jiff::SignedDuration) -> Result<()> {
    let address = tx.vault().email_index(&found.email);
    let token = mail_token::issue(tx, mail_token::Purpose::VerifyEmail, &address, Some(found.id), valid)?;
    let data = json!({ "user_id": found.id, "token": token.reveal() });
    emit(tx, found.id, found.version, "email_verification_requested", &data)
}

fn find(session: &mut Session<'_>, wanted: Wanted<'_>) -> Result<Vec<Credentials>> {
    let mut query = account::table
        .inner_join(
            membership::table
                .on(membership::account_id.eq(account::id).and(membership::facility_id.eq(account::facility_id))),
        )
        .select((
            account::id,
            account::facility_id,
            account::email,
            account::profile,
            account::password_hash,
            account::email_verified_at,
            account::created_at,
            account::version,
            account::deactivated_at,
            membership::role,
            membership::person_id,
        ))
        .into_boxed::<MultiBackend>();
    match wanted {
        Wanted::Id(id) => query = query.filter(account::id.eq(key(id))),
        Wanted::Address(address) => query = query.filter(account::email_index.eq(address)),
        Wanted::Listed { scope, filter, before, limit } => {
            let facility = key(scope.facility_id);
            query =
                query.filter(membership::facility_id.eq(facility)).order(membership::account_id.desc()).limit(limit);
            if let Some(email) = &filter.email {
                query = query.filter(account::email_index.eq(session.vault().email_index(email)));
            }
            if let Some(role) = filter.role {
                query = query.filter(membership::role.eq(role.to_string()));
            }
            match filter.active {
                Some(true) => query = query.filter(account::deactivated_at.is_null()),
                Some(false) => query = query.filter(account::deactivated_at.is_not_null()),
                None => {}
            }
            if let Some(before) = before {
                query = query.filter(membership::account_id.lt(key(before)));
            }
        }
    }
    let rows: Vec<Row> = query.load(session.connection())?;
    session.prepare_to_open(rows.iter().map(|(_, _, email, ..)| email))?;
    rows.into_iter().map(|row| open(session, row)).collect()
}

fn open(session: &mut Session<'_>, row: Row) -> Result<Credentials> {
    let (
        id,
        facility_id,
        email,
        profile,
        password_hash,
        verified_at,
        created_at,
        version,
        deactivated_at,
        role,
        person,
    ) = row;
    let email = session.open(Cell::new("account", "email", id.uuid()), &email)?;
    let profile = session.open(Cell::new("account", "profile", id.uuid()), &profile)?;
    let known = (id, facility_id, created_at, version, deactivated_at, parse_role(&role)?, person);
    Ok(Credentials { account: assemble(known, (email, profile, verified_at.is_some())), password_hash })
}

fn assemble(
    (id, facility_id, created_at, version, deactivated_at, role, person): (
        UserId,
        FacilityId,
        Timestamp,
        i64,
        Option<Timestamp>,
        Role,
        Option<uuid::Uuid>,
    ),
    (email, profile, email_verified): (Email, Profile, bool),
) -> Account {
    Account {
        id,
        facility_id,
        email,
        role,
        doctor_id: person.filter(|_| role == Role::Doctor).map(Id::new),
        patient_id: person.filter(|_| role == Role::Patient).map(Id::new),
        given_name: profile.given_name,
        family_name: profile.family_name,
        time_zone: profile.time_zone,
        language: profile.language,
        email_verified,
        created_at,
        deactivated_at,
        version,
    }
}

/// The role that a row names.
pub fn parse_role(text: &str) -> Result<Role> {
    text.parse().map_err(|_| Error::Setup(format!("unknown role {text:?} in a row")))
}

fn one(changed: usize) -> Result<()> {
    if changed == 1 { Ok(()) } else { Err(Error::VersionConflict) }
}
