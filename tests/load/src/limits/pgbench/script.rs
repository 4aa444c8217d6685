//! A script for pgbench out of recorded statements: the same statements, with ids and times of their own each time.

use jiff::{SignedDuration, Timestamp};

use super::log::Statement;

/// Times so far ahead are what was asked for, such as the start of an appointment; others are when it happened.
const AHEAD: SignedDuration = SignedDuration::from_mins(30);

/// The main facility.
const FACILITY: &str = "00000000-0000-7000-8000-000000000001";

/// The script. `kept` are ids that exist, and so do those that are read, and the facility's: all others are made anew.
/// Times that lie ahead of `now` are moved by another multiple of five minutes in each run.
pub fn script(statements: &[Statement], kept: &[&str], now: Timestamp) -> String {
    let read = statements.iter().filter(|statement| statement.sql.starts_with("SELECT"));
    let read = read.flat_map(|statement| &statement.parameters).map(|literal| literal.trim_matches('\''));
    let kept: Vec<&str> = kept.iter().copied().chain(read).chain([FACILITY]).collect();
    let mut ids: Vec<String> = Vec::new();
    let mut script = "\\set n random(1, 4000000000000000000)\n\\set m random(1, 20000000000)\n".to_owned();
    let mut counted = false;
    for statement in statements {
        let columns = columns(&statement.sql);
        let values = statement.parameters.iter().enumerate().map(|(at, literal)| match columns.get(at).copied() {
            Some("seq" | "told_seq") if counted && literal != "NULL" => ":counted_seq".to_owned(),
            Some("client_key") => "decode(md5(:n || '') || md5(:n || ''), 'hex')".to_owned(),
            _ => value(literal, &kept, &mut ids, now),
        });
        let sql = filled(&statement.sql, &values.collect::<Vec<_>>());
        // What a counter answers stands in the statements after it.
        let counts = statement.sql.contains("topic_head") && statement.sql.contains("RETURNING");
        script += &if counts { format!("{sql} \\gset counted_\n") } else { format!("{sql};\n") };
        counted |= counts;
    }
    script
}

/// The columns of an insertion, one for each parameter; none of other statements.
fn columns(sql: &str) -> Vec<&str> {
    let list = sql.strip_prefix("INSERT INTO").and_then(|rest| rest.split(['(', ')']).nth(1)).unwrap_or_default();
    list.split(", ").map(|column| column.trim_matches('"')).collect()
}

/// The statement with its parameters put in.
fn filled(sql: &str, values: &[String]) -> String {
    let mut parts = sql.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        match part[..digits].parse::<usize>() {
            Ok(number) => filled += &values[number - 1],
            Err(_) => filled.push('$'),
        }
        filled += &part[digits..];
    }
    filled
}

fn value(literal: &str, kept: &[&str], ids: &mut Vec<String>, now: Timestamp) -> String {
    let Some(text) = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) else {
        return literal.to_owned();
    };
    if is_uuid(text) && !kept.contains(&text) {
        let number = ids.iter().position(|id| id == text).unwrap_or_else(|| {
            ids.push(text.to_owned());
            ids.len() - 1
        });
        return format!("md5(:n || '-{number}')::uuid");
    }
    match time(text) {
        Some(time) if time > now + AHEAD => format!("('{text}'::timestamptz + :m * interval '5 minutes')"),
        _ => literal.to_owned(),
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && !text.contains(|c: char| !c.is_ascii_hexdigit() && c != '-')
}

/// `2026-11-28 21:07:52.7+00`
fn time(text: &str) -> Option<Timestamp> {
    text.ends_with("+00").then(|| format!("{text}:00").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_new_and_the_same_where_they_were_and_times_ahead_move() {
        let now: Timestamp = "2026-11-28T21:00:00Z".parse().unwrap();
        let (doctor, visit) = ("01a223fc-1931-77a9-9115-84a70f4bc808", "01a223fc-1931-77a9-9115-84a70f4bc809");
        let statement = Statement {
            session: "1".to_owned(),
            sql: "INSERT INTO a VALUES ($1, $2, $3, $4, $5, $10)".to_owned(),
            parameters: [doctor, visit, "2026-11-29 10:00:00+00", "2026-11-28 21:00:01.5+00", "it''s $2"]
                .map(|text| format!("'{text}'"))
                .into_iter()
                .chain(["NULL".to_owned(), "1".to_owned(), "2".to_owned(), "3".to_owned(), "'ten'".to_owned()])
                .collect(),
        };
        let written = script(&[statement.clone(), statement], &[doctor], now);
        let insert = format!(
            "INSERT INTO a VALUES ('{doctor}', md5(:n || '-0')::uuid, \
             ('2026-11-29 10:00:00+00'::timestamptz + :m * interval '5 minutes'), '2026-11-28 21:00:01.5+00', \
             'it''s $2', 'ten');\n"
        );
        assert!(written.ends_with(&format!("{insert}{insert}")), "{written}");
    }

    #[test]
    fn what_a_counter_answers_stands_in_the_rows_after_it() {
        let statement = |sql: &str, parameters: &[&str]| Statement {
            session: "1".to_owned(),
            sql: sql.to_owned(),
            parameters: parameters.iter().map(|text| format!("'{text}'")).collect(),
        };
        let statements = [
            statement("INSERT INTO topic_head (topic, seq) VALUES ($1, 1) RETURNING seq", &["a"]),
            statement("INSERT INTO \"topic_event\" (\"topic\", \"seq\") VALUES ($1, $2)", &["a", "7"]),
        ];
        let written = script(&statements, &[], "2026-11-28T21:00:00Z".parse().unwrap());
        let lines: Vec<&str> = written.lines().skip(2).collect();
        assert_eq!(lines[0], "INSERT INTO topic_head (topic, seq) VALUES ('a', 1) RETURNING seq \\gset counted_");
        assert_eq!(lines[1], "INSERT INTO \"topic_event\" (\"topic\", \"seq\") VALUES ('a', :counted_seq);");
    }
}
