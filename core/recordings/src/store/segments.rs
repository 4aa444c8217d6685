//! Segments as rows. Their id is that of the object that holds their bytes.

use consilium_db::{
    Result, Session, Tx,
    types::{at, key},
};
use consilium_files::{FileId, MediaType};
use diesel::prelude::*;

use super::{recording, recording_segment as segment};
use crate::model::{Recording, RecordingId, Segment};

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes down which object will hold a segment, before there is one.
pub(crate) fn announce_segment(tx: &mut Tx<'_>, of: &Recording, new: &Segment) -> Result<FileId> {
    let (object, now) = (tx.new_id(), tx.now());
    diesel::insert_into(segment::table)
        .values((
            segment::id.eq(key(object)),
            segment::recording_id.eq(key(of.id)),
            segment::facility_id.eq(key(of.facility_id)),
            segment::number.eq(new.number),
            segment::length.eq(signed(new.length)),
            segment::sha256.eq(&new.sha256),
            segment::kept.eq(false),
            segment::received_at.eq(at(now)),
        ))
        .execute(tx.connection())?;
    Ok(object)
}

/// Counts a segment of a recording that is held and says how many there are from now on.
pub(crate) fn count_segment(tx: &mut Tx<'_>, of: &Recording, object: FileId) -> Result<()> {
    diesel::update(segment::table.find(key(object))).set(segment::kept.eq(true)).execute(tx.connection())?;
    diesel::update(recording::table.find(key(of.id)))
        .set((
            recording::segments.eq(of.segments),
            recording::received.eq(signed(of.received)),
            recording::media_type.eq(of.media_type.map(MediaType::essence)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// The kept segment with this number.
pub(crate) fn kept_segment(session: &mut Session<'_>, id: RecordingId, number: i64) -> Result<Option<Segment>> {
    let row: Option<(i64, Vec<u8>)> = segment::table
        .filter(segment::recording_id.eq(key(id)).and(segment::number.eq(number)).and(segment::kept.eq(true)))
        .select((segment::length, segment::sha256))
        .first(session.connection())
        .optional()?;
    Ok(row.map(|(length, sha256)| Segment { number, length: length.unsigned_abs(), sha256 }))
}

/// The objects of kept segments with their lengths, in the order of their numbers.
pub(crate) fn kept_segments(session: &mut Session<'_>, id: RecordingId) -> Result<Vec<(FileId, u64)>> {
    let rows: Vec<(FileId, i64)> = segment::table
        .filter(segment::recording_id.eq(key(id)).and(segment::kept.eq(true)))
        .order(segment::number)
        .select((segment::id, segment::length))
        .load(session.connection())?;
    Ok(rows.into_iter().map(|(object, length)| (object, length.unsigned_abs())).collect())
}

/// All objects of segments, kept or not.
pub(crate) fn objects(session: &mut Session<'_>, id: RecordingId) -> Result<Vec<FileId>> {
    Ok(segment::table.filter(segment::recording_id.eq(key(id))).select(segment::id).load(session.connection())?)
}

/// Forgets a segment that does not count.
pub(crate) fn forget_segment(tx: &mut Tx<'_>, object: FileId) -> Result<()> {
    diesel::delete(segment::table.find(key(object)).filter(segment::kept.eq(false))).execute(tx.connection())?;
    Ok(())
}

/// Forgets all segments of a recording.
pub(crate) fn forget_segments(tx: &mut Tx<'_>, id: RecordingId) -> Result<()> {
    diesel::delete(segment::table.filter(segment::recording_id.eq(key(id)))).execute(tx.connection())?;
    Ok(())
}
