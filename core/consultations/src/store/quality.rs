//! Minutes of connection quality, as sums; and what each participant was last advised.

use std::collections::BTreeMap;

use consilium_db::{
    Error, Result, Session, Tx,
    types::{at, key},
};
use consilium_kernel::{ConsultationId, Timestamp, UserId};
use diesel::{prelude::*, result::DatabaseErrorKind, result::Error as DieselError};

use super::tables::{consultation_quality as quality, quality_standing as standing};
use crate::{
    model::Consultation,
    quality::{Measurement, ParticipantQuality, QualityAdvice, QualityMinute, Standing},
};

/// Rows read for one consultation at most.
const MOST_ROWS: i64 = 2_000;

#[derive(Queryable, Selectable)]
#[diesel(table_name = quality)]
struct MinuteRow {
    user_id: UserId,
    minute: Timestamp,
    line: String,
    samples: i32,
    bitrate_kbps: i64,
    loss: i64,
    jitter_ms: i64,
    round_trip_ms: i64,
    frames: i64,
    frame_samples: i32,
}

impl MinuteRow {
    fn read(self) -> Result<QualityMinute> {
        let unknown = || Error::Sealed("a quality line has an unknown name");
        let (direction, media) = self.line.split_once(' ').ok_or_else(unknown)?;
        let samples = i64::from(self.samples.max(1));
        let frames = (self.frame_samples > 0).then(|| self.frames / i64::from(self.frame_samples));
        Ok(QualityMinute {
            minute: self.minute,
            direction: direction.parse().map_err(|_| unknown())?,
            media: media.parse().map_err(|_| unknown())?,
            samples: self.samples,
            bitrate_kbps: self.bitrate_kbps / samples,
            packet_loss_percent: (self.loss / samples) as f64 / 100.0,
            jitter_ms: self.jitter_ms / samples,
            round_trip_ms: self.round_trip_ms / samples,
            frames_per_second: frames,
        })
    }
}

/// Adds a measurement to its minute.
pub(crate) fn add_measurement(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    user: UserId,
    minute: Timestamp,
    one: &Measurement,
) -> Result<()> {
    let line = format!("{} {}", one.direction, one.media);
    let loss = (one.packet_loss_percent * 100.0).round() as i64;
    let (frames, frame_samples) = one.frames_per_second.map_or((0, 0), |frames| (i64::from(frames), 1));
    let row = quality::table.find((key(consultation.id), key(user), at(minute), line.clone()));
    let added = diesel::update(row)
        .set((
            quality::samples.eq(quality::samples + 1),
            quality::bitrate_kbps.eq(quality::bitrate_kbps + i64::from(one.bitrate_kbps)),
            quality::loss.eq(quality::loss + loss),
            quality::jitter_ms.eq(quality::jitter_ms + i64::from(one.jitter_ms)),
            quality::round_trip_ms.eq(quality::round_trip_ms + i64::from(one.round_trip_ms)),
            quality::frames.eq(quality::frames + frames),
            quality::frame_samples.eq(quality::frame_samples + frame_samples),
        ))
        .execute(tx.connection())?;
    if added > 0 {
        return Ok(());
    }
    diesel::insert_into(quality::table)
        .values((
            quality::consultation_id.eq(key(consultation.id)),
            quality::user_id.eq(key(user)),
            quality::minute.eq(at(minute)),
            quality::line.eq(line),
            quality::facility_id.eq(key(consultation.facility_id)),
            quality::samples.eq(1),
            quality::bitrate_kbps.eq(i64::from(one.bitrate_kbps)),
            quality::loss.eq(loss),
            quality::jitter_ms.eq(i64::from(one.jitter_ms)),
            quality::round_trip_ms.eq(i64::from(one.round_trip_ms)),
            quality::frames.eq(frames),
            quality::frame_samples.eq(frame_samples),
        ))
        .execute(tx.connection())
        .map_err(conflict)?;
    Ok(())
}

/// The minutes of a participant in [from, to), oldest first, each with all its lines.
pub(crate) fn minutes(
    session: &mut Session<'_>,
    id: ConsultationId,
    user: UserId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Vec<QualityMinute>>> {
    let rows: Vec<MinuteRow> = quality::table
        .filter(quality::consultation_id.eq(key(id)).and(quality::user_id.eq(key(user))))
        .filter(quality::minute.ge(at(from)).and(quality::minute.lt(at(to))))
        .order((quality::minute, quality::line))
        .limit(MOST_ROWS)
        .select(MinuteRow::as_select())
        .load(session.connection())?;
    let mut by_minute: BTreeMap<Timestamp, Vec<QualityMinute>> = BTreeMap::new();
    for row in rows {
        by_minute.entry(row.minute).or_default().push(row.read()?);
    }
    Ok(by_minute.into_values().collect())
}

/// The newest minutes of everybody, oldest first, with the present advice.
pub(crate) fn quality(session: &mut Session<'_>, id: ConsultationId) -> Result<Vec<ParticipantQuality>> {
    let advised: Vec<(UserId, String)> = standing::table
        .filter(standing::consultation_id.eq(key(id)))
        .order(standing::user_id)
        .select((standing::user_id, standing::advice))
        .load(session.connection())?;
    let mut rows: Vec<MinuteRow> = quality::table
        .filter(quality::consultation_id.eq(key(id)))
        .order((quality::minute.desc(), quality::line.desc()))
        .limit(MOST_ROWS)
        .select(MinuteRow::as_select())
        .load(session.connection())?;
    rows.reverse();
    let mut by_user: BTreeMap<UserId, Vec<QualityMinute>> = BTreeMap::new();
    for row in rows {
        by_user.entry(row.user_id).or_default().push(row.read()?);
    }
    advised
        .into_iter()
        .map(|(user_id, advice)| {
            let minutes = by_user.remove(&user_id).unwrap_or_default();
            Ok(ParticipantQuality { user_id, role: None, advice: advice_of(&advice)?, minutes })
        })
        .collect()
}

/// What a participant was last advised.
pub(crate) fn standing(session: &mut Session<'_>, id: ConsultationId, user: UserId) -> Result<Option<Standing>> {
    type Row = (String, Timestamp, i32, i32, bool, i32);
    let row: Option<Row> = standing::table
        .find((key(id), key(user)))
        .select((
            standing::advice,
            standing::open_minute,
            standing::bad_run,
            standing::good_run,
            standing::offered,
            standing::batches,
        ))
        .first(session.connection())
        .optional()?;
    row.map(|(advice, open_minute, bad_run, good_run, offered, batches)| {
        Ok(Standing { advice: advice_of(&advice)?, open_minute, bad_run, good_run, offered, batches })
    })
    .transpose()
}

/// Writes it; two reports at once are one after the other, because a row is either new or locked.
pub(crate) fn save_standing(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    user: UserId,
    now: &Standing,
    is_new: bool,
) -> Result<()> {
    let values = (
        standing::advice.eq(now.advice.to_string()),
        standing::open_minute.eq(at(now.open_minute)),
        standing::bad_run.eq(now.bad_run),
        standing::good_run.eq(now.good_run),
        standing::offered.eq(now.offered),
        standing::batches.eq(now.batches),
    );
    if is_new {
        let whose = (
            standing::consultation_id.eq(key(consultation.id)),
            standing::user_id.eq(key(user)),
            standing::facility_id.eq(key(consultation.facility_id)),
        );
        diesel::insert_into(standing::table).values((whose, values)).execute(tx.connection()).map_err(conflict)?;
        return Ok(());
    }
    // `batches` grows by one, or starts anew with its minute: somebody else's report in between shows.
    let row = standing::table.find((key(consultation.id), key(user)));
    let seen = if now.batches > 1 {
        diesel::update(row.filter(standing::batches.eq(now.batches - 1))).set(values).execute(tx.connection())?
    } else {
        diesel::update(row.filter(standing::open_minute.lt(at(now.open_minute))))
            .set(values)
            .execute(tx.connection())?
    };
    if seen == 1 { Ok(()) } else { Err(Error::VersionConflict) }
}

/// Notes that another way was offered; false when it was already.
pub(crate) fn note_offer(tx: &mut Tx<'_>, id: ConsultationId, user: UserId) -> Result<bool> {
    let row = standing::table.find((key(id), key(user))).filter(standing::offered.eq(false));
    Ok(diesel::update(row).set(standing::offered.eq(true)).execute(tx.connection())? == 1)
}

fn advice_of(text: &str) -> Result<QualityAdvice> {
    text.parse().map_err(|_| Error::Sealed("an unknown advice on quality"))
}

/// Somebody else's report made the row first.
fn conflict(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::VersionConflict,
        other => other.into(),
    }
}
