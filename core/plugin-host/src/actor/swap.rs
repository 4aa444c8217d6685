//! Hot swap: another build is started beside the one that serves, examined, and put in its place. Calls
//! that run stay where they are, all others go to the new one; a build that fails changes nothing.

use super::{Phase, Supervisor};
use crate::{
    CallError, ConfigProblem, Isolation,
    generation::{Build, Edition},
};
use actix::Context;
use consilium_plugin_contract::{Health, HealthStatus};
use serde::Serialize;
use serde_json::json;
use std::{fmt::Write as _, sync::Arc};
use thiserror::Error;
use tokio::sync::oneshot;

/// A generation on trial.
pub(super) struct Candidate {
    pub(super) number: u64,
    tell: oneshot::Sender<Result<Reloaded, ReloadError>>,
}

/// A plugin was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    /// Id of the instance.
    pub id: String,
    /// The generation that serves now.
    pub generation: u64,
    /// Its process, if it has one.
    pub pid: Option<u32>,
    /// What served before; none when nothing could.
    pub old: Option<Edition>,
    /// What serves now.
    pub new: Edition,
}

/// Why a plugin was not replaced. Whatever served before goes on serving.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReloadError {
    /// No plugin has this id.
    #[error("there is no plugin {0}")]
    UnknownPlugin(String),
    /// Another reload of it has not finished.
    #[error("the plugin is being reloaded already")]
    InProgress,
    /// The library or its configuration does not pass the checks that are made at start.
    #[error("{}", joined(.0))]
    Refused(Vec<ConfigProblem>),
    /// It passed them, but did not come up well.
    #[error("the new instance is not well: {0}")]
    Unwell(String),
    /// The host is shutting down.
    #[error("the host is shutting down")]
    Stopped,
}

fn joined(problems: &[ConfigProblem]) -> String {
    problems.iter().enumerate().fold(String::new(), |mut text, (at, problem)| {
        let _ = write!(text, "{}{}: {}", if at > 0 { "; " } else { "" }, problem.key, problem.reason);
        text
    })
}

impl ReloadError {
    /// A stable machine code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPlugin(_) => "plugin_unknown",
            Self::InProgress => "plugin_reload_in_progress",
            Self::Refused(_) | Self::Unwell(_) => "plugin_reload_refused",
            Self::Stopped => "plugin_stopped",
        }
    }
}

impl Supervisor {
    /// Puts a build on trial.
    pub(super) fn reload(
        &mut self,
        build: Build,
        tell: oneshot::Sender<Result<Reloaded, ReloadError>>,
        ctx: &mut Context<Self>,
    ) {
        let shutting_down = self.phase == Phase::Draining || (self.phase == Phase::Stopped && self.alert.is_none());
        if shutting_down || self.candidate.is_some() {
            let error = if shutting_down { ReloadError::Stopped } else { ReloadError::InProgress };
            let _ = tell.send(Err(error));
            return;
        }
        match self.launch(Arc::new(build), ctx) {
            Ok(number) => self.candidate = Some(Candidate { number, tell }),
            Err(e) => {
                let _ = tell.send(Err(ReloadError::Unwell(format!("no process could be started: {e}"))));
            }
        }
    }

    /// The candidate said how it is. A provider that is down for both is no reason to keep the old one.
    pub(super) fn examined(&mut self, health: Result<Health, CallError>, ctx: &mut Context<Self>) {
        let well = |health: &Health| health.status != HealthStatus::Down;
        let serves_well = self.phase == Phase::Running && self.health.as_ref().is_none_or(well);
        match health {
            Ok(health) if well(&health) || !serves_well => self.replace(health, ctx),
            Ok(health) => self.reject(format!("it is down: {}", health.detail.unwrap_or_default()), ctx),
            Err(error) => self.reject(error.to_string(), ctx),
        }
    }

    /// The candidate takes over.
    fn replace(&mut self, health: Health, ctx: &mut Context<Self>) {
        let Some(Candidate { number, tell }) = self.candidate.take() else { return };
        let Some(generation) = self.generation(number).map(Arc::clone) else { return };
        let old = std::mem::replace(&mut self.build, Arc::clone(&generation.build)).edition();
        let new = self.build.edition();
        let before = self.current.replace(number);
        let served = self.phase == Phase::Running;
        self.phase = Phase::Running;
        self.health = Some(health);
        self.swaps += 1;
        self.clean_record();
        self.lane.switch(number);
        self.ready.clear();
        let pid = generation.link.pid();
        tracing::info!(plugin = self.id, generation = number, pid, ?old, ?new, "plugin swapped");
        if self.isolation == Isolation::InProcess {
            tracing::info!(plugin = self.id, "the old library stays in memory until the server ends");
        }
        metrics::counter!("consilium_plugin_swaps_total", "plugin" => self.id.clone()).increment(1);
        let detail = json!({
            "generation": number,
            "old_version": old.version, "old_sha256": old.library_sha256,
            "new_version": new.version, "new_sha256": new.library_sha256,
        });
        self.ledger.note("plugin_swapped", detail);
        let _ = tell.send(Ok(Reloaded { id: self.id.clone(), generation: number, pid, old: Some(old), new }));
        match before {
            Some(before) if served => self.retire(before, ctx),
            Some(before) => self.discard(before, "it was replaced", ctx),
            None => {}
        }
    }

    /// The candidate, if there is one, does not take over.
    pub(super) fn reject(&mut self, why: String, ctx: &mut Context<Self>) {
        if let Some(Candidate { number, tell }) = self.candidate.take() {
            tracing::error!(plugin = self.id, generation = number, "plugin not swapped: {why}");
            self.discard(number, &why, ctx);
            let _ = tell.send(Err(ReloadError::Unwell(why)));
        }
    }
}
