//! The tables of files and of where they are shared.

mod files;
mod shares;

use consilium_db::types;

pub use files::{
    Due, Outcome, abandon, due, file_key, find, finish_upload, forget, grow, insert, mark_deleted, postpone, settle,
    spooled, usage,
};
pub use shares::{forget_share, forget_shares, insert_share, keep_share, places, share_of, shared_after};

diesel::table! {
    use diesel::sql_types::*;
    use super::types::{Instant, Uuid};
    file (id) {
        id -> Uuid,
        facility_id -> Uuid,
        owner_id -> Uuid,
        patient_id -> Nullable<Uuid>,
        consultation_id -> Nullable<Uuid>,
        thread_id -> Nullable<Uuid>,
        status -> Text,
        media_type -> Nullable<Text>,
        length -> BigInt,
        received -> BigInt,
        spooled -> BigInt,
        sha256 -> Nullable<Binary>,
        label -> Binary,
        file_key -> Binary,
        scanned -> Bool,
        attempts -> Integer,
        retry_at -> Instant,
        expires_at -> Instant,
        created_at -> Instant,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::types::{Instant, Uuid};
    file_share (conversation_id, file_id) {
        conversation_kind -> Text,
        conversation_id -> Uuid,
        file_id -> Uuid,
        facility_id -> Uuid,
        shared_by -> Uuid,
        shared_at -> Instant,
        seq -> BigInt,
        message_id -> Nullable<Uuid>,
    }
}
