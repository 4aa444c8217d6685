//! Technical issues in consultations: reported by whoever takes part, answered with another way to meet, and handled
//! by the facility's support. Builds on `consultations`; knows nothing of prescriptions.
//!
//! | command | who | events |
//! |---|---|---|
//! | `report` | participants | `issue_reported`, and `backup_link_offered` while the consultation goes on; both on its topic |
//! | `assign`, `comment` | support, administrators | `issue_assigned`, `issue_commented` |
//! | `resolve` | support, administrators | `issue_resolved`, also on the topic |
//!
//! What somebody wrote is sealed under the patient's key and never stands in an event.

mod decide;
mod handle;
mod model;
mod refusal;
mod report;
mod store;

pub use model::{
    Category, Entry, EntryKind, Issue, IssueDraft, IssueFilter, IssueId, IssuePage, IssueReported, IssueStatus,
    Severity,
};
pub use refusal::SupportRefusal;

use consilium_consultations::Consultations;
use consilium_db::Db;

/// Issues and who handles them. Cheap to clone.
#[derive(Clone)]
pub struct Support {
    db: Db,
    consultations: Consultations,
}

impl Support {
    /// Over `db`; another way to meet comes from `consultations`.
    pub fn new(db: Db, consultations: Consultations) -> Self {
        Self { db, consultations }
    }
}
