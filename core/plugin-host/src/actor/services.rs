//! Host calls and log lines of a plugin, while a call of it runs.

use super::Supervisor;
use crate::border::{Frame, Tag, failure};
use actix::{ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};
use consilium_plugin_contract::{PluginError, host::LogLevel};
use consilium_plugin_sdk::abi::code;
use std::sync::Arc;

/// Host calls that one call may wait for at the same time.
const MAX_HOST_CALLS: usize = 16;

impl Supervisor {
    /// Serves a host call, if the call it belongs to still runs.
    pub(super) fn serve(&mut self, asked: Frame, ctx: &mut Context<Self>) {
        let (id, call, generation) = (asked.id, asked.call, self.generation);
        let grant = Arc::clone(&self.setup.grant);
        let Some(running) = self.serves(call) else {
            return self.send(Frame::new(Tag::HostReply, id, Vec::new()).with_code(code::CANCELLED));
        };
        if running.host_calls.len() >= MAX_HOST_CALLS {
            let error = PluginError::retryable("busy", "too many host calls at the same time");
            return self.answer(id, Err(error));
        }
        let work = async move { grant.serve(call, &asked.method, &asked.payload).await };
        let handle = ctx.spawn(work.into_actor(self).map(move |answer, supervisor, _| {
            if supervisor.generation != generation {
                return;
            }
            if let Some(running) = supervisor.serves(call) {
                running.host_calls.remove(&id);
                supervisor.answer(id, answer);
            }
        }));
        if let Some(running) = self.serves(call) {
            running.host_calls.insert(id, handle);
        }
    }

    fn answer(&self, id: u64, answer: Result<Vec<u8>, PluginError>) {
        let (code, payload) = match answer {
            Ok(bytes) => (code::OK, bytes),
            Err(error) => failure(code::ERROR, &error),
        };
        self.send(Frame::new(Tag::HostReply, id, payload).with_code(code));
    }

    /// Writes a line of the plugin to the log.
    pub(super) fn log(&self, line: &Frame) {
        let level = match line.code {
            1 => LogLevel::Error,
            2 => LogLevel::Warn,
            3 => LogLevel::Info,
            _ => LogLevel::Debug,
        };
        self.setup.grant.log(line.call, level, &String::from_utf8_lossy(&line.payload));
    }
}
