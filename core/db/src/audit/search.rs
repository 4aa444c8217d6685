//! Finding lines, the newest first.

use std::{fmt, str::FromStr};

use consilium_kernel::{FacilityId, Timestamp};
use diesel::{prelude::*, sql_query, sql_types as sql};
use serde::Serialize;

use super::{COLUMNS, Entry};
use crate::{
    connection::MultiBackend,
    error::Result,
    session::Session,
    types::{Instant, Uuid},
};

/// Which lines are wanted: those for which all of it is so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Written by this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<uuid::Uuid>,
    /// About this patient, or about something that events say is the patient's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<uuid::Uuid>,
    /// About this thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<uuid::Uuid>,
    /// About things of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_kind: Option<String>,
    /// That this was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Then or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Before then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// Where a line stands among the others, by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    at: Timestamp,
    id: i64,
}

impl Entry {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { at: self.at, id: self.id }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.as_microsecond(), self.id)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once('-').ok_or(())?;
        let at = Timestamp::from_microsecond(at.parse().map_err(|_| ())?).map_err(|_| ())?;
        Ok(Self { at, id: id.parse().map_err(|_| ())? })
    }
}

/// What stands for a `$n` of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Id(uuid::Uuid),
    Text(String),
    At(Timestamp),
    Number(i64),
}

/// A patient's own lines, and those about whatever an event has told to be the patient's.
const OF_PATIENT: &str =
    "entity_id IN (SELECT known.entity_id FROM audit_entry AS known WHERE known.subject_id = ? UNION SELECT ?)";

/// A facility's lines that fit, before `before`, the newest first, at most `limit`.
pub fn search(
    session: &mut Session<'_>,
    facility: FacilityId,
    filter: &Filter,
    before: Option<Place>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let (statement, values) = statement(facility, filter, before, limit);
    let mut query = sql_query(statement).into_boxed::<MultiBackend>();
    for value in values {
        query = match value {
            Value::Id(id) => query.bind::<Uuid, _>(id),
            Value::Text(text) => query.bind::<sql::Text, _>(text),
            Value::At(at) => query.bind::<Instant, _>(at),
            Value::Number(number) => query.bind::<sql::BigInt, _>(number),
        };
    }
    Ok(query.load(session.connection())?)
}

fn statement(facility: FacilityId, filter: &Filter, before: Option<Place>, limit: i64) -> (String, Vec<Value>) {
    let Filter { user_id, patient_id, entity_id, entity_kind, action, from, to } = filter;
    // The most telling first: it chooses the index. A bad choice would read all the lines of a log.
    let telling = [
        entity_id.map(|id| ("entity_id = ?", vec![Value::Id(id)])),
        patient_id.map(|id| (OF_PATIENT, vec![Value::Id(id), Value::Id(id)])),
        user_id.map(|id| ("principal_id = ?", vec![Value::Id(id)])),
    ];
    let words = [
        action.clone().map(|word| ("action = ?", vec![Value::Text(word)])),
        entity_kind.clone().map(|word| ("entity_kind = ?", vec![Value::Text(word)])),
    ];
    let mut leading: Vec<_> = telling.into_iter().flatten().collect();
    let chooses = if leading.is_empty() { 2 } else { 1 }; // a word beside the facility, or an id alone
    leading.push(("facility_id = ?", vec![Value::Id(facility.uuid())]));
    leading.extend(words.into_iter().flatten());
    let rest = leading.split_off(leading.len().min(chooses));
    let times = [
        from.map(|from| ("at >= ?", vec![Value::At(from)])),
        to.map(|to| ("at < ?", vec![Value::At(to)])),
        before.map(|place| ("(at, id) < (?, ?)", vec![Value::At(place.at), Value::Number(place.id)])),
    ];
    leading.extend(times.into_iter().flatten());

    let plain = leading.into_iter().map(|(condition, values)| (condition.to_owned(), values));
    // No index serves a condition that is asked whether it is true.
    let asked = rest.into_iter().map(|(condition, values)| (format!("({condition}) IS TRUE"), values));
    let (conditions, values): (Vec<String>, Vec<Vec<Value>>) = plain.chain(asked).unzip();
    let mut values = values.concat();
    values.push(Value::Number(limit));
    let conditions = conditions.join(" AND ");
    let text = format!("SELECT {COLUMNS} FROM audit_entry WHERE {conditions} ORDER BY at DESC, id DESC LIMIT ?");
    (numbered(&text), values)
}

/// With `$1`, `$2`, … for each `?`.
fn numbered(text: &str) -> String {
    let mut parts = text.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(1..).fold(first, |text, (part, n)| format!("{text}${n}{part}"))
}

#[cfg(test)]
mod tests {
    use consilium_kernel::DEFAULT_FACILITY;

    use super::*;
    use crate::testing::TestDb;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = sql::Text)]
        detail: String,
    }

    /// How SQLite goes about it.
    async fn plan(test: &TestDb, filter: &Filter) -> String {
        let place = "1780000000000000-7".parse().unwrap();
        let (statement, values) = statement(DEFAULT_FACILITY, filter, Some(place), 20);
        let explained = (1..=values.len()).rev().fold(statement, |text, n| text.replace(&format!("${n}"), "'1'"));
        let read = move |session: &mut Session<'_>| {
            let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {explained}")).load(session.connection())?;
            Ok(steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("\n"))
        };
        test.db.read(read).await.unwrap()
    }

    #[tokio::test]
    async fn each_filter_is_served_by_an_index_in_the_order_that_is_wanted_sqlite() {
        let test = TestDb::sqlite();
        let (id, word) = (Some(uuid::Uuid::max()), Some("login_failed".to_owned()));
        let all = Filter {
            user_id: id,
            patient_id: id,
            entity_id: id,
            entity_kind: word.clone(),
            action: word.clone(),
            from: Some(test.db.clock().now()),
            to: Some(test.db.clock().now()),
        };
        let none = Filter { from: all.from, to: all.to, ..Filter::default() };
        let cases = [
            (all.clone(), "audit_entry_entity"),
            (Filter { entity_id: None, patient_id: None, ..all.clone() }, "audit_entry_principal"),
            (Filter { action: word.clone(), entity_kind: word.clone(), ..none.clone() }, "audit_entry_action"),
            (Filter { entity_kind: word, ..none.clone() }, "audit_entry_kind"),
            (none, "audit_entry_time"),
        ];
        for (filter, index) in cases {
            let plan = plan(&test, &filter).await;
            assert!(plan.starts_with(&format!("SEARCH audit_entry USING INDEX {index} ")), "{filter:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{filter:?}: {plan}");
        }
        let plan = plan(&test, &Filter { entity_id: None, ..all }).await;
        assert!(plan.contains("SEARCH audit_entry USING INDEX audit_entry_entity "), "a patient's: {plan}");
        assert!(plan.contains("audit_entry_subject"), "a patient's: {plan}");
    }

    #[test]
    fn a_place_comes_back_as_it_was_given_out() {
        let place = Place { at: "2026-06-01T08:00:00.000001Z".parse().unwrap(), id: 7 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "-", "7", "7-", "-7", "a-b", "1-2-3", "9223372036854775807-1"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
