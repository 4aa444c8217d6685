//! Messages of `assistant/1`.

use crate::{Golden, text};
use consilium_plugin_contract::{
    Call as _, Money, Permissions,
    assistant::{
        Answer, Answered, Assessment, Audience, Citation, Observation, Passage, Producer, Purpose, Subject, Summarise,
        Summary, Triage, Urgency,
    },
    fhir::{AnswerValue, Coding, Quantity, QuestionType, QuestionnaireItem, QuestionnaireResponseItem},
};
use serde_json::json;

fn coding(system: &str, code: &str, display: &str) -> Coding {
    Coding { system: Some(text(system)), code: text(code), display: Some(text(display)) }
}

fn producer() -> Producer {
    Producer {
        model: text("acme-med"),
        version: Some(text("2026-10")),
        input_tokens: Some(412),
        output_tokens: Some(96),
        cost: Some(Money { amount_minor: 2, currency: text("USD") }),
    }
}

fn citation() -> Citation {
    Citation {
        source: text("protocol-12"),
        url: Some(text("https://clinic.example.org/kb/12")),
        quote: text("Chest pain with sweating is an emergency."),
    }
}

fn passage() -> Passage {
    Passage {
        source: text("protocol-12"),
        title: Some(text("Chest pain")),
        url: Some(text("https://clinic.example.org/kb/12")),
        written_at: Some("2026-01-05T00:00:00Z".parse().unwrap()),
        text: text("Chest pain with sweating is an emergency. Call for help at once."),
    }
}

fn triage() -> Triage {
    Triage {
        language: text("en"),
        subject: Subject {
            age_years: Some(61),
            gender: Some(text("male")),
            conditions: Some(vec![coding("http://snomed.info/sct", "38341003", "Hypertension")]),
        },
        complaint: text("My chest hurts and I sweat"),
        answers: vec![QuestionnaireResponseItem {
            link_id: text("spreads"),
            text: Some(text("Does the pain spread into your arm?")),
            answer: vec![AnswerValue::ValueBoolean(true)],
        }],
        observations: vec![Observation {
            code: coding("http://loinc.org", "8867-4", "Heart rate"),
            value_quantity: Quantity { value: 112.0, unit: text("/min") },
            effective_at: "2026-11-20T08:58:00Z".parse().unwrap(),
        }],
    }
}

pub fn assistant(golden: &mut Golden) {
    golden.call(
        &triage(),
        &Assessment {
            urgency: Urgency::Emergency,
            confidence: 0.93,
            reasons: vec![text("Chest pain with sweating in a patient with hypertension.")],
            actions: vec![text("Call the emergency number now and do not drive yourself.")],
            questions: vec![QuestionnaireItem {
                link_id: text("since"),
                text: text("Since when does it hurt?"),
                kind: QuestionType::Choice,
                repeats: true,
                answer_option: vec![Coding { system: None, code: text("minutes"), display: None }],
            }],
            specialty: Some(coding("http://snomed.info/sct", "394579002", "Cardiology")),
            citations: vec![citation()],
            produced_by: producer(),
        },
    );
    golden.call(
        &Answer {
            language: text("en"),
            audience: Audience::Clinician,
            question: text("When is chest pain an emergency?"),
            passages: vec![passage()],
        },
        &Answered {
            text: Some(text("With sweating, chest pain is an emergency.")),
            confidence: 0.9,
            citations: vec![citation()],
            produced_by: producer(),
        },
    );
    golden.call(
        &Summarise {
            language: text("en"),
            audience: Audience::Patient,
            purpose: Purpose::CarePlan,
            passages: vec![passage()],
            max_words: Some(120),
        },
        &Summary {
            text: text("Call for help at once when your chest hurts and you sweat."),
            citations: vec![citation()],
            produced_by: producer(),
        },
    );
    names();
}

fn names() {
    use Urgency::{Emergency, Routine, SelfCare, Soon, Urgent};
    assert_eq!(
        json!([Emergency, Urgent, Soon, Routine, SelfCare]),
        json!(["emergency", "urgent", "soon", "routine", "self_care"])
    );
    assert_eq!(
        json!([
            AnswerValue::ValueInteger(3),
            AnswerValue::ValueDecimal(0.5),
            AnswerValue::ValueDate("2026-11-01".parse().unwrap()),
            AnswerValue::ValueString(text("yes")),
            AnswerValue::ValueCoding(Coding { system: None, code: text("mild"), display: None }),
            AnswerValue::ValueQuantity(Quantity { value: 38.5, unit: text("Cel") }),
        ]),
        json!([
            {"value_integer": 3}, {"value_decimal": 0.5}, {"value_date": "2026-11-01"}, {"value_string": "yes"},
            {"value_coding": {"code": "mild"}}, {"value_quantity": {"value": 38.5, "unit": "Cel"}},
        ])
    );
    use QuestionType::{Boolean, Choice, Date, Decimal, Integer, Quantity as Amount, String as Words, Text};
    assert_eq!(
        json!([Boolean, Integer, Decimal, Date, Words, Text, Choice, Amount]),
        json!(["boolean", "integer", "decimal", "date", "string", "text", "choice", "quantity"])
    );
    use Purpose::{CarePlan, Handover, Preparation, Referral};
    assert_eq!(
        json!([Preparation, Handover, Referral, CarePlan]),
        json!(["preparation", "handover", "referral", "care_plan"])
    );
}

#[test]
fn an_assistant_learns_of_the_patient_what_its_manifest_asks_for() {
    let mut asked = triage();
    asked.restrict(&Permissions { patient_fields: vec![text("birth_date")], ..Permissions::default() });
    assert_eq!(asked.subject, Subject { age_years: Some(61), gender: None, conditions: None });
}
