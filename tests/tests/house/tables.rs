//! Rules about tables: each belongs to one crate, whose store alone declares, reads and writes it.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::{
    Violations,
    model::{self, Crate, House, SourceFile},
    plan,
};

/// Names of the tables that a crate declares, with the file.
pub fn declared(room: &Crate) -> Vec<(String, &SourceFile)> {
    let mut found = Vec::new();
    for file in room.files.iter().filter(|file| !file.is_for_tests()) {
        model::visit(&file.tokens, &mut |sequence| {
            let bodies = model::macro_bodies(sequence, "table");
            found.extend(bodies.into_iter().map(|body| (table_name(body), file)));
        });
    }
    found
}

/// `table!` stands only in stores and in `core/db`.
pub fn declared_in_stores(house: &House) -> Violations {
    let tables = house.crates.iter().flat_map(declared);
    tables
        .filter(|(_, file)| !plan::is_store(file))
        .map(|(table, file)| format!("{} declares table {table} outside a store", file.path))
        .collect()
}

/// No table is declared by two crates.
pub fn one_owner(house: &House) -> Violations {
    let mut owners: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for room in &house.crates {
        for (table, _) in declared(room) {
            let owners = owners.entry(table).or_default();
            if !owners.contains(&room.name.as_str()) {
                owners.push(&room.name);
            }
        }
    }
    owners
        .into_iter()
        .filter(|(_, owners)| owners.len() > 1)
        .map(|(table, owners)| format!("table {table} is declared by {}", owners.join(" and ")))
        .collect()
}

/// SQL written by hand names no table of another crate.
pub fn sql_stays_at_home(house: &House) -> Violations {
    let owners: Vec<_> =
        house.crates.iter().flat_map(|room| declared(room).into_iter().map(move |(table, _)| (table, room))).collect();
    let mut violations = Vec::new();
    for room in &house.crates {
        for file in room.files.iter().filter(|file| !file.is_for_tests()) {
            let used = tables_in_sql(file);
            let foreign = owners.iter().filter(|(table, owner)| owner.name != room.name && used.contains(table));
            violations.extend(
                foreign.map(|(table, owner)| format!("{} reaches into table {table} of {}", file.path, owner.name)),
            );
        }
    }
    violations
}

/// The name in the body of `table! { use …; #[…] name (key) { … } }`.
fn table_name(body: TokenStream) -> String {
    let tokens: Vec<_> = body.into_iter().collect();
    let name = tokens.windows(2).find_map(|window| match window {
        [TokenTree::Ident(name), TokenTree::Group(next)] if next.delimiter() != Delimiter::Bracket => {
            Some(name.to_string())
        }
        _ => None,
    });
    name.unwrap_or_else(|| "without a name".into())
}

/// Words that follow FROM, JOIN, INTO, UPDATE or TABLE in the texts of a file.
fn tables_in_sql(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    model::visit(&file.tokens, &mut |sequence| {
        for token in sequence {
            let TokenTree::Literal(literal) = token else { continue };
            let text = literal.to_string();
            let words: Vec<_> =
                text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
            found.extend(words.windows(2).filter_map(|pair| {
                let before = ["FROM", "JOIN", "INTO", "UPDATE", "TABLE"].contains(&pair[0]);
                before.then(|| pair[1].to_string())
            }));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "diesel::table! { use crate::X; #[sql_name = \"u\"] users (id) { id -> Text, } }";

    fn room(name: &str, path: &str, text: &str) -> Crate {
        Crate { name: name.into(), files: vec![SourceFile::new(path, text)], ..Crate::default() }
    }

    #[test]
    fn a_table_outside_a_store_is_seen() {
        let house = House { crates: vec![room("people", "core/people/src/model.rs", USERS)], ..House::default() };
        assert_eq!(declared_in_stores(&house), ["core/people/src/model.rs declares table users outside a store"]);
        let house = House { crates: vec![room("people", "core/people/src/store.rs", USERS)], ..House::default() };
        assert!(declared_in_stores(&house).is_empty());
    }

    #[test]
    fn a_table_with_two_owners_is_seen() {
        let house = House {
            crates: vec![
                room("identity", "core/identity/src/store.rs", USERS),
                room("people", "core/people/src/store.rs", USERS),
            ],
            ..House::default()
        };
        assert_eq!(one_owner(&house), ["table users is declared by identity and people"]);
    }

    #[test]
    fn sql_about_a_foreign_table_is_seen() {
        let reach = |sql: &str| House {
            crates: vec![
                room("identity", "core/identity/src/store.rs", USERS),
                room("people", "core/people/src/store.rs", &format!("const SQL: &str = \"{sql}\";")),
            ],
            ..House::default()
        };
        let expected = ["core/people/src/store.rs reaches into table users of identity"];
        assert_eq!(sql_stays_at_home(&reach("SELECT 1 FROM users WHERE id = $1")), expected);
        assert_eq!(sql_stays_at_home(&reach("SELECT 1 FROM doctors JOIN users USING (id)")), expected);
        assert!(sql_stays_at_home(&reach("SELECT users FROM doctors")).is_empty());
    }
}
