//! Files in a consultation: its participants show each other what they have uploaded.

use consilium_files::{FileId, Place, SharedFile};
use consilium_kernel::{CommandMeta, ConsultationId, Refusal};

use crate::{chat, decide::chat_is_open, refusal::ConsultationRefusal::ChatClosed, service::Consultations, store};

/// A page of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFilePage {
    /// In the order in which they were shared.
    pub items: Vec<SharedFile>,
    /// Pass it as `after_seq` for the next page; `None` at the end.
    pub next_after_seq: Option<i64>,
}

impl Consultations {
    /// Shows a file of the caller's to the others, as long as the chat is open. Sharing it again changes nothing.
    pub async fn share_file(&self, meta: CommandMeta, id: ConsultationId, file: FileId) -> Result<SharedFile, Refusal> {
        let (db, policy, again) = (self.db.clone(), self.policy.clone(), meta.clone());
        let share = async move {
            let command = again.clone();
            let shared = db.command(&again, move |tx| {
                let consultation = store::find(tx, id)?.ok_or_else(Refusal::not_found)?;
                let part = consultation.part_of(&command.principal);
                if part.is_none() || consultation.facility_id != command.scope.facility_id {
                    return Err(Refusal::not_found().into());
                }
                if !chat_is_open(&consultation, &policy, tx.now()) {
                    return Err(ChatClosed.refusal().into());
                }
                consilium_chat::share_file(tx, &chat::conversation(&consultation), file)
            });
            Ok(shared.await?)
        };
        self.db.once(&meta, share).await
    }

    /// What was shared after `after_seq`, for participants only.
    pub async fn shared_files(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        after_seq: i64,
        limit: i64,
    ) -> Result<SharedFilePage, Refusal> {
        let consultation = self.as_participant(meta, id, "read_files").await?;
        let read = move |session: &mut consilium_db::Session<'_>| {
            consilium_files::shared(session, Place::Consultation(consultation.id), after_seq, limit + 1)
        };
        let mut items = self.db.read(read).await?;
        let more = i64::try_from(items.len()).is_ok_and(|count| count > limit);
        items.truncate(usize::try_from(limit).unwrap_or_default());
        let next_after_seq = items.last().filter(|_| more).map(|shared| shared.seq);
        Ok(SharedFilePage { items, next_after_seq })
    }
}
