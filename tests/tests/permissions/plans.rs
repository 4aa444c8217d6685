//! How each database finds the rows of the statements that the server sends: by an index that narrows them down, never by
//! going through a table that grows.

use std::{collections::BTreeSet, sync::Mutex};

use consilium_tests::app::TestApp;
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::{Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation},
    sql_query,
    sql_types::{Json, Text},
};
use serde_json::Value;

/// Every different statement that was sent.
static SENT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Tables that do not grow with what people do.
const SMALL: [&str; 2] = ["__diesel_schema_migrations", "webhook_subscription"];

/// From now on, every new connection of this process remembers what it is asked.
pub fn watch() {
    set_default_instrumentation(|| Some(Box::new(Watch))).expect("the first use of it");
    SENT.lock().expect("nobody panicked").clear();
}

struct Watch;

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let told = query.to_string();
            let statement = told.split(" -- binds: ").next().unwrap_or_default().trim();
            if ["SELECT", "WITH", "UPDATE", "DELETE", "INSERT"].iter().any(|verb| statement.starts_with(verb)) {
                SENT.lock().expect("nobody panicked").insert(statement.to_owned());
            }
        }
    }
}

/// Says of a statement what is wrong with how its rows are found.
type Explain = Box<dyn FnMut(&str) -> Vec<String>>;

/// Every statement sent since [`watch`] of which the database says that it goes through a table, and why.
pub fn slow_ones(app: &TestApp) -> Vec<String> {
    let sent = std::mem::take(&mut *SENT.lock().expect("nobody panicked"));
    assert!(sent.len() > 250, "only {} different statements were seen", sent.len());
    let mut explain: Explain = match app.database.strip_prefix("sqlite://") {
        Some(file) => {
            let mut database = SqliteConnection::establish(file).expect("the server's database");
            Box::new(move |statement| sqlite(&mut database, statement))
        }
        None => {
            let mut database = PgConnection::establish(&app.database).expect("the server's database");
            // Plans for whatever the parameters are, and as if every table were large: the test's are nearly empty.
            let large = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off";
            database.batch_execute(large).expect("settings");
            let partial = "SELECT indexrelid::regclass::text AS line FROM pg_index WHERE indpred IS NOT NULL";
            let partial: Vec<Line> = sql_query(partial).load(&mut database).expect("its indexes");
            let partial = partial.into_iter().map(|index| index.line).collect();
            Box::new(move |statement| postgres(&mut database, &partial, statement))
        }
    };
    // With an empty list of alternatives nothing is looked at.
    let sent = sent.iter().filter(|statement| !statement.contains("WHERE (1=0)") && !statement.contains("((1=0) AND"));
    sent.flat_map(|statement| explain(statement).into_iter().map(move |why| format!("{why}\n    {statement}")))
        .collect()
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(database: &mut SqliteConnection, query: &str) -> Vec<String> {
    let found: Vec<Line> = sql_query(query).load(database).unwrap_or_else(|error| panic!("{error}: {query}"));
    found.into_iter().map(|line| line.line).collect()
}

fn sqlite(database: &mut SqliteConnection, statement: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {statement}"))
        .load(database)
        .unwrap_or_else(|error| panic!("{error}: {statement}"));
    let sorted = steps.iter().any(|step| step.detail.contains("TEMP B-TREE FOR ORDER BY"));
    let in_order = statement.contains(" LIMIT ") && !sorted;
    steps.into_iter().map(|step| step.detail).filter(|step| goes_through(database, statement, step, in_order)).collect()
}

/// Whether a step reads a whole table or index, or all that belongs to a facility: most deployments have one. A page may be
/// read off an index in its order, if nothing is left out on the way; an index of some rows only may be read whole.
fn goes_through(database: &mut SqliteConnection, statement: &str, step: &str, in_order: bool) -> bool {
    let words: Vec<&str> = step.split_whitespace().collect();
    let whole = words[0] == "SCAN" && words[1] != "CONSTANT" && !step.contains("VIRTUAL TABLE");
    if !whole && !step.ends_with("(facility_id=?)") {
        return false;
    }
    let index = words.iter().position(|word| *word == "INDEX").map(|place| words[place + 1]);
    let (table, columns) = match index {
        Some(index) => {
            let of = lines(database, &format!("SELECT tbl_name AS line FROM sqlite_master WHERE name = '{index}'"));
            let partial =
                format!("SELECT sql AS line FROM sqlite_master WHERE name = '{index}' AND sql LIKE '% WHERE %'");
            if !lines(database, &partial).is_empty() {
                return false;
            }
            (of[0].clone(), lines(database, &format!("SELECT name AS line FROM pragma_index_info('{index}')")))
        }
        None => {
            let key = format!("SELECT name AS line FROM pragma_table_info('{}') WHERE pk > 0", words[1]);
            (words[1].to_owned(), lines(database, &key))
        }
    };
    let asked = statement.split(" WHERE ").nth(1).unwrap_or_default().split(" ORDER BY ").next().unwrap_or_default();
    let asked: Vec<&str> = asked.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let others = lines(database, &format!("SELECT name AS line FROM pragma_table_info('{table}')"));
    let left_out = others.iter().any(|column| asked.contains(&column.as_str()) && !columns.contains(column));
    !SMALL.contains(&table.as_str()) && (left_out || !in_order)
}

fn postgres(database: &mut PgConnection, partial: &BTreeSet<String>, statement: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Plan {
        #[diesel(sql_type = Json, column_name = "QUERY PLAN")]
        plan: Value,
    }
    let count = (1..).take_while(|number| statement.contains(&format!("${number}"))).count();
    let values = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    let prepared = database.batch_execute(&format!("DEALLOCATE ALL; PREPARE statement AS {statement}"));
    let explained = prepared.and_then(|()| {
        sql_query(format!("EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE statement{values}")).get_result::<Plan>(database)
    });
    let Plan { plan } = explained.unwrap_or_else(|error| panic!("{error}: {statement}"));
    let mut found = Vec::new();
    walk(&plan[0]["Plan"], &|index| statement.contains(" LIMIT ") || partial.contains(index), &mut found);
    found
}

/// The nodes of a plan that read a whole table, or a whole index that is not `short`.
fn walk(node: &Value, short: &impl Fn(&str) -> bool, found: &mut Vec<String>) {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let table = node["Relation Name"].as_str().unwrap_or_default();
    let index = node["Index Name"].as_str().unwrap_or_default();
    let whole_index = kind.starts_with("Index") && node["Index Cond"].is_null() && !short(index);
    if (kind == "Seq Scan" || whole_index) && !SMALL.contains(&table) {
        found.push(format!("{kind} of {table} by {index}"));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, short, found);
    }
}
