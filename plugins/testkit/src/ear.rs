//! Listens to everything that comes out of a plugin, for secrets that should not.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// Shorter values would be found by chance.
const SHORTEST: usize = 8;

/// Knows the secrets and remembers where it heard one.
pub(crate) struct Ear {
    needles: Vec<(String, Vec<u8>)>,
    leaks: Mutex<BTreeSet<String>>,
}

impl Ear {
    pub(crate) fn new(secrets: &[(String, String)]) -> Self {
        let known = secrets.iter().filter(|(_, value)| value.len() >= SHORTEST);
        let needles = known.flat_map(|(name, value)| {
            let forms = [
                value.clone(),
                STANDARD.encode(value),
                STANDARD_NO_PAD.encode(value),
                URL_SAFE_NO_PAD.encode(value),
                hex::encode(value),
            ];
            forms.map(|form| (name.clone(), form.into_bytes()))
        });
        Self { needles: needles.collect(), leaks: Mutex::default() }
    }

    /// Whether there is anything to listen for.
    pub(crate) fn is_deaf(&self) -> bool {
        self.needles.is_empty()
    }

    /// Listens to some bytes; `place` says where they were heard.
    pub(crate) fn hear(&self, place: &str, bytes: &[u8]) {
        for (name, needle) in &self.needles {
            if bytes.len() >= needle.len() && contains(bytes, needle) {
                let mut leaks = self.leaks.lock().unwrap_or_else(PoisonError::into_inner);
                leaks.insert(format!("secret {name} in {place}"));
            }
        }
    }

    pub(crate) fn leaks(&self) -> Vec<String> {
        self.leaks.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let first = needle.first().copied();
    let mut from = 0;
    while let Some(rest) = bytes.get(from..) {
        let Some(at) = rest.iter().position(|byte| Some(*byte) == first) else { return false };
        if rest.get(at..).is_some_and(|rest| rest.starts_with(needle)) {
            return true;
        }
        from += at + 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_heard_in_its_usual_forms_and_nothing_else_is() {
        let ear = Ear::new(&[("key".to_owned(), "s3cret-value".to_owned()), ("pin".to_owned(), "1234".to_owned())]);
        ear.hear("a log line", b"the pin 1234, the s3cret-valu");
        assert!(ear.leaks().is_empty());
        ear.hear("an answer", b"{\"token\":\"x.s3cret-value\"}");
        ear.hear("an error", STANDARD.encode("s3cret-value").as_bytes());
        ear.hear("a log line", hex::encode("s3cret-value").as_bytes());
        assert_eq!(ear.leaks(), ["secret key in a log line", "secret key in an answer", "secret key in an error"]);
        assert!(Ear::new(&[]).is_deaf());
    }
}
