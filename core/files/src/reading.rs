//! Giving files out. Whatever somebody but the owner sees is in the audit log before they see it.

use std::{io, ops::Range, pin::Pin};

use bytes::Bytes;
use consilium_db::records::RecordKey;
use consilium_kernel::{CommandMeta, Refusal, Timestamp};
use futures_util::Stream;
use serde_json::json;

use crate::{
    decide,
    link::Link,
    model::{FileId, StoredFile},
    service::{Files, entity},
};

/// What links to files are about.
const LINK: &str = "file_link";

/// Content on its way.
pub type Content = Pin<Box<dyn Stream<Item = io::Result<Bytes>>>>;

/// A file that may be read.
pub struct Opened {
    /// What it is.
    pub file: StoredFile,
    key: RecordKey,
}

impl Files {
    /// A file, for whoever may see it.
    pub async fn get(&self, meta: &CommandMeta, id: FileId) -> Result<StoredFile, Refusal> {
        let file = self.visible(meta, id).await?;
        if meta.principal.user_id() != Some(file.owner_id) {
            let version = file.version;
            self.db.write(meta, move |tx| tx.audit("read_file", &entity(id), version)).await?;
        }
        Ok(file)
    }

    /// A link to the content, for the caller alone, as long as their session lives and for some minutes.
    ///
    /// # Errors
    /// `file_not_ready`, `file_infected`.
    pub async fn link(&self, meta: &CommandMeta, id: FileId) -> Result<(String, Timestamp), Refusal> {
        let user = meta.principal.user().ok_or_else(Refusal::not_found)?;
        let file = self.visible(meta, id).await?;
        decide::give(&file)?;
        let expires_at = self.db.clock().now().saturating_add(self.settings.link_time).unwrap_or(Timestamp::MAX);
        let link = Link { object: id.uuid(), user: user.user_id, session: user.session_id, expires_at };
        self.db.write(meta, move |tx| tx.audit("file_linked", &entity(id), file.version)).await?;
        Ok((link.seal(self.db.vault(), LINK), expires_at))
    }

    /// What a link says. Whether its session lives is for the caller to find out.
    ///
    /// # Errors
    /// `link_invalid`, `link_expired`.
    pub fn check_link(&self, id: FileId, text: &str) -> Result<Link, Refusal> {
        Ok(Link::open(self.db.vault(), LINK, id.uuid(), text, self.db.clock().now())?)
    }

    /// A file whose content the caller may have.
    ///
    /// # Errors
    /// `file_not_ready`, `file_infected`.
    pub async fn open(&self, meta: &CommandMeta, id: FileId) -> Result<Opened, Refusal> {
        let file = self.visible(meta, id).await?;
        decide::give(&file)?;
        Ok(Opened { key: self.key(id).await?, file })
    }

    /// A range of the content. That it was read is written down first.
    pub async fn read(&self, meta: &CommandMeta, opened: Opened, range: Range<u64>) -> Result<Content, Refusal> {
        let Opened { file, key } = opened;
        let detail = json!({"from": range.start, "to": range.end, "of": file.length});
        let (id, version) = (file.id, file.version);
        self.db.write(meta, move |tx| tx.audit_with("read_file_content", &entity(id), version, &detail)).await?;
        Ok(Box::pin(self.depot.read(id, key, file.length, range)))
    }
}
