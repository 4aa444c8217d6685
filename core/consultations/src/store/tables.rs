//! The tables, as both databases have them.

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    consultation (id) {
        id -> Uuid,
        facility_id -> Uuid,
        appointment_id -> Uuid,
        doctor_id -> Uuid,
        patient_id -> Uuid,
        kind -> Text,
        status -> Text,
        visit_type -> Text,
        is_emergency -> Bool,
        triage -> Nullable<Integer>,
        priority -> Integer,
        starts_at -> Instant,
        ends_at -> Instant,
        waiting_since -> Nullable<Instant>,
        place_at -> Nullable<Instant>,
        away_since -> Nullable<Instant>,
        started_at -> Nullable<Instant>,
        ended_at -> Nullable<Instant>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    consultation_participant (consultation_id, user_id) {
        consultation_id -> Uuid,
        user_id -> Uuid,
        facility_id -> Uuid,
        role -> Text,
        present -> Bool,
        joined_at -> Nullable<Instant>,
        read_seq -> BigInt,
        capabilities -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    participant_session (id) {
        id -> Uuid,
        consultation_id -> Uuid,
        user_id -> Uuid,
        facility_id -> Uuid,
        role -> Text,
        reconnected -> Bool,
        user_agent -> Nullable<Text>,
        device -> Nullable<Text>,
        connection -> Nullable<Text>,
        joined_at -> Instant,
        left_at -> Nullable<Instant>,
        left_because -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    consultation_video (consultation_id, number) {
        consultation_id -> Uuid,
        number -> BigInt,
        facility_id -> Uuid,
        provider -> Text,
        room -> Text,
        reason -> Text,
        chosen_at -> Instant,
        left_at -> Nullable<Instant>,
        left_because -> Nullable<Text>,
        newest -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    consultation_note (consultation_id) {
        consultation_id -> Uuid,
        facility_id -> Uuid,
        author_id -> Uuid,
        content -> Binary,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        signed -> Nullable<Binary>,
        signature -> Nullable<Binary>,
        signing_key -> Nullable<Text>,
        signed_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    note_amendment (id) {
        id -> Uuid,
        consultation_id -> Uuid,
        facility_id -> Uuid,
        number -> BigInt,
        signed -> Binary,
        signature -> Binary,
        signing_key -> Text,
        signed_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    consultation_rating (consultation_id) {
        consultation_id -> Uuid,
        id -> Uuid,
        facility_id -> Uuid,
        doctor_id -> Uuid,
        patient_id -> Uuid,
        stars -> Integer,
        content -> Binary,
        rated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    consultation_quality (consultation_id, user_id, minute, line) {
        consultation_id -> Uuid,
        user_id -> Uuid,
        minute -> Instant,
        line -> Text,
        facility_id -> Uuid,
        samples -> Integer,
        bitrate_kbps -> BigInt,
        loss -> BigInt,
        jitter_ms -> BigInt,
        round_trip_ms -> BigInt,
        frames -> BigInt,
        frame_samples -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    quality_standing (consultation_id, user_id) {
        consultation_id -> Uuid,
        user_id -> Uuid,
        facility_id -> Uuid,
        advice -> Text,
        open_minute -> Instant,
        bad_run -> Integer,
        good_run -> Integer,
        offered -> Bool,
        batches -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::Uuid;
    waiting_place (consultation_id) {
        consultation_id -> Uuid,
        facility_id -> Uuid,
        doctor_id -> Uuid,
        position -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    consultation_invitation (id) {
        id -> Uuid,
        consultation_id -> Uuid,
        facility_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        invited_at -> Instant,
        withdrawn_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    participant_media (consultation_id, user_id) {
        consultation_id -> Uuid,
        user_id -> Uuid,
        facility_id -> Uuid,
        microphone -> Bool,
        camera -> Bool,
        screen -> Bool,
        hand_raised_at -> Nullable<Instant>,
        changed_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    device_check (consultation_id, user_id) {
        consultation_id -> Uuid,
        user_id -> Uuid,
        facility_id -> Uuid,
        role -> Text,
        camera -> Text,
        microphone -> Text,
        bandwidth_kbps -> Nullable<Integer>,
        browser -> Nullable<Text>,
        checked_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    waiting_room (doctor_id) {
        doctor_id -> Uuid,
        facility_id -> Uuid,
        walk_ins -> Text,
        delayed_until -> Nullable<Instant>,
        delay_reason -> Nullable<Text>,
        delay_text -> Nullable<Binary>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    consultation_annotation (id) {
        id -> Uuid,
        consultation_id -> Uuid,
        facility_id -> Uuid,
        author_id -> Uuid,
        client_key -> Binary,
        content -> Binary,
        saved_at -> Instant,
    }
}
