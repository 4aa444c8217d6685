//! What is checked: one table to read, and a file for each group of checks.

mod egress;
mod faults;
mod input;
mod life;
mod load;
mod manifest;
mod secrets;
mod webhook;

use crate::{
    Finding, Level, Verdict,
    examine::Bench,
    kinds,
    session::{Provider, Services, Session, Trouble},
    subject::Subject,
};
use consilium_plugin_host::{CallError, Isolation, PluginConfig, Settings};
use futures_util::future::LocalBoxFuture;
use std::sync::Arc;

pub(crate) use life::story;

/// A check as it is listed and reported.
pub(crate) struct Check {
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    /// A sentence that is true of a good plugin.
    pub(crate) title: &'static str,
    /// What an author does when it is not.
    pub(crate) advice: &'static str,
}

/// How a check went, and what was seen.
pub(crate) type Outcome = (Verdict, String);

impl Check {
    pub(crate) fn finding(&self, isolation: Option<Isolation>, (verdict, detail): Outcome) -> Finding {
        let advice = match verdict {
            Verdict::Failed => self.advice,
            Verdict::Unproven => {
                "give the provider's answers: --record once against the real one, then --cassette FILE"
            }
            Verdict::Passed | Verdict::NotApplicable => "",
        };
        Finding { check: self.id, level: self.level, title: self.title, isolation, verdict, detail, advice }
    }
}

type Run = for<'a, 'b> fn(&'a Bench<'b>) -> LocalBoxFuture<'a, Outcome>;

type LibraryRun = fn(&Subject) -> Outcome;

const fn check(id: &'static str, level: Level, title: &'static str, advice: &'static str) -> Check {
    Check { id, level, title, advice }
}

/// The check that `--record` plays alone.
pub(crate) const STORY: Check = check(
    "calls.story",
    Level::Bronze,
    "Sensible calls get sensible answers",
    "the contract's page says what each answer must hold",
);

/// Checks that only read.
pub(crate) const LIBRARY_CHECKS: &[(Check, LibraryRun)] = &[(
    check(
        "manifest.sane",
        Level::Bronze,
        "The manifest is complete, and says what is true",
        "correct plugin.toml; the section on the manifest in docs/plugins.md lists every key",
    ),
    manifest::sane,
)];

use Level::{Bronze, Gold, Silver};

/// Checks of a running plugin, in the order in which they run.
#[rustfmt::skip]
pub(crate) const CHECKS: &[(Check, Run)] = &[
    (check("life.create", Bronze, "It starts with a right configuration",
        "give the configuration with --config and secrets with --secret, or add examples to the Config type"),
     |bench| Box::pin(life::create(bench))),
    (check("life.refuse", Bronze, "It refuses a wrong configuration",
        "deny unknown fields in Config, and check in create what a schema cannot say"),
     |bench| Box::pin(life::refuse(bench))),
    (check("life.health", Bronze, "It says how it is, within two seconds",
        "health must answer ok or degraded while the provider answers"),
     |bench| Box::pin(life::health(bench))),
    (check("life.destroy", Bronze, "It ends at once when it is asked to",
        "no thread, lock or Drop may keep destroy waiting"),
     |bench| Box::pin(life::destroy(bench))),
    (STORY, |bench| Box::pin(life::story_of(bench))),
    (check("input.malformed", Bronze, "It refuses what is no request",
        "answer an error for what does not parse; the SDK does so by itself"),
     |bench| Box::pin(input::malformed(bench))),
    (check("input.unknown", Bronze, "It refuses calls it does not know",
        "answer code INVALID for unknown methods; the SDK does so by itself"),
     |bench| Box::pin(input::unknown_method(bench))),
    (check("input.hostile", Bronze, "No request makes it panic, crash or hang",
        "the place of a panic is named above; treat every string as if an attacker had chosen it"),
     |bench| Box::pin(input::hostile(bench))),
    (check("input.oversized", Bronze, "It survives the largest request there is",
        "bound what you copy and loop over; a request may have 4 MiB"),
     |bench| Box::pin(input::oversized(bench))),
    (check("egress.declared", Bronze, "It reaches only hosts that it declares",
        "add the host to permissions.egress in plugin.toml, or do not call it"),
     |bench| Box::pin(egress::declared(bench))),
    (check("egress.private", Bronze, "It fails cleanly where it may not go",
        "pass on the error of Host::fetch instead of answering success"),
     |bench| Box::pin(egress::private(bench))),
    (check("webhook.forged", Bronze, "It accepts no webhook that is not its provider's",
        "verify signature and time over the raw body before reading it; answer webhook_forged"),
     |bench| Box::pin(webhook::forged(bench))),
    (check("input.newer", Silver, "It ignores members that a later minor version may add",
        "do not deny unknown fields of requests"),
     |bench| Box::pin(input::newer(bench))),
    (check("load.parallel", Silver, "Calls side by side do not disturb each other",
        "keep state behind a lock or in the store, and never a request's data in the plugin itself"),
     |bench| Box::pin(load::parallel(bench))),
    (check("repeat.key", Silver, "The same key has one effect, also after a restart",
        "pass the idempotency key to the provider, or remember in the store what was made for it"),
     |bench| Box::pin(load::same_key(bench))),
    (check("cancel.heard", Silver, "It returns soon when nobody waits any more",
        "return when Host::fetch answers `cancelled`, and look at Host::is_cancelled in long work"),
     |bench| Box::pin(faults::cancel(bench))),
    (check("provider.failing", Silver, "A failing provider becomes an error that may be tried again",
        "429, 5xx, timeouts and broken connections are PluginError::retryable; no failure is a success"),
     |bench| Box::pin(faults::provider(bench))),
    (check("load.restart", Gold, "It is replaced and ends under load without losing an answer",
        "answer calls that run while the plugin is drained, and let a second instance start beside the first"),
     |bench| Box::pin(load::restart(bench))),
    (check("load.memory", Gold, "It keeps its memory",
        "something grows with every call: a cache without a bound, a list, a leaked box"),
     |bench| Box::pin(load::memory(bench))),
    (check("secrets.kept", Bronze, "No secret is in an answer, an error, a URL or a log line",
        "never format a Sensitive, and let the host inject what you need not read"),
     |bench| Box::pin(secrets::kept(bench))),
];

impl Bench<'_> {
    /// Host services with the provider's sensible answers.
    fn services(&self) -> Arc<Services> {
        self.services_with(Provider::playing(self.cassette.clone()))
    }

    fn services_with(&self, provider: Provider) -> Arc<Services> {
        Services::new(provider, Arc::clone(&self.ear))
    }

    async fn session(&self, services: &Arc<Services>) -> Result<Session, Outcome> {
        self.session_with(services, |_, _| {}).await
    }

    async fn session_with(
        &self,
        services: &Arc<Services>,
        change: impl FnOnce(&mut Settings, &mut PluginConfig),
    ) -> Result<Session, Outcome> {
        let session = Session::start(self.subject, self.isolation, services, change).await;
        session.map_err(|why| (Verdict::Failed, format!("it does not start: {why}")))
    }

    /// What a trouble says about the plugin: without the provider's answers, nothing.
    fn judge(&self, services: &Services, trouble: &Trouble) -> Outcome {
        let refused = matches!(trouble.error, Some(CallError::Plugin(_)));
        if refused && services.missed() {
            return (Verdict::Unproven, format!("{trouble}; the cassette lacks an answer"));
        }
        if refused && self.stubbed && services.requests() > 0 {
            return (Verdict::Unproven, format!("{trouble}; the stub is not the answer it needs"));
        }
        (Verdict::Failed, trouble.to_string())
    }

    fn samples(&self) -> Vec<kinds::Sample> {
        kinds::samples(&self.subject.manifest)
    }
}

fn passed() -> Outcome {
    (Verdict::Passed, String::new())
}

fn failed(detail: impl Into<String>) -> Outcome {
    (Verdict::Failed, detail.into())
}

fn nothing(detail: impl Into<String>) -> Outcome {
    (Verdict::NotApplicable, detail.into())
}

/// What was seen, at most five lines of it.
fn all_of(problems: Vec<String>) -> Outcome {
    const SHOWN: usize = 5;
    if problems.is_empty() {
        return passed();
    }
    let more = problems.len().saturating_sub(SHOWN);
    let mut lines: Vec<_> = problems.into_iter().take(SHOWN).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    failed(lines.join("\n"))
}

/// Whether a call ended in a way that no request may provoke.
fn harm(answer: &Result<Vec<u8>, CallError>) -> Option<&CallError> {
    let harmful = |error: &&CallError| {
        matches!(
            error,
            CallError::Crashed(_) | CallError::Panicked(_) | CallError::Timeout | CallError::InvalidAnswer(_)
        )
    };
    answer.as_ref().err().filter(harmful)
}
