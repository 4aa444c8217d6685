//! Who acts, and within which facility.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::id::ids::{DoctorId, FacilityId, PatientId, SessionId, UserId};

/// What somebody is in a facility.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Is treated.
    Patient,
    /// Treats.
    Doctor,
    /// Assists and triages.
    Nurse,
    /// Dispenses.
    Pharmacist,
    /// Helps with technical trouble; sees no medical record.
    Support,
    /// Runs the facility.
    Admin,
}

/// A logged-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The account.
    pub user_id: UserId,
    /// The login session that the access token belongs to.
    pub session_id: SessionId,
    /// The role held in `facility_id`.
    pub role: Role,
    /// Where the role is held.
    pub facility_id: FacilityId,
    /// Set for doctors.
    pub doctor_id: Option<DoctorId>,
    /// Set for patients.
    pub patient_id: Option<PatientId>,
    /// Whether the e-mail address was confirmed when the token was issued.
    pub email_verified: bool,
}

/// Whoever is behind a command or query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Principal {
    /// Nobody in particular: a public route.
    Anonymous,
    /// Consilium itself: timers, subscribers, the command line.
    System,
    /// A logged-in person.
    User(User),
}

impl Principal {
    /// The logged-in person, if there is one.
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Anonymous | Self::System => None,
        }
    }

    /// The account, if there is one.
    pub fn user_id(&self) -> Option<UserId> {
        self.user().map(|user| user.user_id)
    }

    /// How the audit log names this principal.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::System => "system",
            Self::User(user) => user.role.into(),
        }
    }
}

/// The rows a store may touch: those of one facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The facility whose rows are meant.
    pub facility_id: FacilityId,
}

impl Scope {
    /// The rows of `facility_id`.
    pub const fn of(facility_id: FacilityId) -> Self {
        Self { facility_id }
    }
}
