//! How much is measured: all of it, or so much that it is done within two minutes.

use std::{path::PathBuf, time::Duration};

/// Everything a row needs to know of the run.
pub struct Plan {
    /// The server's program.
    pub program: PathBuf,
    pub form: Form,
}

/// The two forms of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Full,
    Quick,
}

impl Plan {
    /// One number or the other.
    pub fn of<T>(&self, full: T, quick: T) -> T {
        match self.form {
            Form::Full => full,
            Form::Quick => quick,
        }
    }

    /// Turns of server and limit.
    pub fn rounds(&self) -> usize {
        self.of(5, 3)
    }

    /// How long one turn takes.
    pub fn turn(&self) -> Duration {
        self.of(Duration::from_secs(5), Duration::from_millis(700))
    }
}
