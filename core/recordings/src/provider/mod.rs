//! What video providers record, fetched from them and kept as recordings of the consultation, if everybody had agreed.
//!
//! | step | what happens |
//! |---|---|
//! | report | a webhook, or a look at what the provider lists, leads to a row: one per file of the provider |
//! | judge | one of the consultation's recordings must cover the whole time, with the consent of everybody who was there |
//! | fetch | the provider is asked where the file lies now; it is encrypted while it comes in |
//! | keep | judged again; from then on it is a recording like any other |
//!
//! Where a provider's files are, and how they are reached, is told by [`ProviderFiles`].

mod decide;
mod fetching;
mod listing;
mod managing;
mod reporting;

use std::io;

use async_trait::async_trait;
use consilium_kernel::{ConsultationId, FacilityId, Timestamp};
pub use consilium_plugin_contract::video::{Download, Recording as Reported};
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

pub use fetching::FileFetcher;
pub use listing::ListReader;
pub(crate) use listing::look_later;
pub use managing::ProviderRecordingPage;

use crate::model::{RecordingId, words};

words! {
    /// How far the file of a provider is.
    pub enum FileStatus {
        /// To be fetched, or to be tried again.
        Waiting,
        /// Kept as a recording.
        Kept,
        /// Not kept, for good.
        Refused,
        /// Given up after many tries, until an administrator has it tried again.
        Dead,
    }

    /// Why the file of a provider is not kept.
    pub enum Unkept {
        /// Not everybody who was there had consented for the whole time.
        ConsentMissing,
        /// It is longer than recordings may be.
        RecordingTooLarge,
        /// It is neither WebM nor MP4.
        UnsupportedRecording,
        /// Its patient's records were erased.
        RecordingErased,
    }
}

/// What a provider recorded, as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRecording {
    /// Of the row, and of the recording once it is kept.
    pub id: RecordingId,
    /// Whose rows it belongs to.
    pub facility_id: FacilityId,
    /// What was recorded.
    pub consultation_id: ConsultationId,
    /// The provider's plugin.
    pub provider: String,
    /// The provider's name for the room.
    pub room: String,
    /// The provider's name for the file.
    pub reference: String,
    /// When recording began, by the provider's clock.
    pub started_at: Timestamp,
    /// When it ended; none while it runs.
    pub ended_at: Option<Timestamp>,
    /// How far it is.
    pub status: FileStatus,
    /// A code of what went wrong last.
    pub problem: Option<String>,
    /// How often it was tried in vain.
    pub attempts: i32,
    /// When it is tried again.
    pub retry_at: Timestamp,
    /// When it was reported.
    pub reported_at: Timestamp,
    /// When it was kept, refused or given up.
    pub settled_at: Option<Timestamp>,
}

/// A file that has begun to come in.
pub struct Arriving {
    /// Its bytes, where that is told.
    pub length: Option<u64>,
    /// What comes; an error when not all of it does.
    pub content: BoxStream<'static, io::Result<Vec<u8>>>,
}

/// A provider does not give what it is asked for. The code is stable; nothing a provider said is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable(pub String);

/// The files of video providers.
#[async_trait]
pub trait ProviderFiles: Send + Sync + 'static {
    /// What a provider has recorded in a room. `None` when it cannot say.
    async fn list(
        &self,
        provider: &str,
        room: &str,
        consultation: ConsultationId,
    ) -> Result<Option<Vec<Reported>>, Unreachable>;

    /// Begins to fetch a file.
    async fn fetch(&self, provider: &str, from: &Download) -> Result<Arriving, Unreachable>;
}
