//! Files: taken in by parts, judged by their content, kept encrypted, given out by links that live for minutes.
//!
//! | step | what happens |
//! |---|---|
//! | create | the owner says how long the file is and what it is for; limits are checked |
//! | append | a part is encrypted and on disk before its offset is answered; what must not be kept is refused |
//! | process | in the background: scanned, moved to the store, or removed; tried again until it works |
//! | share | shown to whoever takes part in a conversation or verifies a doctor, which is theirs to do |
//! | link, content | read in ranges by whoever may see it |
//!
//! Events: `file_stored`, `file_infected`, `file_deleted`. Each is also told to the owner, on `user:<id>`. Knows neither
//! appointments nor consultations: whether somebody takes part or treats is asked of [`Relations`]. What others keep beside
//! files (recordings) lies in the same [`Depot`], is recognised by the same rules and given out by the same [`Link`]s.

mod access;
mod antivirus;
mod decide;
mod depot;
mod link;
mod media;
mod model;
mod process;
mod reading;
mod refusal;
mod service;
mod settings;
mod sharing;
mod spool;
mod store;
#[cfg(test)]
mod tests;
mod uploads;

pub use access::Relations;
pub use antivirus::Antivirus;
pub use depot::{Depot, DepotError, S3Access};
pub use link::Link;
pub use media::{Kind, MediaType, recognise};
pub use model::{FileId, NewUpload, Place, Purpose, SharedFile, Status, StoredFile};
pub use process::FileWorker;
pub use reading::{Content, Opened};
pub use refusal::FileRefusal;
pub use service::Files;
pub use settings::FileSettings;
pub use sharing::{share, shared, take_back, withdraw};
pub use uploads::{Algorithm, Checksum, ExpiryTimer, Progress};
