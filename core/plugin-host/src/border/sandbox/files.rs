//! Landlock: which files a plugin may open, and that it may connect to nothing and signal nobody.

use super::Protection;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use nix::libc;
use std::path::Path;

/// What this was written against: files, TCP and, from Linux 6.12, signals and abstract sockets. Older
/// kernels enforce what they know; newer rights are not handled until somebody has looked at them.
const KNOWN: ABI = ABI::V6;

/// What loading a library and computing with dates read: the system's libraries, the loader's cache of
/// them, and time zone rules. None of it is a secret, none of it belongs to this server.
const READABLE: [&str; 9] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
];

/// Restricts this thread and all that it starts.
pub(super) fn restrict(library: &Path) -> Protection {
    match apply(library) {
        Ok(RestrictionStatus { ruleset: RulesetStatus::FullyEnforced, .. }) => Protection::InForce,
        Ok(RestrictionStatus { ruleset: RulesetStatus::PartiallyEnforced, landlock, .. }) => {
            Protection::Partly(format!("this kernel's Landlock ({}) is older", version(&landlock)))
        }
        Ok(RestrictionStatus { landlock: LandlockStatus::NotEnabled, .. }) => {
            Protection::Unavailable("Landlock is not enabled in this kernel (lsm= at boot)".to_owned())
        }
        Ok(_) => Protection::Unavailable("this kernel has no Landlock".to_owned()),
        Err(error) => Protection::Unavailable(error.to_string()),
    }
}

fn version(status: &LandlockStatus) -> String {
    match status {
        LandlockStatus::Available { effective_abi, .. } => format!("version {}", *effective_abi as i32),
        _ => "no version".to_owned(),
    }
}

fn apply(library: &Path) -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        // Not to be executed: mapping a library needs no such right, starting a program does.
        .add_rules(path_beneath_rules(READABLE, AccessFs::ReadFile | AccessFs::ReadDir))?
        .add_rules(path_beneath_rules([library], AccessFs::ReadFile))?
        .restrict_self()
}

/// The flags with which a file is opened for anything but reading.
pub(super) const OPENED_TO_CHANGE: u64 =
    (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND) as u64;
