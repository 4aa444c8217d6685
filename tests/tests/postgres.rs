//! Databases for tests: separate from each other, copied from a template once made, gone afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code")]

use consilium_db::testing::PostgresDatabase;
use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};

#[derive(diesel::QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

fn ask(connection: &mut PgConnection, sql: &str) -> String {
    sql_query(sql).get_result::<Value>(connection).expect("the query answers").value
}

#[test]
fn postgres_gives_each_test_an_empty_database_and_takes_it_back() {
    let (one, other) = (PostgresDatabase::create(), PostgresDatabase::create());
    one.connection().batch_execute("CREATE TABLE thing (id int)").unwrap();
    let found = "SELECT coalesce(to_regclass('thing')::text, 'none') AS value";
    assert_eq!(ask(&mut one.connection(), found), "thing");
    assert_eq!(ask(&mut other.connection(), found), "none");

    let (url, _still_open) = (one.url(), one.connection());
    drop(one);
    assert!(PgConnection::establish(&url).is_err(), "{url} is still there");
}

#[test]
fn postgres_commits_as_production_does_and_has_what_migrations_need() {
    let database = PostgresDatabase::create();
    let connection = &mut database.connection();
    assert_eq!(ask(connection, "SELECT current_setting('synchronous_commit') AS value"), "on");
    connection.batch_execute("CREATE EXTENSION btree_gist").unwrap();
}

#[test]
fn a_postgres_template_is_prepared_once() {
    let template = format!("template_{}", std::process::id());
    let prepare = |url: &str| {
        PgConnection::establish(url).unwrap().batch_execute("CREATE TABLE seeded (id int)").unwrap();
    };
    let copies = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut prepared = false;
                    let copy = PostgresDatabase::from_template(&template, |url| {
                        prepare(url);
                        prepared = true;
                    });
                    (prepared, ask(&mut copy.connection(), "SELECT to_regclass('seeded')::text AS value"))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(copies.iter().filter(|(prepared, _)| *prepared).count(), 1);
    assert!(copies.iter().all(|(_, table)| table == "seeded"), "{copies:?}");
}

#[test]
fn a_migrated_postgres_database_has_today_s_schema_and_nothing_else() {
    let (one, other) = (PostgresDatabase::migrated(), PostgresDatabase::migrated());
    let ran = "SELECT count(*)::text AS value FROM __diesel_schema_migrations";
    let migrations = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/postgres")).unwrap().count();
    assert_eq!(ask(&mut one.connection(), ran), migrations.to_string());
    one.connection().batch_execute("CREATE TABLE thing (id int)").unwrap();
    let found = "SELECT coalesce(to_regclass('thing')::text, 'none') AS value";
    assert_eq!(ask(&mut other.connection(), found), "none");
}
