//! Logging in, refreshing, logging out.

use consilium_db::Tx;
use consilium_kernel::{CommandMeta, EntityRef, Id, Principal, Refusal, SessionId, Timestamp, UserId};
use jiff::SignedDuration;
use serde_json::json;

use super::{Identity, Inner};
use crate::{
    decide::{self, RefreshVerdict},
    model::{Account, LoggedIn, Login, LogoutScope},
    refusal::IdentityRefusal,
    secret::{self, SecretText},
    store::{
        account::{self, Credentials},
        lockout,
        session::{self, EndReason, NewRefreshToken, RefreshToken},
    },
};

/// What a client calls itself is cut to this many characters.
const DEVICE: usize = 200;

/// How a refresh ended inside its transaction. A refusal must not undo what it wrote, so it is no error there.
enum Refreshed {
    Rotated { account: Box<Account>, session_id: SessionId, expires_at: Timestamp },
    Refused { owner: Option<UserId>, why: IdentityRefusal },
}

impl Identity {
    /// Begins a session: `invalid_credentials`, or `too_many_attempts` while the address is locked, whether or
    /// not it has an account. Who knows the password of a deactivated one is told so: `account_deactivated`.
    pub async fn login(&self, meta: &CommandMeta, login: Login) -> Result<LoggedIn, Refusal> {
        let inner = &self.0;
        let address = inner.db.vault().email_index(&login.email);
        let _turn = inner.turn(&address).await?;
        let wanted = address.clone();
        let (locked_until, found) = inner
            .db
            .read(move |read| Ok((lockout::locked_until(read, &wanted)?, account::by_address(read, &wanted)?)))
            .await?;
        let now = inner.db.clock().now();
        if let Some(until) = locked_until.filter(|until| *until > now) {
            return Err(IdentityRefusal::TooManyAttempts.after(decide::whole_seconds_until(until, now)));
        }
        let stored = found.as_ref().map(|found| found.password_hash.clone());
        let right = inner.hasher.matches(login.password.clone(), stored).await?;
        match found {
            Some(found) if right && found.account.deactivated_at.is_some() => {
                let (entity, version) = (account::entity(found.account.id), found.account.version);
                inner.db.write(meta, move |tx| tx.audit("login_refused", &entity, version)).await?;
                Err(IdentityRefusal::AccountDeactivated.refusal())
            }
            Some(found) if right => {
                let renewed = match inner.hasher.is_outdated(&found.password_hash) {
                    true => Some(inner.hasher.hash(login.password).await?),
                    false => None,
                };
                inner.begin(meta, found, renewed, login.device, address).await
            }
            other => {
                let known = other.map(|found| found.account);
                inner.count_failure(meta, known, address).await?;
                Err(IdentityRefusal::InvalidCredentials.refusal())
            }
        }
    }

    /// Exchanges a refresh token for the next pair. One that was used before ends the whole session, unless it is
    /// the answer that was lost: the same client (`device` is what it calls itself) asks again at once, and nobody
    /// has used what it should have got.
    pub async fn refresh(
        &self,
        meta: &CommandMeta,
        refresh_token: &str,
        device: Option<&str>,
    ) -> Result<LoggedIn, Refusal> {
        let inner = self.0.clone();
        let hash = SecretText::parse(refresh_token).ok_or_else(|| IdentityRefusal::TokenInvalid.refusal())?.hash();
        let next = SecretText::random()?;
        let (shared, next_hash) = (inner.clone(), next.hash());
        let client = secret::sha256(device.unwrap_or_default());
        let outcome = inner.db.write(meta, move |tx| shared.rotate(tx, &hash, &next_hash, &client)).await?;
        match outcome {
            Refreshed::Refused { owner, why } => {
                owner.into_iter().for_each(|owner| inner.live.forget(owner));
                Err(why.refusal())
            }
            Refreshed::Rotated { account, session_id, expires_at } => {
                inner.answer(*account, session_id, next, expires_at)
            }
        }
    }

    /// Ends the session of whoever asks, or all sessions of that account.
    pub async fn logout(&self, meta: &CommandMeta, scope: LogoutScope) -> Result<(), Refusal> {
        let user = meta.principal.user().ok_or_else(|| IdentityRefusal::TokenInvalid.refusal())?;
        self.0.end(meta, user.user_id, user.session_id, scope).await
    }

    /// `logout` for a client that shows its refresh token instead of an access token. A token that is unknown or
    /// whose session has ended is no error: there is nothing left to end.
    pub async fn logout_with(
        &self,
        meta: &CommandMeta,
        refresh_token: &str,
        scope: LogoutScope,
    ) -> Result<(), Refusal> {
        let Some(secret) = SecretText::parse(refresh_token) else { return Ok(()) };
        let found = self.0.db.read(move |read| session::find_refresh_token(read, &secret.hash())).await?;
        // A spent or expired token proves too little to end every session.
        let now = self.0.db.clock().now();
        let unused = |token: &RefreshToken| {
            decide::judge_refresh(token, &[], now, SignedDuration::ZERO) == RefreshVerdict::Rotate
        };
        match found.filter(unused) {
            Some(token) => self.0.end(meta, token.account_id, token.session_id, scope).await,
            None => Ok(()),
        }
    }

    /// Ends one of one's own sessions; `not_found` when it is none.
    pub async fn end_session(&self, meta: &CommandMeta, id: SessionId) -> Result<(), Refusal> {
        let owner = meta.principal.user_id().ok_or_else(|| IdentityRefusal::TokenInvalid.refusal())?;
        let ended = self.0.db.write(meta, move |tx| end_one(tx, owner, id)).await?;
        self.0.live.forget(owner);
        if ended { Ok(()) } else { Err(Refusal::not_found()) }
    }
}

impl Inner {
    async fn begin(
        &self,
        meta: &CommandMeta,
        found: Credentials,
        renewed_hash: Option<String>,
        device: Option<String>,
        address: Vec<u8>,
    ) -> Result<LoggedIn, Refusal> {
        let Credentials { account: owner, password_hash } = found;
        let session_id: SessionId = Id::new(self.db.ids().next());
        let secret = SecretText::random()?;
        let device = device.map(|name| name.chars().filter(|c| !c.is_control()).take(DEVICE).collect::<String>());
        let as_owner = CommandMeta { principal: Principal::User(owner.user(session_id)), ..meta.clone() };
        let (hash, account, settings) = (secret.hash(), owner.clone(), self.settings.clone());
        let write = move |tx: &mut Tx<'_>| {
            let now = tx.now();
            let expires_at = decide::session_end(now, now, &settings);
            lockout::forgive(tx, &address)?;
            if let Some(renewed) = &renewed_hash {
                account::renew_hash(tx, account.id, &password_hash, renewed)?;
            }
            session::begin(tx, session_id, &account, device.as_ref(), expires_at)?;
            let facility_id = account.facility_id;
            let token = NewRefreshToken { session_id, facility_id, hash: &hash, predecessor: None, expires_at };
            session::add_refresh_token(tx, token)?;
            let data = json!({ "user_id": account.id, "session_id": session_id, "device": device });
            account::emit(tx, account.id, account.version, "session_started", &data)?;
            Ok(expires_at)
        };
        let expires_at = self.db.write(&as_owner, write).await?;
        self.answer(owner, session_id, secret, expires_at)
    }

    fn answer(
        &self,
        account: Account,
        session_id: SessionId,
        refresh: SecretText,
        refresh_expires_at: Timestamp,
    ) -> Result<LoggedIn, Refusal> {
        let access_token = self.tokens.issue(&account.user(session_id), self.db.clock().now(), self.db.ids().next())?;
        Ok(LoggedIn {
            access_token,
            expires_in: self.tokens.lifetime_seconds(),
            csrf_token: self.csrf_token(refresh.reveal()),
            refresh_token: refresh.reveal().to_owned(),
            refresh_expires_at,
            session_id,
            account,
        })
    }

    async fn count_failure(&self, meta: &CommandMeta, known: Option<Account>, address: Vec<u8>) -> Result<(), Refusal> {
        let rule = self.settings.lockout;
        let entity = EntityRef::new("account", known.as_ref().map_or(uuid::Uuid::nil(), |account| account.id.uuid()));
        let version = known.map_or(0, |account| account.version);
        let write = move |tx: &mut Tx<'_>| {
            lockout::count_failure(tx, &address, &rule)?;
            tx.audit("login_failed", &entity, version)
        };
        Ok(self.db.write(meta, write).await?)
    }

    fn rotate(&self, tx: &mut Tx<'_>, hash: &[u8], next_hash: &[u8], client: &[u8]) -> consilium_db::Result<Refreshed> {
        let refused = |owner, why| Ok(Refreshed::Refused { owner, why });
        // Judged is what is there once nobody else can change it.
        if let Some(token) = session::find_refresh_token(tx, hash)? {
            session::hold(tx, token.session_id)?;
        }
        let Some(token) = session::find_refresh_token(tx, hash)? else {
            return refused(None, IdentityRefusal::TokenInvalid);
        };
        let now = tx.now();
        let grace = SignedDuration::from_secs(i64::from(self.settings.refresh_grace_seconds));
        match decide::judge_refresh(&token, client, now, grace) {
            RefreshVerdict::Ended => return refused(None, IdentityRefusal::SessionEnded),
            RefreshVerdict::Expired => {
                session::end(tx, token.account_id, token.session_id, EndReason::Idle)?;
                return refused(Some(token.account_id), IdentityRefusal::TokenExpired);
            }
            RefreshVerdict::Reused => {
                // Of several who bring it back at once, one ends the session and says so.
                if session::end(tx, token.account_id, token.session_id, EndReason::RefreshTokenReused)? {
                    let data = json!({ "user_id": token.account_id, "session_id": token.session_id });
                    let version = account::account(tx, token.account_id)?.map_or(0, |account| account.version);
                    account::emit(tx, token.account_id, version, "refresh_token_reused", &data)?;
                }
                return refused(Some(token.account_id), IdentityRefusal::SessionEnded);
            }
            RefreshVerdict::Repeat => {
                tx.audit("refresh_repeated", &EntityRef::new("session", token.session_id.uuid()), 0)?
            }
            RefreshVerdict::Rotate => session::spend_refresh_token(tx, hash, &token, client)?,
        }
        let expires_at = decide::session_end(token.started_at, now, &self.settings);
        let owner = account::account(tx, token.account_id)?;
        let live = session::touch(tx, token.session_id, expires_at)?;
        match owner {
            Some(account) if live && account.deactivated_at.is_none() => {
                let (session_id, facility_id) = (token.session_id, account.facility_id);
                let next =
                    NewRefreshToken { session_id, facility_id, hash: next_hash, predecessor: Some(hash), expires_at };
                session::add_refresh_token(tx, next)?;
                Ok(Refreshed::Rotated { account: Box::new(account), session_id, expires_at })
            }
            _ => refused(Some(token.account_id), IdentityRefusal::SessionEnded),
        }
    }

    async fn end(&self, meta: &CommandMeta, owner: UserId, id: SessionId, scope: LogoutScope) -> Result<(), Refusal> {
        let write = move |tx: &mut Tx<'_>| match scope {
            LogoutScope::This => end_one(tx, owner, id).map(|_| ()),
            LogoutScope::All => {
                session::end_all(tx, owner, EndReason::Logout)?;
                tell_ended(tx, owner, "sessions_ended", &json!({ "user_id": owner }))
            }
        };
        self.db.write(meta, write).await?;
        self.live.forget(owner);
        Ok(())
    }
}

fn end_one(tx: &mut Tx<'_>, owner: UserId, id: SessionId) -> consilium_db::Result<bool> {
    let ended = session::end(tx, owner, id, EndReason::Logout)?;
    if ended {
        tell_ended(tx, owner, "session_ended", &json!({ "user_id": owner, "session_id": id }))?;
    }
    Ok(ended)
}

fn tell_ended(tx: &mut Tx<'_>, owner: UserId, event_type: &str, data: &serde_json::Value) -> consilium_db::Result<()> {
    let version = account::account(tx, owner)?.map_or(0, |account| account.version);
    account::emit(tx, owner, version, event_type, data)
}
