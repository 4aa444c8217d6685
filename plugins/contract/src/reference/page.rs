//! The pages of the reference.

use super::{
    CallReference, Kind,
    shape::{description, details, in_words, referred},
};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write as _, fs, io, path::Path};

const MADE: &str = "<!-- Made from plugins/contract; change it there. -->\n\n";

/// The page of one kind.
pub(super) fn kind(kind: &Kind, examples: &Path) -> io::Result<String> {
    let stem = kind.stem();
    let mut page = format!("{MADE}# {}: `{}`\n\n{}\n", kind.title, kind.contract, kind.about.trim());
    page += &format!("\nIn Rust: {}. JSON Schema: [`{stem}.schema.json`]({stem}.schema.json).\n", kind.interface);
    page += "\n## Calls\n\n| call | answers | when it is repeated |\n|---|---|---|\n";
    for call in &kind.calls {
        let (method, anchor) = (call.method, call.method.replace('.', ""));
        let optional = if call.optional { " (optional)" } else { "" };
        page += &format!("| [`{method}`](#{anchor}){optional} | {} | {} |\n", in_words(&call.reply), call.repeated);
    }
    let mut told = BTreeSet::new();
    for call in &kind.calls {
        page += &section(kind, call, examples, &mut told)?;
    }
    page += &errors(kind);
    let types: String = kind
        .definitions
        .iter()
        .filter(|(name, _)| !told.contains(*name))
        .map(|(name, schema)| definition("###", name, schema))
        .collect();
    if !types.is_empty() {
        page += &format!("\n## Types\n{types}");
    }
    Ok(page)
}

/// One call: what it asks, with its request, its reply and an example of each.
fn section(kind: &Kind, call: &CallReference, examples: &Path, told: &mut BTreeSet<String>) -> io::Result<String> {
    let definition_of = |schema: &Value| {
        let name = referred(schema)?;
        Some((name.to_owned(), kind.definitions.get(name)?.clone()))
    };
    let mut page = format!("\n## {}\n\n", call.method);
    if let Some((_, request)) = definition_of(&call.request) {
        let _ = writeln!(page, "{}", description(&request));
    }
    for (what, schema) in [("request", &call.request), ("reply", &call.reply)] {
        let heading = if what == "request" { "Request" } else { "Reply" };
        match definition_of(schema) {
            Some((name, _)) if told.contains(&name) => {
                let _ = write!(page, "\n{heading}: {}, as above.\n", in_words(schema));
            }
            Some((name, found)) => {
                page += &format!("\n### {name}\n\n*{heading}.* ");
                page += &if what == "reply" { format!("{}\n\n", description(&found)) } else { "\n\n".to_owned() };
                page += &details(&found);
                told.insert(name);
            }
            None => page += &format!("\n{heading}: {}.\n", in_words(schema)),
        }
        let example = fs::read_to_string(examples.join(format!("{}.{what}.json", call.method)))?;
        page += &format!("\n```json\n{}\n```\n", example.trim());
    }
    Ok(page)
}

fn definition(heading: &str, name: &str, schema: &Value) -> String {
    format!("\n{heading} {name}\n\n{}\n\n{}", description(schema), details(schema))
}

fn errors(kind: &Kind) -> String {
    if kind.errors.is_empty() {
        return String::new();
    }
    let mut page = "\n## Errors\n\nBesides [those of every call](README.md#errors). Other codes are allowed; the host \
                    only looks at `retryable` then.\n\n| code | retryable | meaning |\n|---|---|---|\n"
        .to_owned();
    for (code, retryable, meaning) in kind.errors {
        let _ = writeln!(page, "| `{code}` | {} | {meaning} |", if *retryable { "yes" } else { "no" });
    }
    page
}

/// The page that leads to the others.
pub(super) fn index(kinds: &[Kind]) -> String {
    let mut page = format!("{MADE}{}\n\n## Kinds\n\n", include_str!("about/index.md").trim());
    page += "| contract | page | in Rust | schema |\n|---|---|---|---|\n";
    for kind in kinds {
        let (name, stem) = (kind.name(), kind.stem());
        page += &format!("| `{}` | [{}]({name}.md) | {} | ", kind.contract, kind.title, kind.interface);
        page += &format!("[`{stem}.schema.json`]({stem}.schema.json) |\n");
    }
    page += "\nThe manifest has a schema too: [`manifest.schema.json`](manifest.schema.json).\n";
    page
}
