//! Who is behind a request, and which sessions somebody has.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_kernel::{CommandMeta, Refusal, SessionId, User};
use subtle::ConstantTimeEq;

use super::{Identity, Inner};
use crate::{
    model::{Account, SessionSummary},
    refusal::IdentityRefusal,
    store::{account, session},
};

impl Identity {
    /// The person behind an access token: `token_invalid`, `token_expired`, or `session_ended` when the session
    /// was ended since. Role and verification are those of now, not those of when the token was issued.
    pub async fn authenticate(&self, access_token: &str) -> Result<User, Refusal> {
        let inner = &self.0;
        let claims = inner.tokens.verify(access_token, inner.db.clock().now()).map_err(IdentityRefusal::refusal)?;
        match self.standing(claims.sid).await? {
            Some(user) if user.user_id == claims.sub => Ok(user),
            _ => Err(IdentityRefusal::SessionEnded.refusal()),
        }
    }

    /// The person whose session this is, as they are now; `None` when it has ended.
    pub async fn standing(&self, id: SessionId) -> Result<Option<User>, Refusal> {
        let inner = &self.0;
        let now = inner.db.clock().now();
        let standing = match inner.live.get(id, now) {
            Some(known) => known,
            None => {
                let since = inner.live.generation();
                let found = inner.db.read(move |read| session::standing(read, id)).await?;
                inner.live.remember(id, found.clone(), now, since);
                found
            }
        };
        Ok(standing.map(|standing| standing.user))
    }

    /// The account of whoever asks.
    pub async fn account(&self, meta: &CommandMeta) -> Result<Account, Refusal> {
        let id = meta.principal.user_id().ok_or_else(|| IdentityRefusal::TokenInvalid.refusal())?;
        self.0.db.read(move |read| account::account(read, id)).await?.ok_or_else(Refusal::not_found)
    }

    /// The live sessions of whoever asks, newest first.
    pub async fn sessions(&self, meta: &CommandMeta) -> Result<Vec<SessionSummary>, Refusal> {
        let user = meta.principal.user().ok_or_else(|| IdentityRefusal::TokenInvalid.refusal())?;
        let (owner, current) = (user.user_id, user.session_id);
        Ok(self.0.db.read(move |read| session::of_account(read, owner, current)).await?)
    }

    /// The CSRF token that was given out with `refresh_token`.
    pub fn csrf_token(&self, refresh_token: &str) -> String {
        self.0.csrf_token(refresh_token)
    }

    /// Whether `csrf_token` is the one that was given out with `refresh_token`.
    pub fn verify_csrf(&self, refresh_token: &str, csrf_token: &str) -> bool {
        self.0.csrf_token(refresh_token).as_bytes().ct_eq(csrf_token.as_bytes()).into()
    }
}

impl Inner {
    /// Bound to the refresh token by a key, so that nothing needs to be stored and nobody else can make one.
    pub(super) fn csrf_token(&self, refresh_token: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.db.vault().index("csrf", refresh_token))
    }
}
