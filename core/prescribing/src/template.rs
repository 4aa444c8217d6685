//! Templates: medicines that a doctor prescribes often, under a name. They are of no patient, and a prescription made
//! with one is checked and signed like any other.

use consilium_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{Medicine, MedicineDraft};

/// Names one template.
pub type TemplateId = Id<Template>;

/// A doctor's template.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// What is in it.
    pub content: TemplateContent,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i64,
}

/// What is in a template.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateContent {
    /// What its doctor calls it.
    pub name: String,
    /// 1 to 30.
    pub medicines: Vec<Medicine>,
}

/// A template as a doctor sends it.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in TemplateContent")]
pub struct TemplateDraft {
    pub name: String,
    pub medicines: Vec<MedicineDraft>,
}

/// What changes; what is absent stays.
#[derive(Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in TemplateContent")]
pub struct TemplatePatch {
    pub name: Option<String>,
    pub medicines: Option<Vec<MedicineDraft>>,
}

impl TemplatePatch {
    /// What `before` becomes.
    pub(crate) fn of(&self, before: &TemplateContent) -> TemplateDraft {
        let kept = || before.medicines.iter().cloned().map(MedicineDraft::from).collect();
        TemplateDraft {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            medicines: self.medicines.clone().unwrap_or_else(kept),
        }
    }
}
