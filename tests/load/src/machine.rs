//! What is measured, and on what.

use std::{fs, process::Command};

use consilium_kernel::{Clock, SystemClock};

/// The commit of the sources, marked when they differ from it.
pub fn commit() -> String {
    told("git", &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
}

/// Processors, memory, system.
pub fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let model = model.trim_start_matches(['\t', ':', ' ']);
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    let gib = kib.unwrap_or(0_u64) as f64 / 1024.0 / 1024.0;
    let (system, busy) = (told("uname", &["-sr"]), fs::read_to_string("/proc/loadavg").unwrap_or_default());
    let busy = busy.split(' ').next().unwrap_or_default();
    let postgres = told("psql", &["--version"]);
    format!("{count} × {model}, {gib:.0} GiB, {system}, {postgres}, load average {busy} at the end of the run")
}

/// The date in UTC.
pub fn today() -> String {
    SystemClock.now().strftime("%Y-%m-%d").to_string()
}

fn told(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("it can be run");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
