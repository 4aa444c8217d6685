//! Who was there when, with what, and why they went.

use consilium_kernel::{CommandMeta, ConsultationId, Id, Principal, Refusal, Role, Timestamp, UserId, not_a_cursor};
use serde::{Deserialize, Serialize};

use crate::{
    model::{Client, Consultation, LeftBecause, Part, Summary},
    service::Consultations,
    store,
};

/// Names one time that somebody was there.
pub type SessionId = Id<ParticipantSession>;

/// One time that somebody was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantSession {
    /// Its id; grows with time.
    pub id: SessionId,
    /// The account.
    pub user_id: UserId,
    /// What they were in it.
    pub role: Part,
    /// Whether they had been there before.
    pub reconnected: bool,
    /// What their client said of itself.
    pub client: Client,
    /// When they came.
    pub joined_at: Timestamp,
    /// When they went; `None` while they are there.
    pub left_at: Option<Timestamp>,
    /// Why.
    pub left_because: Option<LeftBecause>,
}

/// Sessions of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPage {
    /// Oldest first.
    pub items: Vec<ParticipantSession>,
    /// Pass it as `cursor` for the next page; `None` at the end.
    pub next_cursor: Option<String>,
}

impl Consultations {
    /// The sessions of a consultation, oldest first: all for its doctor, support and administrators, their own for
    /// other participants. What is not one's own is audited before it is answered.
    pub async fn sessions(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<SessionPage, Refusal> {
        let consultation = self.visible(meta, id).await?;
        let only = match (&meta.principal, consultation.part_of(&meta.principal)) {
            (_, Some(Part::Doctor)) => None,
            (Principal::User(user), Some(_)) => Some(user.user_id),
            (Principal::User(user), None) if !matches!(user.role, Role::Support | Role::Admin) => {
                return Err(Refusal::forbidden());
            }
            _ => None,
        };
        if only.is_none() {
            self.audit_read(meta, "read_sessions", &consultation).await?;
        }
        let after = cursor.map(str::parse).transpose().map_err(|_| not_a_cursor())?;
        let mut items = self.db.read(move |session| store::sessions(session, id, only, after, limit + 1)).await?;
        let more = items.len() as i64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or_default());
        let next_cursor = items.last().filter(|_| more).map(|last| last.id.to_string());
        Ok(SessionPage { items, next_cursor })
    }

    /// What a finished consultation comes down to; `None` while it is not over. For whoever was shown it.
    pub async fn summary(&self, consultation: &Consultation) -> Result<Option<Summary>, Refusal> {
        if !consultation.status.is_over() {
            return Ok(None);
        }
        let consultation = consultation.clone();
        Ok(Some(self.db.read(move |session| store::summary(session, &consultation)).await?))
    }
}
