//! Files in a conversation: shown by themselves, or with a message.

use consilium_db::{Result, Tx};
use consilium_files::{FileId, Place, SharedFile};
use consilium_kernel::{Id, MessageId};

use crate::{
    facts,
    model::{Conversation, ConversationKind},
};

/// Shows a file of the caller's to the others; again changes nothing. The caller has checked that they may write.
///
/// # Errors
/// `not_found` for what is not the caller's or about another patient than the conversation; `file_not_ready`,
/// `file_infected`.
pub fn share_file(tx: &mut Tx<'_>, conversation: &Conversation, file: FileId) -> Result<SharedFile> {
    share(tx, conversation, file, None)
}

/// Shows the files of a message for as long as it stands.
pub(crate) fn attach(tx: &mut Tx<'_>, conversation: &Conversation, message: MessageId, files: &[FileId]) -> Result<()> {
    files.iter().try_for_each(|file| share(tx, conversation, *file, Some(message)).map(|_| ()))
}

fn share(tx: &mut Tx<'_>, conversation: &Conversation, file: FileId, message: Option<MessageId>) -> Result<SharedFile> {
    let place = match conversation.kind {
        ConversationKind::Consultation => Place::Consultation(Id::new(conversation.id)),
        ConversationKind::Thread => Place::Thread(Id::new(conversation.id)),
    };
    // A conversation that is about no patient is sealed under a facility, which no file belongs to.
    let patient = Some(Id::new(conversation.subject));
    let tell = |tx: &mut Tx<'_>, shared: &SharedFile| facts::share(tx, conversation, shared, message);
    consilium_files::share(tx, place, patient, file, message, tell)
}
