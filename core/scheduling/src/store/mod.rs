//! Scheduling's tables. Nothing outside this folder imports Diesel, and nothing here decides.

pub(crate) mod appointments;
pub(crate) mod availability;
pub(crate) mod follow_ups;
pub(crate) mod listing;
pub(crate) mod occupancy;
pub(crate) mod schedule;
#[cfg(test)]
pub(crate) mod tests;

use consilium_db::{Error, violates};

use crate::refusal::SchedulingRefusal;

mod schema {
    diesel::table! {
        use diesel::sql_types::*;
        use consilium_db::types::{Instant, Uuid};
        availability (doctor_id) {
            doctor_id -> Uuid,
            facility_id -> Uuid,
            time_zone -> Text,
            rules -> Text,
            version -> BigInt,
            updated_at -> Instant,
        }
    }

    diesel::table! {
        use diesel::sql_types::*;
        use consilium_db::types::{Instant, Uuid};
        appointment (id) {
            id -> Uuid,
            facility_id -> Uuid,
            doctor_id -> Uuid,
            patient_id -> Uuid,
            kind -> Text,
            starts_at -> Instant,
            ends_at -> Instant,
            local_start -> Text,
            time_zone -> Text,
            tzdb_version -> Text,
            status -> Text,
            revision -> BigInt,
            version -> BigInt,
            visit_type -> Text,
            is_emergency -> Bool,
            reason -> Binary,
            symptoms -> Binary,
            consultation_id -> Nullable<Uuid>,
            started_at -> Nullable<Instant>,
            created_at -> Instant,
            updated_at -> Instant,
        }
    }

    diesel::table! {
        use diesel::sql_types::*;
        use consilium_db::types::{Instant, Uuid};
        occupancy (id) {
            id -> Uuid,
            facility_id -> Uuid,
            doctor_id -> Uuid,
            source -> Text,
            appointment_id -> Nullable<Uuid>,
            starts_at -> Instant,
            ends_at -> Instant,
        }
    }

    diesel::table! {
        use diesel::sql_types::*;
        use consilium_db::types::{Instant, Uuid};
        follow_up (id) {
            id -> Uuid,
            facility_id -> Uuid,
            doctor_id -> Uuid,
            patient_id -> Uuid,
            prescription_id -> Uuid,
            after_consultation_id -> Uuid,
            visit_type -> Text,
            wanted_on -> Text,
            status -> Text,
            starts_at -> Nullable<Instant>,
            ends_at -> Nullable<Instant>,
            expires_at -> Nullable<Instant>,
            appointment_id -> Nullable<Uuid>,
            version -> BigInt,
            created_at -> Instant,
        }
    }
}

/// What a refused statement means. A held interval that the schedule did not know of means that somebody else
/// owns the schedule too: it must be loaded again, and will then say `slot_taken` itself.
fn meaning(error: diesel::result::Error) -> Error {
    if violates(&error, "occupancy_overlap") {
        return Error::VersionConflict;
    }
    if violates(&error, "appointment_patient_busy") {
        return SchedulingRefusal::PatientBusy.refusal().into();
    }
    // SQLite names the columns of a unique index instead of the index: `appointment.patient_id` alone is this one.
    if violates(&error, "appointment_one_walk_in") || violates(&error, "appointment.patient_id") {
        return SchedulingRefusal::AlreadyWaiting.refusal().into();
    }
    error.into()
}

/// A stored word that no variant has any more: damaged data.
fn unknown_word(error: strum::ParseError) -> Error {
    use serde::de::Error as _;
    Error::Shape(serde_json::Error::custom(error))
}

/// Exactly one row must have changed; none means that its version is another by now.
fn one_row(changed: usize) -> consilium_db::Result<()> {
    if changed == 1 { Ok(()) } else { Err(Error::VersionConflict) }
}
