//! The host's end of a running plugin: frames out, frames in, and the end of it.

use super::{
    Outward,
    child::{child_command, connection},
    frame::Frame,
    lines::LINES,
    runner::Runner,
    wire::Wire,
};
use crate::{Isolation, Settings, generation::Build};
use std::{io, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, ChildStderr, Command},
    sync::{Notify, oneshot},
};

/// A running plugin.
pub(crate) struct Link {
    way: Way,
    pid: Option<u32>,
}

enum Way {
    Child { wire: Arc<Wire>, kill: Arc<Notify> },
    Threads(Arc<Runner>),
}

impl Link {
    /// Starts the plugin. Must be called on a Tokio runtime. `heard` gets what the plugin says, on
    /// threads that may wait; the receiver gets how its process ended, after everything it said.
    pub(crate) fn start(
        settings: &Settings,
        isolation: Isolation,
        id: &str,
        build: &Build,
        heard: Outward,
    ) -> io::Result<(Self, oneshot::Receiver<String>)> {
        let (closed, ended) = oneshot::channel();
        let link = match isolation {
            Isolation::Process => start_child(settings, id, build, heard, closed)?,
            Isolation::InProcess => Self { way: Way::Threads(Runner::start(build.library.clone(), heard)), pid: None },
        };
        Ok((link, ended))
    }

    /// Process id of the child, if it is one.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Sends a frame without waiting; false when the plugin does not take it, which is as good as a crash.
    pub(crate) fn send(&self, frame: Frame) -> bool {
        match &self.way {
            Way::Child { wire, .. } => wire.send(&frame),
            Way::Threads(runner) => {
                runner.accept(frame);
                true
            }
        }
    }

    /// As [`Link::send`], for a call. The reply to one that is `swift` may be heard before this returns.
    pub(crate) fn call(&self, frame: Frame, swift: bool) -> bool {
        match &self.way {
            Way::Child { wire, .. } => wire.call(&frame, swift),
            Way::Threads(_) => self.send(frame),
        }
    }

    /// Hears replies that nobody has heard because their caller's runtime stands still.
    pub(crate) fn collect(&self) {
        if let Way::Child { wire, .. } = &self.way {
            wire.collect();
        }
    }

    /// Ends a child process. Threads cannot be ended; they go on unheard.
    pub(crate) fn kill(&self) {
        if let Way::Child { kill, .. } = &self.way {
            kill.notify_one();
        }
    }
}

fn start_child(
    settings: &Settings,
    id: &str,
    build: &Build,
    heard: Outward,
    closed: oneshot::Sender<String>,
) -> io::Result<Link> {
    let (ours, theirs, lines) = connection(LINES)?;
    let mut command = Command::from(child_command(settings, build.memory_mib, &build.library, theirs));
    command.stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    drop(command);
    let pid = child.id();
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(report_stderr(id.to_owned(), stderr));
    }
    let (wire, silent) = Wire::start(ours, lines, heard)?;
    let (wire, kill) = (Arc::new(wire), Arc::new(Notify::new()));
    let watch = watch_child(child, Arc::clone(&wire), silent, Arc::clone(&kill));
    tokio::spawn(async move {
        let _ = closed.send(watch.await);
    });
    Ok(Link { way: Way::Child { wire, kill }, pid })
}

/// Waits until the child ends: by itself, by our hand or by breaking the protocol. Says how.
async fn watch_child(
    mut child: Child,
    wire: Arc<Wire>,
    silent: oneshot::Receiver<Option<String>>,
    kill: Arc<Notify>,
) -> String {
    let cause = tokio::select! {
        cause = silent => cause.unwrap_or_default(),
        () = kill.notified() => Some("it was killed because a call did not return".to_owned()),
    };
    // The socket closes a moment before the status is there; a child that only closed it is ended.
    let wait = if cause.is_none() { Duration::from_millis(200) } else { Duration::ZERO };
    let status = tokio::time::timeout(wait, child.wait()).await;
    let ended = match status {
        Ok(Ok(status)) if cause.is_none() => status.to_string(),
        _ => {
            let _ = child.kill().await;
            cause.unwrap_or_else(|| "it closed its socket".to_owned())
        }
    };
    wire.close();
    ended
}

/// Standard error is for developers: what is printed there may hold anything.
async fn report_stderr(plugin: String, mut stderr: ChildStderr) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
        let text = String::from_utf8_lossy(chunk.get(..length).unwrap_or_default()).into_owned();
        tracing::debug!(plugin, "{}", text.trim_end());
    }
}
