//! The contract reference below `docs/contracts`: a page and a JSON Schema per kind, made from the
//! types themselves, from what [`kinds`] says of each call, and from the golden files as examples.
//! `cargo run -p consilium-plugin-contract --features schema --example contract-reference` writes
//! it; a test compares it.

mod kinds;
mod page;
mod shape;

pub use kinds::kinds;

use crate::{Call, Manifest};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, io, path::Path};

/// One kind as the reference tells of it.
pub struct Kind {
    /// `video/1`, or a bare word for what every plugin shares.
    pub contract: &'static str,
    /// For headings.
    pub title: &'static str,
    /// The trait that authors in Rust implement.
    pub interface: &'static str,
    /// What it is for, who calls it and when, in Markdown.
    pub about: &'static str,
    /// Its calls.
    pub calls: Vec<CallReference>,
    /// The errors that mean something to the host.
    pub errors: &'static [ErrorReference],
    definitions: Map<String, Value>,
}

/// One call.
pub struct CallReference {
    /// `video.create_room`.
    pub method: &'static str,
    /// Schema of the request.
    pub request: Value,
    /// Schema of the reply.
    pub reply: Value,
    /// What happens when it is repeated.
    pub repeated: &'static str,
    /// Whether a plugin may leave it out.
    pub optional: bool,
}

/// An error code: the code, whether it is retryable, and what it means.
pub type ErrorReference = (&'static str, bool, &'static str);

impl Kind {
    fn of(contract: &'static str, title: &'static str, interface: &'static str, about: &'static str) -> Builder {
        let kind = Self { contract, title, interface, about, calls: vec![], errors: &[], definitions: Map::new() };
        Builder { kind, generator: SchemaSettings::draft2020_12().into_generator() }
    }

    /// `video-1`, the stem of the schema's file.
    #[must_use]
    pub fn stem(&self) -> String {
        self.contract.replace('/', "-")
    }

    /// `video`, the stem of the page's file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.contract.split('/').next().unwrap_or_default()
    }

    /// The JSON Schema of all its messages.
    #[must_use]
    pub fn schema(&self) -> Value {
        let calls: Map<_, _> = self.calls.iter().map(|call| (call.method.to_owned(), call.schema())).collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.contract,
            "description": format!("Messages of {}. `calls` names the request and the reply of each method.", self.title),
            "calls": calls,
            "$defs": self.definitions,
        })
    }
}

impl CallReference {
    fn schema(&self) -> Value {
        json!({ "request": self.request, "reply": self.reply, "optional": self.optional })
    }
}

/// Collects the calls of a kind, whose types share one set of definitions.
struct Builder {
    kind: Kind,
    generator: SchemaGenerator,
}

impl Builder {
    fn call<C>(self, repeated: &'static str) -> Self
    where
        C: Call + JsonSchema,
        C::Reply: JsonSchema,
    {
        self.add::<C>(repeated, false)
    }

    fn optional<C>(self, repeated: &'static str) -> Self
    where
        C: Call + JsonSchema,
        C::Reply: JsonSchema,
    {
        self.add::<C>(repeated, true)
    }

    fn add<C>(mut self, repeated: &'static str, optional: bool) -> Self
    where
        C: Call + JsonSchema,
        C::Reply: JsonSchema,
    {
        let request = self.generator.subschema_for::<C>().to_value();
        let reply = self.generator.subschema_for::<C::Reply>().to_value();
        self.kind.calls.push(CallReference { method: C::METHOD, request, reply, repeated, optional });
        self
    }

    /// A type that no call names, such as the data of an event.
    fn also<T: JsonSchema>(mut self) -> Self {
        let _ = self.generator.subschema_for::<T>();
        self
    }

    fn errors(mut self, errors: &'static [ErrorReference]) -> Kind {
        let mut definitions = Value::Object(self.generator.take_definitions(true));
        shape::plain_words(&mut definitions);
        if let Value::Object(definitions) = definitions {
            self.kind.definitions = definitions;
        }
        self.kind.errors = errors;
        self.kind
    }
}

/// Every file of the reference by its name. `examples` is the folder of the golden files.
///
/// # Errors
/// When an example cannot be read.
pub fn files(examples: &Path) -> io::Result<BTreeMap<String, String>> {
    let kinds = kinds();
    let mut files = BTreeMap::new();
    for kind in &kinds {
        files.insert(format!("{}.schema.json", kind.stem()), pretty(&kind.schema()));
        files.insert(format!("{}.md", kind.name()), page::kind(kind, examples)?);
    }
    let mut manifest = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Manifest>().to_value();
    shape::plain_words(&mut manifest);
    files.extend(former_schemas().iter().map(|(name, schema)| ((*name).to_owned(), (*schema).to_owned())));
    files.insert("manifest.schema.json".to_owned(), pretty(&manifest));
    files.insert("README.md".to_owned(), page::index(&kinds));
    Ok(files)
}

/// The schemas of contracts that were replaced and are still spoken, as they were published last.
#[must_use]
pub fn former_schemas() -> &'static [(&'static str, &'static str)] {
    &[("video-1.schema.json", include_str!("former/video-1.schema.json"))]
}

fn pretty(schema: &Value) -> String {
    format!("{schema:#}\n")
}
