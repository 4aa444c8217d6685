//! The tables of recordings; the only place here that knows Diesel.

mod consents;
mod looks;
mod provider;
mod recordings;
mod segments;

use consilium_db::types;

pub(crate) use consents::{insert_consent, insert_hold};
pub(crate) use looks::{Look, LookId, due_looks, insert_look, next_look};
pub(crate) use provider::{
    Waiting, due_files, insert_file, list_files, lock_file, postpone_file, retry_file, settle_file, waiting_file,
};
pub(crate) use recordings::{
    Due, Work, due, find, finish_work, insert, live, lock, of_consultation, postpone, recording_key, save,
    set_progress, set_work,
};
pub(crate) use segments::{
    announce_segment, count_segment, forget_segment, forget_segments, kept_segment, kept_segments, objects,
};

diesel::table! {
    use diesel::sql_types::*;
    use super::types::{Instant, Uuid};
    recording (id) {
        id -> Uuid,
        facility_id -> Uuid,
        consultation_id -> Uuid,
        patient_id -> Uuid,
        requested_by -> Uuid,
        media -> Text,
        status -> Text,
        stopped_because -> Nullable<Text>,
        failed_because -> Nullable<Text>,
        text_version -> Text,
        recording_key -> Binary,
        media_type -> Nullable<Text>,
        segments -> BigInt,
        received -> BigInt,
        length -> Nullable<BigInt>,
        sha256 -> Nullable<Binary>,
        duration_ms -> Nullable<BigInt>,
        thumbnail -> Nullable<Binary>,
        processed_with -> Nullable<Text>,
        progress -> Integer,
        held -> Bool,
        requested_at -> Instant,
        started_at -> Nullable<Instant>,
        stopped_at -> Nullable<Instant>,
        closes_at -> Nullable<Instant>,
        ready_at -> Nullable<Instant>,
        expires_at -> Nullable<Instant>,
        work -> Nullable<Text>,
        attempts -> Integer,
        retry_at -> Instant,
        version -> BigInt,
        agreed_in -> Nullable<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::types::{Instant, Uuid};
    recording_consent (id) {
        id -> Uuid,
        recording_id -> Uuid,
        facility_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        decision -> Text,
        text_version -> Text,
        decided_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::types::{Instant, Uuid};
    recording_segment (id) {
        id -> Uuid,
        recording_id -> Uuid,
        facility_id -> Uuid,
        number -> BigInt,
        length -> BigInt,
        sha256 -> Binary,
        kept -> Bool,
        received_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::types::{Instant, Uuid};
    recording_hold (id) {
        id -> Uuid,
        recording_id -> Uuid,
        facility_id -> Uuid,
        set_by -> Uuid,
        held -> Bool,
        reason -> Binary,
        set_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::types::{Instant, Uuid};
    provider_recording (id) {
        id -> Uuid,
        facility_id -> Uuid,
        consultation_id -> Uuid,
        patient_id -> Uuid,
        provider -> Text,
        room -> Text,
        reference -> Text,
        started_at -> Instant,
        ended_at -> Nullable<Instant>,
        download -> Nullable<Binary>,
        status -> Text,
        problem -> Nullable<Text>,
        attempts -> Integer,
        retry_at -> Instant,
        reported_at -> Instant,
        settled_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::types::{Instant, Uuid};
    provider_look (id) {
        id -> Uuid,
        facility_id -> Uuid,
        consultation_id -> Uuid,
        provider -> Text,
        room -> Text,
        number -> Integer,
        due_at -> Instant,
    }
}
