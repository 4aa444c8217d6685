//! What the migrations `prescribing` and `prescription_templates` made.

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    prescription (id) {
        id -> Uuid,
        facility_id -> Uuid,
        consultation_id -> Uuid,
        doctor_id -> Uuid,
        patient_id -> Uuid,
        issued_at -> Instant,
        code_index -> Binary,
        content -> Binary,
        signature -> Binary,
        signing_key -> Text,
        withdrawn_at -> Nullable<Instant>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    pharmacy_dispatch (id) {
        id -> Uuid,
        facility_id -> Uuid,
        prescription_id -> Uuid,
        gateway -> Text,
        pharmacy_id -> Nullable<Text>,
        status -> Text,
        reference -> Nullable<Text>,
        attempts -> Integer,
        problem -> Nullable<Text>,
        requested_at -> Instant,
        updated_at -> Instant,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    prescription_template (id) {
        id -> Uuid,
        facility_id -> Uuid,
        doctor_id -> Uuid,
        content -> Binary,
        created_at -> Instant,
        updated_at -> Instant,
        version -> BigInt,
    }
}
