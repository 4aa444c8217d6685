//! Threads outside visits: between a patient and those who treat the patient, and among the clinicians of a facility.
//!
//! Who may be in a thread is decided here; what is written in it is `consilium-chat`'s, as in a consultation. Knows
//! from scheduling whether a doctor treats a patient, and nothing of consultations.
//!
//! | command | who | events |
//! |---|---|---|
//! | `open` | patients and clinicians | `thread_opened` |
//! | `add`, `remove` | its clinicians | `thread_participant_added`, `thread_participant_removed` |
//! | `close`, `reopen` | its clinicians | `thread_closed`, `thread_reopened` |
//! | `send_message`, `mark_read`, `signal` | its participants | as in `consilium-chat` |
//! | `edit_message`, `delete_message` | who sent it | as in `consilium-chat` |
//!
//! Topic: `thread:<id>` with `participant_added`, `participant_removed`, `thread_closed`, `thread_reopened` and the
//! events of messages; and `thread_opened` on the topic `user:<id>` of everybody in it.

mod decide;
mod facts;
mod model;
mod refusal;
mod service;
mod store;

pub use model::{
    Invited, OpenThread, Page, PageRequest, Part, Thread, ThreadKind, ThreadParticipant, ThreadState, ThreadSummary,
};
pub use refusal::MessagingRefusal;
pub use service::Messaging;

use consilium_kernel::ThreadId;

/// The live topic of a thread.
pub fn topic(id: ThreadId) -> String {
    format!("thread:{id}")
}
