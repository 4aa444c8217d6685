//! What checks of camera, microphone and network found; the newest of each participant.

use std::collections::HashMap;

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key, keys},
};
use consilium_kernel::{ConsultationId, Timestamp, UserId};
use diesel::prelude::*;

use super::tables::device_check as check;
use crate::model::{Consultation, DeviceCheck, Part};

/// Keeps a check in place of the one before.
pub(crate) fn save_device_check(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    (user, role): (UserId, Part),
    found: &DeviceCheck,
) -> Result<()> {
    let values = (
        check::camera.eq(found.camera.to_string()),
        check::microphone.eq(found.microphone.to_string()),
        check::bandwidth_kbps.eq(found.bandwidth_kbps),
        check::browser.eq(&found.browser),
        check::checked_at.eq(at(found.checked_at)),
    );
    let row = check::table.find((key(consultation.id), key(user)));
    if diesel::update(row).set(values).execute(tx.connection())? == 0 {
        diesel::insert_into(check::table)
            .values((
                check::consultation_id.eq(key(consultation.id)),
                check::user_id.eq(key(user)),
                check::facility_id.eq(key(consultation.facility_id)),
                check::role.eq(role.to_string()),
                check::camera.eq(found.camera.to_string()),
                check::microphone.eq(found.microphone.to_string()),
                check::bandwidth_kbps.eq(found.bandwidth_kbps),
                check::browser.eq(&found.browser),
                check::checked_at.eq(at(found.checked_at)),
            ))
            .execute(tx.connection())?;
    }
    Ok(())
}

/// The patients' checks of these consultations.
pub(crate) fn device_checks(
    session: &mut Session<'_>,
    ids: &[ConsultationId],
) -> Result<HashMap<ConsultationId, DeviceCheck>> {
    type Row = (ConsultationId, String, String, Option<i32>, Option<String>, Timestamp);
    let rows: Vec<Row> = check::table
        .filter(check::consultation_id.eq_any(keys(ids.iter().copied())))
        .filter(check::role.eq(Part::Patient.to_string()))
        .select((
            check::consultation_id,
            check::camera,
            check::microphone,
            check::bandwidth_kbps,
            check::browser,
            check::checked_at,
        ))
        .load(session.connection())?;
    rows.into_iter()
        .map(|(id, camera, microphone, bandwidth_kbps, browser, checked_at)| {
            let unknown = |_| Error::Sealed("a device check has an unknown word");
            let (camera, microphone) = (camera.parse().map_err(unknown)?, microphone.parse().map_err(unknown)?);
            Ok((id, DeviceCheck { camera, microphone, bandwidth_kbps, browser, checked_at }))
        })
        .collect()
}
