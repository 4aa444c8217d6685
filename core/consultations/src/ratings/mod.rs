//! What a patient thinks of a consultation: once, from 1 to 5, with words and tags if they like. The doctor reads it
//! without being told who wrote it.

mod decide;

use std::{collections::BTreeSet, fmt};

use consilium_db::{Tx, outbox::Fact};
use consilium_kernel::{
    CommandMeta, ConsultationId, DoctorId, EntityRef, Id, PatientId, Refusal, Role, Timestamp, page_limit,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::{
    facts,
    model::{Consultation, Part},
    service::Consultations,
    store,
};

/// What a rating may be tagged with.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RatingTag {
    /// The doctor listened.
    Listened,
    /// Things were explained well.
    ExplainedWell,
    /// It helped.
    Helpful,
    /// The doctor was friendly.
    Friendly,
    /// It began on time.
    OnTime,
    /// It began late.
    WaitedLong,
    /// There was too little time.
    FeltRushed,
    /// Picture, sound or chat did not work well.
    TechnicalProblems,
}

/// What the patient says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingDraft {
    /// 1 to 5.
    pub rating: u8,
    /// At most 2,000 characters.
    pub text: Option<String>,
    /// What stood out.
    pub tags: BTreeSet<RatingTag>,
}

/// The sealed part of a rating.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RatingWords {
    pub text: Option<String>,
    pub tags: BTreeSet<RatingTag>,
}

/// Marks the id of a rating; has no values.
pub enum RatingMark {}
/// Names one rating. Tells nothing of the consultation.
pub type RatingId = Id<RatingMark>;

/// A stored rating.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsultationRating {
    /// Its id.
    pub id: RatingId,
    /// Of what; `None` where the reader is not told whose it is.
    pub consultation_id: Option<ConsultationId>,
    /// By whom; `None` likewise.
    pub patient_id: Option<PatientId>,
    /// Of whom.
    pub doctor_id: DoctorId,
    /// 1 to 5.
    pub rating: u8,
    /// In the patient's words.
    pub text: Option<String>,
    /// What stood out.
    pub tags: BTreeSet<RatingTag>,
    /// When.
    pub rated_at: Timestamp,
}

impl ConsultationRating {
    fn anonymous(self) -> Self {
        Self { consultation_id: None, patient_id: None, ..self }
    }
}

impl fmt::Debug for RatingDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RatingDraft({})", self.rating)
    }
}

impl fmt::Debug for ConsultationRating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConsultationRating({}, {})", self.id, self.rating)
    }
}

/// Ratings of a doctor, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingPage {
    /// The ratings.
    pub items: Vec<ConsultationRating>,
    /// Where the next page begins.
    pub next_cursor: Option<RatingId>,
}

impl Consultations {
    /// Rates a completed consultation, by its patient, once. The doctor's average changes with it.
    /// 409 `already_rated`, `invalid_transition`, `rating_closed`.
    pub async fn rate(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        draft: RatingDraft,
    ) -> Result<ConsultationRating, Refusal> {
        let draft = decide::check(draft)?;
        let (db, once, rating_for) = (self.db.clone(), meta.clone(), self.policy.rating_for);
        let work = async move {
            let command = meta.clone();
            let rate = move |tx: &mut Tx<'_>| {
                let consultation = patients_own(tx, &command, id)?;
                decide::may_rate(&consultation, store::is_rated(tx, id)?, rating_for, tx.now())?;
                let rating = store::insert_rating(tx, &consultation, &draft)?;
                consilium_people::rated(tx, consultation.doctor_id, draft.rating)?;
                let said = json!({"rating": draft.rating, "ended_at": consultation.ended_at});
                tx.emit(Fact {
                    entity: facts::entity(id),
                    version: consultation.version,
                    event_type: "consultation_rated",
                    schema: 1,
                    subject: consultation.patient_id.uuid(),
                    data: &facts::with_context(&consultation, said),
                })?;
                Ok(rating)
            };
            Ok(db.command(&meta, rate).await?)
        };
        self.db.once(&once, work).await
    }

    /// What patients thought of a doctor: for the doctor, who is not told who they are, and for administrators.
    /// The read is audited.
    pub async fn ratings(
        &self,
        meta: &CommandMeta,
        doctor: DoctorId,
        limit: Option<i64>,
        cursor: Option<RatingId>,
    ) -> Result<RatingPage, Refusal> {
        let limit = page_limit(limit)?;
        let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
        let named = match user {
            Some(user) if user.role == Role::Admin => true,
            Some(user) if user.doctor_id == Some(doctor) => false,
            _ => return Err(Refusal::not_found()),
        };
        let scope = meta.scope;
        let read = move |session: &mut consilium_db::Session<'_>| {
            let known = consilium_people::doctor(session, doctor)?.is_some_and(|d| d.facility_id == scope.facility_id);
            if !known {
                return Err(Refusal::not_found().into());
            }
            store::ratings(session, doctor, cursor, limit + 1)
        };
        let mut items = self.db.read(read).await?;
        let entity = EntityRef::new("doctor", doctor.uuid());
        self.db.write(meta, move |tx| tx.audit("read_ratings", &entity, 0)).await?;
        let more = items.len() as i64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or_default());
        let next_cursor = items.last().filter(|_| more).map(|rating| rating.id);
        if !named {
            items = items.into_iter().map(ConsultationRating::anonymous).collect();
        }
        Ok(RatingPage { items, next_cursor })
    }
}

/// The consultation, if the caller is its patient. Others who take part may not rate it; nobody else is told
/// anything.
fn patients_own(tx: &mut Tx<'_>, meta: &CommandMeta, id: ConsultationId) -> consilium_db::Result<Consultation> {
    let consultation = store::find(tx, id)?.ok_or(Refusal::not_found())?;
    match consultation.part_of(&meta.principal) {
        Some(Part::Patient) => Ok(consultation),
        Some(_) => Err(Refusal::forbidden().into()),
        None => Err(Refusal::not_found().into()),
    }
}
