//! Statements written as SQL that a connection prepares only once.

use diesel::{
    QueryResult, RunQueryDsl,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

use crate::connection::{AnyConnection, MultiBackend};

/// A statement that each connection remembers by its text. Diesel prepares what was written as SQL anew each time, because
/// it might be another each time: two round trips to PostgreSQL instead of one, and on SQLite often most of the work.
#[derive(Debug, Clone, Copy)]
pub struct Cached<Q>(Q);

/// Makes statements [`Cached`].
pub trait Cacheable: Query + Sized {
    /// For statements of which there are few different ones.
    fn cached(self) -> Cached<Self> {
        Cached(self)
    }
}

impl<Q: Query> Cacheable for Q {}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Cached<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &MultiBackend) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Cached<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Cached<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<AnyConnection> for Cached<Q> {}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use diesel::{
        Connection, RunQueryDsl,
        connection::{Instrumentation, InstrumentationEvent},
        sql_query, sql_types as sql,
    };

    use super::Cacheable;
    use crate::testing::TestDb;

    #[derive(diesel::QueryableByName)]
    struct Answer {
        #[diesel(sql_type = sql::BigInt)]
        sum: i64,
    }

    /// Counts the statements that a connection begins to remember.
    struct Remembered(Arc<Mutex<usize>>);

    impl Instrumentation for Remembered {
        fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
            if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
                *self.0.lock().unwrap() += 1;
            }
        }
    }

    #[tokio::test]
    async fn a_cached_statement_is_prepared_once_and_answers_each_time_by_its_parameters() {
        for test in TestDb::both() {
            let count = Arc::new(Mutex::new(0));
            let remembered = count.clone();
            let sums = test.db.read(move |session| {
                let connection = session.connection();
                connection.set_instrumentation(Remembered(remembered));
                let mut sums = Vec::new();
                for number in [1, 20, 300] {
                    let statement = sql_query("SELECT CAST($1 AS bigint) + 1 AS sum").bind::<sql::BigInt, _>(number);
                    sums.push(statement.cached().get_result::<Answer>(connection)?.sum);
                }
                Ok(sums)
            });
            assert_eq!(sums.await.unwrap(), [2, 21, 301]);
            assert_eq!(*count.lock().unwrap(), 1);
        }
    }
}
