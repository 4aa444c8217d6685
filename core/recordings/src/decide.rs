//! The rules of recordings. Pure: a recording and who is in the room in, what changes or a refusal out.
//!
//! The one rule above all: nothing is kept unless everybody who is there has consented.

use consilium_consultations::{Consultation, Part, Status as ConsultationStatus};
use consilium_files::{MediaType, recognise};
use consilium_kernel::{Refusal, UserId};

use crate::{
    model::{Consent, Decision, NewSegment, Recording, Segment, Status, StopReason},
    refusal::RecordingRefusal as No,
    service::RecordingSettings,
};

/// Who is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    /// Accounts that are in the consultation now.
    pub there: Vec<UserId>,
    /// Whether doctor and patient are both among them, and meet.
    pub together: bool,
    /// Whether the consultation is over.
    pub over: bool,
}

impl Room {
    /// As the consultation has it.
    pub fn of(consultation: &Consultation) -> Self {
        let present = consultation.participants.iter().filter(|participant| participant.present);
        Self {
            there: present.map(|participant| participant.user_id).collect(),
            together: consultation.status == ConsultationStatus::InProgress
                && consultation.is_present(Part::Doctor)
                && consultation.is_present(Part::Patient),
            over: consultation.status.is_over(),
        }
    }
}

/// What happens to a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A participant says this.
    Said(Consent),
    /// Everybody has consented.
    Started,
    /// Somebody refused before it began.
    Refused,
    /// It never began.
    Lapsed,
    /// It is over. `late`: what was recorded before may still come in for a moment.
    Stopped { because: StopReason, late: bool },
}

impl Recording {
    /// Whether everybody who is there has consented.
    pub fn has_consent(&self, room: &Room) -> bool {
        room.there.iter().all(|user| self.consent_of(*user) == Some(Decision::Given))
    }

    /// Takes a change in. When it stopped, and until when late segments count, is for whoever knows the time.
    pub fn take(&mut self, change: &Change) {
        match change {
            Change::Said(consent) => self.consents.push(consent.clone()),
            Change::Started => self.status = Status::Recording,
            Change::Refused => self.status = Status::Refused,
            Change::Lapsed => self.status = Status::Lapsed,
            Change::Stopped { because, .. } => {
                self.status = Status::Stopped;
                self.stopped_because = Some(*because);
            }
        }
    }
}

/// Whether this part may ask for a recording in that room.
pub fn request(part: Part, room: &Room, settings: &RecordingSettings) -> Result<(), Refusal> {
    if !settings.may_ask.contains(&part) {
        return Err(Refusal::forbidden());
    }
    if room.together { Ok(()) } else { Err(No::NotTogether.refusal()) }
}

/// What follows when a participant says whether they consent: `said`, of which the decision is given or refused. Saying
/// the same again changes nothing; refusing after consenting is taking it back.
pub fn answer(recording: &Recording, room: &Room, mut said: Consent) -> Result<Vec<Change>, Refusal> {
    let before = recording.consent_of(said.user_id);
    match (recording.status, said.decision) {
        (Status::Requested | Status::Recording, Decision::Given) if before == Some(Decision::Given) => Ok(Vec::new()),
        (Status::Requested | Status::Recording, Decision::Given) => {
            let (mut after, said) = (recording.clone(), Change::Said(said));
            after.take(&said);
            Ok([said].into_iter().chain(settle(&after, room)).collect())
        }
        (Status::Requested, _) => Ok(vec![Change::Said(said), Change::Refused]),
        (Status::Recording | Status::Stopped, Decision::Refused | Decision::Withdrawn) => {
            let because = if before == Some(Decision::Given) {
                said.decision = Decision::Withdrawn;
                StopReason::ConsentWithdrawn
            } else {
                StopReason::ConsentRefused
            };
            Ok(vec![Change::Said(said), Change::Stopped { because, late: false }])
        }
        (Status::Refused, Decision::Refused | Decision::Withdrawn) => Ok(Vec::new()),
        _ => Err(No::Transition.refusal()),
    }
}

/// What follows from who is there.
pub fn settle(recording: &Recording, room: &Room) -> Option<Change> {
    match recording.status {
        Status::Requested if room.over => Some(Change::Lapsed),
        Status::Requested if room.together && recording.has_consent(room) => Some(Change::Started),
        Status::Recording if room.over => Some(Change::Stopped { because: StopReason::ConsultationEnded, late: true }),
        Status::Recording if !recording.has_consent(room) => {
            Some(Change::Stopped { because: StopReason::ConsentMissing, late: false })
        }
        _ => None,
    }
}

/// A participant ends it; before it began it is taken back. Twice is fine.
pub fn stop(recording: &Recording) -> Result<Vec<Change>, Refusal> {
    match recording.status {
        Status::Requested => Ok(vec![Change::Lapsed]),
        Status::Recording => Ok(vec![Change::Stopped { because: StopReason::Stopped, late: true }]),
        Status::Stopped | Status::Processing | Status::Ready => Ok(Vec::new()),
        Status::Failed | Status::Refused | Status::Lapsed | Status::Deleted => Err(No::Transition.refusal()),
    }
}

/// What is to be done with a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept already.
    Known,
    /// It is the next one, of a file of this type.
    Next(MediaType),
}

/// Whether a segment may be kept now. `known` is the kept one with its number, `open` whether late ones still count.
pub fn keep(
    recording: &Recording,
    room: &Room,
    new: &NewSegment,
    (known, sha256, open): (Option<&Segment>, &[u8], bool),
    settings: &RecordingSettings,
) -> Result<Verdict, Refusal> {
    match known {
        Some(known) if known.sha256 == sha256 => return Ok(Verdict::Known),
        Some(_) => return Err(No::SegmentDiffers.refusal()),
        None => {}
    }
    match recording.status {
        Status::Recording if recording.has_consent(room) => {}
        Status::Recording => return Err(No::NotConsented.refusal()),
        Status::Stopped if open => {}
        Status::Requested => return Err(No::NotStarted.refusal()),
        Status::Refused => return Err(No::Refused.refusal()),
        _ => return Err(No::Stopped.refusal()),
    }
    let length = new.bytes.len() as u64;
    match new.number {
        number if number < 1 => return Err(Refusal::not_found()),
        _ if length == 0 => return Err(Refusal::field("/body", "required", "has no bytes")),
        _ if length > settings.max_segment => return Err(No::SegmentTooLarge.refusal()),
        _ if recording.received.saturating_add(length) > settings.max_recording => return Err(No::TooLarge.refusal()),
        number if number == recording.segments.saturating_add(1) => {}
        _ => return Err(No::SegmentMissing.refusal()),
    }
    match recording.media_type {
        Some(media) => Ok(Verdict::Next(media)),
        None => container(&new.bytes).map(Verdict::Next),
    }
}

/// WebM (a profile of Matroska, which browsers name when the codec is not one of WebM's) or MP4, by the first bytes.
pub fn container(bytes: &[u8]) -> Result<MediaType, Refusal> {
    const PREFIX: usize = 4096;
    let prefix = bytes.get(..PREFIX).unwrap_or(bytes);
    let found = recognise(prefix, prefix.len() == bytes.len())?;
    match found.essence() {
        "video/webm" | "video/x-matroska" | "video/mp4" | "audio/m4a" => Ok(found),
        _ => Err(No::Unsupported.refusal()),
    }
}

#[cfg(test)]
mod tests;
