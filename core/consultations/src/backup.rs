//! Another way to meet when the one in use does not work: the lasting link, the provider that would come next, and
//! going on there when the doctor or the platform decides so.

use consilium_db::{Result, Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, ConsultationId, Principal, Refusal, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    facts,
    model::{Consultation, Part, Status},
    refusal::ConsultationRefusal::{InvalidTransition, NoOtherProvider},
    service::Consultations,
    store, topic,
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
}

impl Consultations {
    /// Offers both sides another way: `backup_link_offered` on the topic.
    pub async fn offer_backup(&self, consultation: &Consultation, because: Because) -> Result<BackupLink, Refusal> {
        let next_provider = self.next_provider(consultation).await?;
        let link = BackupLink { path: format!("/c/{}", consultation.id), next_provider };
        let (told, known) = (link.clone(), consultation.clone());
        let write = move |tx: &mut Tx<'_>| offer(tx, &known, &told, because);
        let meta = CommandMeta::system(consultation.facility_id, "backup");
        self.db.write(&meta, write).await.map_err(Refusal::from)?;
        Ok(link)
    }

    /// Goes on at the next provider although this one answers: asked by the doctor, or by the platform when somebody
    /// reports that it does not work. 409 `no_other_provider`, `invalid_transition`.
    pub async fn switch_video(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        let consultation = self.visible(meta, id).await?;
        match (&meta.principal, consultation.part_of(&meta.principal)) {
            (Principal::System, _) | (_, Some(Part::Doctor)) => {}
            (_, Some(_)) => return Err(Refusal::forbidden()),
            (_, None) => return Err(Refusal::not_found()),
        }
        if consultation.status != Status::InProgress || consultation.video().is_none() {
            return Err(InvalidTransition.refusal());
        }
        match self.leave_provider(&consultation).await? {
            Some(now) => Ok(now),
            None => Err(NoOtherProvider.refusal()),
        }
    }
}

fn offer(tx: &mut Tx<'_>, consultation: &Consultation, link: &BackupLink, because: Because) -> Result<()> {
    if let Because::Quality { user_id } = because
        && !store::note_offer(tx, consultation.id, user_id)?
    {
        return Ok(()); // Another report of the same moment has offered it.
    }
    let mut details = serde_json::to_value(because)?;
    if let Some(details) = details.as_object_mut() {
        details.insert("path".to_owned(), json!(link.path));
        details.insert("next_provider".to_owned(), json!(link.next_provider));
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
