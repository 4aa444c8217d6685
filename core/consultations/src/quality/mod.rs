//! Connection quality: clients report what they measure, minutes are kept, and a rule turns bad ones into advice
//! (video, then audio, then the chat) and into the offer of another way.

mod decide;
mod model;

use consilium_db::{Error, Result, Session, Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, ConsultationId, Principal, Refusal, Role, Timestamp, UserId};
use consilium_runtime::{LiveEvent, Signal};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use model::Standing;
pub use model::{Direction, MeasuredMedia, Measurement, ParticipantQuality, QualityAdvice, QualityMinute, Reported};

use crate::{
    backup::{Because, offer_backup_link},
    facts,
    model::{Consultation, Part},
    refusal::ConsultationRefusal::NotAdmitted,
    service::Consultations,
    store, topic,
};

/// How often a report is written when another one comes in between.
const TRIES: usize = 3;

/// What a report led to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Outcome {
    reported: Reported,
    changed: bool,
    backup: bool,
}

impl Consultations {
    /// Takes what a participant's client measured while they were in the room. When the advice changes, the
    /// participant alone is sent the signal `quality_advice`; when it comes to the chat, both are offered another way.
    pub async fn report_quality(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        measurements: Vec<Measurement>,
    ) -> Result<Reported, Refusal> {
        decide::check(&measurements, self.db.clock().now())?;
        let consultation = self.visible(&meta, id).await?;
        let part = consultation.part_of(&meta.principal).ok_or(Refusal::not_found())?;
        let user = meta.principal.user_id().ok_or(Refusal::not_found())?;
        if !consultation.is_admitted(part) || consultation.version == 0 {
            return Err(NotAdmitted.refusal());
        }
        let (this, once) = (self.clone(), meta.clone());
        let work = async move {
            let outcome = this.keep(&meta, &consultation, user, &measurements).await?;
            this.follow(&consultation, user, outcome).await?;
            Ok(outcome)
        };
        Ok(self.db.once(&once, work).await?.reported)
    }

    /// Tells the participant of changed advice, and offers both another way when there is little else left.
    async fn follow(&self, consultation: &Consultation, user: UserId, outcome: Outcome) -> Result<(), Refusal> {
        if outcome.changed {
            self.bus.publish(LiveEvent::Signal(Signal {
                topic: topic(consultation.id),
                signal: "quality_advice".to_owned(),
                to: Some(user.uuid()),
                from: None,
                data: json!({"advice": outcome.reported.advice}),
            }));
        }
        if !outcome.backup {
            return Ok(());
        }
        let (link, known) = (self.backup_link(consultation).await?, consultation.clone());
        let write = move |tx: &mut Tx<'_>| {
            // Another report of the same moment may have offered it.
            if store::note_offer(tx, known.id, user)? {
                offer_backup_link(tx, &known, &link, Because::Quality { user_id: user })?;
            }
            Ok(())
        };
        let system = CommandMeta::system(consultation.facility_id, "quality");
        Ok(self.db.write(&system, write).await?)
    }

    /// Writes a report; of two at once the second one is written on top of the first.
    async fn keep(
        &self,
        meta: &CommandMeta,
        consultation: &Consultation,
        user: UserId,
        measurements: &[Measurement],
    ) -> Result<Outcome, Refusal> {
        for _ in 0..TRIES {
            let (known, measured) = (consultation.clone(), measurements.to_vec());
            match self.db.command(meta, move |tx| report(tx, &known, user, &measured)).await {
                Err(Error::VersionConflict) => {}
                other => return Ok(other?),
            }
        }
        Err(Refusal::unavailable())
    }

    /// How the connections are and were: for the doctor and the facility's support and administrators. The newest
    /// 2,000 minutes of all lines.
    pub async fn quality(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Vec<ParticipantQuality>, Refusal> {
        let consultation = self.visible(meta, id).await?;
        match consultation.part_of(&meta.principal) {
            Some(Part::Doctor) => {}
            Some(_) if !runs_the_technics(&meta.principal) => return Err(Refusal::forbidden()),
            _ => self.audit_read(meta, "read_quality", &consultation).await?,
        }
        let read = move |session: &mut Session<'_>| store::quality(session, id);
        let mut all = self.db.read(read).await?;
        for one in &mut all {
            one.role = consultation.participant(one.user_id).map(|participant| participant.role);
        }
        Ok(all)
    }
}

/// Who sees how connections are without being a consultation's doctor.
fn runs_the_technics(principal: &Principal) -> bool {
    principal.user().is_some_and(|user| matches!(user.role, Role::Support | Role::Admin))
}

fn report(tx: &mut Tx<'_>, consultation: &Consultation, user: UserId, measured: &[Measurement]) -> Result<Outcome> {
    let now = tx.now();
    let known = store::standing(tx, consultation.id, user)?;
    let mut standing = known.unwrap_or(Standing {
        advice: QualityAdvice::Video,
        open_minute: decide::minute_of(now),
        bad_run: 0,
        good_run: 0,
        offered: false,
        batches: 0,
    });
    let opened = standing.open_minute;
    decide::count(&mut standing, now)?;
    let before = standing.advice;
    // A minute is judged once, when the next one has begun.
    if standing.open_minute > opened {
        for minute in store::minutes(tx, consultation.id, user, opened, standing.open_minute)? {
            decide::step(&mut standing, decide::verdict(&minute));
        }
    }
    store::save_standing(tx, consultation, user, &standing, known.is_none())?;
    for one in measured {
        store::add_measurement(tx, consultation, user, decide::minute_of(one.at), one)?;
    }
    let changed = standing.advice != before;
    if changed {
        tell(tx, consultation, user, standing.advice, now)?;
    }
    let reported = Reported { accepted: measured.len(), advice: standing.advice };
    Ok(Outcome { reported, changed, backup: decide::calls_for_backup(&standing) })
}

/// Whoever counts learns that a connection was advised to carry more or less.
fn tell(
    tx: &mut Tx<'_>,
    consultation: &Consultation,
    user: UserId,
    advice: QualityAdvice,
    at: Timestamp,
) -> Result<()> {
    tx.emit(Fact {
        entity: facts::entity(consultation.id),
        version: consultation.version,
        event_type: "quality_advised",
        schema: 1,
        subject: consultation.patient_id.uuid(),
        data: &facts::with_context(consultation, json!({"user_id": user, "advice": advice, "at": at})),
    })
}
