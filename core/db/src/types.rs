//! SQL types that mean the same on both databases, and the Rust types they carry.
//!
//! | SQL type | Rust | PostgreSQL | SQLite |
//! |---|---|---|---|
//! | `Uuid` | `Uuid`, `Id<T>` | uuid | 16-byte blob |
//! | `Instant` | `Timestamp` | timestamptz | UTC text of fixed width, so that text order is time order |

use consilium_kernel::{Id, Timestamp};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, Queryable},
    internal::derives::as_expression::Bound,
    pg::{Pg, PgValue},
    query_builder::QueryId,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{self, HasSqlType, Nullable, SqlType},
    sqlite::{Sqlite, SqliteValue},
};

use crate::connection::{MultiBackend, MultiRawValue};

/// An id.
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Uuid;

/// An instant, to the microsecond.
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Text"))]
pub struct Instant;

/// What Diesel needs to know so that `$rust` can stand where `$sql` is expected.
macro_rules! carries {
    ($sql:ty => [$($generic:ident)?] $rust:ty) => {
        impl<$($generic: 'static)?> FromSql<$sql, MultiBackend> for $rust {
            fn from_sql(raw: MultiRawValue<'_>) -> deserialize::Result<Self> {
                raw.from_sql::<$rust, $sql>()
            }
        }
        impl<$($generic: 'static)?> ToSql<$sql, MultiBackend> for $rust
        where
            Self: std::fmt::Debug,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((<$sql>::default(), self));
                Ok(IsNull::No)
            }
        }
    };
}

impl HasSqlType<Uuid> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        MultiBackend::lookup_sql_type::<Uuid>(lookup)
    }
}
impl HasSqlType<Instant> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        MultiBackend::lookup_sql_type::<Instant>(lookup)
    }
}

carries!(Uuid => [T] Id<T>);
carries!(Uuid => [] uuid::Uuid);
carries!(Instant => [] Timestamp);

impl<T, DB: Backend> Queryable<Uuid, DB> for Id<T>
where
    Self: FromSql<Uuid, DB>,
{
    type Row = Self;
    fn build(row: Self) -> deserialize::Result<Self> {
        Ok(row)
    }
}
impl<DB: Backend> Queryable<Instant, DB> for Timestamp
where
    Self: FromSql<Instant, DB>,
{
    type Row = Self;
    fn build(row: Self) -> deserialize::Result<Self> {
        Ok(row)
    }
}

/// An id as a bound value. Ids and instants are foreign to Diesel and to this crate alike, so they
/// cannot be passed to `eq` directly.
pub fn key<I>(id: I) -> Bound<Uuid, I> {
    Bound::new(id)
}

/// An id or NULL as a bound value.
pub fn maybe_key<I>(id: Option<I>) -> Bound<Nullable<Uuid>, Option<I>> {
    Bound::new(id)
}

/// An instant as a bound value.
pub fn at(instant: Timestamp) -> Bound<Instant, Timestamp> {
    Bound::new(instant)
}

/// An instant or NULL as a bound value.
pub fn maybe_at(instant: Option<Timestamp>) -> Bound<Nullable<Instant>, Option<Timestamp>> {
    Bound::new(instant)
}

/// One of several ids in `eq_any`, which wants values and not bound ones.
#[derive(Debug, Clone, Copy, diesel::expression::AsExpression)]
#[diesel(sql_type = Uuid)]
pub struct AnyKey(uuid::Uuid);

/// Ids for `eq_any`.
pub fn keys<T>(ids: impl IntoIterator<Item = Id<T>>) -> Vec<AnyKey> {
    ids.into_iter().map(|id| AnyKey(id.uuid())).collect()
}

impl ToSql<Uuid, MultiBackend> for AnyKey {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Uuid, &self.0));
        Ok(IsNull::No)
    }
}
impl ToSql<Uuid, Pg> for AnyKey {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Uuid, Pg>::to_sql(&self.0, &mut out.reborrow())
    }
}
impl ToSql<Uuid, Sqlite> for AnyKey {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        ToSql::<Uuid, Sqlite>::to_sql(&self.0, out)
    }
}

impl<T> FromSql<Uuid, Pg> for Id<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <uuid::Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(value).map(Id::new)
    }
}
impl<T> ToSql<Uuid, Pg> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::Uuid, Pg>::to_sql(&self.uuid(), &mut out.reborrow())
    }
}
impl<T> FromSql<Uuid, Sqlite> for Id<T> {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        <uuid::Uuid as FromSql<Uuid, Sqlite>>::from_sql(value).map(Id::new)
    }
}
impl<T> ToSql<Uuid, Sqlite> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.uuid().as_bytes().to_vec());
        Ok(IsNull::No)
    }
}
impl FromSql<Uuid, Pg> for uuid::Uuid {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <uuid::Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(value)
    }
}
impl ToSql<Uuid, Pg> for uuid::Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::Uuid, Pg>::to_sql(self, &mut out.reborrow())
    }
}
impl FromSql<Uuid, Sqlite> for uuid::Uuid {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<sql_types::Binary, Sqlite>>::from_sql(value)?;
        Ok(uuid::Uuid::from_slice(&bytes)?)
    }
}
impl ToSql<Uuid, Sqlite> for uuid::Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Pg> for Timestamp {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        // timestamptz travels as microseconds since 2000-01-01T00:00:00Z.
        let micros = <i64 as FromSql<sql_types::BigInt, Pg>>::from_sql(value)?;
        Ok(Timestamp::from_microsecond(micros.checked_add(POSTGRES_EPOCH).ok_or("timestamp out of range")?)?)
    }
}
impl ToSql<Instant, Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::BigInt, Pg>::to_sql(&(self.as_microsecond() - POSTGRES_EPOCH), &mut out.reborrow())
    }
}
impl FromSql<Instant, Sqlite> for Timestamp {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(<String as FromSql<sql_types::Text, Sqlite>>::from_sql(value)?.parse()?)
    }
}
impl ToSql<Instant, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(format!("{self:.6}"));
        Ok(IsNull::No)
    }
}

/// 2000-01-01T00:00:00Z in microseconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
