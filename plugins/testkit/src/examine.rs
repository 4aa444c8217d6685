//! The conformance kit: every check over one library.

use crate::{
    Level, PluginSettings, Report, Unfit, Verdict,
    checks::{CHECKS, Check, LIBRARY_CHECKS},
    ear::Ear,
    report::Finding,
    session::{Provider, Recorder},
    subject::Subject,
};
use consilium_plugin_host::Isolation;
use consilium_plugin_sdk::cassette::{Cassette, Redactor};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// What to examine, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Configuration, secrets and permissions by the operator.
    pub settings: PluginSettings,
    /// Where the plugin shall run.
    pub isolation: Vec<Isolation>,
    /// The highest level to check.
    pub level: Level,
    /// What answers its HTTP requests; a stub when none.
    pub cassette: Option<Cassette>,
    /// Program and arguments of the child process; this program's `plugin-host` when empty.
    pub child_command: Vec<String>,
    /// Calls between two looks at its memory.
    pub memory_calls: u32,
    /// Run only checks whose names begin so; all when empty.
    pub only: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: PluginSettings::default(),
            isolation: vec![Isolation::Process, Isolation::InProcess],
            level: Level::Gold,
            cassette: None,
            child_command: Vec::new(),
            memory_calls: 1_500,
            only: Vec::new(),
        }
    }
}

/// One mode of one examination.
pub(crate) struct Bench<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) isolation: Isolation,
    pub(crate) cassette: Cassette,
    pub(crate) stubbed: bool,
    pub(crate) memory_calls: u32,
    pub(crate) ear: Arc<Ear>,
}

/// Runs every check up to the level asked for.
///
/// # Errors
/// When the library cannot be looked at, or cannot be configured.
pub async fn examine(library: &Path, options: &Options) -> Result<Report, Unfit> {
    let subject = Subject::open(library, &options.settings, &options.child_command)?;
    let wanted = |check: &Check| {
        let named = options.only.is_empty() || options.only.iter().any(|only| check.id.starts_with(only.as_str()));
        check.level <= options.level && named
    };
    let of_library = LIBRARY_CHECKS.iter().filter(|(check, _)| wanted(check));
    let mut findings: Vec<_> = of_library.map(|(check, run)| check.finding(None, run(&subject))).collect();
    for &isolation in &options.isolation {
        if isolation == Isolation::InProcess {
            if subject.manifest.requires_process_isolation {
                continue;
            }
            if findings.iter().any(|finding: &Finding| finding.detail.contains("crashed")) {
                let why = "not tried: in a process of its own it crashed, and here it would take the kit with it";
                findings.extend(
                    CHECKS
                        .first()
                        .map(|(check, _)| check.finding(Some(isolation), (Verdict::Unproven, why.to_owned()))),
                );
                continue;
            }
        }
        let bench = Bench {
            subject: &subject,
            isolation,
            cassette: options.cassette.clone().unwrap_or_else(Cassette::stub),
            stubbed: options.cassette.is_none(),
            memory_calls: options.memory_calls,
            ear: Arc::new(Ear::new(&subject.secrets)),
        };
        for (check, run) in CHECKS.iter().filter(|(check, _)| wanted(check)) {
            let finding = check.finding(Some(isolation), run(&bench).await);
            // A plugin that does not start fails once, not in every check.
            let hopeless = finding.check == "life.create" && finding.verdict == Verdict::Failed;
            findings.push(finding);
            if hopeless {
                break;
            }
        }
    }
    let provider = match &options.cassette {
        Some(cassette) => format!("a cassette with {} interactions", cassette.interactions.len()),
        None => "a stub that answers 200 {} to everything".to_owned(),
    };
    Ok(report(&subject, provider, options.level, findings))
}

/// Plays the sensible calls against the real provider and answers what it said, redacted, beside a
/// report about those calls alone.
///
/// # Errors
/// As [`examine`].
pub async fn record(library: &Path, options: &Options) -> Result<(Cassette, Report), Unfit> {
    let subject = Subject::open(library, &options.settings, &options.child_command)?;
    let secrets = subject.secrets.iter().map(|(_, value)| value.clone());
    let note = format!("recorded from {} {}", subject.manifest.id, subject.manifest.version);
    let empty = Cassette { note, ..Cassette::default() };
    let recorder = Arc::new(Recorder { redactor: Redactor::new(secrets), cassette: Mutex::new(empty) });
    let bench = Bench {
        subject: &subject,
        isolation: Isolation::Process,
        cassette: Cassette::default(),
        stubbed: false,
        memory_calls: 0,
        ear: Arc::new(Ear::new(&subject.secrets)),
    };
    let outcome = crate::checks::story(&bench, Provider::Network(Arc::clone(&recorder))).await;
    let finding = crate::checks::STORY.finding(Some(Isolation::Process), outcome);
    let report = report(&subject, "the real one".to_owned(), Level::Bronze, vec![finding]);
    let cassette = recorder.cassette.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((cassette, report))
}

fn report(subject: &Subject, provider: String, asked: Level, findings: Vec<Finding>) -> Report {
    Report {
        plugin: subject.manifest.id.clone(),
        version: subject.manifest.version.clone(),
        kinds: subject.manifest.kinds.iter().map(ToString::to_string).collect(),
        library: subject.library.display().to_string(),
        sha256: subject.sha256.clone(),
        provider,
        asked,
        reached: Report::level_of(&findings, asked),
        findings,
    }
}
