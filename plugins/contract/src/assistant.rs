//! `assistant/1`: a machine's opinion. Whatever it says is shown as machine-made, kept for review,
//! and decides nothing.

use crate::{
    Call, Money, Permissions, calls,
    fhir::{Coding, Quantity, QuestionnaireItem, QuestionnaireResponseItem},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The contract's name in manifests.
pub const CONTRACT: &str = "assistant/1";

/// Asks how urgent a complaint is. Asked again with more answers as long as there are questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Triage {
    /// BCP 47, the language of the reply.
    pub language: String,
    /// Of whom, as far as the manifest's `patient_fields` allow.
    pub subject: Subject,
    /// In the patient's own words.
    pub complaint: String,
    /// What was asked and answered so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<QuestionnaireResponseItem>,
    /// What was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Observation>,
}

/// The patient, without a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subject {
    /// Completed years; field `birth_date`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_years: Option<u16>,
    /// FHIR administrative gender: male, female, other, unknown; field `gender`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// Known conditions; field `diagnosis`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Coding>>,
}

/// A measurement (FHIR `Observation`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Observation {
    /// What was measured, by preference in LOINC.
    pub code: Coding,
    /// How much.
    pub value_quantity: Quantity,
    /// When.
    pub effective_at: Timestamp,
}

/// How urgent it seems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Assessment {
    /// How soon somebody should look.
    pub urgency: Urgency,
    /// 0 to 1: how sure it is of the urgency.
    pub confidence: f64,
    /// Why, one sentence each, for clinicians.
    pub reasons: Vec<String>,
    /// What to do now, one sentence each, for the patient.
    pub actions: Vec<String>,
    /// What should be asked next; empty when nothing would change the urgency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<QuestionnaireItem>,
    /// Who should look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialty: Option<Coding>,
    /// What it relies on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// Which machine said so.
    pub produced_by: Producer,
}

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Now: call the emergency number.
    Emergency,
    /// Within hours.
    Urgent,
    /// Within days.
    Soon,
    /// At the next opportunity.
    Routine,
    /// Needs no doctor.
    SelfCare,
}

/// Asks a question about what the passages say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// BCP 47, the language of the reply.
    pub language: String,
    /// For whom the answer is worded.
    pub audience: Audience,
    /// The question.
    pub question: String,
    /// What the platform found in the facility's own knowledge base, best first. An answer that
    /// they do not support is no answer.
    pub passages: Vec<Passage>,
}

/// For whom words are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Plain words.
    Patient,
    /// The field's words.
    Clinician,
}

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Passage {
    /// Names it in citations.
    pub source: String,
    /// Of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where a reader finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Timestamp>,
    /// The words.
    pub text: String,
}

/// An answer that can be checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answered {
    /// The answer; none when the passages do not hold one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// 0 to 1: how sure it is that the passages say so.
    pub confidence: f64,
    /// At least one with every answer. The host drops those whose quote is not in its source.
    pub citations: Vec<Citation>,
    /// Which machine said so.
    pub produced_by: Producer,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Citation {
    /// From [`Passage`], or the plugin's own name for a source.
    pub source: String,
    /// Where a reader finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Exactly as it stands there.
    pub quote: String,
}

/// Asks for a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summarise {
    /// BCP 47, the language of the reply.
    pub language: String,
    /// For whom the summary is worded.
    pub audience: Audience,
    /// What it is for.
    pub purpose: Purpose,
    /// What to summarise, oldest first.
    pub passages: Vec<Passage>,
    /// At most this many words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_words: Option<u32>,
}

/// What a summary is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Before a consultation.
    Preparation,
    /// To the clinician who takes over.
    Handover,
    /// To somebody outside.
    Referral,
    /// What the patient should do and know.
    CarePlan,
}

/// A summary that can be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// The summary.
    pub text: String,
    /// What its statements rely on.
    pub citations: Vec<Citation>,
    /// Which machine said so.
    pub produced_by: Producer,
}

/// Which machine said something, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Producer {
    /// The model, or the name of the rules.
    pub model: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Tokens read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// What the provider charges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
}

impl Call for Triage {
    const METHOD: &'static str = "assistant.triage";
    type Reply = Assessment;

    fn restrict(&mut self, permissions: &Permissions) {
        permissions.keep("birth_date", &mut self.subject.age_years);
        permissions.keep("gender", &mut self.subject.gender);
        permissions.keep("diagnosis", &mut self.subject.conditions);
    }
}

calls!(
    Answer => "assistant.answer" -> Answered,
    Summarise => "assistant.summarise" -> Summary,
);
