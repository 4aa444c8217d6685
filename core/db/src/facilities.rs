//! The facilities of a deployment: their names and time zones. Written by migrations and, later, by administration.

use consilium_kernel::{FacilityId, TimeZone};
use diesel::prelude::*;

use crate::{
    error::{Error, Result},
    session::Session,
    types::key,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    facility (id) {
        id -> Uuid,
        name -> Text,
        time_zone -> Text,
        created_at -> Instant,
    }
}

/// A clinic or hospital site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facility {
    /// Its id.
    pub id: FacilityId,
    /// As on its sign.
    pub name: String,
    /// Where it stands.
    pub time_zone: TimeZone,
}

/// One facility.
pub fn facility(session: &mut Session<'_>, id: FacilityId) -> Result<Option<Facility>> {
    let row: Option<(String, String)> = facility::table
        .find(key(id))
        .select((facility::name, facility::time_zone))
        .first(session.connection())
        .optional()?;
    let Some((name, zone)) = row else { return Ok(None) };
    let time_zone = zone.parse().map_err(|_| Error::Setup(format!("facility {id} has no usable time zone")))?;
    Ok(Some(Facility { id, name, time_zone }))
}
