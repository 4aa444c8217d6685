//! A plugin's secrets: read once at start, given to it only where the manifest says so, otherwise
//! put into its requests by the host and taken out of the responses.

use crate::SecretSource;
use consilium_plugin_contract::{PluginError, SecretSpec, SecretUse, Sensitive};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;

const OPEN: &[u8] = b"{{secret:";
const CLOSE: &[u8] = b"}}";
/// What stands in a response where a secret stood.
const REDACTED: &[u8] = b"[secret]";
/// Shorter secrets are not looked for in responses: they would be found by chance.
const SHORTEST_REDACTED: usize = 8;

/// Secrets by name.
#[derive(Default)]
pub(crate) struct Secrets(BTreeMap<String, (SecretUse, SecretString)>);

impl Secrets {
    /// Reads what the manifest declares. Answers `(name, reason)` for each that is wrong.
    pub(crate) fn read(
        declared: &[SecretSpec],
        sources: &BTreeMap<String, SecretSource>,
    ) -> Result<Self, Vec<(String, String)>> {
        let mut secrets = BTreeMap::new();
        let mut problems = Vec::new();
        for name in sources.keys().filter(|name| !declared.iter().any(|spec| spec.name == **name)) {
            problems.push((name.clone(), "the plugin's manifest declares no such secret".to_owned()));
        }
        for spec in declared {
            match sources.get(&spec.name).map(SecretSource::read) {
                Some(Ok(value)) => {
                    secrets.insert(spec.name.clone(), (spec.usage, value));
                }
                Some(Err(reason)) => problems.push((spec.name.clone(), reason)),
                None if spec.required => {
                    problems.push((spec.name.clone(), format!("is required and missing: {}", spec.description)));
                }
                None => {}
            }
        }
        if problems.is_empty() { Ok(Self(secrets)) } else { Err(problems) }
    }

    /// The value, for a plugin that may read it.
    pub(crate) fn readable(&self, declared: &[SecretSpec], name: &str) -> Result<Option<Sensitive>, PluginError> {
        let spec = declared.iter().find(|spec| spec.name == name);
        if spec.is_none_or(|spec| spec.usage != SecretUse::Read) {
            let message = format!("the manifest does not let the plugin read a secret {name:?}");
            return Err(PluginError::permanent("secret_denied", message));
        }
        Ok(self.0.get(name).map(|(_, value)| Sensitive::new(value.expose_secret())))
    }

    /// Replaces each `{{secret:name}}`, and says whether there was one.
    pub(crate) fn inject(&self, text: &[u8]) -> Result<(Vec<u8>, bool), PluginError> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        let mut injected = false;
        while let Some((before, after)) = split(rest, OPEN) {
            let Some((name, after)) = split(after, CLOSE) else { break };
            let name = String::from_utf8_lossy(name);
            let (_, value) = self
                .0
                .get(name.as_ref())
                .ok_or_else(|| PluginError::permanent("secret_missing", format!("there is no secret {name:?}")))?;
            out.extend(before);
            out.extend(value.expose_secret().as_bytes());
            rest = after;
            injected = true;
        }
        out.extend(rest);
        Ok((out, injected))
    }

    /// Takes out every value that the plugin may not read, should a server echo it.
    pub(crate) fn redact(&self, text: Vec<u8>) -> Vec<u8> {
        let hidden = self.0.values().filter(|(usage, _)| *usage == SecretUse::Inject);
        hidden.fold(text, |text, (_, value)| {
            let value = value.expose_secret().as_bytes();
            if value.len() < SHORTEST_REDACTED { text } else { replace(text, value) }
        })
    }
}

fn replace(text: Vec<u8>, value: &[u8]) -> Vec<u8> {
    if split(&text, value).is_none() {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some((before, after)) = split(rest, value) {
        out.extend(before);
        out.extend(REDACTED);
        rest = after;
    }
    out.extend(rest);
    out
}

/// What stands before and after the first `separator`.
fn split<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(separator.len()).position(|window| window == separator)?;
    Some((text.get(..at)?, text.get(at + separator.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let value = |usage, text: &str| (usage, SecretString::from(text));
        Secrets(BTreeMap::from([
            ("key".to_owned(), value(SecretUse::Inject, "very-secret-key")),
            ("seed".to_owned(), value(SecretUse::Read, "seed-value")),
        ]))
    }

    #[test]
    fn an_unknown_or_unfinished_placeholder_injects_nothing() {
        assert_eq!(secrets().inject(b"{{secret:other}}").unwrap_err().code, "secret_missing");
        assert_eq!(secrets().inject(b"a {{secret:key").unwrap(), (b"a {{secret:key".to_vec(), false));
    }

    #[test]
    fn placeholders_become_values_and_echoes_become_nothing() {
        let (text, injected) = secrets().inject(b"Bearer {{secret:key}}, {{secret:key}}.").unwrap();
        assert!(injected);
        assert_eq!(text, b"Bearer very-secret-key, very-secret-key.");
        assert_eq!(secrets().redact(text), b"Bearer [secret], [secret].");
    }

    #[test]
    fn only_what_is_declared_readable_is_read() {
        let spec = |name: &str, usage| SecretSpec {
            name: name.to_owned(),
            description: String::new(),
            usage,
            required: false,
        };
        let declared = [spec("key", SecretUse::Inject), spec("seed", SecretUse::Read)];
        assert_eq!(secrets().readable(&declared, "key").unwrap_err().code, "secret_denied");
        assert_eq!(secrets().readable(&declared, "other").unwrap_err().code, "secret_denied");
        assert_eq!(secrets().readable(&declared, "seed").unwrap().unwrap().expose(), "seed-value");
    }

    #[test]
    fn secrets_that_are_undeclared_missing_or_unreadable_are_named() {
        let declared = ["needed", "broken"].map(|name| SecretSpec {
            name: name.to_owned(),
            description: "the API key".to_owned(),
            usage: SecretUse::Inject,
            required: true,
        });
        let sources = BTreeMap::from([
            ("broken".to_owned(), SecretSource::File("/nonexistent/secret".into())),
            ("stray".to_owned(), SecretSource::Env("HOME".to_owned())),
        ]);
        let problems = Secrets::read(&declared, &sources).err().unwrap();
        let names: Vec<_> = problems.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["stray", "needed", "broken"]);
    }
}
