//! What a plugin's author does, with the program that they get: a new plugin builds and passes
//! untouched and without the network; mistakes are explained; a pack can be made twice and trusted.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use consilium_tests::artifacts;

/// Runs in `folder`, without the network as far as cargo goes, and with one build folder for all.
fn run(folder: &Path, program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("CARGO_NET_OFFLINE", "true").env("CARGO_TERM_COLOR", "never");
    // Not those of this workspace: a stranger's cargo knows neither.
    command
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_TARGET_DIR", folder.join("target"));
    command.output().expect("it runs")
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", told(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn consilium(folder: &Path, arguments: &[&str]) -> Output {
    run(folder, &artifacts::consilium(), arguments)
}

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    run(folder, Path::new(&std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())), arguments)
}

#[test]
fn a_new_video_plugin_builds_and_passes_untouched_and_its_pack_is_reproducible() {
    let folder = tempfile::tempdir().unwrap();
    let made = good(&consilium(folder.path(), &["plugin", "new", "acme-video", "--kind", "video"]));
    assert!(made.contains("Wrote acme-video:") && made.contains("  src/lib.rs"), "{made}");
    let plugin = folder.path().join("acme-video");
    let lock = fs::read_to_string(plugin.join("Cargo.lock")).unwrap();
    good(&cargo(&plugin, &["build"]));
    // Cargo may leave packages out, but every one that it took is one that the lock file named.
    let packages = |lock: &str| -> BTreeSet<(String, String)> {
        let lock: toml::Table = lock.parse().unwrap();
        let listed = lock["package"].as_array().unwrap().iter();
        listed.map(|package| (package["name"].to_string(), package["version"].to_string())).collect()
    };
    let built = packages(&fs::read_to_string(plugin.join("Cargo.lock")).unwrap());
    assert!(built.len() > 10 && built.is_subset(&packages(&lock)), "cargo resolved anew");
    let library = "target/debug/libacme_video.so";
    let report = good(&consilium(&plugin, &["plugin", "test", library]));
    assert!(report.contains("reached gold, asked for gold"), "{report}");
    good(&cargo(&plugin, &["test"]));

    let json = good(&consilium(&plugin, &["plugin", "test", library, "--format", "json", "--only", "life."]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.get("reached"), Some(&"gold".into()));

    for name in ["one.tar.gz", "two.tar.gz"] {
        good(&consilium(&plugin, &["plugin", "pack", library, "--output", name]));
    }
    let (one, two) = (fs::read(plugin.join("one.tar.gz")).unwrap(), fs::read(plugin.join("two.tar.gz")).unwrap());
    assert_eq!(one, two, "the same files make the same bytes");
    let inspected = good(&consilium(&plugin, &["plugin", "inspect", "one.tar.gz"]));
    assert!(inspected.contains("\"id\": \"acme-video\""), "{inspected}");
    let mut damaged = one;
    let middle = damaged.len() / 2;
    *damaged.get_mut(middle).unwrap() ^= 1;
    fs::write(plugin.join("damaged.tar.gz"), damaged).unwrap();
    assert_eq!(consilium(&plugin, &["plugin", "inspect", "damaged.tar.gz"]).status.code(), Some(1));
    fs::remove_file(plugin.join("README.md")).unwrap();
    let unpacked = consilium(&plugin, &["plugin", "pack", library]);
    assert!(!unpacked.status.success() && told(&unpacked).contains("README.md"), "{}", told(&unpacked));

    let copied = folder.path().join("acme-video.so");
    let copy = copied.to_str().unwrap();
    let once = good(&consilium(&plugin, &["plugin", "dev", "--library", copy, "--rounds", "1"]));
    assert!(once.contains("live after") && copied.exists(), "{once}");
    fs::write(plugin.join("src/lib.rs"), "no Rust").unwrap();
    let broken = consilium(&plugin, &["plugin", "dev", "--library", copy, "--rounds", "1"]);
    assert!(told(&broken).contains("expected") && told(&broken).contains("the old library stays"), "{}", told(&broken));
}

#[test]
fn new_plugins_of_the_other_kinds_build_and_pass() {
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in [("acme-rx", "pharmacy"), ("acme-counts", "analytics")] {
        let directory = folder.path().join(kind);
        good(&consilium(
            folder.path(),
            &["plugin", "new", name, "--kind", kind, "--directory", directory.to_str().unwrap()],
        ));
        // One build folder for both, so that the SDK is compiled once.
        let target = folder.path().join("target");
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["test"]).current_dir(&directory).env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", &target);
        good(&build.output().unwrap());
        build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build"]).current_dir(&directory).env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", &target);
        good(&build.output().unwrap());
        let library = target.join(format!("debug/lib{}.so", name.replace('-', "_")));
        let test = ["plugin", "test", library.to_str().unwrap(), "--cassette", "tests/cassette.json"];
        let report = good(&consilium(&directory, &test));
        assert!(report.contains("reached gold, asked for gold"), "{report}");
    }
}

#[test]
fn mistakes_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, reason) in [
        (vec!["new", "Acme", "--kind", "video"], "lower case words"),
        (vec!["new", "acme", "--kind", "teleport"], "there are: video, pharmacy, analytics"),
        (vec!["new", "acme", "--kind", "video", "--directory", "."], "exists already"),
        (vec!["test", "/etc/hostname"], "cannot be loaded"),
        (vec!["test", "x.so", "--secret", "key"], "NAME=FILE"),
        (vec!["test", "x.so", "--record"], "--cassette"),
        (vec!["dev"], "--library"),
    ] {
        let output = consilium(folder.path(), &[&["plugin"], arguments.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", told(&output));
        assert!(told(&output).contains(reason), "{arguments:?}: {}", told(&output));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn a_plugin_of_the_contract_before_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = format!("OUT={}", folder.path().display());
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/example-c");
    for (flags, said) in [
        ("CFLAGS=-DVIDEO_1", "video/1: through an adapter; this release speaks video/2"),
        ("CFLAGS=", "video/2: as this release speaks it"),
    ] {
        good(&run(folder.path(), Path::new("make"), &["-B", "-s", "-C", example, &out, flags]));
        let inspected = consilium(folder.path(), &["plugin", "inspect", "libexample_c.so"]);
        good(&inspected);
        assert!(told(&inspected).contains(said), "{}", told(&inspected));
    }
}
