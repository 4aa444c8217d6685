//! `consilium demo` plays the whole main job, with every step answered as it should, on each database.
#![allow(clippy::expect_used, reason = "a panic is a failed test")]

use std::process::{Command, Output};

use consilium_db::testing::{PostgresDatabase, tally};
use consilium_tests::artifacts;

/// As many as there are; a step that is left out of the list must be missed by somebody.
const STEPS: usize = 18;

/// The plugins under the names that `scripts/build` gives them, in a folder of their own.
fn plugins() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for id in ["video-webrtc", "pharmacy-rest", "analytics"] {
        std::os::unix::fs::symlink(artifacts::plugin(id), folder.path().join(format!("{id}.so"))).expect("a link");
    }
    folder
}

fn demo(plugins: &str, database: Option<&str>) -> Output {
    let mut command = Command::new(artifacts::consilium());
    command.arg("demo").env("CONSILIUM__PLUGINS__DIRECTORY", plugins);
    if let Some(url) = database {
        command.env("CONSILIUM__DATABASE__URL", url);
    }
    command.output().expect("the demo runs")
}

fn all_went_well(database: &str, played: &Output) {
    let (told, said) = (String::from_utf8_lossy(&played.stdout), String::from_utf8_lossy(&played.stderr));
    assert_eq!(played.status.code(), Some(0), "{told}\n{said}");
    assert!(told.contains(&format!(" on {database}\n")), "{told}");
    assert!(told.contains(&format!("All {STEPS} steps went as they should: ")), "{told}");
    assert!(!told.contains("skipped") && !told.contains('\u{1b}'), "{told}");
    // What it is worth playing for, seen on the wire.
    for seen in [
        "[calendar: REQUEST TENTATIVE]",
        "[calendar: REQUEST CONFIRMED]",
        "\"position\":1",
        "\"provider\":\"video-webrtc\"",
        "exactly those that were missed",
        "%PDF",
        "{\"status\":\"dispensed\"}",
        "\"sessions\":1",
    ] {
        assert!(told.contains(seen), "{seen} is missing in\n{told}");
    }
}

#[test]
fn the_demo_plays_on_sqlite() {
    tally("sqlite");
    let plugins = plugins();
    all_went_well("SQLite", &demo(&plugins.path().display().to_string(), None));
}

#[test]
fn the_demo_plays_on_postgresql_but_not_where_data_is() {
    let (database, plugins) = (PostgresDatabase::create(), plugins());
    let folder = plugins.path().display().to_string();
    all_went_well("PostgreSQL", &demo(&folder, Some(&database.url())));
    let again = demo(&folder, Some(&database.url()));
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("the database that database.url names is in use"));
}

#[test]
fn the_demo_says_what_to_build() {
    let nothing = tempfile::tempdir().expect("a folder");
    // A copy elsewhere, so that no plugins lie beside the program either.
    let program = nothing.path().join("consilium");
    std::fs::copy(artifacts::consilium(), &program).expect("a copy");
    let played = Command::new(program).arg("demo").current_dir(&nothing).output().expect("the demo runs");
    let said = String::from_utf8_lossy(&played.stderr);
    assert_eq!(played.status.code(), Some(1), "{said}");
    assert!(said.contains("video-webrtc.so") && said.contains("make build"), "{said}");
}
