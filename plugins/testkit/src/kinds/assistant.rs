//! `assistant/1`: a complaint, a question and a summary; whatever is said can be checked.

use super::{Sample, first_taken, refused_as};
use crate::session::{Session, Trouble};
use consilium_plugin_host::contract::{
    Call,
    assistant::{Answer, Citation, Producer, Summarise, Triage},
};
use serde_json::{Value, json};

/// One of them every assistant speaks.
const LANGUAGES: [&str; 2] = ["en", "bn"];
const MOST_WORDS: usize = 80;
const SOURCE: &str = "protocol-12";
const TEXT: &str = "Chest pain with sweating is an emergency. Call for help at once. Do not let the patient walk.";

pub(super) fn samples() -> Vec<Sample> {
    let language = "en";
    vec![
        Sample::of::<Triage>(complaint(language)),
        Sample::of::<Answer>(question(language)),
        Sample::of::<Summarise>(passages(language)),
    ]
}

fn complaint(language: &str) -> Value {
    json!({
        "language": language, "complaint": "My chest hurts and I sweat",
        "subject": {
            "age_years": 61, "gender": "male",
            "conditions": [{"system": "http://snomed.info/sct", "code": "38341003", "display": "Hypertension"}],
        },
        "answers": [{"link_id": "spreads", "text": "Does it spread?", "answer": [{"value_boolean": true}]}],
        "observations": [{
            "code": {"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"},
            "value_quantity": {"value": 112.0, "unit": "/min"}, "effective_at": "2026-11-20T08:58:00Z",
        }],
    })
}

fn question(language: &str) -> Value {
    json!({
        "language": language, "audience": "clinician", "question": "When is chest pain an emergency?",
        "passages": [passage()],
    })
}

fn passages(language: &str) -> Value {
    json!({
        "language": language, "audience": "clinician", "purpose": "handover", "passages": [passage()],
        "max_words": MOST_WORDS,
    })
}

fn passage() -> Value {
    json!({
        "source": SOURCE, "title": "Chest pain", "url": "https://clinic.example.org/kb/12",
        "written_at": "2026-01-05T00:00:00Z", "text": TEXT,
    })
}

pub(super) async fn story(session: &Session) -> Result<(), Trouble> {
    let told = [triage(session).await, answer(session).await, summarise(session).await];
    let does_nothing = told.iter().all(|told| told.as_ref().is_err_and(|trouble| refused_as(trouble, "not_supported")));
    if does_nothing {
        return Err(Trouble::new(Triage::METHOD, "it does neither this nor the other calls of its kind"));
    }
    let mut troubles = told.into_iter().filter_map(Result::err);
    troubles.find(|trouble| !refused_as(trouble, "not_supported")).map_or(Ok(()), Err)
}

async fn triage(session: &Session) -> Result<(), Trouble> {
    let (told, _) = first_taken::<Triage>(session, &LANGUAGES, "language_unsupported", complaint).await?;
    let wrong = |what: &str| Err(Trouble::new(Triage::METHOD, what));
    if told.reasons.is_empty() || told.actions.is_empty() {
        return wrong("there are no reasons for clinicians, or no actions for the patient");
    }
    checked(told.confidence, &told.citations, &told.produced_by).or_else(|what| wrong(&what))
}

async fn answer(session: &Session) -> Result<(), Trouble> {
    let (told, _) = first_taken::<Answer>(session, &LANGUAGES, "language_unsupported", question).await?;
    let wrong = |what: &str| Err(Trouble::new(Answer::METHOD, what));
    if told.text.is_some() && told.citations.is_empty() {
        return wrong("it answers without saying where that stands");
    }
    checked(told.confidence, &told.citations, &told.produced_by).or_else(|what| wrong(&what))
}

async fn summarise(session: &Session) -> Result<(), Trouble> {
    let (told, _) = first_taken::<Summarise>(session, &LANGUAGES, "language_unsupported", passages).await?;
    let wrong = |what: &str| Err(Trouble::new(Summarise::METHOD, what));
    let words = told.text.split_whitespace().count();
    if words == 0 || words > MOST_WORDS {
        return wrong(&format!("the summary has {words} words, at most {MOST_WORDS} were asked for"));
    }
    checked(1.0, &told.citations, &told.produced_by).or_else(|what| wrong(&what))
}

/// What is true of whatever a machine says.
fn checked(confidence: f64, citations: &[Citation], produced_by: &Producer) -> Result<(), String> {
    if !(0.0..=1.0).contains(&confidence) {
        return Err(format!("confidence {confidence} is not between 0 and 1"));
    }
    if produced_by.model.is_empty() {
        return Err("produced_by does not say which machine said so".to_owned());
    }
    // Sources of the plugin's own cannot be looked at.
    let invented = citations.iter().find(|cited| {
        cited.quote.trim().is_empty() || (cited.source == SOURCE && !TEXT.contains(cited.quote.as_str()))
    });
    invented.map_or(Ok(()), |cited| Err(format!("{:?} does not stand in {}", cited.quote, cited.source)))
}
