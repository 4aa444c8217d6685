//! What a child process gives up before it loads a library, and what it reports of that. Runs in the
//! child only, while it still has a single thread; whatever starts later inherits it.

mod files;
mod syscalls;

use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
};
use serde::{Deserialize, Serialize};
use std::{fmt, io, path::Path};

/// The walls around a plugin's code, as its own process put them up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// No program it could start would gain privileges.
    pub no_new_privs: Protection,
    /// Memory, files and core dumps are bounded.
    pub rlimits: Protection,
    /// Only the system calls that computing and talking to the host need.
    pub seccomp: Protection,
    /// No files but libraries, no TCP, no signals to others.
    pub landlock: Protection,
}

/// Whether one wall stands. As text: `in force`, `partly in force: why`, `unavailable: why`, `not in-process`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Protection {
    /// All of it.
    InForce,
    /// Some of it; the kernel lacks the rest.
    Partly(String),
    /// None of it.
    Unavailable(String),
    /// The code runs in the server's own process, which cannot be confined.
    NotInProcess,
}

impl Sandbox {
    /// Of a plugin that runs inside the server.
    pub(crate) fn in_process() -> Self {
        let not = || Protection::NotInProcess;
        Self { no_new_privs: not(), rlimits: not(), seccomp: not(), landlock: not() }
    }

    /// Each wall by its name.
    #[must_use]
    pub fn walls(&self) -> [(&'static str, &Protection); 4] {
        let Self { no_new_privs, rlimits, seccomp, landlock } = self;
        [("no_new_privs", no_new_privs), ("rlimits", rlimits), ("seccomp", seccomp), ("landlock", landlock)]
    }

    /// Confines this process for good. What the kernel lacks is reported, not an error.
    ///
    /// # Errors
    /// When something is refused that every kernel has.
    pub(super) fn put_up(memory_mib: u64, library: &Path) -> io::Result<Self> {
        prctl::set_no_new_privs()?;
        let memory = memory_mib.saturating_mul(1024 * 1024);
        for (resource, limit) in [
            // Core files hold patient data.
            (Resource::RLIMIT_CORE, 0),
            (Resource::RLIMIT_FSIZE, 0),
            (Resource::RLIMIT_NOFILE, 64),
            // Not the address space: the allocator reserves much more of it than it uses. Shared
            // mappings, which this does not count, are refused by the system call filter.
            (Resource::RLIMIT_DATA, memory),
        ] {
            setrlimit(resource, limit, limit)?;
        }
        // Landlock first: the filter refuses the calls that would set it up.
        let landlock = files::restrict(library);
        let seccomp = syscalls::restrict();
        Ok(Self { no_new_privs: Protection::InForce, rlimits: Protection::InForce, seccomp, landlock })
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let walls = self.walls();
        if walls.iter().all(|(_, wall)| **wall == self.no_new_privs) {
            return write!(f, "{}", self.no_new_privs);
        }
        for (at, (name, wall)) in walls.iter().enumerate() {
            write!(f, "{}{name}: {wall}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

const IN_FORCE: &str = "in force";
const PARTLY: &str = "partly in force: ";
const UNAVAILABLE: &str = "unavailable: ";
const NOT_IN_PROCESS: &str = "not in-process";

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InForce => f.write_str(IN_FORCE),
            Self::Partly(why) => write!(f, "{PARTLY}{why}"),
            Self::Unavailable(why) => write!(f, "{UNAVAILABLE}{why}"),
            Self::NotInProcess => f.write_str(NOT_IN_PROCESS),
        }
    }
}

impl From<Protection> for String {
    fn from(protection: Protection) -> Self {
        protection.to_string()
    }
}

impl From<String> for Protection {
    /// What is none of the known texts is no protection.
    fn from(text: String) -> Self {
        let after = |prefix: &str| text.strip_prefix(prefix).map(|why| why.chars().take(200).collect());
        match text.as_str() {
            IN_FORCE => Self::InForce,
            NOT_IN_PROCESS => Self::NotInProcess,
            _ => match (after(PARTLY), after(UNAVAILABLE)) {
                (Some(why), _) => Self::Partly(why),
                (None, why) => Self::Unavailable(why.unwrap_or_else(|| "not understood".to_owned())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_the_border_and_nonsense_is_no_protection() {
        let mut sandbox = Sandbox::in_process();
        sandbox.seccomp = Protection::InForce;
        sandbox.landlock = Protection::Unavailable("kernel 5.4".to_owned());
        let json = serde_json::to_string(&sandbox).unwrap();
        assert_eq!(serde_json::from_str::<Sandbox>(&json).unwrap(), sandbox);
        let nonsense = json.replace("in force", "in full force");
        let read: Sandbox = serde_json::from_str(&nonsense).unwrap();
        assert_eq!(read.seccomp, Protection::Unavailable("not understood".to_owned()));
    }

    #[test]
    fn equal_walls_are_said_once() {
        assert_eq!(Sandbox::in_process().to_string(), "not in-process");
        let mixed = Sandbox { seccomp: Protection::InForce, ..Sandbox::in_process() };
        assert!(mixed.to_string().contains("; seccomp: in force; landlock: not in-process"), "{mixed}");
    }
}
