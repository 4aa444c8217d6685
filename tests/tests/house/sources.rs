//! Rules about files: which libraries they name, how long they are, what they must not hold.

use proc_macro2::TokenTree;

use crate::{
    Violations,
    model::{self, House, SourceFile},
    plan,
};

/// Lines that a file may have at most; about 120 are comfortable.
const LONGEST_FILE: usize = 400;

/// Names that tell nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager"];

/// Guarded libraries are named only in the files that the plan lets.
pub fn guarded_names(house: &House) -> Violations {
    let files = product_files(house);
    let pairs = files.flat_map(|file| plan::GUARDED.iter().map(move |guard| (file, guard)));
    pairs
        .filter(|(file, guard)| file.mentions(&guard.library.replace('-', "_")) && !(guard.files)(file))
        .map(|(file, guard)| format!("{} must not name {}", file.path, guard.library))
        .collect()
}

/// `decide` takes state and time in and gives events out: it awaits nothing and reaches nothing.
pub fn pure_decisions(house: &House) -> Violations {
    let impure = ["async", "await", "tokio", "fs", "net", "env", "SystemClock"];
    let decisions = product_files(house).filter(|file| file.is_named("decide"));
    decisions
        .flat_map(|file| impure.iter().map(move |word| (file, *word)))
        .filter(|(file, word)| file.mentions(word))
        .map(|(file, word)| format!("{} decides purely and must not name `{word}`", file.path))
        .collect()
}

/// What sets a fault.
const FAULTS: [&str; 2] = ["acknowledge_early", "flush_nothing"];

/// Faults that tests must notice are set by programs of theirs: what is shipped can only ask whether they are.
pub fn faults(house: &House) -> Violations {
    product_files(house)
        .filter(|file| FAULTS.iter().any(|fault| file.mentions(fault)) && !file.path.starts_with("core/db/src/"))
        .map(|file| format!("{} sets a fault that only tests may set", file.path))
        .collect()
}

/// Every file opens with `//!`: what lives here, what it must not know.
pub fn opening_comment(house: &House) -> Violations {
    all_files(house)
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{} does not open with a `//!` line", file.path))
        .collect()
}

/// No file is longer than a reader can hold.
pub fn length(house: &House) -> Violations {
    all_files(house)
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(file, lines)| format!("{} has {lines} lines, {LONGEST_FILE} at most: make it a folder", file.path))
        .collect()
}

/// No file is called by a name that fits anything.
pub fn telling_names(house: &House) -> Violations {
    all_files(house)
        .filter(|file| EMPTY_NAMES.iter().any(|name| file.is_named(name)))
        .map(|file| format!("{} has a name that tells nothing", file.path))
        .collect()
}

/// No test is switched off, and nothing is left for later.
pub fn nothing_unfinished(house: &House) -> Violations {
    all_files(house)
        .flat_map(|file| unfinished(file).into_iter().map(move |what| format!("{} holds {what}", file.path)))
        .collect()
}

fn unfinished(file: &SourceFile) -> Vec<&'static str> {
    let mut found = Vec::new();
    model::visit(&file.tokens, &mut |sequence| {
        for macro_name in ["todo", "unimplemented"] {
            if !model::macro_bodies(sequence, macro_name).is_empty() {
                found.push(if macro_name == "todo" { "todo!" } else { "unimplemented!" });
            }
        }
        let ignores = sequence.windows(2).any(|window| match window {
            [TokenTree::Punct(mark), TokenTree::Group(attribute)] if mark.as_char() == '#' => {
                mentions_ignore(attribute.stream())
            }
            _ => false,
        });
        if ignores {
            found.push("#[ignore]");
        }
    });
    found
}

/// True for `#[ignore]`, `#[ignore = "…"]` and `#[cfg_attr(…, ignore)]`.
fn mentions_ignore(attribute: proc_macro2::TokenStream) -> bool {
    let tokens: Vec<_> = attribute.into_iter().collect();
    let named = |token: &TokenTree, name: &str| matches!(token, TokenTree::Ident(word) if word == name);
    match tokens.as_slice() {
        [first, ..] if named(first, "ignore") => true,
        [first, TokenTree::Group(inner)] if named(first, "cfg_attr") => {
            inner.stream().into_iter().any(|token| named(&token, "ignore"))
        }
        _ => false,
    }
}

fn all_files(house: &House) -> impl Iterator<Item = &SourceFile> {
    house.crates.iter().flat_map(|room| &room.files)
}

/// Files of the product itself: tests beside `src/` may look into everything.
fn product_files(house: &House) -> impl Iterator<Item = &SourceFile> {
    all_files(house).filter(|file| !file.is_for_tests())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Crate;

    fn house(path: &str, text: &str) -> House {
        House {
            crates: vec![Crate { files: vec![SourceFile::new(path, text)], ..Crate::default() }],
            ..House::default()
        }
    }

    #[test]
    fn a_library_in_the_wrong_file_is_seen() {
        for (path, text, library) in [
            ("core/people/src/actor.rs", "use diesel::prelude::*;", "diesel"),
            ("core/people/src/model.rs", "#[derive(Clone)] #[diesel(table_name = users)] struct User;", "diesel"),
            ("core/people/src/model.rs", "fn f() { consilium_db::diesel::sql_query(\"\"); }", "diesel"),
            ("core/people/src/lib.rs", "macro_rules! m { () => { actix::spawn(x) } }", "actix"),
            ("core/plugin-host/src/border/link.rs", "use {std::fmt, actix as a};", "actix"),
            ("core/people/src/actor.rs", "use actix_web::web;", "actix-web"),
            ("api/src/http/routes.rs", "use actix_web_actors::ws;", "actix-web-actors"),
        ] {
            let expected = format!("{path} must not name {library}");
            assert_eq!(guarded_names(&house(path, text)), [expected], "{text}");
        }
    }

    #[test]
    fn a_library_in_its_place_and_a_comment_about_it_are_fine() {
        for (path, text) in [
            ("core/people/src/store.rs", "use diesel::prelude::*;"),
            ("core/people/src/store/profiles.rs", "use diesel::prelude::*;"),
            ("core/db/src/outbox.rs", "use diesel::prelude::*;"),
            ("core/scheduling/src/actor.rs", "use actix::prelude::*;"),
            ("api/src/ws/session.rs", "use actix_web_actors::ws;"),
            ("core/people/src/lib.rs", "//! Knows no diesel.\n/// Not diesel::x.\nconst A: &str = \"diesel\";"),
            ("core/people/tests/rows.rs", "use diesel::prelude::*;"),
            ("core/people/src/tests/rows.rs", "use diesel::prelude::*;"),
        ] {
            assert!(guarded_names(&house(path, text)).is_empty(), "{path}: {text}");
        }
    }

    #[test]
    fn an_impure_decision_is_seen() {
        let impure = house("core/scheduling/src/decide.rs", "async fn decide() {}");
        assert_eq!(pure_decisions(&impure), ["core/scheduling/src/decide.rs decides purely and must not name `async`"]);
        assert!(pure_decisions(&house("core/scheduling/src/decide.rs", "fn decide() {}")).is_empty());
    }

    #[test]
    fn a_fault_in_the_product_is_seen() {
        for fault in FAULTS {
            let text = format!("fn main() {{ consilium_db::testing::{fault}(); }}");
            let seen = faults(&house("api/src/main.rs", &text));
            assert_eq!(seen, ["api/src/main.rs sets a fault that only tests may set"]);
            assert!(faults(&house("tests/src/bin/acknowledges_early.rs", &text)).is_empty());
        }
    }

    #[test]
    fn a_silent_file_is_seen() {
        assert_eq!(opening_comment(&house("a.rs", "use std::fmt;\n//! late")).len(), 1);
        assert!(opening_comment(&house("a.rs", "//! Says what it is for.")).is_empty());
    }

    #[test]
    fn a_long_file_is_seen() {
        let lines = |count| house("a.rs", &"//! x\n".repeat(count));
        assert!(length(&lines(LONGEST_FILE)).is_empty());
        assert_eq!(length(&lines(LONGEST_FILE + 1)), ["a.rs has 401 lines, 400 at most: make it a folder"]);
    }

    #[test]
    fn a_name_for_anything_is_seen() {
        assert_eq!(telling_names(&house("api/src/http/utils.rs", "")).len(), 1);
        assert_eq!(telling_names(&house("api/src/common/mod.rs", "")).len(), 1);
        assert!(telling_names(&house("api/src/http/routes.rs", "")).is_empty());
    }

    #[test]
    fn unfinished_work_is_seen() {
        for text in [
            "fn f() { todo!() }",
            "fn f() { unimplemented!(\"later\") }",
            "#[test] #[ignore] fn f() {}",
            "mod m { #[ignore = \"slow\"] fn f() {} }",
            "#[cfg_attr(windows, ignore)] fn f() {}",
        ] {
            assert_eq!(nothing_unfinished(&house("a.rs", text)).len(), 1, "{text}");
        }
        let fine = "//! todo!() and #[ignore]\nfn ignore() { let todo = \"todo!()\"; }";
        assert!(nothing_unfinished(&house("a.rs", fine)).is_empty());
    }
}
