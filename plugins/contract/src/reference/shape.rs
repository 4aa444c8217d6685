//! Reads JSON Schemas aloud, in Markdown.

use serde_json::{Map, Value};

/// Turns the links of rustdoc in all descriptions into words, and their lines into paragraphs.
pub(super) fn plain_words(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text) if key == "description" => *text = plain(text),
                    nested => plain_words(nested),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_words),
        _ => {}
    }
}

/// ``[`crate::video::Room`]`` becomes `` `Room` ``.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((link, after)) = after.split_once("`]") else { break };
        plain.push_str(before);
        plain.push_str(&format!("`{}`", link.rsplit("::").next().unwrap_or(link)));
        rest = after;
    }
    plain.push_str(rest);
    let paragraphs: Vec<_> = plain.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
    paragraphs.join("\n\n")
}

/// The name of the type that a schema refers to.
pub(super) fn referred(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

pub(super) fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// A type in a few words, with links to the types of the page.
pub(super) fn in_words(schema: &Value) -> String {
    if let Some(name) = referred(schema) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(either) = schema.get("anyOf").and_then(Value::as_array) {
        let real: Vec<_> = either.iter().filter(|one| one.get("type") != Some(&Value::from("null"))).collect();
        return real.into_iter().map(in_words).collect::<Vec<_>>().join(" or ");
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|k| *k != "null").unwrap_or("any"),
        _ => "any JSON",
    };
    match kind {
        "array" => format!("list of {}", schema.get("items").map_or_else(|| "any JSON".to_owned(), in_words)),
        "object" => {
            let values = schema.get("additionalProperties").filter(|values| values.is_object());
            values.map_or_else(|| "object".to_owned(), |values| format!("map of string to {}", in_words(values)))
        }
        "string" => match (schema.get("format"), schema.get("contentEncoding")) {
            (Some(Value::String(format)), _) => format!("string, {format}"),
            (_, Some(Value::String(encoding))) => format!("string, {encoding}"),
            _ => "string".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// The fields of an object as a table, or the values of an enumeration as a list.
pub(super) fn details(schema: &Value) -> String {
    if let Some(variants) = schema.get("oneOf").and_then(Value::as_array) {
        return variants.iter().map(variant).collect();
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(|value| format!("- `{value}`\n")).collect();
    }
    match schema.get("properties").and_then(Value::as_object) {
        Some(fields) if !fields.is_empty() => table(fields, schema),
        _ if schema.get("type") == Some(&Value::from("object")) => "An empty object.\n".to_owned(),
        _ => format!("A {}.\n", in_words(schema)),
    }
}

fn table(fields: &Map<String, Value>, schema: &Value) -> String {
    let required: Vec<_> = schema.get("required").and_then(Value::as_array).into_iter().flatten().collect();
    let mut table = "| field | type | | meaning |\n|---|---|---|---|\n".to_owned();
    for (name, field) in fields {
        let needed = if required.contains(&&Value::from(name.as_str())) { "required" } else { "" };
        let meaning = description(field).replace("\n\n", "<br>").replace('|', "\\|");
        table.push_str(&format!("| `{name}` | {} | {needed} | {meaning} |\n", in_words(field)));
    }
    table
}

fn variant(schema: &Value) -> String {
    let text = description(schema);
    if let Some(value) = schema.get("const") {
        return format!("- `{value}`: {text}\n");
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(|value| format!("- `{value}`\n")).collect();
    }
    let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut parts: Vec<_> = fields.map(|(name, field)| format!("`{name}`: {}", in_words(field))).collect();
    parts.extend(referred(schema).map(|name| format!("the fields of [{name}](#{})", name.to_lowercase())));
    format!("- {}. {text}\n", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn links_of_rustdoc_become_words() {
        let mut schema = json!({"description": "From\n[`crate::video::Room`], as in [`Verify`].\n\nMore [words]."});
        plain_words(&mut schema);
        assert_eq!(description(&schema), "From `Room`, as in `Verify`.\n\nMore [words].");
    }

    #[test]
    fn types_are_said_in_words() {
        for (schema, words) in [
            (json!({"$ref": "#/$defs/Room"}), "[Room](#room)"),
            (json!({"anyOf": [{"$ref": "#/$defs/Room"}, {"type": "null"}]}), "[Room](#room)"),
            (json!({"type": ["string", "null"], "format": "date-time"}), "string, date-time"),
            (json!({"type": "array", "items": {"type": "integer"}}), "list of integer"),
            (json!({"type": "object", "additionalProperties": {"type": "string"}}), "map of string to string"),
            (json!(true), "any JSON"),
        ] {
            assert_eq!(in_words(&schema), words);
        }
    }
}
