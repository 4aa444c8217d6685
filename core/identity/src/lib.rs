//! Who somebody is: accounts, passwords, login sessions, access tokens.
//!
//! Knows nothing of doctors' or patients' profiles; `people` builds on it. Modules above call the functions
//! that take a `Tx` or `Session`, so that an account is written together with whatever it belongs to.

mod decide;
mod live;
mod model;
mod password;
mod refusal;
mod secret;
mod service;
mod settings;
mod store;
mod tokens;

pub use decide::{check_name, check_password};
pub use model::{
    Account, AccountFilter, AccountPage, AccountPatch, Contact, LoggedIn, Login, LogoutScope, NewAccount, NewStaff,
    SessionSummary, StaffInvitation,
};
pub use refusal::IdentityRefusal;
pub use secret::SecretText;
pub use service::{Identity, deactivate_account, reactivate_account};
pub use settings::{Hashing, IdentitySettings, Lockout};
pub use store::account::{account, account_by_email, confirm_email, contact, patch_account};

#[cfg(test)]
mod tests;
