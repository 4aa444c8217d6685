//! Asking for a recording, answering, and stopping: by those who take part in the consultation.

use consilium_consultations::{Consultation, Part};
use consilium_db::{Result, Session, Tx, records::RecordKey, timers::TimerRequest};
use consilium_kernel::{CommandMeta, ConsultationId, Refusal, UserId};

use crate::{
    decide::{self, Change, Room},
    facts,
    model::{Consent, Decision, Media, Recording, RecordingId, Status},
    refusal::RecordingRefusal,
    service::{RecordingSettings, Recordings, unavailable},
    store,
    timers::CLOSING,
};

/// Somebody who takes part in a consultation.
pub(crate) struct Participant {
    /// Their account.
    pub user_id: UserId,
    /// What they are in it.
    pub part: Part,
    /// The consultation.
    pub consultation: Consultation,
}

/// Who asks, in the consultation that they take part in; 404 for everybody else.
pub(crate) fn participant(session: &mut Session<'_>, meta: &CommandMeta, id: ConsultationId) -> Result<Participant> {
    let found = consilium_consultations::consultation(session, id)?;
    let consultation =
        found.filter(|found| found.facility_id == meta.scope.facility_id).ok_or_else(Refusal::not_found)?;
    let part = consultation.part_of(&meta.principal).ok_or_else(Refusal::not_found)?;
    let user_id = meta.principal.user_id().ok_or_else(Refusal::not_found)?;
    Ok(Participant { user_id, part, consultation })
}

impl Recordings {
    /// Asks everybody who is there whether they may be recorded. Asking is consenting.
    ///
    /// # Errors
    /// `forbidden` for a part that may not ask, `not_admitted`, `already_recording`.
    pub async fn request(&self, meta: CommandMeta, id: ConsultationId, media: Media) -> Result<Recording, Refusal> {
        let (db, settings, again) = (self.db.clone(), self.settings.clone(), meta.clone());
        let work = async move {
            let command = again.clone();
            let write = move |tx: &mut Tx<'_>| {
                let asking = participant(tx, &command, id)?;
                let room = Room::of(&asking.consultation);
                decide::request(asking.part, &room, &settings)?;
                if store::live(tx, id)?.is_some() {
                    return Err(RecordingRefusal::AlreadyRecording.refusal().into());
                }
                begin(tx, &asking, media, &room, &settings)
            };
            Ok(db.command(&again, write).await?)
        };
        self.db.once(&meta, work).await
    }

    /// Says whether the caller consents to being recorded, having been shown that version of the text. Anybody who takes
    /// part may say so, also before they join, and take it back at any time.
    ///
    /// # Errors
    /// `invalid` for another version than the recording's; `invalid_transition`.
    pub async fn answer(
        &self,
        meta: CommandMeta,
        id: RecordingId,
        given: bool,
        text_version: String,
    ) -> Result<Recording, Refusal> {
        self.change(meta, id, move |tx, recording, caller, room| {
            if recording.text_version != text_version {
                return Err(Refusal::field("/text_version", "invalid", "is not the text of this recording").into());
            }
            let decision = if given { Decision::Given } else { Decision::Refused };
            let (user_id, role, text_version, decided_at) =
                (caller.user_id, caller.part, text_version.clone(), tx.now());
            let said = Consent { user_id, role, decision, text_version, decided_at };
            Ok(decide::answer(recording, room, said)?)
        })
        .await
    }

    /// Ends a recording; before it began, takes it back. For whoever takes part.
    ///
    /// # Errors
    /// `invalid_transition`.
    pub async fn stop(&self, meta: CommandMeta, id: RecordingId) -> Result<Recording, Refusal> {
        self.change(meta, id, |_, recording, _, _| Ok(decide::stop(recording)?)).await
    }

    /// Decides and writes what follows, one command on a recording after the other, once per Idempotency-Key.
    async fn change(
        &self,
        meta: CommandMeta,
        id: RecordingId,
        step: impl Fn(&Tx<'_>, &Recording, &Participant, &Room) -> Result<Vec<Change>> + Send + 'static,
    ) -> Result<Recording, Refusal> {
        let (db, settings, again) = (self.db.clone(), self.settings.clone(), meta.clone());
        let work = async move {
            let command = again.clone();
            let write = move |tx: &mut Tx<'_>| {
                let before = store::lock(tx, id)?.ok_or_else(Refusal::not_found)?;
                let caller = participant(tx, &command, before.consultation_id)?;
                let room = Room::of(&caller.consultation);
                let changes = step(tx, &before, &caller, &room)?;
                record(tx, before, &changes, &settings)
            };
            Ok(db.command(&again, write).await?)
        };
        self.db.once(&meta, work).await
    }
}

/// Writes a new recording with its asker's consent, and what follows from it.
fn begin(
    tx: &mut Tx<'_>,
    asking: &Participant,
    media: Media,
    room: &Room,
    settings: &RecordingSettings,
) -> Result<Recording> {
    let (now, consultation) = (tx.now(), &asking.consultation);
    let of = (consultation.facility_id, consultation.id, consultation.patient_id);
    let recording = Recording::requested(tx.new_id(), of, asking.user_id, media, &settings.text_version, now);
    let key = RecordKey::generate().map_err(|error| unavailable(recording.id, &error))?;
    store::insert(tx, &recording, &key)?;
    facts::tell(tx, &recording, "recording_requested", Some(asking.user_id))?;
    let (user_id, role) = (asking.user_id, asking.part);
    let text_version = settings.text_version.clone();
    let said = Consent { user_id, role, decision: Decision::Given, text_version, decided_at: now };
    let changes = decide::answer(&recording, room, said)?;
    record(tx, recording, &changes, settings)
}

/// Writes what was decided: rows, timer, events, and last the topic.
pub(crate) fn record(
    tx: &mut Tx<'_>,
    before: Recording,
    changes: &[Change],
    settings: &RecordingSettings,
) -> Result<Recording> {
    let (now, mut after) = (tx.now(), before.clone());
    for change in changes {
        after.take(change);
        after.version += 1;
        match change {
            Change::Said(consent) => store::insert_consent(tx, &after, consent)?,
            Change::Started => after.started_at = Some(now),
            Change::Stopped { late, .. } => {
                after.stopped_at = after.stopped_at.or(Some(now));
                let late = if *late { settings.late } else { std::time::Duration::ZERO };
                let closes_at = now + late;
                after.closes_at = Some(after.closes_at.map_or(closes_at, |known| known.min(closes_at)));
            }
            Change::Refused | Change::Lapsed => {}
        }
    }
    if changes.is_empty() {
        return Ok(after);
    }
    store::save(tx, &before, &after)?;
    if let (Status::Stopped, Some(due_at)) = (after.status, after.closes_at) {
        tx.set_timer(TimerRequest { kind: CLOSING, entity: after.entity(), revision: after.version, due_at })?;
    }
    let mut state = before;
    for change in changes {
        state.take(change);
        state.version += 1;
        let (event_type, about) = facts::name(change, &state);
        // That somebody refused is told with what they said.
        if *change != Change::Refused {
            facts::tell(tx, &state, event_type, about)?;
        }
    }
    Ok(after)
}
