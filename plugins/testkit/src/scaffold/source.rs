//! The source that is packed into this program, made ready to stand beside a plugin.

use super::ScaffoldError;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// Path below the workspace's root, and text.
const PACKED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/packed.rs"));

/// Where the source stands in a plugin's folder.
const FOLDER: &str = "consilium";

const ABOUT: &str = "# The SDK of Consilium's plugins\n\nThe source of `consilium-plugin-sdk` and `consilium-plugin-contract`, \
as it was built into the `consilium` program that made this plugin. Keep it as it is and commit it; to take the SDK of \
a newer release, make an empty plugin with that release's `consilium plugin new` and copy its `consilium` folder \
over this one.\n";

/// A packed file.
pub(super) fn packed(path: &str) -> Result<&'static str, ScaffoldError> {
    let found = PACKED.iter().find(|(name, _)| *name == path);
    found.map(|(_, text)| *text).ok_or_else(|| ScaffoldError::Packed(format!("{path} is missing")))
}

/// The files of SDK and contract, with a workspace around them that has only what they need.
pub(super) fn beside() -> Result<Vec<(String, String)>, ScaffoldError> {
    let sources = PACKED.iter().filter(|(path, _)| path.starts_with("plugins/"));
    let mut files: Vec<_> = sources.map(|(path, text)| (format!("{FOLDER}/{path}"), (*text).to_owned())).collect();
    files.push((format!("{FOLDER}/Cargo.toml"), workspace()?));
    files.push((format!("{FOLDER}/README.md"), ABOUT.to_owned()));
    Ok(files)
}

fn parse(path: &str) -> Result<Table, ScaffoldError> {
    packed(path)?.parse().map_err(|e| ScaffoldError::Packed(format!("{path}: {e}")))
}

/// The root's manifest without what SDK and contract do not use.
fn workspace() -> Result<String, ScaffoldError> {
    let missing = |what: &str| ScaffoldError::Packed(format!("Cargo.toml has no {what}"));
    let mut root = parse("Cargo.toml")?;
    let mut workspace = root.remove("workspace").and_then(into_table).ok_or_else(|| missing("workspace"))?;
    let mut used = BTreeSet::new();
    for member in ["plugins/contract/Cargo.toml", "plugins/sdk/Cargo.toml"] {
        let manifest = parse(member)?;
        let sections =
            ["dependencies", "dev-dependencies"].into_iter().filter_map(|name| manifest.get(name)?.as_table());
        used.extend(sections.flat_map(|section| section.keys().cloned()));
    }
    let dependencies =
        workspace.get_mut("dependencies").and_then(Value::as_table_mut).ok_or_else(|| missing("dependencies"))?;
    dependencies.retain(|name, _| used.contains(name));
    workspace.insert("members".to_owned(), Value::Array(vec!["plugins/contract".into(), "plugins/sdk".into()]));
    let document = Table::from_iter([("workspace".to_owned(), Value::Table(workspace))]);
    toml::to_string(&document).map_err(|e| ScaffoldError::Packed(e.to_string()))
}

fn into_table(value: Value) -> Option<Table> {
    match value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

/// A lock file with the versions that the SDK was tested with, for the new crate and what it needs
/// and nothing else, so that the first build asks nobody for newer ones.
pub(super) fn lock(name: &str, manifest: &str) -> Result<String, ScaffoldError> {
    let broken = |what: &str| ScaffoldError::Packed(format!("Cargo.lock: {what}"));
    let lock = parse("Cargo.lock")?;
    let packages: Vec<&Table> =
        lock.get("package").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table).collect();
    let mut by_name = BTreeMap::<&str, Vec<&Table>>::new();
    for package in packages {
        by_name.entry(text(package, "name")).or_default().push(package);
    }
    let manifest: Table = manifest.parse().map_err(|e: toml::de::Error| ScaffoldError::Packed(e.to_string()))?;
    let direct =
        ["dependencies", "dev-dependencies"].into_iter().filter_map(|section| manifest.get(section)?.as_table());
    let direct: BTreeSet<String> = direct.flat_map(|section| section.keys().cloned()).collect();
    let mut wanted: Vec<String> = direct.iter().cloned().collect();
    let mut kept = BTreeMap::<(String, String), &Table>::new();
    while let Some(dependency) = wanted.pop() {
        // `name`, or `name version` where there are several.
        let (name, version) = dependency.split_once(' ').map_or((dependency.as_str(), None), |(n, v)| (n, Some(v)));
        let candidates = by_name.get(name).ok_or_else(|| broken(&format!("it has no {name}")))?;
        let found =
            candidates.iter().rev().find(|package| version.is_none_or(|version| text(package, "version") == version));
        let package = *found.ok_or_else(|| broken(&format!("it has no {dependency}")))?;
        let key = (name.to_owned(), text(package, "version").to_owned());
        if kept.insert(key, package).is_none() {
            let next = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
            wanted.extend(next.filter_map(Value::as_str).map(str::to_owned));
        }
    }
    let direct = direct.into_iter().map(Value::String).collect();
    let own = Table::from_iter([
        ("name".to_owned(), Value::from(name)),
        ("version".to_owned(), Value::from("0.1.0")),
        ("dependencies".to_owned(), Value::Array(direct)),
    ]);
    let packages = kept.into_values().cloned().chain([own]).map(Value::Table).collect();
    let version = lock.get("version").cloned().unwrap_or(Value::Integer(4));
    let document = Table::from_iter([("version".to_owned(), version), ("package".to_owned(), Value::Array(packages))]);
    toml::to_string(&document).map_err(|e| ScaffoldError::Packed(e.to_string()))
}

fn text<'a>(table: &'a Table, key: &str) -> &'a str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}
