//! Who was invited.

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_kernel::{ConsultationId, Timestamp, UserId};
use diesel::prelude::*;

use super::tables::consultation_invitation as invitation;
use crate::model::{Consultation, Invitation, InvitationId};

/// The invitations of a consultation, oldest first, withdrawn ones too.
pub(crate) fn invitations(session: &mut Session<'_>, id: ConsultationId) -> Result<Vec<Invitation>> {
    type Row = (InvitationId, UserId, String, Timestamp, Option<Timestamp>);
    let rows: Vec<Row> = invitation::table
        .filter(invitation::consultation_id.eq(key(id)))
        .order(invitation::id)
        .select((
            invitation::id,
            invitation::user_id,
            invitation::role,
            invitation::invited_at,
            invitation::withdrawn_at,
        ))
        .load(session.connection())?;
    rows.into_iter()
        .map(|(id, user_id, role, invited_at, withdrawn_at)| {
            let role = role.parse().map_err(|_| Error::Sealed("an invitation has an unknown role"))?;
            Ok(Invitation { id, user_id, role, invited_at, withdrawn_at })
        })
        .collect()
}

pub(crate) fn insert_invitation(tx: &mut Tx<'_>, consultation: &Consultation, new: &Invitation) -> Result<()> {
    diesel::insert_into(invitation::table)
        .values((
            invitation::id.eq(key(new.id)),
            invitation::consultation_id.eq(key(consultation.id)),
            invitation::facility_id.eq(key(consultation.facility_id)),
            invitation::user_id.eq(key(new.user_id)),
            invitation::role.eq(new.role.to_string()),
            invitation::invited_at.eq(at(new.invited_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

pub(crate) fn withdraw_invitation(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    id: InvitationId,
    when: Timestamp,
) -> Result<()> {
    diesel::update(invitation::table.find(key(id)).filter(invitation::consultation_id.eq(key(consultation.id))))
        .set(invitation::withdrawn_at.eq(maybe_at(Some(when))))
        .execute(tx.connection())?;
    Ok(())
}
