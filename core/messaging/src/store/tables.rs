//! The tables, as both databases have them.

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    thread (id) {
        id -> Uuid,
        facility_id -> Uuid,
        kind -> Text,
        patient_id -> Nullable<Uuid>,
        subject -> Binary,
        opened_by -> Uuid,
        opened_at -> Instant,
        closed_at -> Nullable<Instant>,
        closed_by -> Nullable<Uuid>,
        active_at -> Instant,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    thread_participant (thread_id, user_id) {
        thread_id -> Uuid,
        user_id -> Uuid,
        facility_id -> Uuid,
        role -> Text,
        added_at -> Instant,
        added_by -> Uuid,
        removed_at -> Nullable<Instant>,
        read_seq -> BigInt,
    }
}

diesel::joinable!(thread_participant -> thread (thread_id));
diesel::allow_tables_to_appear_in_same_query!(thread, thread_participant);
