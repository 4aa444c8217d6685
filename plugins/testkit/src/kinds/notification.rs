//! `notification/1`: a message to one person, over each channel that the plugin serves.

use super::{Effect, Sample, in_hours, refused_as};
use crate::session::{Session, Trouble};
use consilium_plugin_host::contract::{
    Call, Outcome, Reconciled,
    notification::{DeliveryState, Reconcile, Send, Sent},
};
use serde_json::{Value, json};

pub(super) fn samples() -> Vec<Sample> {
    let messages = recipients().map(|to| Sample::of::<Send>(message("sample", &to, "2099-01-01T00:00:00Z")));
    messages.into_iter().chain([Sample::of::<Reconcile>(json!({"idempotency_key": "sample"}))]).collect()
}

/// One for each channel. The keys are those of RFC 8291, appendix A.
fn recipients() -> [Value; 4] {
    [
        json!({"channel": "email", "address": "ada@example.org", "name": "Ada Rahman"}),
        json!({"channel": "sms", "phone": "+8801700000000"}),
        json!({"channel": "voice", "phone": "+8801700000000"}),
        json!({
            "channel": "push", "endpoint": "https://push.example.org/s/1", "auth": "BTBZMqHH6r4Tts7J_aSIgg",
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        }),
    ]
}

fn message(key: &str, to: &Value, expires_at: &str) -> Value {
    let mail = to.pointer("/channel").is_some_and(|channel| channel == "email");
    let text = "Dr. Hossain expects you on 20 November at 15:00.";
    json!({
        "idempotency_key": key, "to": to, "text": text, "category": "appointment_accepted", "language": "en",
        "subject": mail.then_some("Your appointment"), "html": mail.then(|| format!("<p>{text}</p>")),
        "expires_at": expires_at,
    })
}

/// Sends over every channel that the plugin serves, and answers the keys with what was sent.
async fn send(session: &Session, number: u64) -> Result<Vec<(String, Sent)>, Trouble> {
    let until = in_hours(session, 24).to_string();
    let mut taken = Vec::new();
    for to in recipients() {
        let channel = to.pointer("/channel").and_then(Value::as_str).unwrap_or_default();
        let key = format!("{channel}-{number}");
        match session.ask::<Send>(message(&key, &to, &until)).await {
            Ok(sent) if sent.reference.is_empty() => {
                return Err(Trouble::new(Send::METHOD, "the reference is empty: no webhook could speak of it"));
            }
            Ok(sent) if matches!(sent.status, DeliveryState::Failed | DeliveryState::AddressInvalid) => {
                return Err(Trouble::new(Send::METHOD, format!("over {channel} it is {:?} at once", sent.status)));
            }
            Ok(sent) => taken.push((key, sent)),
            Err(trouble) if refused_as(&trouble, "channel_unsupported") => {}
            Err(trouble) => return Err(trouble),
        }
    }
    if taken.is_empty() { Err(Trouble::new(Send::METHOD, "it serves none of the four channels")) } else { Ok(taken) }
}

async fn outcome(session: &Session, key: &str) -> Result<Outcome<Sent>, Trouble> {
    let answer: Reconciled<Sent> = session.ask::<Reconcile>(json!({"idempotency_key": key})).await?;
    Ok(answer.outcome)
}

pub(super) async fn effects(session: &Session, number: u64) -> Result<Vec<Effect>, Trouble> {
    let sent = send(session, number).await?;
    let left = |(_, sent): (String, Sent)| Effect { method: Send::METHOD, left: json!(sent.reference), distinct: true };
    Ok(sent.into_iter().map(left).collect())
}

pub(super) async fn story(session: &Session, number: u64) -> Result<Vec<String>, Trouble> {
    let sent = send(session, number).await?;
    for (key, sent) in &sent {
        let wrong = match outcome(session, key).await? {
            Outcome::Done(known) if known.reference != sent.reference => "it is another message than was sent",
            Outcome::NotDone => "a message that was sent is said not to be",
            Outcome::Done(_) | Outcome::Unknown => continue,
        };
        return Err(Trouble::new(Reconcile::METHOD, wrong));
    }
    if let Outcome::Done(_) = outcome(session, &format!("never-used-{number}")).await? {
        return Err(Trouble::new(Reconcile::METHOD, "a key that was never used is said to have sent something"));
    }
    Ok(sent.into_iter().map(|(_, sent)| sent.reference).collect())
}
