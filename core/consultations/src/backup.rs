//! Another way to meet when the one in use does not work: the lasting link, the provider that would come next, and
//! going on there when the doctor or the platform decides so.

use consilium_db::{Result, Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, ConsultationId, Principal, Refusal, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    facts,
    model::{Consultation, Part, Status},
    refusal::ConsultationRefusal::{InvalidTransition, NoOtherProvider},
    service::Consultations,
    topic,
};

/// Why another way is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Because {
    /// A participant's connection carries nothing but the chat.
    Quality {
        /// Whose.
        user_id: UserId,
    },
    /// Somebody reported an issue.
    Issue {
        /// Which.
        issue_id: uuid::Uuid,
    },
}

/// Another way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupLink {
    /// The lasting link, below the address of the server: it leads to whatever serves when it is opened.
    pub path: String,
    /// The provider that would come next; `None` when there is no other.
    pub next_provider: Option<String>,
    /// Whom to call at the facility when nothing works.
    pub emergency_contacts: Vec<String>,
}

impl Consultations {
    /// The way that would be offered now.
    pub async fn backup_link(&self, consultation: &Consultation) -> Result<BackupLink, Refusal> {
        Ok(BackupLink {
            path: format!("/c/{}", consultation.id),
            next_provider: self.next_provider(consultation).await?,
            emergency_contacts: self.policy.emergency_contacts.clone(),
        })
    }

    /// Goes on at the next provider although this one answers: asked by the doctor, or by the platform when somebody
    /// reports that it does not work. 409 `no_other_provider`, `invalid_transition`.
    pub async fn switch_video(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        let (this, command) = (self.clone(), meta.clone());
        let work = async move { this.switch_once(&command, id).await };
        self.db.once(meta, work).await
    }

    async fn switch_once(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        let consultation = self.visible(meta, id).await?;
        match (&meta.principal, consultation.part_of(&meta.principal)) {
            (Principal::System, _) | (_, Some(Part::Doctor)) => {}
            (_, Some(_)) => return Err(Refusal::forbidden()),
            (_, None) => return Err(Refusal::not_found()),
        }
        if consultation.status != Status::InProgress || consultation.video().is_none() {
            return Err(InvalidTransition.refusal());
        }
        let now = self.leave_provider(&consultation).await?.ok_or(NoOtherProvider.refusal())?;
        // The switch itself is the platform's; here stands who asked for it.
        let asked = move |tx: &mut Tx<'_>| {
            tx.audit("switch_video", &facts::entity(id), now.version)?;
            Ok(now.clone())
        };
        Ok(self.db.command(meta, asked).await?)
    }
}

/// Offers both sides another way: `backup_link_offered` on the topic. Holds the topic until commit.
pub fn offer_backup_link(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    link: &BackupLink,
    because: Because,
) -> Result<()> {
    let mut details = serde_json::to_value(because)?;
    if let (Some(details), Value::Object(link)) = (details.as_object_mut(), serde_json::to_value(link)?) {
        details.extend(link);
    }
    let data = facts::with_context(consultation, details);
    let subject = consultation.patient_id.uuid();
    tx.emit(Fact {
        entity: facts::entity(consultation.id),
        version: consultation.version,
        event_type: "backup_link_offered",
        schema: 1,
        subject,
        data: &data,
    })?;
    tx.publish(&topic(consultation.id), "backup_link_offered", subject, &data).map(|_| ())
}
