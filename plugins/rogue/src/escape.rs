//! Deeds against the walls of the child process. Each answers what came of it, as Rust prints results.

use nix::libc;
use std::{
    fs::File,
    hint::black_box,
    io,
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::{net::UnixStream, process::CommandExt as _},
    process::Command,
    ptr,
};

const MIB: usize = 1024 * 1024;

/// Does the deed, if it is one of these.
pub(crate) fn attempt(deed: &str, argument: &str) -> Option<String> {
    let number = || argument.parse::<usize>().unwrap_or_default();
    let process = number() as libc::pid_t;
    Some(match deed {
        "open" => format!("{:?}", File::open(argument).map(drop)),
        "write-file" => format!("{:?}", std::fs::write(argument, "plugins write no files")),
        "remove-file" => format!("{:?}", std::fs::remove_file(argument)),
        "connect" => format!("{:?}", TcpStream::connect(argument).map(drop)),
        "listen" => format!("{:?}", TcpListener::bind("127.0.0.1:0").map(drop)),
        "datagram" => format!("{:?}", UdpSocket::bind("127.0.0.1:0").map(drop)),
        "unix" => format!("{:?}", UnixStream::connect(argument).map(drop)),
        "spawn" => format!("{:?}", Command::new(argument).status()),
        "exec" => format!("{:?}", Command::new(argument).exec()),
        "allocate" => format!("{:?}", allocate(number())),
        "share-memory" => format!("{:?}", share(number())),
        "threads" => format!("{:?}", threads(number())),
        "signal" => told(|| call(libc::SYS_kill, process as i64, 0)),
        "own-the-socket" => told(|| call(libc::SYS_fcntl, 3, i64::from(libc::F_SETOWN))),
        "fork" => told(|| call(libc::SYS_clone, i64::from(libc::SIGCHLD), 0)),
        "io-uring" => told(|| call(libc::SYS_io_uring_setup, 8, 0)),
        "raise-limits" => told(raise_limits),
        "ptrace" => told(|| call(libc::SYS_ptrace, libc::PTRACE_ATTACH.into(), process as i64)),
        "read-process" => told(|| call(libc::SYS_process_vm_readv, process as i64, 0)),
        "unshare" => told(|| call(libc::SYS_unshare, i64::from(libc::CLONE_NEWUSER), 0)),
        "bpf" => told(|| call(libc::SYS_bpf, 0, 0)),
        "mount" => told(|| call(libc::SYS_mount, 0, 0)),
        "keyring" => told(|| call(libc::SYS_keyctl, 0, 0)),
        _ => return None,
    })
}

/// Memory beyond any limit, one block at a time; a process without limit gets it.
fn allocate(mebibytes: usize) -> Result<usize, String> {
    let mut blocks = Vec::new();
    for at in 0..mebibytes {
        let mut block = Vec::new();
        block.try_reserve_exact(MIB).map_err(|e| format!("at {at} MiB: {e}"))?;
        block.resize(MIB, 1_u8);
        blocks.push(black_box(block));
    }
    Ok(blocks.len())
}

/// Starts threads that wait for each other, and answers how many there were.
fn threads(count: usize) -> io::Result<usize> {
    let handles = (0..count).map(|_| std::thread::Builder::new().spawn(std::thread::yield_now));
    let handles = handles.collect::<io::Result<Vec<_>>>()?;
    Ok(handles.into_iter().filter_map(|handle| handle.join().ok()).count())
}

#[allow(unsafe_code)]
fn share(mebibytes: usize) -> io::Result<()> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, placed by the kernel and never touched.
    let mapped = unsafe { libc::mmap(ptr::null_mut(), mebibytes * MIB, protection, flags, -1, 0) };
    if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[allow(unsafe_code)]
fn raise_limits() -> i64 {
    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the limit outlives the call.
    unsafe { libc::setrlimit(libc::RLIMIT_DATA, &raw const limit) }.into()
}

/// A system call as no library would make it.
#[allow(unsafe_code)]
fn call(number: libc::c_long, first: i64, second: i64) -> i64 {
    // SAFETY: with null pointers for the rest, the kernel does harm to others at most.
    unsafe { libc::syscall(number, first, second, 0_i64, 0_i64, 0_i64, 0_i64) }
}

fn told(deed: impl FnOnce() -> i64) -> String {
    match deed() {
        -1 => format!("Err({:?})", io::Error::last_os_error()),
        done => format!("Ok({done})"),
    }
}
