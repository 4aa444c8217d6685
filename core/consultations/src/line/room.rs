//! A doctor's waiting room: whether patients without an appointment are taken, and what they are told when the doctor is
//! late.

use consilium_db::{Result, Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, DoctorId, EntityRef, Refusal, Role, Timestamp};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::line;
use crate::{service::Consultations, store, topic, waiting_room_topic};

/// When a doctor takes patients without an appointment.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum WalkIns {
    /// During the doctor's hours.
    #[default]
    InHours,
    /// At any time.
    Always,
    /// Not at the moment.
    Never,
}

/// Why a doctor is late, in words that clients have in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DelayReason {
    /// Another visit takes longer.
    RunningLate,
    /// Somebody needs help at once.
    Emergency,
    /// Something does not work.
    TechnicalProblem,
    /// A short break.
    BackSoon,
}

/// That a doctor is late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// Nobody is admitted before, as far as is known.
    pub until: Timestamp,
    /// Why.
    pub reason: DelayReason,
    /// What the doctor says to everybody who waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A doctor's wish to tell of a delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDelay {
    /// From now on, 1 to 480; 0 takes back what was told.
    pub minutes: i64,
    /// Why.
    pub reason: DelayReason,
    /// At most 500 characters.
    pub text: Option<String>,
}

/// A doctor's waiting room, but for who is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRoom {
    /// Whether walk-ins are taken.
    pub walk_ins: WalkIns,
    /// Whether the doctor is late; also one that is over.
    pub delay: Option<Delay>,
}

/// A working day.
const LONGEST_DELAY: i64 = 480;
/// Characters of what a doctor says at most.
const LONGEST_TEXT: usize = 500;

impl WaitingRoom {
    /// As it is at this moment: a delay that has passed is none.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        Self { delay: self.delay.filter(|delay| delay.until > now), ..self }
    }
}

impl NewDelay {
    fn check(mut self) -> std::result::Result<Self, Refusal> {
        if !(0..=LONGEST_DELAY).contains(&self.minutes) {
            return Err(Refusal::field("/minutes", "out_of_range", format!("is not within 0 to {LONGEST_DELAY}")));
        }
        self.text = self.text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        match &self.text {
            Some(text) if text.chars().count() > LONGEST_TEXT => {
                Err(Refusal::field("/text", "too_long", format!("at most {LONGEST_TEXT} characters")))
            }
            _ => Ok(self),
        }
    }
}

impl Consultations {
    /// A doctor's waiting room as it is now, for that doctor and the facility's staff.
    pub async fn waiting_room(
        &self,
        meta: &CommandMeta,
        doctor: DoctorId,
    ) -> std::result::Result<WaitingRoom, Refusal> {
        self.may_see_line(meta, doctor)?;
        let scope = meta.scope;
        Ok(self.db.read(move |session| Ok(store::room(session, scope, doctor)?.at(session.now()))).await?)
    }

    /// Says when patients without an appointment are taken, by the doctor or a nurse.
    pub async fn take_walk_ins(
        &self,
        meta: CommandMeta,
        doctor: DoctorId,
        walk_ins: WalkIns,
    ) -> std::result::Result<WaitingRoom, Refusal> {
        let change = move |_, room| WaitingRoom { walk_ins, ..room };
        let tell_all = move |tx: &mut Tx<'_>, _: &WaitingRoom| {
            let data = json!({"doctor_id": doctor, "walk_ins": walk_ins});
            tell(tx, doctor, "waiting_room_changed", &data)?;
            tx.publish(&waiting_room_topic(doctor), "waiting_room_changed", facility(tx), &data).map(|_| ())
        };
        self.change_room(meta, doctor, change, tell_all).await
    }

    /// Tells everybody who waits that the doctor is late, by the doctor or a nurse. Expected waits follow; the next
    /// patient who is seen ends it.
    pub async fn delay(
        &self,
        meta: CommandMeta,
        doctor: DoctorId,
        delay: NewDelay,
    ) -> std::result::Result<WaitingRoom, Refusal> {
        let NewDelay { minutes, reason, text } = delay.check()?;
        let change = move |now: Timestamp, room| {
            let until = now.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX);
            WaitingRoom { delay: (minutes > 0).then(|| Delay { until, reason, text: text.clone() }), ..room }
        };
        let tell_all = move |tx: &mut Tx<'_>, room: &WaitingRoom| tell_delay(tx, doctor, minutes, room);
        self.change_room(meta, doctor, change, tell_all).await
    }

    /// Writes what `change` makes of the room, then has `tell_all` tell of it.
    async fn change_room(
        &self,
        meta: CommandMeta,
        doctor: DoctorId,
        change: impl Fn(Timestamp, WaitingRoom) -> WaitingRoom + Send + 'static,
        tell_all: impl Fn(&mut Tx<'_>, &WaitingRoom) -> Result<()> + Send + 'static,
    ) -> std::result::Result<WaitingRoom, Refusal> {
        may_run(&meta, doctor)?;
        let (db, command) = (self.db.clone(), meta.clone());
        self.db
            .once(&meta, async move {
                let changed = db.command(&command, move |tx| {
                    known(tx, doctor)?;
                    let before = store::lock_room(tx, doctor)?;
                    let now = tx.now();
                    let room = change(now, before.at(now));
                    store::save_room(tx, doctor, &room)?;
                    tell_all(tx, &room)?;
                    Ok(room)
                });
                Ok(changed.await?)
            })
            .await
    }
}

/// Tells everybody in the line, in the order of their topics, and the doctor's side.
fn tell_delay(tx: &mut Tx<'_>, doctor: DoctorId, minutes: i64, room: &WaitingRoom) -> Result<()> {
    let scope = tx.meta().scope;
    let delay = room.delay.as_ref();
    let until = delay.map(|delay| delay.until);
    tell(tx, doctor, "doctor_delayed", &json!({"doctor_id": doctor, "minutes": minutes, "until": until}))?;
    let mut waiting = line(tx, scope, doctor)?;
    waiting.sort_by_key(|entry| entry.consultation_id);
    let said = json!({
        "doctor_id": doctor,
        "minutes": minutes,
        "until": until,
        "reason": delay.map(|delay| delay.reason),
        "text": delay.and_then(|delay| delay.text.as_ref()),
    });
    for entry in waiting {
        let mut data = said.clone();
        if let Some(data) = data.as_object_mut() {
            data.insert("position".to_owned(), json!(entry.place.position));
            data.insert("expected_wait_seconds".to_owned(), json!(entry.place.expected_wait_seconds));
        }
        tx.publish(&topic(entry.consultation_id), "doctor_delayed", entry.patient_id.uuid(), &data)?;
    }
    tx.publish(&waiting_room_topic(doctor), "doctor_delayed", scope.facility_id.uuid(), &said)?;
    Ok(())
}

fn tell(tx: &mut Tx<'_>, doctor: DoctorId, event_type: &'static str, data: &serde_json::Value) -> Result<()> {
    tx.emit(Fact {
        entity: EntityRef::new("waiting_room", doctor.uuid()),
        version: 0,
        event_type,
        schema: 1,
        subject: facility(tx),
        data,
    })
}

fn facility(tx: &Tx<'_>) -> uuid::Uuid {
    tx.meta().scope.facility_id.uuid()
}

/// The doctor's own waiting room, or one of the facility for its nurses.
fn may_run(meta: &CommandMeta, doctor: DoctorId) -> std::result::Result<(), Refusal> {
    let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
    match user {
        Some(user) if user.doctor_id == Some(doctor) || user.role == Role::Nurse => Ok(()),
        _ => Err(Refusal::not_found()),
    }
}

/// The doctor is one of the facility.
fn known(tx: &mut Tx<'_>, doctor: DoctorId) -> Result<()> {
    let facility = tx.meta().scope.facility_id;
    let found = consilium_people::doctor(tx, doctor)?;
    match found.is_some_and(|found| found.facility_id == facility) {
        true => Ok(()),
        false => Err(Refusal::not_found().into()),
    }
}
