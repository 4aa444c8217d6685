//! The rule about migrations: what one database gets, the other gets too, and it can be undone.

use std::collections::BTreeSet;

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
}
