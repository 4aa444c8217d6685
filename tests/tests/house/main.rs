//! The rules of the house, kept by a test instead of by memory: who may know whom, and what a file may hold.
//!
//! `plan.rs` says who may know whom, `model.rs` reads the workspace, `rules.rs` and `sources.rs` compare them.
//! Each rule is a function from the model to a list of violations, and is shown to catch one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod codes;
mod migrations;
mod model;
mod plan;
mod rules;
mod sources;
mod tables;

use model::House;

/// A rule that is broken, and where.
type Violations = Vec<String>;

fn assert_kept(rule: fn(&House) -> Violations) {
    let violations = rule(&House::read());
    assert!(violations.is_empty(), "\n  {}\n", violations.join("\n  "));
}

macro_rules! rules_are_kept {
    ($($name:ident: $rule:path;)*) => { $(#[test] fn $name() { assert_kept($rule); })* };
}

rules_are_kept! {
    crates_know_only_whom_the_plan_lets_them: rules::workspace_dependencies;
    libraries_are_linked_only_where_the_plan_says: rules::library_dependencies;
    every_crate_takes_the_workspace_lints: rules::workspace_lints;
    libraries_are_named_only_in_their_files: sources::guarded_names;
    rules_of_decision_are_pure: sources::pure_decisions;
    only_a_program_of_the_tests_has_a_fault: sources::faults;
    files_say_what_they_are_for: sources::opening_comment;
    files_fit_the_head: sources::length;
    files_have_telling_names: sources::telling_names;
    nothing_is_ignored_or_left_to_do: sources::nothing_unfinished;
    migrations_are_the_same_for_both_databases: migrations::same_for_both;
    each_migration_has_a_number_of_its_own: migrations::numbered_once;
    tables_are_declared_in_stores: tables::declared_in_stores;
    a_table_has_one_owner: tables::one_owner;
    sql_names_only_own_tables: tables::sql_stays_at_home;
    every_code_is_in_the_catalogue_of_errors: codes::documented;
    every_code_of_the_catalogue_can_be_answered: codes::answered;
}

#[test]
fn the_whole_workspace_was_read() {
    let house = House::read();
    let names: Vec<_> = house.crates.iter().map(|room| room.name.as_str()).collect();
    for expected in ["kernel", "db", "runtime", "plugin-host", "plugin-sdk", "api", "tests"] {
        assert!(names.contains(&expected), "{expected} is missing among {names:?}");
    }
    assert!(house.migrations.len() > 3, "the reader sees no migrations");
    let db = house.crates.iter().find(|room| room.name == "db").unwrap();
    assert!(db.files.iter().any(|file| file.mentions("diesel")), "the reader sees no imports");
    assert!(!tables::declared(db).is_empty(), "the reader sees no tables");
}
