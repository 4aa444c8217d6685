//! Prescriptions and where they stand. Nothing medical is ever printed by `Debug`.

use std::fmt;

pub use consilium_db::signing::Signature;
use consilium_kernel::{Id, PrescriptionId, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::document::SignedDocument;

/// Marks the id of a dispatch; has no values.
pub enum DispatchMark {}
/// Names one dispatch. Also the key under which the pharmacy recognises a repeated submission.
pub(crate) type DispatchId = Id<DispatchMark>;

/// How far a prescription is on its way through a pharmacy. The arrows are in [`DispatchStatus::may_become`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DispatchStatus {
    /// To be handed to the pharmacy; tried until it is known to have arrived.
    Queued,
    /// Arrived.
    Sent,
    /// The pharmacy will dispense it.
    Accepted,
    /// Being put together.
    Preparing,
    /// To be picked up.
    Ready,
    /// Handed over.
    Dispensed,
    /// The pharmacy will not dispense it.
    Rejected,
    /// Withdrawn.
    Cancelled,
    /// It could not be handed to the pharmacy.
    Failed,
}

impl DispatchStatus {
    /// Whether nothing can follow.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Dispensed | Self::Rejected | Self::Cancelled | Self::Failed)
    }

    /// What pharmacists still have to do something about.
    pub const OPEN: [Self; 5] = [Self::Queued, Self::Sent, Self::Accepted, Self::Preparing, Self::Ready];

    /// Every arrow of the state machine: only forwards, any step may be skipped, and until it is dispensed it
    /// may be rejected or cancelled. A report that is no arrow came late and is passed over.
    pub fn may_become(self, next: Self) -> bool {
        if self.is_final() {
            return false;
        }
        match next {
            Self::Rejected | Self::Cancelled => true,
            Self::Failed => self == Self::Queued,
            _ => (next as u8) > (self as u8),
        }
    }
}

/// Where a prescription stands as a whole: where its latest dispatch stands, or one of the two ends of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Signed, and at no pharmacy.
    Issued,
    /// See [`DispatchStatus::Queued`].
    Queued,
    /// See [`DispatchStatus::Sent`].
    Sent,
    /// See [`DispatchStatus::Accepted`].
    Accepted,
    /// See [`DispatchStatus::Preparing`].
    Preparing,
    /// See [`DispatchStatus::Ready`].
    Ready,
    /// See [`DispatchStatus::Dispensed`].
    Dispensed,
    /// See [`DispatchStatus::Rejected`].
    Rejected,
    /// See [`DispatchStatus::Cancelled`].
    Cancelled,
    /// See [`DispatchStatus::Failed`].
    Failed,
    /// The doctor withdrew it.
    Withdrawn,
}

impl From<DispatchStatus> for Status {
    fn from(status: DispatchStatus) -> Self {
        match status {
            DispatchStatus::Queued => Self::Queued,
            DispatchStatus::Sent => Self::Sent,
            DispatchStatus::Accepted => Self::Accepted,
            DispatchStatus::Preparing => Self::Preparing,
            DispatchStatus::Ready => Self::Ready,
            DispatchStatus::Dispensed => Self::Dispensed,
            DispatchStatus::Rejected => Self::Rejected,
            DispatchStatus::Cancelled => Self::Cancelled,
            DispatchStatus::Failed => Self::Failed,
        }
    }
}

/// One medicine of a prescription.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medicine {
    /// Name and strength.
    pub name: String,
    /// Amount taken at a time: `1 tablet`.
    pub dose: String,
    /// `oral`.
    pub route: String,
    /// `three times a day`.
    pub frequency: String,
    /// 1 to 365.
    pub duration_days: u32,
    /// Units to dispense, if the doctor says so.
    pub quantity: Option<u32>,
    /// What else the patient must know.
    pub instructions: Option<String>,
}

/// A medicine as a doctor sends it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in Medicine")]
pub struct MedicineDraft {
    pub name: String,
    pub dose: String,
    pub route: String,
    pub frequency: String,
    pub duration_days: i64,
    pub quantity: Option<i64>,
    pub instructions: Option<String>,
}

impl From<Medicine> for MedicineDraft {
    fn from(medicine: Medicine) -> Self {
        let Medicine { name, dose, route, frequency, duration_days, quantity, instructions } = medicine;
        let (duration_days, quantity) = (duration_days.into(), quantity.map(i64::from));
        Self { name, dose, route, frequency, duration_days, quantity, instructions }
    }
}

/// A prescription as a doctor sends it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrescriptionDraft {
    /// 1 to 2,000 characters.
    pub diagnosis: String,
    /// 1 to 30.
    pub medicines: Vec<MedicineDraft>,
    /// At most 4,000 characters.
    pub advice: Option<String>,
    /// `YYYY-MM-DD`, today in the doctor's zone or later.
    pub follow_up_on: Option<String>,
}

/// One attempt to have a prescription dispensed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    /// Also its idempotency key at the pharmacy.
    pub id: uuid::Uuid,
    /// Through which plugin.
    pub gateway: String,
    /// Which pharmacy, for gateways that serve several.
    pub pharmacy_id: Option<String>,
    /// How far it is.
    pub status: DispatchStatus,
    /// How often it was handed to the gateway.
    pub attempts: i32,
    /// Machine code of what went wrong last.
    pub problem: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

/// A signed prescription and its way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prescription {
    /// What was signed.
    pub document: SignedDocument,
    /// By which anybody can check it.
    pub signature: Signature,
    /// When the doctor withdrew it.
    pub withdrawn_at: Option<Timestamp>,
    /// The latest dispatch.
    pub dispatch: Option<Dispatch>,
    /// Grows with every change of its way.
    pub version: i64,
}

impl Prescription {
    /// Where it stands.
    pub fn status(&self) -> Status {
        match (&self.withdrawn_at, &self.dispatch) {
            (Some(_), _) => Status::Withdrawn,
            (None, Some(dispatch)) => dispatch.status.into(),
            (None, None) => Status::Issued,
        }
    }
}

/// All that a verification code tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Whether the stored prescription bears a valid signature of this deployment.
    pub genuine: bool,
    /// Who signed it. Told only of a genuine one.
    pub doctor: Option<String>,
    /// When it was signed. Told only of a genuine one.
    pub issued_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

/// A part of a list, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The prescriptions.
    pub items: Vec<Prescription>,
    /// Where the next page begins.
    pub next_cursor: Option<PrescriptionId>,
}

/// A part of what pharmacists are to dispense, the longest waiting first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worklist {
    /// The prescriptions.
    pub items: Vec<Prescription>,
    /// Where the next part begins.
    pub next_cursor: Option<String>,
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
silent!(Medicine, MedicineDraft, PrescriptionDraft);

impl fmt::Debug for Prescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prescription({}, {}, version {})", self.document.id, self.status(), self.version)
    }
}
