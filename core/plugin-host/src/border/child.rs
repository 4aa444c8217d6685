//! The child process: this program executed again with `plugin-host`. Its standard input is the
//! socket to the host; it gives up privileges, descriptors and resources, then loads the library.

use super::{
    crew::Crew,
    frame::{Frame, Tag},
    lines::{self, Voice},
    runner::Runner,
    sandbox::Sandbox,
};
use crate::Settings;
use nix::unistd;
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{
        fd::{AsFd as _, OwnedFd, RawFd},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    thread,
};

/// A socket's two ends, and the near ends of so many lines, whose far ends come with the socket's.
pub(crate) fn connection(line_count: usize) -> io::Result<(UnixStream, UnixStream, Vec<UnixStream>)> {
    let (ours, theirs) = UnixStream::pair()?;
    let near = lines::lay(&ours, line_count)?;
    Ok((ours, theirs, near))
}

/// Program, arguments and environment of the child that runs `library`. The socket becomes its
/// standard input; standard error is for the caller to choose.
pub(crate) fn child_command(settings: &Settings, memory_mib: u64, library: &Path, socket: UnixStream) -> Command {
    let (program, arguments) = settings.child_command();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg("--memory-mib")
        .arg(memory_mib.to_string())
        .arg(library)
        .env_clear()
        // A terminal's Ctrl-C is for the host, which ends its children when their calls are over.
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::null());
    command
}

/// Main function of the child. `arguments` are those after `plugin-host`:
/// `[--memory-mib N] LIBRARY`. Not for people: without the host's socket as standard input it fails.
pub fn child_main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match run(arguments.into_iter().collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plugin-host: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Vec<OsString>) -> io::Result<()> {
    let (memory_mib, library) = parse(&arguments)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "usage: plugin-host [--memory-mib N] LIBRARY"))?;
    let (socket, lines) = take_sockets()?;
    let sandbox = Sandbox::put_up(memory_mib, &library)?;
    // It is there for as long as the process.
    let socket: &'static UnixStream = Box::leak(Box::new(socket));
    // Said before the library is loaded: what comes later could be its own words.
    Frame::new(Tag::Confined, 0, serde_json::to_vec(&sandbox)?).write(&mut &*socket)?;
    let voice = Arc::new(Voice::new(socket));
    let said = Arc::clone(&voice);
    let runner = Runner::start(library, Box::new(move |frame| said.say(&frame)));
    for line in lines {
        let (runner, voice) = (Arc::clone(&runner), Arc::clone(&voice));
        thread::Builder::new().name("plugin-line".to_owned()).spawn(move || lines::serve(line, &runner, &voice))?;
    }
    Crew::serve(runner, socket)
}

fn parse(arguments: &[OsString]) -> Option<(u64, PathBuf)> {
    match arguments {
        [library] => Some((Settings::default().memory_limit_mib, library.into())),
        [flag, memory, library] if flag == OsStr::new("--memory-mib") => {
            Some((memory.to_str()?.parse().ok()?, library.into()))
        }
        _ => None,
    }
}

/// Moves the socket away from standard input, where a library could read from it by accident, and
/// closes every descriptor but it and the standard ones. Afterwards lines come over it.
fn take_sockets() -> io::Result<(UnixStream, Vec<RawFd>)> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    unistd::dup2_stdin(File::open("/dev/null")?)?;
    let socket = UnixStream::from(socket);
    socket.peer_addr()?;
    let keep = std::os::fd::AsRawFd::as_raw_fd(&socket);
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for descriptor in open.into_iter().filter(|fd| *fd > 2 && *fd != keep) {
        // The descriptor of the listing itself is closed already.
        let _ = unistd::close(descriptor);
    }
    let lines = lines::take(&socket)?;
    Ok((socket, lines))
}
