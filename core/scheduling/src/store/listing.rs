//! Lists of appointments, page by page, by (start, id).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_db::{
    Result, Session,
    types::{at, key},
};
use consilium_kernel::{AppointmentId, DoctorId, PatientId, Refusal, Scope, Timestamp, not_a_cursor};
use diesel::prelude::*;

use super::{
    appointments::{AppointmentRow, Words},
    schema::appointment,
};
use crate::model::{Appointment, Page, Status};

/// Whose appointments, and which of them.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) scope: Scope,
    pub(crate) doctor_id: Option<DoctorId>,
    pub(crate) patient_id: Option<PatientId>,
    pub(crate) status: Option<Status>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    pub(crate) after: Option<Cursor>,
    pub(crate) limit: i64,
    pub(crate) words: Words,
}

/// The last appointment of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    starts_at: Timestamp,
    id: AppointmentId,
}

impl Cursor {
    /// Reads what `Display` wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_a_cursor())?;
        let (micros, id) = bytes.split_at_checked(8).ok_or_else(not_a_cursor)?;
        let micros = i64::from_be_bytes(micros.try_into().map_err(|_| not_a_cursor())?);
        Ok(Self {
            starts_at: known(Timestamp::from_microsecond(micros).map_err(|_| not_a_cursor())?),
            id: AppointmentId::new(uuid::Uuid::from_slice(id).map_err(|_| not_a_cursor())?),
        })
    }

    fn after(last: &Appointment) -> String {
        let micros = last.starts_at.as_microsecond().to_be_bytes();
        URL_SAFE_NO_PAD.encode([micros.as_slice(), last.id.uuid().as_bytes()].concat())
    }
}

/// Whether the doctor has agreed to meet the patient, or has met the patient; with `None`, whether any doctor has.
pub(crate) fn treats(
    session: &mut Session<'_>,
    scope: Scope,
    doctor: Option<DoctorId>,
    patient: PatientId,
) -> Result<bool> {
    let is = |status: Status| appointment::status.eq(status.to_string());
    let mut met = appointment::table
        .filter(appointment::facility_id.eq(key(scope.facility_id)))
        .filter(appointment::patient_id.eq(key(patient)))
        .filter(is(Status::Accepted).or(is(Status::Completed)))
        .select(appointment::id)
        .into_boxed();
    if let Some(doctor) = doctor {
        met = met.filter(appointment::doctor_id.eq(key(doctor)));
    }
    let found: Option<AppointmentId> = met.first(session.connection()).optional()?;
    Ok(found.is_some())
}

/// One page.
pub(crate) fn list(session: &mut Session<'_>, listing: &Listing) -> Result<Page<Appointment>> {
    let mut rows = appointment::table
        .filter(appointment::facility_id.eq(key(listing.scope.facility_id)))
        .select(AppointmentRow::as_select())
        .order((appointment::starts_at, appointment::id))
        .limit(listing.limit + 1)
        .into_boxed();
    if let Some(doctor_id) = listing.doctor_id {
        rows = rows.filter(appointment::doctor_id.eq(key(doctor_id)));
    }
    if let Some(patient_id) = listing.patient_id {
        rows = rows.filter(appointment::patient_id.eq(key(patient_id)));
    }
    if let Some(status) = listing.status {
        rows = rows.filter(appointment::status.eq(status.to_string()));
    }
    if let Some(from) = listing.from {
        rows = rows.filter(appointment::starts_at.ge(at(known(from))));
    }
    if let Some(to) = listing.to {
        rows = rows.filter(appointment::starts_at.lt(at(known(to))));
    }
    if let Some(Cursor { starts_at, id }) = listing.after {
        rows = rows
            .filter(appointment::starts_at.ge(at(starts_at)))
            .filter(appointment::starts_at.gt(at(starts_at)).or(appointment::id.gt(key(id))));
    }
    let mut rows: Vec<AppointmentRow> = rows.load(session.connection())?;
    let more = rows.len() as i64 > listing.limit;
    rows.truncate(usize::try_from(listing.limit).unwrap_or(usize::MAX));
    if listing.words == Words::Opened {
        session.prepare_to_open(rows.iter().map(|row| &row.reason))?;
    }
    let items = rows.into_iter().map(|row| row.open(session, listing.words)).collect::<Result<Vec<_>>>()?;
    let next_cursor = items.last().filter(|_| more).map(Cursor::after);
    Ok(Page { items, next_cursor })
}

/// PostgreSQL knows no year before 4713 BC, and there are no appointments before 1970.
fn known(instant: Timestamp) -> Timestamp {
    instant.max(Timestamp::UNIX_EPOCH)
}
