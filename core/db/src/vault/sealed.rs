//! A sealed value and the place it is bound to.

use std::marker::PhantomData;

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, Queryable},
    expression::AsExpression,
    internal::derives::as_expression::Bound,
    serialize::{self, Output, ToSql},
    sql_types::Binary,
};

use crate::error::{Error, Result};

/// Where a sealed value stands. Bound into the ciphertext, so that moving it elsewhere makes it unreadable.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// Table name.
    pub table: &'static str,
    /// Column name.
    pub column: &'static str,
    /// The row's id.
    pub row: uuid::Uuid,
}

impl Cell {
    /// The cell of `column` in the row `row` of `table`.
    pub fn new(table: &'static str, column: &'static str, row: uuid::Uuid) -> Self {
        Self { table, column, row }
    }

    pub(super) fn associated_data(&self) -> Vec<u8> {
        [self.table.as_bytes(), b"\0", self.column.as_bytes(), b"\0", self.row.as_bytes()].concat()
    }
}

/// A `T` as sealed JSON: version 1, data key id (16 bytes), nonce (12), AES-256-GCM ciphertext with tag.
#[derive(Clone)]
pub struct Encrypted<T>(Vec<u8>, PhantomData<fn() -> T>);

impl<T> Encrypted<T> {
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes, PhantomData)
    }
}
impl<T> Encrypted<T> {
    /// The id of its data key, and nonce with ciphertext.
    pub(super) fn parts(&self) -> Result<(uuid::Uuid, &[u8])> {
        let (head, body) = self.0.split_at_checked(17).ok_or(Error::Sealed("too short"))?;
        let (version, id) = head.split_first().ok_or(Error::Sealed("too short"))?;
        if *version != 1 {
            return Err(Error::Sealed("unknown version"));
        }
        Ok((uuid::Uuid::from_slice(id).map_err(|_| Error::Sealed("no key id"))?, body))
    }

    /// The id of its data key; nothing for damaged bytes, of which opening will tell.
    pub(crate) fn key_id(&self) -> Option<uuid::Uuid> {
        self.parts().ok().map(|(id, _)| id)
    }
}
impl<T> std::fmt::Debug for Encrypted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encrypted(…)")
    }
}
impl<T, DB: Backend> FromSql<Binary, DB> for Encrypted<T>
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Vec::<u8>::from_sql(raw).map(Self::from_bytes)
    }
}
impl<T, DB: Backend> ToSql<Binary, DB> for Encrypted<T>
where
    Vec<u8>: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        ToSql::<Binary, DB>::to_sql(&self.0, out)
    }
}
impl<T, DB: Backend> Queryable<Binary, DB> for Encrypted<T>
where
    Self: FromSql<Binary, DB>,
{
    type Row = Self;
    fn build(row: Self) -> deserialize::Result<Self> {
        Ok(row)
    }
}
impl<T> AsExpression<Binary> for Encrypted<T> {
    type Expression = Bound<Binary, Self>;
    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}
impl<T> AsExpression<Binary> for &Encrypted<T> {
    type Expression = Bound<Binary, Self>;
    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}
