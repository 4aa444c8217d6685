//! What PostgreSQL logs of the statements that the server sends, read back.

/// One statement with its parameters as literals of SQL, `NULL` or quoted.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The session that sent it.
    pub session: String,
    pub sql: String,
    pub parameters: Vec<String>,
}

impl Statement {
    /// Whether a parameter, or the statement itself, holds this.
    pub fn mentions(&self, what: &str) -> bool {
        self.sql.contains(what) || self.parameters.iter().any(|parameter| parameter.contains(what))
    }
}

/// Reads lines as `log_statement = all` and the default prefix make them.
pub fn read(log: &str) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    for line in log.lines() {
        let session = line.split(['[', ']']).nth(1).unwrap_or_default();
        if let Some((_, sql)) = line.split_once("LOG:  statement: ") {
            statements.push(Statement { session: session.into(), sql: sql.into(), parameters: Vec::new() });
        } else if let Some((_, sql)) = line.split_once("LOG:  execute ").and_then(|(_, rest)| rest.split_once(": ")) {
            statements.push(Statement { session: session.into(), sql: sql.into(), parameters: Vec::new() });
        } else if let Some((_, rest)) = line.split_once("DETAIL:  ").filter(|(_, rest)| rest.contains("arameters: ")) {
            // Lines of other sessions may have come in between, and what is read may begin behind the statement.
            if let Some(last) = statements.iter_mut().rev().find(|statement| statement.session == session) {
                last.parameters = parameters(rest);
            }
        }
    }
    statements
}

/// `parameters: $1 = 'it''s', $2 = NULL`
fn parameters(text: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(" = ") {
        let length = if after.starts_with('\'') { quoted(after) } else { after.find(',').unwrap_or(after.len()) };
        values.push(after[..length].to_owned());
        rest = &after[length..];
    }
    values
}

/// The length of the literal at the beginning, quotes included.
fn quoted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\''), Some(b'\'')) => at += 2,
            (Some(b'\''), _) => return at + 1,
            (Some(_), _) => at += 1,
            (None, _) => panic!("a literal that does not end: {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_two_sessions_are_told_apart() {
        let log = "2026-11-28 21:07:52.721 UTC [81] LOG:  execute __diesel_stmt_1: SELECT $1, $2, $3\n\
            2026-11-28 21:07:52.721 UTC [80] LOG:  statement: BEGIN\n\
            2026-11-28 21:07:52.722 UTC [81] DETAIL:  parameters: $1 = 'it''s = 1, ', $2 = NULL, $3 = '{}'\n";
        let statements = read(log);
        assert_eq!(statements.len(), 2);
        assert_eq!((statements[0].session.as_str(), statements[0].sql.as_str()), ("81", "SELECT $1, $2, $3"));
        assert_eq!(statements[0].parameters, ["'it''s = 1, '", "NULL", "'{}'"]);
        assert_eq!((statements[1].session.as_str(), statements[1].sql.as_str()), ("80", "BEGIN"));
        assert!(statements[0].mentions("it''s") && !statements[1].mentions("it''s"));
    }
}
