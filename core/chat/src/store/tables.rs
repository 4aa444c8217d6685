//! The tables, as both databases have them.

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    chat_message (id) {
        id -> Uuid,
        conversation_kind -> Text,
        conversation_id -> Uuid,
        facility_id -> Uuid,
        sender_id -> Uuid,
        client_key -> Binary,
        seq -> BigInt,
        told_seq -> BigInt,
        content -> Binary,
        sent_at -> Instant,
        edited_at -> Nullable<Instant>,
        deleted_at -> Nullable<Instant>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    chat_earlier_text (id) {
        id -> Uuid,
        message_id -> Uuid,
        number -> BigInt,
        facility_id -> Uuid,
        told_seq -> BigInt,
        content -> Binary,
        written_at -> Instant,
        replaced_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    chat_notice (id) {
        id -> Uuid,
        conversation_kind -> Text,
        conversation_id -> Uuid,
        facility_id -> Uuid,
        user_id -> Uuid,
        waiting_seq -> Nullable<BigInt>,
        told_seq -> Nullable<BigInt>,
        told_at -> Nullable<Instant>,
    }
}
