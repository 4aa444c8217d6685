//! Data types of HL7 FHIR R4, as far as messages need them, with names in snake case.

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// A concept in a code system (FHIR `Coding`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Coding {
    /// URI of the code system: `http://snomed.info/sct`, `http://loinc.org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The code in it.
    pub code: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

/// A measured amount (FHIR `Quantity`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quantity {
    /// How much.
    pub value: f64,
    /// UCUM unit: `Cel`, `mm[Hg]`, `/min`.
    pub unit: String,
}

/// A postal address (FHIR `Address`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Address {
    /// Street, number, building.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub line: Vec<String>,
    /// Town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// District.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// A place on earth, WGS 84 (FHIR `Location.position`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Position {
    /// -90 to 90.
    pub latitude: f64,
    /// -180 to 180.
    pub longitude: f64,
}

/// When a place is open, in its own time zone (FHIR `Location.hoursOfOperation`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HoursOfOperation {
    /// On which days.
    pub days_of_week: Vec<DayOfWeek>,
    /// Open around the clock; the times are absent then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_day: bool,
    /// Local time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening_time: Option<Time>,
    /// Local time; before the opening time when it closes after midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing_time: Option<Time>,
}

/// FHIR value set `days-of-week`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DayOfWeek {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// FHIR value set `request-priority`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// The normal course of things.
    #[default]
    Routine,
    /// Before what is routine.
    Urgent,
    /// As soon as possible.
    Asap,
    /// At once: an emergency.
    Stat,
}

/// A question and what was answered (FHIR `QuestionnaireResponse.item`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuestionnaireResponseItem {
    /// The question's id, from [`QuestionnaireItem`].
    pub link_id: String,
    /// The question as it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Several where the question allows several; empty when it was skipped.
    pub answer: Vec<AnswerValue>,
}

/// One answer (FHIR `QuestionnaireResponse.item.answer.value[x]`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AnswerValue {
    /// Yes or no.
    ValueBoolean(bool),
    /// A whole number.
    ValueInteger(i64),
    /// A number.
    ValueDecimal(f64),
    /// A day.
    ValueDate(Date),
    /// Words.
    ValueString(String),
    /// One of the options.
    ValueCoding(Coding),
    /// An amount with its unit.
    ValueQuantity(Quantity),
}

/// A question to be asked (FHIR `Questionnaire.item`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuestionnaireItem {
    /// Comes back with the answer.
    pub link_id: String,
    /// The question in the language asked for.
    pub text: String,
    /// What kind of answer fits.
    #[serde(rename = "type")]
    pub kind: QuestionType,
    /// Whether several answers fit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeats: bool,
    /// The options of a `choice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer_option: Vec<Coding>,
}

/// FHIR value set `item-type`, as far as used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum QuestionType {
    /// Yes or no.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// A day.
    Date,
    /// A few words.
    String,
    /// Sentences.
    Text,
    /// One of the options.
    Choice,
    /// An amount with its unit.
    Quantity,
}
