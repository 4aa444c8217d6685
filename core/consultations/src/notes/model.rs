//! Notes: a draft until they are signed, and amendments from then on. Nothing of them is ever printed by `Debug`.

use std::fmt;

use consilium_db::signing::Signature;
use consilium_kernel::{ConsultationId, DoctorId, FacilityId, Id, PatientId, Timestamp};
use serde::{Deserialize, Serialize};

/// What the doctor wrote: SOAP fields and whatever does not fit them. Each up to 20,000 characters.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotesText {
    /// What the patient tells.
    pub subjective: String,
    /// What was found.
    pub objective: String,
    /// What the doctor thinks.
    pub assessment: String,
    /// What is to be done.
    pub plan: String,
    /// Anything else.
    pub free_text: String,
}

impl NotesText {
    /// The fields with their JSON pointers.
    pub(super) fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("/subjective", &self.subjective),
            ("/objective", &self.objective),
            ("/assessment", &self.assessment),
            ("/plan", &self.plan),
            ("/free_text", &self.free_text),
        ]
    }
}

/// What is to be added to signed notes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendmentText {
    /// What holds from now on; 1 to 20,000 characters.
    pub text: String,
    /// Why the notes need it; 1 to 1,000 characters.
    pub reason: String,
}

/// Marks the id of an amendment; has no values.
pub enum AmendmentMark {}
/// Names one amendment.
pub type AmendmentId = Id<AmendmentMark>;

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// The doctor.
    pub id: DoctorId,
    /// As called on that day.
    pub display_name: String,
}

/// The text of notes as it was signed: canonical JSON of this.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotesDocument {
    /// `consilium-notes/1`.
    pub format: String,
    pub consultation_id: ConsultationId,
    pub facility_id: FacilityId,
    pub patient_id: PatientId,
    pub doctor: Signer,
    pub signed_at: Timestamp,
    pub notes: NotesText,
}

/// An amendment as it was signed: canonical JSON of this.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AmendmentDocument {
    /// `consilium-notes-amendment/1`.
    pub format: String,
    pub id: AmendmentId,
    pub consultation_id: ConsultationId,
    pub number: i64,
    /// Hex of the signature before: of the notes, or of the amendment before this one. Nothing can be taken out of
    /// the middle or put in.
    pub follows: String,
    pub doctor: Signer,
    pub signed_at: Timestamp,
    pub text: String,
    pub reason: String,
}

/// A signed text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// When.
    pub at: Timestamp,
    /// Exactly what was signed.
    pub document: String,
    /// By which it can be checked.
    pub signature: Signature,
}

/// What was added to signed notes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// Its id.
    pub id: AmendmentId,
    /// Counts from 1.
    pub number: i64,
    /// What holds since, and why.
    #[serde(flatten)]
    pub text: AmendmentText,
    /// By whom.
    pub doctor: Signer,
    /// What makes it binding.
    pub signed: Signed,
}

/// Notes with their version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// The consultation they are about.
    pub consultation_id: ConsultationId,
    /// What they say; as signed, once they are.
    #[serde(flatten)]
    pub text: NotesText,
    /// 0 as long as nobody has written any.
    pub version: i64,
    /// When they were last written or amended.
    pub updated_at: Option<Timestamp>,
    /// `None` for a draft.
    pub signed: Option<Signed>,
    /// Oldest first.
    pub amendments: Vec<Amendment>,
}

macro_rules! silent {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}
silent!(NotesText, AmendmentText, NotesDocument, AmendmentDocument, Signed, Amendment);
