//! Looks for words in all that a server leaves behind: files, every column of every table, PostgreSQL's log of writes.

use std::{collections::BTreeMap, path::Path};

use aho_corasick::AhoCorasick;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use consilium_tests::deployment::Deployment;
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Binary, Nullable, Text},
};

use crate::words::Words;

/// Bytes from one place, in lower case.
pub struct Haystack {
    place: String,
    bytes: Vec<u8>,
}

impl Haystack {
    pub fn new(place: impl Into<String>, mut bytes: Vec<u8>) -> Self {
        bytes.make_ascii_lowercase();
        Self { place: place.into(), bytes }
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Every form in which a word could be read: as it is, as hex digits, in base64 at any of three offsets.
pub struct Needles(Vec<(String, Vec<u8>)>);

impl Needles {
    pub fn of(words: &Words) -> Self {
        let mut forms = Vec::new();
        for (name, word) in words.iter() {
            forms.push((format!("{name} {word:?}"), word.to_owned()));
            forms.push((format!("{name} {word:?} in hex"), hex::encode(word)));
            for offset in 0..3 {
                // What the neighbours cannot change: the first and the last digits belong to them too.
                let padded = [&[0; 2][..offset], word.as_bytes()].concat();
                let digits = STANDARD_NO_PAD.encode(&padded);
                let (from, to) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
                forms.push((format!("{name} {word:?} in base64"), digits[from..to].to_owned()));
            }
        }
        Self(forms.into_iter().map(|(name, form)| (name, form.to_ascii_lowercase().into_bytes())).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One line for each form of a word and each place where it is, with what stands around it.
    pub fn search(&self, haystacks: &[Haystack]) -> Vec<String> {
        let automaton = AhoCorasick::new(self.0.iter().map(|(_, needle)| needle)).expect("needles");
        let mut found = BTreeMap::new();
        for Haystack { place, bytes } in haystacks {
            for hit in automaton.find_overlapping_iter(bytes) {
                let (name, _) = &self.0[hit.pattern().as_usize()];
                let around = &bytes[hit.start().saturating_sub(60)..(hit.end() + 40).min(bytes.len())];
                let line = || format!("{name} in {place} at {}: {}", hit.start(), around.escape_ascii());
                found.entry((place, hit.pattern())).or_insert_with(line);
            }
        }
        found.into_values().collect()
    }
}

/// Every file in the folder of the deployment: SQLite's three, the log, the output, copies of plugins, keys.
pub fn files(deployment: &Deployment) -> Vec<Haystack> {
    let mut found = Vec::new();
    walk(deployment.folder(), &mut found);
    found
}

fn walk(folder: &Path, found: &mut Vec<Haystack>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push(Haystack::new(format!("file {}", path.display()), bytes));
        }
    }
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    data_type: String,
}

#[derive(QueryableByName)]
struct Content {
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

/// Every column of every table, each value once; bytes as text as far as they are text.
pub fn tables(deployment: &Deployment) -> Vec<Haystack> {
    let connection = &mut PgConnection::establish(&deployment.database).unwrap();
    let columns: Vec<Column> = sql_query(
        "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema')",
    )
    .load(connection)
    .unwrap();
    assert!(columns.len() > 100, "there are more columns than {}", columns.len());
    let dump = columns.iter().map(|Column { table_name, column_name, data_type }| {
        assert_ne!(data_type, "ARRAY", "{table_name}.{column_name}: how are its bytes searched?");
        let value = match data_type.as_str() {
            "bytea" => format!("encode(\"{column_name}\", 'escape')"),
            _ => format!("\"{column_name}\"::text"),
        };
        let question = format!("SELECT string_agg({value}, E'\\n') AS text FROM \"{table_name}\"");
        let content: Content = sql_query(question).get_result(connection).unwrap();
        Haystack::new(format!("table {table_name} {column_name}"), content.text.unwrap_or_default().into_bytes())
    });
    dump.collect()
}

/// Puts a word into the database as it must not be there.
pub fn plant(deployment: &Deployment, word: &str) {
    let connection = &mut PgConnection::establish(&deployment.database).unwrap();
    let planted = format!(
        "CREATE TABLE planted AS SELECT 'a {word} z' AS as_text, '\\x00ff'::bytea || '{word}'::bytea AS as_bytes, \
         '{{\"a\": [\"{word}\"]}}'::jsonb AS as_json"
    );
    connection.batch_execute(&planted).unwrap();
}

/// Where PostgreSQL's log of writes stands; nothing for SQLite, whose log is a file.
pub fn wal_position(deployment: &Deployment) -> String {
    if deployment.database.starts_with("sqlite") {
        return String::new();
    }
    let connection = &mut PgConnection::establish(&deployment.database).unwrap();
    let now: Content = sql_query("SELECT pg_current_wal_insert_lsn()::text AS text").get_result(connection).unwrap();
    now.text.unwrap()
}

/// PostgreSQL's log of writes since then, of all databases of that server.
pub fn wal(deployment: &Deployment, since: &str) -> Vec<Haystack> {
    #[derive(QueryableByName)]
    struct Segment {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Binary)]
        bytes: Vec<u8>,
    }
    let connection = &mut PgConnection::establish(&deployment.database).unwrap();
    let names = format!(
        "SELECT name AS text FROM pg_ls_waldir() WHERE name BETWEEN pg_walfile_name('{since}') \
         AND pg_walfile_name(pg_current_wal_insert_lsn()) ORDER BY name"
    );
    let names: Vec<Content> = sql_query(names).load(connection).unwrap();
    assert!(!names.is_empty(), "the log since {since} is there");
    let read = names.into_iter().filter_map(|name| name.text).map(|name| {
        let question = format!("SELECT '{name}' AS name, pg_read_binary_file('pg_wal/{name}') AS bytes");
        let Segment { name, bytes } = sql_query(question).get_result(connection).unwrap();
        Haystack::new(format!("wal {name}"), bytes)
    });
    read.collect()
}
