//! Which video providers served a consultation.

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_kernel::{ConsultationId, FacilityId, Timestamp};
use diesel::{prelude::*, result::DatabaseErrorKind, result::Error as DieselError};

use super::tables::consultation_video as video;
use crate::{model::Consultation, video::VideoChoice};

/// The providers that served a consultation, oldest first.
pub(crate) fn videos(session: &mut Session<'_>, id: ConsultationId) -> Result<Vec<VideoChoice>> {
    type Row = (i64, String, String, String, Timestamp, Option<Timestamp>, Option<String>);
    let rows: Vec<Row> = video::table
        .filter(video::consultation_id.eq(key(id)))
        .order(video::number)
        .select((
            video::number,
            video::provider,
            video::room,
            video::reason,
            video::chosen_at,
            video::left_at,
            video::left_because,
        ))
        .load(session.connection())?;
    let choice = |(number, provider, room, reason, chosen_at, left_at, left_because)| VideoChoice {
        number,
        provider,
        room,
        reason,
        chosen_at,
        left_at,
        left_because,
    };
    Ok(rows.into_iter().map(choice).collect())
}

/// Writes the choices that are new or changed since `before`.
pub(crate) fn save_videos(tx: &mut Tx<'_>, before: &Consultation, after: &Consultation) -> Result<()> {
    let newest = if after.status.is_over() { 0 } else { after.video_number() };
    let over = after.status.is_over() && !before.status.is_over();
    for choice in &after.videos {
        let known = before.videos.iter().find(|known| known.number == choice.number);
        let is_newest = video::newest.eq(choice.number == newest);
        if known.is_some() {
            if over || known != Some(choice) || before.video_number() != after.video_number() {
                diesel::update(video::table.find((key(after.id), choice.number)))
                    .set((
                        video::left_at.eq(maybe_at(choice.left_at)),
                        video::left_because.eq(&choice.left_because),
                        is_newest,
                    ))
                    .execute(tx.connection())?;
            }
            continue;
        }
        diesel::insert_into(video::table)
            .values((
                video::consultation_id.eq(key(after.id)),
                video::number.eq(choice.number),
                video::facility_id.eq(key(after.facility_id)),
                video::provider.eq(&choice.provider),
                video::room.eq(&choice.room),
                video::reason.eq(&choice.reason),
                video::chosen_at.eq(at(choice.chosen_at)),
                is_newest,
            ))
            .execute(tx.connection())
            .map_err(|error| match error {
                // Another node chose first.
                DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::VersionConflict,
                other => other.into(),
            })?;
    }
    Ok(())
}

/// The newest choice of a consultation that is not over.
#[derive(Debug, Clone)]
pub(crate) struct LiveVideo {
    pub(crate) facility_id: FacilityId,
    pub(crate) consultation_id: ConsultationId,
    pub(crate) number: i64,
    pub(crate) provider: String,
    /// Whether it was left and there is no other.
    pub(crate) lost: bool,
}

/// The consultations that are not over and have, or had, video.
pub(crate) fn live_videos(session: &mut Session<'_>) -> Result<Vec<LiveVideo>> {
    type Row = (FacilityId, ConsultationId, i64, String, Option<Timestamp>);
    let rows: Vec<Row> = video::table
        .filter(video::newest)
        .order((video::chosen_at, video::consultation_id))
        .select((video::facility_id, video::consultation_id, video::number, video::provider, video::left_at))
        .load(session.connection())?;
    let live = |(facility_id, consultation_id, number, provider, left_at): Row| LiveVideo {
        facility_id,
        consultation_id,
        number,
        provider,
        lost: left_at.is_some(),
    };
    Ok(rows.into_iter().map(live).collect())
}

/// The consultation that is, or was, held in a provider's room; the latest one where rooms are used again.
pub(crate) fn consultation_in(session: &mut Session<'_>, provider: &str, room: &str) -> Result<Option<ConsultationId>> {
    Ok(video::table
        .filter(video::provider.eq(provider).and(video::room.eq(room)))
        .order(video::chosen_at.desc())
        .select(video::consultation_id)
        .first(session.connection())
        .optional()?)
}
