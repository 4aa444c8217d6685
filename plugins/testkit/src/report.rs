//! What the kit found, for people and for machines.

use consilium_plugin_host::Isolation;
use serde::Serialize;
use std::fmt;

/// How far a plugin can be trusted. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Does its job and harms nobody: it may be loaded.
    Bronze,
    /// Stays right when calls repeat, run side by side, are given up, or when the provider fails.
    Silver,
    /// Lasts: it keeps its memory, and comes and goes under load.
    Gold,
}

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// There is nothing to check in this plugin.
    NotApplicable,
    /// It could not be found out; the level is not reached.
    Unproven,
}

/// One check in one mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `life.create`: stable, for scripts.
    pub check: &'static str,
    /// The level that needs it.
    pub level: Level,
    /// What was checked, as a sentence that is true of a good plugin.
    pub title: &'static str,
    /// Where the plugin ran; none for what is read from the library alone.
    pub isolation: Option<Isolation>,
    /// How it went.
    pub verdict: Verdict,
    /// What was seen, or why nothing was.
    pub detail: String,
    /// What an author does about it; empty when it passed.
    pub advice: &'static str,
}

/// Everything about one plugin.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Its id.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// Contracts it fulfils.
    pub kinds: Vec<String>,
    /// The file that was looked at.
    pub library: String,
    /// Its SHA-256.
    pub sha256: String,
    /// What answered its HTTP requests.
    pub provider: String,
    /// The level asked for: checks of higher ones were not run.
    pub asked: Level,
    /// The highest level reached; none when a check of the first one did not pass.
    pub reached: Option<Level>,
    /// In the order of the checks.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether it reached what was asked.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.reached.is_some_and(|reached| reached >= self.asked)
    }

    /// The highest level of which, and below which, every check passed or did not apply.
    pub(crate) fn level_of(findings: &[Finding], asked: Level) -> Option<Level> {
        let holds = |level: Level| {
            let mut needed = findings.iter().filter(|finding| finding.level <= level);
            needed.all(|finding| matches!(finding.verdict, Verdict::Passed | Verdict::NotApplicable))
        };
        [Level::Gold, Level::Silver, Level::Bronze]
            .into_iter()
            .filter(|level| *level <= asked)
            .find(|level| holds(*level))
    }
}

impl Verdict {
    fn sign(self) -> char {
        match self {
            Self::Passed => '✓',
            Self::Failed => '✗',
            Self::NotApplicable => '–',
            Self::Unproven => '?',
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bronze => "bronze",
            Self::Silver => "silver",
            Self::Gold => "gold",
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} ({})", self.plugin, self.version, self.kinds.join(", "))?;
        writeln!(f, "provider: {}", self.provider)?;
        for isolation in [None, Some(Isolation::Process), Some(Isolation::InProcess)] {
            let mut findings = self.findings.iter().filter(|finding| finding.isolation == isolation).peekable();
            if findings.peek().is_none() {
                continue;
            }
            match isolation {
                None => writeln!(f, "\nthe library")?,
                Some(Isolation::Process) => writeln!(f, "\nin a process of its own")?,
                Some(Isolation::InProcess) => writeln!(f, "\ninside the server's process")?,
            }
            for finding in findings {
                write_finding(f, finding)?;
            }
        }
        let reached = self.reached.map_or("no level".to_owned(), |level| level.to_string());
        write!(f, "\nreached {reached}, asked for {}", self.asked)?;
        for (verdict, word) in [(Verdict::Failed, "failed"), (Verdict::Unproven, "unproven")] {
            match self.findings.iter().filter(|finding| finding.verdict == verdict).count() {
                0 => {}
                count => write!(f, "; {count} {word}")?,
            }
        }
        writeln!(f)
    }
}

fn write_finding(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    writeln!(
        f,
        "  {} {:<6} {:<18} {}",
        finding.verdict.sign(),
        finding.level.to_string(),
        finding.check,
        finding.title
    )?;
    if finding.verdict == Verdict::Passed {
        return Ok(());
    }
    for line in finding.detail.lines() {
        writeln!(f, "           {line}")?;
    }
    if !finding.advice.is_empty() {
        writeln!(f, "           → {}", finding.advice)?;
    }
    Ok(())
}
