//! The AsyncAPI 3 document of the WebSocket, made from the types of its frames, commands and events.
#![allow(
    clippy::indexing_slicing,
    reason = "JSON is indexed by names: reading gives null, and what is written to are objects made here"
)]

use serde_json::{Map, Value, json};
use strum::IntoEnumIterator;
use utoipa::ToSchema;

use super::{
    catalogue::{Ids, Shape, Told, events, signals},
    commands::CommandName,
    protocol::{ClientFrame, ServerFrame, Subscribed},
};
use crate::http::problem::ProblemDocument;

const MESSAGES: &str = "#/components/messages/";
const SCHEMAS: &str = "#/components/schemas/";
const CHANNEL: &str = "#/channels/connection";

/// The document. Its messages are named after what tells them apart: `event.message_sent`, `command.send_message`,
/// `ok.send_message`, `subscribe`.
pub fn document() -> Value {
    let mut document = Document::default();
    for told in events() {
        document.told("event", &told);
    }
    for told in signals() {
        document.told("signal", &told);
    }
    let tells: Vec<String> = document.messages.keys().cloned().collect();
    let problem = document.keep(Shape::of::<ProblemDocument>());
    document.server("error", "error", "It is not done", &[("problem", problem)]);
    document.server("gap", "gap", "What the client has of a topic does not lead up to what comes next", &[]);
    document.server("pong", "pong", "The answer to `ping`", &[]);
    document.operation("tell", "send", tells.iter().map(String::as_str).chain(["gap"]), None);

    let (nothing, login) = (
        json!({"type": "object"}),
        json!({
            "type": "object", "required": ["user_id"],
            "properties": {"user_id": {"type": "string", "format": "uuid"}, "expires_at": {"type": ["string", "null"]}},
        }),
    );
    let begun = document.keep(Shape::of::<Subscribed>());
    for (frame, summary, answer) in [
        ("authenticate", "Logs in, as the first frame", Some(login.clone())),
        ("reauthenticate", "Goes on with a newer token of the same login", Some(login)),
        ("subscribe", "Watches a topic", Some(begun)),
        ("unsubscribe", "Watches it no longer", Some(nothing)),
        ("ping", "Asks for a `pong`", None),
    ] {
        document.client(frame, frame, summary, &[]);
        document.answered(frame, answer);
    }
    for command in CommandName::iter() {
        let name: &str = command.into();
        let (data, answer) = command.shapes();
        let patches =
            [("command", json!({"const": name})), ("data", data.map_or(json!({}), |shape| document.keep(shape)))];
        let message = format!("command.{name}");
        document.client(&message, "command", "Does something to the consultation or the thread of the topic", &patches);
        let answer = answer.map_or(json!({"type": "object"}), |shape| document.keep(shape));
        document.answered(name, Some(answer));
    }
    document.finish()
}

#[derive(Default)]
struct Document {
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
    operations: Map<String, Value>,
}

impl Document {
    /// Keeps a shape and all it refers to among the schemas; the reference to it.
    fn keep(&mut self, shape: Shape) -> Value {
        let name = (shape.name)().into_owned();
        shape.parts().into_iter().for_each(|(part, schema)| self.define(part, schema));
        self.define(name.clone(), shape.schema());
        json!({"$ref": format!("{SCHEMAS}{name}")})
    }

    /// Two shapes of one name would have frames judged by the wrong one.
    fn define(&mut self, name: String, schema: Value) {
        let known = self.schemas.get(&name);
        debug_assert!(known.is_none_or(|known| *known == schema), "two shapes are named {name}");
        self.schemas.insert(name, schema);
    }

    /// An event or a signal, whose data holds nothing but what is written of it.
    fn told(&mut self, kind: &str, told: &Told) {
        told.shape.parts().into_iter().for_each(|(part, schema)| self.define(part, schema));
        let mut data = told.shape.schema();
        let mut name = (told.shape.name)().into_owned();
        if told.ids {
            name.push_str("WithIds");
            merge(&mut data, &Shape::of::<Ids>().schema());
        }
        if kind == "event" {
            data["additionalProperties"] = false.into();
        }
        self.define(name.clone(), data);
        let patches = [(kind, json!({"const": told.name})), ("data", json!({"$ref": format!("{SCHEMAS}{name}")}))];
        self.server(&format!("{kind}.{}", told.name), kind, told.summary, &patches);
    }

    /// A frame of the server: the variant of [`ServerFrame`] with some of its fields said more precisely.
    fn server(&mut self, message: &str, frame: &str, summary: &str, patches: &[(&str, Value)]) {
        let mut payload = variant::<ServerFrame>(frame);
        payload["additionalProperties"] = false.into();
        self.message(message, summary, payload, patches);
    }

    /// A frame of the client. What it holds beside is passed over by the server.
    fn client(&mut self, message: &str, frame: &str, summary: &str, patches: &[(&str, Value)]) {
        self.message(message, summary, variant::<ClientFrame>(frame), patches);
    }

    fn message(&mut self, message: &str, summary: &str, mut payload: Value, patches: &[(&str, Value)]) {
        for (field, schema) in patches {
            payload["properties"][field] = schema.clone();
        }
        let title = message.replace(['.', '_'], " ");
        self.messages.insert(message.to_owned(), json!({"title": title, "summary": summary, "payload": payload}));
    }

    /// What the client asks by a frame or command, and how it is answered: by `ok` with this data, or by `pong`.
    fn answered(&mut self, asked: &str, data: Option<Value>) {
        let answer = match data {
            Some(data) => {
                let answer = format!("ok.{asked}");
                self.server(&answer, "ok", "It is done", &[("data", data)]);
                answer
            }
            None => "pong".to_owned(),
        };
        let command = format!("command.{asked}");
        let message = if self.messages.contains_key(&command) { command } else { asked.to_owned() };
        self.operation(asked, "receive", [message.as_str()], Some([answer.as_str(), "error"]));
    }

    fn operation<'a>(
        &mut self,
        name: &str,
        action: &str,
        messages: impl IntoIterator<Item = &'a str>,
        reply: Option<[&str; 2]>,
    ) {
        let references = |messages: &mut dyn Iterator<Item = &str>| -> Vec<Value> {
            messages.map(|message| json!({"$ref": format!("{CHANNEL}/messages/{message}")})).collect()
        };
        let mut operation = json!({
            "action": action, "channel": {"$ref": CHANNEL}, "messages": references(&mut messages.into_iter()),
        });
        if let Some(reply) = reply {
            operation["reply"] = json!({"channel": {"$ref": CHANNEL}, "messages": references(&mut reply.into_iter())});
        }
        self.operations.insert(name.to_owned(), operation);
    }

    fn finish(self) -> Value {
        let on_channel: Map<String, Value> =
            self.messages.keys().map(|name| (name.clone(), json!({"$ref": format!("{MESSAGES}{name}")}))).collect();
        json!({
            "asyncapi": "3.0.0",
            "info": {
                "title": "Consilium, live",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "The WebSocket with subprotocol `consilium.v1`: numbered events that resume without a \
                    gap, signals that are kept nowhere, and the commands that change what happens in a consultation. \
                    Every message is one JSON object in a text frame of at most 64 KiB.",
                "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            },
            "defaultContentType": "application/json",
            "channels": {"connection": {
                "address": "/api/v1/ws",
                "description": "One connection carries many topics: `user:me`, `consultation:<id>`, \
                    `thread:<id>`, `waiting_room:<doctor_id>`.",
                "messages": on_channel,
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }},
            "operations": self.operations,
            "components": {"messages": self.messages, "schemas": self.schemas},
        })
    }
}

/// The schema of the variant of a frame that is tagged `tag`.
fn variant<T: ToSchema>(tag: &str) -> Value {
    let schema = Shape::of::<T>().schema();
    let mut variants = schema["oneOf"].as_array().into_iter().flatten();
    let found = variants.find(|one| one["properties"]["type"]["enum"][0] == tag);
    found.cloned().unwrap_or_else(|| json!({"not": {}}))
}

/// Adds the properties of one object to another.
fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into["properties"].as_object_mut(), from["properties"].as_object()) {
        into.extend(from.clone());
    }
    let required = |of: &Value| of["required"].as_array().cloned().unwrap_or_default();
    into["required"] = [required(into), required(from)].concat().into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_of_the_protocol_is_described() {
        let document = document();
        let messages = document["components"]["messages"].as_object().unwrap();
        assert!(messages.values().all(|message| message["payload"]["properties"]["type"].is_object()));
        let told = |kind: &str, name: &str| &messages[&format!("{kind}.{name}")]["payload"]["properties"];
        assert_eq!(told("event", "message_sent")["event"], json!({"const": "message_sent"}));
        assert_eq!(told("command", "send_message")["data"], json!({"$ref": "#/components/schemas/SendMessageRequest"}));
        for kind in consilium_consultations::SignalKind::iter() {
            assert!(messages.contains_key(&format!("signal.{kind}")), "{kind}");
        }
        // Whatever is referred to is there.
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
