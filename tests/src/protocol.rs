//! Every frame that a test's WebSocket sends or receives must be one that the AsyncAPI document describes.

use std::{collections::HashMap, sync::OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

/// A frame that was sent. Tests that send what is wrong on purpose do not ask.
#[track_caller]
pub fn sent(frame: &Value) {
    let name = match frame["command"].as_str() {
        Some(command) => format!("command.{command}"),
        None => kind(frame).to_owned(),
    };
    check(&name, frame);
}

/// A frame that was received; `asked` is the one that it answers.
#[track_caller]
pub fn received(frame: &Value, asked: Option<&Value>) {
    let name = match (kind(frame), asked) {
        ("event", _) => format!("event.{}", frame["event"].as_str().unwrap_or_default()),
        ("signal", _) => format!("signal.{}", frame["signal"].as_str().unwrap_or_default()),
        ("ok", Some(asked)) => format!("ok.{}", asked["command"].as_str().unwrap_or(kind(asked))),
        ("ok", None) => return, // an answer that nobody waits for any more
        (kind, _) => kind.to_owned(),
    };
    check(&name, frame);
}

fn kind(frame: &Value) -> &str {
    frame["type"].as_str().unwrap_or_default()
}

#[track_caller]
fn check(name: &str, frame: &Value) {
    let Some(validator) = messages().get(name) else {
        panic!("{name} is not described: add it to api/src/ws/catalogue.rs or commands.rs\n{frame:#}");
    };
    let wrong: Vec<String> =
        validator.iter_errors(frame).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{name} is not as described in api/src/ws: {wrong:#?}\n{frame:#}");
}

/// The messages of the document, ready to check with.
fn messages() -> &'static HashMap<String, Validator> {
    static MESSAGES: OnceLock<HashMap<String, Validator>> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let document = consilium_api::ws::asyncapi::document();
        let components = &document["components"];
        let messages = components["messages"].as_object().expect("messages");
        messages
            .iter()
            .map(|(name, message)| {
                let schema = json!({"allOf": [message["payload"]], "components": components});
                (name.clone(), jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{name}: {error}")))
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_passes() {
        sent(&json!({"type": "subscribe", "id": "1", "topic": "user:me", "after_seq": 4}));
        received(&json!({"type": "pong", "id": "1"}), None);
        let read = json!({"user_id": "0197f3a0-0000-7000-8000-000000000001", "seq": 3});
        let event = json!({"type": "event", "topic": "t", "seq": 4, "event": "message_read", "at": "…", "data": read});
        received(&event, None);
    }

    #[test]
    #[should_panic(expected = "event.exploded is not described")]
    fn an_event_that_is_not_described_is_noticed() {
        received(&json!({"type": "event", "topic": "t", "seq": 1, "event": "exploded", "at": "…", "data": {}}), None);
    }

    #[test]
    #[should_panic(expected = "event.message_read is not as described")]
    fn a_field_that_is_not_described_is_noticed() {
        let read = json!({"user_id": "0197f3a0-0000-7000-8000-000000000001", "seq": 3, "name": "Ada"});
        received(
            &json!({"type": "event", "topic": "t", "seq": 1, "event": "message_read", "at": "…", "data": read}),
            None,
        );
    }

    #[test]
    #[should_panic(expected = "command.cursor is not as described")]
    fn a_command_with_wrong_data_is_noticed() {
        sent(&json!({"type": "command", "id": "1", "topic": "t", "command": "cursor", "data": {"x": 2, "y": 0}}));
    }
}
