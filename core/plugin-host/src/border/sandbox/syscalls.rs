//! seccomp: which system calls a plugin may make.
//!
//! A list of what is allowed, because a list of what is forbidden is wrong with every new kernel, and
//! because a plugin needs little: memory, threads, time, random numbers, and the one socket to its host,
//! open already. Two answers to the rest:
//!
//! - `ENOSYS`, as from a kernel that does not have the call. Every C library and runtime lives with that:
//!   it falls back (`clone3` to `clone`) or reports an error (`socket`, `fork`). The call costs an error,
//!   the plugin lives on.
//! - The end of the process, for what no library tries in good faith: reading another process, loading a
//!   kernel module, mounting, entering a namespace. It counts as a crash, so that it is seen, and the
//!   fifth in five minutes quarantines the plugin.

use super::{Protection, files::OPENED_TO_CHANGE};
use nix::{errno::Errno, libc};
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};
use std::collections::BTreeMap;

type Rules = BTreeMap<libc::c_long, Vec<SeccompRule>>;

/// Restricts all threads of this process.
pub(super) fn restrict() -> Protection {
    match apply() {
        Ok(()) => Protection::InForce,
        Err(Error::Backend(BackendError::InvalidTargetArch(arch))) => {
            Protection::Unavailable(format!("no filter is written for {arch}"))
        }
        Err(error) => Protection::Unavailable(format!("the kernel refuses it: {error}")),
    }
}

fn apply() -> Result<(), Error> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let unknown = SeccompAction::Errno(Errno::ENOSYS as u32);
    let allowed: BpfProgram = SeccompFilter::new(allowed()?, unknown, SeccompAction::Allow, arch)?.try_into()?;
    let fatal = FATAL.iter().map(|call| (*call, Vec::new())).collect();
    let fatal: BpfProgram =
        SeccompFilter::new(fatal, SeccompAction::Allow, SeccompAction::KillProcess, arch)?.try_into()?;
    // Both are asked about every call, and the stricter answer counts. The list of what is allowed
    // comes last: it does not allow another filter to be installed.
    apply_filter_all_threads(&fatal)?;
    apply_filter_all_threads(&allowed)
}

/// What only an attack calls.
const FATAL: &[libc::c_long] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    // The kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Namespaces and file systems.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_open_by_handle_at,
];

/// What needs no look at its arguments.
const ALLOWED: &[libc::c_long] = &[
    // Memory; `mmap` is below.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    // Threads; `clone` is below.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
    // Signals of its own.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    // Descriptors that are open, and pipes to itself; a socket cannot be made.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_recvfrom,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    // Files to be looked at and read; Landlock says which may be opened.
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    // About itself.
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_getrlimit,
    libc::SYS_getrusage,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pipe,
];

/// Kernel's `PR_SET_VMA`: names for the allocator's memory.
const PR_SET_VMA: u64 = 0x5356_4d41;
/// A new process or namespace is made by `clone` with any of these, or without `CLONE_THREAD`.
const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

fn allowed() -> Result<Rules, BackendError> {
    let mut rules: Rules = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let thread = libc::CLONE_THREAD as u64;
    let own = u64::from(std::process::id());
    let argument = |at, op, value| Ok::<_, BackendError>(vec![when(at, Len::Qword, op, value)?]);
    let word = |at, op, value| Ok::<_, BackendError>(vec![when(at, Len::Dword, op, value)?]);
    let one_of = |at, values: &[u64]| values.iter().map(|v| word(at, Op::Eq, *v)).collect::<Result<Vec<_>, _>>();
    let each = |all: Vec<Vec<SeccompCondition>>| all.into_iter().map(SeccompRule::new).collect::<Result<Vec<_>, _>>();
    for (call, conditions) in [
        (libc::SYS_clone, vec![argument(0, Op::MaskedEq(thread | NAMESPACES), thread)?]),
        // Shared memory would not count against the memory limit.
        (libc::SYS_mmap, vec![word(3, Op::MaskedEq(libc::MAP_SHARED as u64), 0)?]),
        // To whom a socket is connected already, not to an address.
        (libc::SYS_sendto, vec![argument(4, Op::Eq, 0)?]),
        (libc::SYS_openat, vec![word(2, Op::MaskedEq(OPENED_TO_CHANGE), 0)?]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, vec![word(1, Op::MaskedEq(OPENED_TO_CHANGE), 0)?]),
        // To abort itself, and nobody else.
        (libc::SYS_tgkill, vec![word(0, Op::Eq, own)?]),
        (libc::SYS_kill, vec![word(0, Op::Eq, own)?]),
        // Not F_SETOWN and F_SETSIG, by which the kernel would send any signal to anybody.
        (
            libc::SYS_fcntl,
            one_of(
                1,
                &[libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_DUPFD, libc::F_DUPFD_CLOEXEC].map(|c| c as u64),
            )?,
        ),
        (libc::SYS_prctl, one_of(0, &[libc::PR_SET_NAME as u64, libc::PR_GET_NAME as u64, PR_SET_VMA])?),
        // Its own limits, to be read only.
        (libc::SYS_prlimit64, vec![vec![when(0, Len::Dword, Op::Eq, 0)?, when(2, Len::Qword, Op::Eq, 0)?]]),
    ] {
        rules.insert(call, each(conditions)?);
    }
    Ok(rules)
}

fn when(argument: u8, length: Len, operator: Op, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, length, operator, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_both_allowed_and_fatal() {
        let allowed = allowed().unwrap();
        assert!(FATAL.iter().all(|call| !allowed.contains_key(call)));
        for forbidden in [libc::SYS_socket, libc::SYS_connect, libc::SYS_execve, libc::SYS_io_uring_setup] {
            assert!(!allowed.contains_key(&forbidden), "{forbidden}");
        }
    }
}
