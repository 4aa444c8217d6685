//! The host's end of a running plugin: frames out, frames in, and the end of it.

use super::{child::child_command, frame::Frame, runner::Runner};
use crate::{Isolation, Settings};
use std::{io, os::unix::net::UnixStream as StdStream, path::PathBuf, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixStream, unix::OwnedReadHalf},
    process::{Child, ChildStderr, Command},
    sync::{Notify, mpsc},
};

/// Frames that may wait on their way out; more means that nobody reads at the other end.
const OUTBOX: usize = 1024;
/// Frames that may wait on their way in; the plugin's threads wait when there are more.
const INBOX: usize = 64;

/// What comes from a plugin.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    Frame(Frame),
    /// The process is gone; how it ended.
    Closed(String),
}

/// A running plugin.
pub(crate) struct Link {
    way: Way,
    pid: Option<u32>,
}

enum Way {
    Child { outbox: mpsc::Sender<Frame>, kill: Arc<Notify> },
    Threads(Arc<Runner>),
}

impl Link {
    /// Starts the plugin and answers its events. Must be called on a Tokio runtime.
    pub(crate) fn start(
        settings: &Settings,
        isolation: Isolation,
        id: &str,
        memory_mib: u64,
        library: PathBuf,
    ) -> io::Result<(Self, mpsc::Receiver<LinkEvent>)> {
        let (events, inbox) = mpsc::channel(INBOX);
        let link = match isolation {
            Isolation::Process => start_child(settings, id, memory_mib, &library, events)?,
            Isolation::InProcess => {
                // Sent from threads of the plugin, never from the runtime.
                let send = move |frame| events.blocking_send(LinkEvent::Frame(frame)).is_ok();
                Self { way: Way::Threads(Runner::start(library, Box::new(send))), pid: None }
            }
        };
        Ok((link, inbox))
    }

    /// Process id of the child, if it is one.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Sends a frame; false when the plugin does not take it, which is as good as a crash.
    pub(crate) fn send(&self, frame: Frame) -> bool {
        match &self.way {
            Way::Child { outbox, .. } => outbox.try_send(frame).is_ok(),
            Way::Threads(runner) => {
                runner.accept(frame);
                true
            }
        }
    }

    /// Ends a child process; `Closed` follows. Threads cannot be ended.
    pub(crate) fn kill(&self) {
        if let Way::Child { kill, .. } = &self.way {
            kill.notify_one();
        }
    }
}

fn start_child(
    settings: &Settings,
    id: &str,
    memory_mib: u64,
    library: &std::path::Path,
    events: mpsc::Sender<LinkEvent>,
) -> io::Result<Link> {
    let (ours, theirs) = StdStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut command = Command::from(child_command(settings, memory_mib, library, theirs));
    command.stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    drop(command);
    let pid = child.id();
    let (reader, mut writer) = UnixStream::from_std(ours)?.into_split();
    let (outbox, mut outgoing) = mpsc::channel::<Frame>(OUTBOX);
    let kill = Arc::new(Notify::new());
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(report_stderr(id.to_owned(), stderr));
    }
    tokio::spawn(async move {
        while let Some(frame) = outgoing.recv().await {
            if writer.write_all(&frame.encode()).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(read_child(child, reader, events, Arc::clone(&kill)));
    Ok(Link { way: Way::Child { outbox, kill }, pid })
}

/// Passes frames on until the child ends, by itself, by our hand or by breaking the protocol.
async fn read_child(mut child: Child, reader: OwnedReadHalf, events: mpsc::Sender<LinkEvent>, kill: Arc<Notify>) {
    let mut reader = BufReader::new(reader);
    let cause = loop {
        tokio::select! {
            frame = Frame::read_async(&mut reader) => match frame {
                Ok(frame) => {
                    if events.send(LinkEvent::Frame(frame)).await.is_err() {
                        break None;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::InvalidData => break Some("it broke the protocol".to_owned()),
                Err(_) => break None,
            },
            () = kill.notified() => break Some("it was killed because a call did not return".to_owned()),
        }
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
    let _ = events.send(LinkEvent::Closed(ended)).await;
}

/// Standard error is for developers: what is printed there may hold anything.
async fn report_stderr(plugin: String, mut stderr: ChildStderr) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
        let text = String::from_utf8_lossy(chunk.get(..length).unwrap_or_default()).into_owned();
        tracing::debug!(plugin, "{}", text.trim_end());
    }
}
