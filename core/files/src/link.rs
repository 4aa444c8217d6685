//! Links to something that is kept: whose they are, in which session, until when, and a keyed hash over that. Nothing of
//! them is stored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use consilium_db::Vault;
use consilium_kernel::{Id, SessionId, Timestamp, UserId};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::refusal::FileRefusal;

/// Three ids and a time.
const LENGTH: usize = 3 * 16 + 8;

/// What a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// What it leads to.
    pub object: Uuid,
    /// Who may use it.
    pub user: UserId,
    /// As long as this session lives.
    pub session: SessionId,
    /// And until then.
    pub expires_at: Timestamp,
}

impl Link {
    /// The link as it stands in a URL. `domain` says to what sort of thing it leads, and keeps its hash from being
    /// mistaken for others under the same key.
    pub fn seal(&self, vault: &Vault, domain: &str) -> String {
        let (user, session) = (self.user.uuid(), self.session.uuid());
        let until = self.expires_at.as_second().to_be_bytes();
        let said = BASE64.encode([&self.object.as_bytes()[..], user.as_bytes(), session.as_bytes(), &until].concat());
        let mac = BASE64.encode(vault.index(domain, &said));
        format!("{said}.{mac}")
    }

    /// What a link to `object` says, if it is one of ours and still good.
    ///
    /// # Errors
    /// `link_invalid`, `link_expired`.
    pub fn open(vault: &Vault, domain: &str, object: Uuid, text: &str, now: Timestamp) -> Result<Self, FileRefusal> {
        let (said, mac) = text.split_once('.').ok_or(FileRefusal::LinkInvalid)?;
        let expected = BASE64.encode(vault.index(domain, said));
        if !bool::from(expected.as_bytes().ct_eq(mac.as_bytes())) {
            return Err(FileRefusal::LinkInvalid);
        }
        let link = Self::read(said).filter(|link| link.object == object).ok_or(FileRefusal::LinkInvalid)?;
        if link.expires_at <= now { Err(FileRefusal::LinkExpired) } else { Ok(link) }
    }

    fn read(said: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = BASE64.decode(said).ok()?.try_into().ok()?;
        let (ids, until) = bytes.split_last_chunk::<8>()?;
        let mut ids = ids.chunks(16).filter_map(|id| Uuid::from_slice(id).ok());
        Some(Self {
            object: ids.next()?,
            user: Id::new(ids.next()?),
            session: Id::new(ids.next()?),
            expires_at: Timestamp::from_second(i64::from_be_bytes(*until)).ok()?,
        })
    }
}
