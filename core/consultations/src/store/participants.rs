//! Who is in a consultation, and how far they have read.

use consilium_db::{
    Error, Result, Session, Tx,
    types::{key, maybe_at},
};
use consilium_kernel::{ConsultationId, FacilityId, Timestamp, UserId};
use diesel::prelude::*;

use super::tables::consultation_participant as participant;
use crate::{
    model::{Consultation, Participant},
    video::Capabilities,
};

pub(crate) fn participants(session: &mut Session<'_>, id: ConsultationId) -> Result<Vec<Participant>> {
    type Row = (UserId, String, bool, Option<Timestamp>, i64, Option<String>);
    let rows: Vec<Row> = participant::table
        .filter(participant::consultation_id.eq(key(id)))
        .order(participant::user_id)
        .select((
            participant::user_id,
            participant::role,
            participant::present,
            participant::joined_at,
            participant::read_seq,
            participant::capabilities,
        ))
        .load(session.connection())?;
    rows.into_iter()
        .map(|(user_id, role, present, joined_at, read_seq, capabilities)| {
            let role = role.parse().map_err(|_| Error::Sealed("a participant has an unknown role"))?;
            let capabilities = capabilities.map(|said| said.split(',').filter_map(|one| one.parse().ok()).collect());
            Ok(Participant { user_id, role, present, joined_at, read_seq, capabilities })
        })
        .collect()
}

/// Writes the participants that `which` picks.
pub(crate) fn save_participants(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    which: impl Fn(&Participant) -> bool,
) -> Result<()> {
    for changed in consultation.participants.iter().filter(|participant| which(participant)) {
        let words = |said: &Capabilities| said.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let capabilities = changed.capabilities.as_ref().map(words);
        let row = participant::table.find((key(consultation.id), key(changed.user_id)));
        let values = (
            participant::present.eq(changed.present),
            participant::joined_at.eq(maybe_at(changed.joined_at)),
            participant::read_seq.eq(changed.read_seq),
            participant::capabilities.eq(&capabilities),
        );
        if diesel::update(row).set(values).execute(tx.connection())? == 0 {
            diesel::insert_into(participant::table)
                .values((
                    participant::consultation_id.eq(key(consultation.id)),
                    participant::user_id.eq(key(changed.user_id)),
                    participant::facility_id.eq(key(consultation.facility_id)),
                    participant::role.eq(changed.role.to_string()),
                    participant::present.eq(changed.present),
                    participant::joined_at.eq(maybe_at(changed.joined_at)),
                    participant::read_seq.eq(changed.read_seq),
                    participant::capabilities.eq(&capabilities),
                ))
                .execute(tx.connection())?;
        }
    }
    Ok(())
}

/// Everybody who is marked as present, wherever: after a restart some of them may be gone.
pub(crate) fn left_open(session: &mut Session<'_>) -> Result<Vec<(FacilityId, ConsultationId, UserId)>> {
    Ok(participant::table
        .filter(participant::present) // as the index has it
        .select((participant::facility_id, participant::consultation_id, participant::user_id))
        .load(session.connection())?)
}
