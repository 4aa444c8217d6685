//! The rules about migrations: what one database gets, the other gets too, and it can be undone; each has a number of
//! its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Violations, model::House};

/// Both databases have the same migrations, each with a way up and a way down.
pub fn same_for_both(house: &House) -> Violations {
    let present: BTreeSet<&str> = house.migrations.iter().map(String::as_str).collect();
    let names: BTreeSet<&str> = present.iter().filter_map(|path| path.split('/').nth(1)).collect();
    let databases = ["postgres", "sqlite"];
    let expected = names.iter().flat_map(|name| {
        databases.into_iter().flat_map(move |database| ["up", "down"].map(|way| format!("{database}/{name}/{way}.sql")))
    });
    expected
        .filter(|path| !present.contains(path.as_str()))
        .map(|path| format!("migrations/{path} is missing"))
        .collect()
}

/// What stands before the first `_` is all that Diesel knows a migration by: of two that share it, one is never run.
pub fn numbered_once(house: &House) -> Violations {
    let names: BTreeSet<&str> = house.migrations.iter().filter_map(|path| path.split('/').nth(1)).collect();
    let mut numbered: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in names {
        numbered.entry(name.split('_').next().unwrap_or(name)).or_default().push(name);
    }
    let shared = numbered.into_iter().filter(|(_, names)| names.len() > 1);
    shared.map(|(number, names)| format!("migrations {} share the number {number}", names.join(" and "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(paths: &[&str]) -> House {
        House { migrations: paths.iter().map(ToString::to_string).collect(), ..House::default() }
    }

    #[test]
    fn a_migration_that_one_database_lacks_is_seen() {
        let complete = ["postgres/1_a/up.sql", "postgres/1_a/down.sql", "sqlite/1_a/up.sql", "sqlite/1_a/down.sql"];
        assert!(same_for_both(&house(&complete)).is_empty());
        assert_eq!(same_for_both(&house(&complete[..3])), ["migrations/sqlite/1_a/down.sql is missing"]);
        assert_eq!(same_for_both(&house(&complete[..2])).len(), 2);
    }

    #[test]
    fn two_migrations_of_one_number_are_seen() {
        assert!(numbered_once(&house(&["sqlite/1_a/up.sql", "postgres/1_a/up.sql", "sqlite/2_b/up.sql"])).is_empty());
        let shared = ["sqlite/1_a/up.sql", "sqlite/1_b/up.sql", "sqlite/2_c/up.sql"];
        assert_eq!(numbered_once(&house(&shared)), ["migrations 1_a and 1_b share the number 1"]);
    }
}
