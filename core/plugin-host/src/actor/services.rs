//! Host calls and log lines of a plugin, while a call of it runs.

use super::Supervisor;
use crate::{
    border::{Frame, Tag, failure},
    lane::Serve,
    trace::{self, Trace},
};
use consilium_plugin_contract::{PluginError, host::LogLevel};
use consilium_plugin_sdk::abi::code;
use futures_util::future::{AbortHandle, Abortable};
use std::{
    cmp::Ordering,
    sync::Arc,
    time::{Duration, Instant},
};

/// Longest log line, in bytes.
const MAX_LINE: usize = 4096;
const LINES_PER_SECOND: u32 = 200;

impl Supervisor {
    /// Serves a host call, if the call it belongs to still runs.
    pub(super) fn serve(&self, number: u64, asked: Frame) {
        let Some(generation) = self.generation(number).map(Arc::clone) else { return };
        let (id, call) = (asked.id, asked.call);
        let (abort, registration) = AbortHandle::new_pair();
        let trace = match self.lane.host_call(number, call, id, abort) {
            Serve::Yes(trace) => trace,
            Serve::Over => {
                return self.send(number, Frame::new(Tag::HostReply, id, Vec::new()).with_code(code::CANCELLED));
            }
            Serve::TooMany => {
                let error = PluginError::retryable("busy", "too many host calls at the same time");
                return self.send(number, reply(id, Err(error)));
            }
        };
        let lane = Arc::clone(&self.lane);
        let work = async move {
            let serving = generation.build.grant.serve(call, &asked.method, &asked.payload);
            let answer = trace::within(trace, serving).await;
            if lane.host_called(number, call, id) && !generation.link.send(reply(id, answer)) {
                generation.link.kill();
            }
        };
        actix::spawn(Abortable::new(work, registration));
    }

    /// Writes a line of the plugin to the log, if it has not written too many this second.
    pub(super) fn log(&mut self, number: u64, line: &Frame, trace: Option<Trace>) {
        let Some(generation) = self.generation(number).map(Arc::clone) else { return };
        let grant = &generation.build.grant;
        let level = match line.code {
            1 => LogLevel::Error,
            2 => LogLevel::Warn,
            3 => LogLevel::Info,
            _ => LogLevel::Debug,
        };
        let text = String::from_utf8_lossy(line.payload.get(..MAX_LINE).unwrap_or(&line.payload));
        match self.log_budget.spend(Instant::now()) {
            Spent::Within => grant.log(line.call, trace, level, &text),
            Spent::Last => {
                let notice = format!("more than {LINES_PER_SECOND} lines in a second; the rest is dropped");
                grant.log(line.call, trace, LogLevel::Warn, &notice);
            }
            Spent::Over => {}
        }
    }
}

fn reply(id: u64, answer: Result<Vec<u8>, PluginError>) -> Frame {
    let (code, payload) = match answer {
        Ok(bytes) => (code::OK, bytes),
        Err(error) => failure(code::ERROR, &error),
    };
    Frame::new(Tag::HostReply, id, payload).with_code(code)
}

/// Lines that may still be written in this second.
pub(super) struct LogBudget {
    since: Instant,
    lines: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum Spent {
    Within,
    /// The first that is too many.
    Last,
    Over,
}

impl LogBudget {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), lines: 0 }
    }

    fn spend(&mut self, now: Instant) -> Spent {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            *self = Self { since: now, lines: 0 };
        }
        self.lines = self.lines.saturating_add(1);
        match self.lines.cmp(&(LINES_PER_SECOND + 1)) {
            Ordering::Less => Spent::Within,
            Ordering::Equal => Spent::Last,
            Ordering::Greater => Spent::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_cut_and_said_once_per_second() {
        let mut budget = LogBudget::new();
        let start = Instant::now();
        for second in 0..3 {
            let now = start + Duration::from_millis(1001 * second);
            let spent: Vec<_> = (0..500).map(|_| budget.spend(now)).collect();
            let count = |what: Spent| spent.iter().filter(|s| **s == what).count();
            assert_eq!((count(Spent::Within), count(Spent::Last), count(Spent::Over)), (200, 1, 299));
        }
    }
}
