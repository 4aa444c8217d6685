//! The tutorial is executed, line by line: its files are written, its commands run in one shell after
//! the other, and what it says they print is what they print.
//!
//! A block ` ```toml file=acme-video/plugin.toml` is a file. In a ` ```console` block a line with `$ ` is a command
//! and what follows is its output, where `…` stands for anything, also for several lines.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a panic is a failed test")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use consilium_tests::artifacts;

/// The port that the tutorial's server listens on; the test takes a free one.
const PORT: &str = "8080";
const DONE: &str = "--- the command is over:";

#[derive(Debug, PartialEq, Eq)]
enum Step {
    File { path: String, text: String },
    Command { line: usize, command: String, output: String },
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let body: Vec<(&str, usize)> = lines.by_ref().take_while(|(line, _)| *line != "```").collect();
        if let Some((_, path)) = info.split_once(" file=") {
            let text = body.iter().map(|(line, _)| format!("{line}\n")).collect();
            steps.push(Step::File { path: path.to_owned(), text });
        } else if info == "console" {
            for (line, number) in body {
                match (line.strip_prefix("$ "), steps.last_mut()) {
                    (Some(command), _) => {
                        steps.push(Step::Command { line: number, command: command.to_owned(), output: String::new() });
                    }
                    (None, Some(Step::Command { command, output, .. })) => {
                        if command.ends_with('\\') && output.is_empty() {
                            command.push('\n');
                            command.push_str(line);
                        } else {
                            output.push_str(line);
                            output.push('\n');
                        }
                    }
                    _ => panic!("line {number}: a console block begins with a command"),
                }
            }
        } else {
            assert_eq!(info.split(',').nth(1), Some("ignore"), "line {number}: a block that is neither run nor marked");
        }
    }
    steps
}

/// Whether `said` is what the page shows.
fn fits(shown: &str, said: &str) -> bool {
    let mut parts = shown.trim_end().split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = said.trim_end().strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// One shell for the whole page, so that folders and variables stay.
struct Shell {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Shell {
    fn start(folder: &Path) -> Self {
        let program = artifacts::consilium();
        let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
        let mut child = artifacts::stranger(&mut Command::new("bash"))
            .args(["--noprofile", "--norc"])
            .current_dir(folder)
            .env("PATH", path)
            .env("HOME", std::env::var("HOME").unwrap_or_default())
            .env("CARGO_TERM_QUIET", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash");
        let mut input = child.stdin.take().unwrap();
        // Whatever runs in the background ends with the shell.
        writeln!(input, "exec 2>&1; trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT").unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    /// What a command prints, and its exit status.
    fn run(&mut self, command: &str) -> (String, i32) {
        writeln!(self.input, "{command}\necho \"{DONE} $?\"").expect("the shell lives");
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).expect("output") > 0, "the shell ended: {said}");
            // A command may end without a line break.
            if let Some((before, status)) = line.split_once(DONE) {
                said.push_str(before);
                return (said, status.trim().parse().expect("a status"));
            }
            said.push_str(&line);
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = writeln!(self.input, "exit");
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_shown_fits_or_does_not() {
    for (shown, said, fit) in [
        ("a\nb\n", "a\nb\n", true),
        ("a\nb\n", "a\nc\n", false),
        ("a … z\n", "a b\nc z\n", true),
        ("…\nb\n", "x\ny\nb\n", true),
        ("a…\n", "b\n", false),
        ("a\n", "a\nb\n", false),
        ("", "", true),
        ("", "x", false),
    ] {
        assert_eq!(fits(shown, said), fit, "{shown:?} {said:?}");
    }
}

#[test]
fn blocks_are_files_and_commands() {
    let page = "x\n```toml file=a/b.toml\nc = 1\n```\n```console\n$ one\nout\n$ two \\\n  more\n$ three\n```\n";
    let command = |line, command: &str, output: &str| Step::Command {
        line,
        command: command.to_owned(),
        output: output.to_owned(),
    };
    assert_eq!(
        steps(page),
        [
            Step::File { path: "a/b.toml".to_owned(), text: "c = 1\n".to_owned() },
            command(6, "one", "out\n"),
            command(8, "two \\\n  more", ""),
            command(10, "three", ""),
        ]
    );
}

#[test]
fn the_tutorial_does_what_it_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plugins-tutorial.md");
    let page = fs::read_to_string(page).expect("the tutorial");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let steps = steps(&page.replace(PORT, &port));
    assert!(steps.len() > 15, "the page lost its steps");
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Shell::start(folder.path());
    for step in steps {
        match step {
            Step::File { path, text } => {
                let path = folder.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Step::Command { line, command, output } => {
                let (said, status) = shell.run(&command);
                println!("$ {command}\n{said}");
                assert!(
                    fits(&output, &said),
                    "line {line}: {command}\nis shown to print\n{output}\nand prints\n{said}"
                );
                let fails = command.contains("# fails");
                assert_eq!(status != 0, fails, "line {line}: {command} ends with status {status}\n{said}");
            }
        }
    }
}
