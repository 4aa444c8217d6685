//! What participants let the others hear and see, and the drawings that were kept, sealed under the patient's key.

use consilium_db::{
    Cell, Encrypted, Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_kernel::{ConsultationId, Timestamp, UserId};
use diesel::prelude::*;

use super::tables::{consultation_annotation as annotation, participant_media as media};
use crate::{
    annotations::{Annotations, AnnotationsId, NewAnnotations, Stroke},
    media::Media,
    model::Consultation,
};

/// What is known of everybody who has ever changed something.
pub(crate) fn media(session: &mut Session<'_>, id: ConsultationId) -> Result<Vec<Media>> {
    type Row = (UserId, bool, bool, bool, Option<Timestamp>, Timestamp);
    let rows: Vec<Row> = media::table
        .filter(media::consultation_id.eq(key(id)))
        .order(media::user_id)
        .select((
            media::user_id,
            media::microphone,
            media::camera,
            media::screen,
            media::hand_raised_at,
            media::changed_at,
        ))
        .load(session.connection())?;
    Ok(rows
        .into_iter()
        .map(|(user_id, microphone, camera, screen, hand_raised_at, changed_at)| Media {
            user_id,
            microphone,
            camera,
            screen,
            hand_raised_at,
            changed_at,
        })
        .collect())
}

pub(crate) fn save_media(tx: &mut Tx<'_>, consultation: &Consultation, changed: &Media) -> Result<()> {
    let values = (
        media::microphone.eq(changed.microphone),
        media::camera.eq(changed.camera),
        media::screen.eq(changed.screen),
        media::hand_raised_at.eq(maybe_at(changed.hand_raised_at)),
        media::changed_at.eq(at(changed.changed_at)),
    );
    let row = media::table.find((key(consultation.id), key(changed.user_id)));
    if diesel::update(row).set(values).execute(tx.connection())? == 0 {
        diesel::insert_into(media::table)
            .values((
                media::consultation_id.eq(key(consultation.id)),
                media::user_id.eq(key(changed.user_id)),
                media::facility_id.eq(key(consultation.facility_id)),
                values,
            ))
            .execute(tx.connection())?;
    }
    Ok(())
}

type AnnotationRow = (AnnotationsId, UserId, Timestamp, Encrypted<Vec<Stroke>>);

fn cell(id: AnnotationsId) -> Cell {
    Cell::new("consultation_annotation", "content", id.uuid())
}

fn client_key(session: &Session<'_>, client_annotation_id: &str) -> Vec<u8> {
    session.vault().index("client_annotation_id", client_annotation_id)
}

/// The drawings of a consultation, the oldest first.
pub(crate) fn annotations(session: &mut Session<'_>, id: ConsultationId) -> Result<Vec<Annotations>> {
    let rows: Vec<AnnotationRow> = annotation::table
        .filter(annotation::consultation_id.eq(key(id)))
        .order((annotation::saved_at, annotation::id))
        .select((annotation::id, annotation::author_id, annotation::saved_at, annotation::content))
        .load(session.connection())?;
    rows.into_iter().map(|row| open(session, row)).collect()
}

pub(crate) fn count_annotations(session: &mut Session<'_>, id: ConsultationId) -> Result<i64> {
    let all = annotation::table.filter(annotation::consultation_id.eq(key(id)));
    Ok(all.count().get_result(session.connection())?)
}

/// The drawing that this author has saved under the same client id, if there is one.
pub(crate) fn annotations_saved_before(
    session: &mut Session<'_>,
    consultation: &Consultation,
    author: UserId,
    new: &NewAnnotations,
) -> Result<Option<Annotations>> {
    let client_key = client_key(session, &new.client_annotation_id);
    let row: Option<AnnotationRow> = annotation::table
        .filter(annotation::consultation_id.eq(key(consultation.id)))
        .filter(annotation::author_id.eq(key(author)))
        .filter(annotation::client_key.eq(client_key))
        .select((annotation::id, annotation::author_id, annotation::saved_at, annotation::content))
        .first(session.connection())
        .optional()?;
    row.map(|row| open(session, row)).transpose()
}

pub(crate) fn insert_annotations(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    new: &Annotations,
    client_annotation_id: &str,
) -> Result<()> {
    let content = tx.seal(consultation.patient_id.uuid(), cell(new.id), &new.strokes)?;
    let client_key = client_key(tx, client_annotation_id);
    diesel::insert_into(annotation::table)
        .values((
            annotation::id.eq(key(new.id)),
            annotation::consultation_id.eq(key(consultation.id)),
            annotation::facility_id.eq(key(consultation.facility_id)),
            annotation::author_id.eq(key(new.author_id)),
            annotation::client_key.eq(client_key),
            annotation::content.eq(content),
            annotation::saved_at.eq(at(new.saved_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

fn open(session: &mut Session<'_>, (id, author_id, saved_at, content): AnnotationRow) -> Result<Annotations> {
    Ok(Annotations { id, author_id, strokes: session.open(cell(id), &content)?, saved_at })
}
