//! The tables of threads; the only place here that knows Diesel.

mod listing;
mod tables;
mod threads;

pub(crate) use listing::{Cursor, Listing, list};
pub(crate) use threads::{add, find, insert, remove, save_read, set_closed, touch};
