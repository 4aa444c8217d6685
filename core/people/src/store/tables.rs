//! What the migrations made.

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    doctor (id) {
        id -> Uuid,
        facility_id -> Uuid,
        user_id -> Uuid,
        display_name -> Text,
        specialty -> Nullable<Text>,
        qualifications -> Text,
        licence_number -> Nullable<Text>,
        years_of_experience -> Nullable<Integer>,
        languages -> Text,
        fee_minor -> Nullable<BigInt>,
        fee_currency -> Nullable<Text>,
        time_zone -> Text,
        photo_url -> Nullable<Text>,
        rating_sum -> BigInt,
        rating_count -> BigInt,
        status -> Text,
        status_reason -> Nullable<Text>,
        sort_name -> Text,
        search_text -> Text,
        specialty_key -> Text,
        language_keys -> Text,
        created_at -> Instant,
        version -> BigInt,
        video_provider -> Nullable<Text>,
        suspended_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    patient (id) {
        id -> Uuid,
        facility_id -> Uuid,
        user_id -> Nullable<Uuid>,
        profile -> Binary,
        created_at -> Instant,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::Uuid;
    patient_name_token (patient_id, token) {
        patient_id -> Uuid,
        token -> Binary,
        facility_id -> Uuid,
    }
}

diesel::allow_tables_to_appear_in_same_query!(patient, patient_name_token);
