//! Accounts and sessions as other modules see them. Whatever names a person prints only its id.

use std::fmt;

use consilium_kernel::{
    DoctorId, Email, FacilityId, Language, PatientId, Role, SessionId, TimeZone, Timestamp, User, UserId,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Somebody who can log in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Where `role` is held.
    pub facility_id: FacilityId,
    /// The confirmed or unconfirmed address; one account per address.
    pub email: Email,
    /// What this person is in the facility.
    pub role: Role,
    /// Set for doctors.
    pub doctor_id: Option<DoctorId>,
    /// Set for patients.
    pub patient_id: Option<PatientId>,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// In which times are told to this person.
    pub time_zone: TimeZone,
    /// In which this person is written to.
    pub language: Language,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when its owner may not log in any more.
    #[serde(default)]
    pub deactivated_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
}

impl Account {
    /// This account as the principal of the session `session_id`.
    pub fn user(&self, session_id: SessionId) -> User {
        User {
            user_id: self.id,
            session_id,
            role: self.role,
            facility_id: self.facility_id,
            doctor_id: self.doctor_id,
            patient_id: self.patient_id,
            email_verified: self.email_verified,
        }
    }
}

/// What an account is made from. The password is hashed before the transaction begins.
#[derive(Clone)]
pub struct NewAccount {
    /// Its address.
    pub email: Email,
    /// From `Identity::hash_password`.
    pub password_hash: String,
    /// Its role in the facility of the command.
    pub role: Role,
    /// The doctor's or patient's id.
    pub person: Option<uuid::Uuid>,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// In which times are told to this person.
    pub time_zone: TimeZone,
    /// In which this person is written to.
    pub language: Language,
    /// Whether the address needs no confirmation, because somebody who may say so vouches for it.
    pub email_verified: bool,
}

/// Which accounts of a facility are wanted: those for which all of it is so.
#[derive(Clone, Default)]
pub struct AccountFilter {
    /// With this address.
    pub email: Option<Email>,
    /// With this role.
    pub role: Option<Role>,
    /// Those that may log in, or those that were deactivated.
    pub active: Option<bool>,
}

/// A part of a list of accounts, the newest first.
#[derive(Debug, Clone)]
pub struct AccountPage {
    /// The accounts.
    pub items: Vec<Account>,
    /// Where to go on; `None` at the end.
    pub next_cursor: Option<UserId>,
}

/// A member of staff as administrators invite one: who chooses the password with a code from a mail.
#[derive(Clone)]
pub struct StaffInvitation {
    /// Address to log in with; taken as confirmed.
    pub email: Email,
    /// Any role but patient and doctor.
    pub role: Role,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// In which times are told to this person.
    pub time_zone: TimeZone,
    /// In which this person is written to.
    pub language: Language,
}

/// A member of staff as the command line creates one.
#[derive(Clone)]
pub struct NewStaff {
    /// Address to log in with; taken as confirmed.
    pub email: Email,
    /// Must meet the same rules as everybody's.
    pub password: SecretString,
    /// Any role but patient and doctor.
    pub role: Role,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// In which times are told to this person.
    pub time_zone: TimeZone,
    /// In which this person is written to.
    pub language: Language,
}

/// What changes; `None` stays as it is.
#[derive(Clone, Default)]
pub struct AccountPatch {
    /// First name.
    pub given_name: Option<String>,
    /// Surname.
    pub family_name: Option<String>,
    /// In which times are told to this person.
    pub time_zone: Option<TimeZone>,
    /// In which this person is written to.
    pub language: Option<Language>,
}

impl AccountPatch {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.given_name.is_none() && self.family_name.is_none() && self.time_zone.is_none() && self.language.is_none()
    }
}

/// How to reach somebody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The account.
    pub user_id: UserId,
    /// Where to write.
    pub email: Email,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// In which times are told.
    pub time_zone: TimeZone,
    /// In which to write.
    pub language: Language,
    /// Whether the address was confirmed.
    pub email_verified: bool,
}

impl From<Account> for Contact {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.id,
            email: account.email,
            given_name: account.given_name,
            family_name: account.family_name,
            time_zone: account.time_zone,
            language: account.language,
            email_verified: account.email_verified,
        }
    }
}

/// A wish to log in.
#[derive(Clone)]
pub struct Login {
    /// The account's address.
    pub email: Email,
    /// Its password.
    pub password: SecretString,
    /// What the client calls itself, for the list of sessions; cut to 200 characters.
    pub device: Option<String>,
}

/// The answer to a login or refresh.
#[derive(Clone)]
pub struct LoggedIn {
    /// A JWT for `Authorization: Bearer`.
    pub access_token: String,
    /// Seconds until it expires.
    pub expires_in: u32,
    /// Exchanged for the next pair; valid once.
    pub refresh_token: String,
    /// When the refresh token expires.
    pub refresh_expires_at: Timestamp,
    /// What a browser must repeat in `X-CSRF-Token` when it sends the refresh token as a cookie.
    pub csrf_token: String,
    /// The session that began or goes on.
    pub session_id: SessionId,
    /// Who logged in.
    pub account: Account,
}

/// How much a logout ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutScope {
    /// This session.
    This,
    /// Every session of the account.
    All,
}

/// One of a person's own sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// Its id.
    pub id: SessionId,
    /// What the client called itself.
    pub device: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last refreshed.
    pub refreshed_at: Timestamp,
    /// When it ends unless it is refreshed.
    pub expires_at: Timestamp,
    /// Whether it is the one asking.
    pub current: bool,
}

/// What an account holds that nobody reads without its key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub given_name: String,
    pub family_name: String,
    pub time_zone: TimeZone,
    pub language: Language,
}

/// Logs must not name people.
macro_rules! prints_only {
    ($type:ident . $id:ident) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).field(stringify!($id), &self.$id).finish_non_exhaustive()
            }
        }
    };
}
prints_only!(Account.id);
prints_only!(Contact.user_id);
prints_only!(LoggedIn.session_id);
prints_only!(NewAccount.role);
prints_only!(NewStaff.role);
prints_only!(StaffInvitation.role);
prints_only!(AccountFilter.role);
prints_only!(Login.device);
