//! Ratings: stars in a plain column, words and tags sealed under the patient's key.

use consilium_db::{
    Cell, Encrypted, MultiBackend, Result, Session, Tx,
    types::{at, key},
    violates,
};
use consilium_kernel::{ConsultationId, DoctorId, PatientId, Timestamp};
use diesel::prelude::*;

use super::tables::consultation_rating as rating;
use crate::{
    model::Consultation,
    ratings::{ConsultationRating, RatingDraft, RatingId, RatingWords},
    refusal::ConsultationRefusal::AlreadyRated,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = rating)]
struct RatingRow {
    id: RatingId,
    consultation_id: ConsultationId,
    doctor_id: DoctorId,
    patient_id: PatientId,
    stars: i32,
    content: Encrypted<RatingWords>,
    rated_at: Timestamp,
}

fn cell(id: RatingId) -> Cell {
    Cell::new("consultation_rating", "content", id.uuid())
}

pub(crate) fn is_rated(session: &mut Session<'_>, id: ConsultationId) -> Result<bool> {
    let found: Option<RatingId> =
        rating::table.find(key(id)).select(rating::id).first(session.connection()).optional()?;
    Ok(found.is_some())
}

/// Stores a rating; `already_rated` when there is one.
pub(crate) fn insert_rating(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    draft: &RatingDraft,
) -> Result<ConsultationRating> {
    let (id, now): (RatingId, _) = (tx.new_id(), tx.now());
    let words = RatingWords { text: draft.text.clone(), tags: draft.tags.clone() };
    let content = tx.seal(consultation.patient_id.uuid(), cell(id), &words)?;
    diesel::insert_into(rating::table)
        .values((
            rating::consultation_id.eq(key(consultation.id)),
            rating::id.eq(key(id)),
            rating::facility_id.eq(key(consultation.facility_id)),
            rating::doctor_id.eq(key(consultation.doctor_id)),
            rating::patient_id.eq(key(consultation.patient_id)),
            rating::stars.eq(i32::from(draft.rating)),
            rating::content.eq(content),
            rating::rated_at.eq(at(now)),
        ))
        .execute(tx.connection())
        .map_err(|error| match violates(&error, "consultation_rating") {
            true => AlreadyRated.refusal().into(),
            false => consilium_db::Error::from(error),
        })?;
    Ok(ConsultationRating {
        id,
        consultation_id: Some(consultation.id),
        patient_id: Some(consultation.patient_id),
        doctor_id: consultation.doctor_id,
        rating: draft.rating,
        text: words.text,
        tags: words.tags,
        rated_at: now,
    })
}

/// Ratings of a doctor older than `before`, the newest first.
pub(crate) fn ratings(
    session: &mut Session<'_>,
    doctor: DoctorId,
    before: Option<RatingId>,
    limit: i64,
) -> Result<Vec<ConsultationRating>> {
    let mut query = rating::table
        .filter(rating::doctor_id.eq(key(doctor)))
        .order(rating::id.desc())
        .limit(limit)
        .select(RatingRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(before) = before {
        query = query.filter(rating::id.lt(key(before)));
    }
    let rows: Vec<RatingRow> = query.load(session.connection())?;
    session.prepare_to_open(rows.iter().map(|row| &row.content))?;
    rows.into_iter()
        .map(|row| {
            let words = session.open(cell(row.id), &row.content)?;
            Ok(ConsultationRating {
                id: row.id,
                consultation_id: Some(row.consultation_id),
                patient_id: Some(row.patient_id),
                doctor_id: row.doctor_id,
                rating: u8::try_from(row.stars).unwrap_or_default(),
                text: words.text,
                tags: words.tags,
                rated_at: row.rated_at,
            })
        })
        .collect()
}
