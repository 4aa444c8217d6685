//! Writes `config/default.toml` from the types, so that the file cannot tell anything but the truth.

use schemars::schema_for;
use serde_json::Value;

use super::types::Config;

/// The default settings as commented TOML.
pub fn default_toml() -> String {
    let schema = schema_for!(Config).to_value();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut text = String::from(
        "# Every setting with its default. Made from the types in api/src/config by `consilium check-config --defaults`.\n\
         # As environment: CONSILIUM__SERVER__PORT=80. Keys marked \"Secret\" may be given as <key>_file instead.\n",
    );
    for (name, section) in object(&defaults) {
        text.push_str(&format!("\n{}[{name}]\n", comment(description(&schema, &schema, name))));
        let section_schema = resolve(&schema, property(&schema, &schema, name));
        for (key, value) in object(section) {
            text.push_str(&comment(description(&schema, section_schema, key)));
            match toml::Value::try_from(value) {
                Ok(toml::Value::Table(_)) | Err(_) => {}
                Ok(value) => text.push_str(&format!("{key} = {value}\n")),
            }
        }
    }
    text
}

pub(super) fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

pub(super) fn property<'a>(root: &'a Value, schema: &'a Value, key: &str) -> &'a Value {
    resolve(root, schema).get("properties").and_then(|all| all.get(key)).unwrap_or(&Value::Null)
}

pub(super) fn description<'a>(root: &'a Value, schema: &'a Value, key: &str) -> &'a str {
    property(root, schema, key).get("description").and_then(Value::as_str).unwrap_or("")
}

pub(super) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
    reference.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

fn comment(text: &str) -> String {
    text.lines().map(|line| format!("# {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_file_in_the_repository_is_what_the_types_say() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/default.toml");
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(text, super::default_toml(), "run `consilium check-config --defaults > config/default.toml`");
        let loaded = super::super::load(Some(std::path::Path::new(file)), Some(Default::default())).unwrap();
        assert_eq!(serde_json::to_value(loaded).unwrap(), serde_json::to_value(super::Config::default()).unwrap(),);
    }
}
