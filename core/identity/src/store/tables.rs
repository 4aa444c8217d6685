//! What the migration `identity` made.

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    account (id) {
        id -> Uuid,
        facility_id -> Uuid,
        email_index -> Binary,
        email -> Binary,
        profile -> Binary,
        password_hash -> Text,
        email_verified_at -> Nullable<Instant>,
        created_at -> Instant,
        version -> BigInt,
        deactivated_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    membership (account_id, facility_id) {
        account_id -> Uuid,
        facility_id -> Uuid,
        role -> Text,
        person_id -> Nullable<Uuid>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::Instant;
    login_failure (address) {
        address -> Binary,
        failures -> Integer,
        failed_at -> Instant,
        locked_until -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    login_session (id) {
        id -> Uuid,
        facility_id -> Uuid,
        account_id -> Uuid,
        device -> Nullable<Binary>,
        started_at -> Instant,
        refreshed_at -> Instant,
        expires_at -> Instant,
        ended_at -> Nullable<Instant>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    refresh_token (hash) {
        hash -> Binary,
        facility_id -> Uuid,
        session_id -> Uuid,
        issued_at -> Instant,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
        predecessor -> Nullable<Binary>,
        used_by -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    account_token (hash) {
        hash -> Binary,
        facility_id -> Uuid,
        purpose -> Text,
        address -> Binary,
        account_id -> Nullable<Uuid>,
        issued_at -> Instant,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(account, membership, login_session, refresh_token);
