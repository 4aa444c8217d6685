//! The rows of identity. One file per thing stored; the tables stand in `tables`.

pub mod account;
pub mod lockout;
pub mod mail_token;
pub mod session;
mod tables;
