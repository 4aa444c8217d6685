//! The present version of every contract, and the way to plugins that were built for the one before.
//!
//! A host speaks the present version of each kind and, where one was replaced, the version before it. Its own messages
//! are always the present ones: a request is cast down before it is sent to an older plugin, and the answer is cast up
//! before it is read. Both are rewritings of JSON, because the older types are gone.
//!
//! Who replaces a contract moves copies of its golden files to `tests/former` and of its schema to `reference/former`,
//! changes types and `CONTRACT`, writes the adapter, says in `reference/about` what changed, and takes away the adapter
//! of the version before, if there was one.

mod video_1;

use crate::{
    Call, ContractId, Manifest, analytics, assistant, notification, payment, pharmacy, subscriber, video, webhook,
};
use serde_json::Value;

/// The present version of every kind.
pub const PRESENT: &[&str] = &[
    video::CONTRACT,
    pharmacy::CONTRACT,
    analytics::CONTRACT,
    webhook::CONTRACT,
    payment::CONTRACT,
    notification::CONTRACT,
    assistant::CONTRACT,
    subscriber::CONTRACT,
];

/// Every contract that was replaced and is still spoken.
pub const FORMER: &[Former] = &[video_1::FORMER];

/// A contract that was replaced by the next version of its kind.
#[derive(Debug)]
pub struct Former {
    /// Its name in manifests.
    pub contract: &'static str,
    /// Makes a present request, named by its method, into one of this contract.
    down: fn(&str, &mut Value),
    /// Makes a reply of this contract into a present one.
    up: fn(&str, &mut Value),
}

impl Former {
    /// Asked at every call, so it allocates nothing.
    fn is(&self, contract: &ContractId) -> bool {
        let parts = self.contract.split_once('/');
        parts.is_some_and(|(kind, version)| kind == contract.kind && version.parse() == Ok(contract.version))
    }
}

/// How a host speaks to a plugin that fulfils a contract.
#[derive(Debug, Clone, Copy)]
pub enum Spoken {
    /// As it is.
    Present,
    /// Through an adapter.
    Adapted(&'static Former),
}

/// The present contracts.
pub fn present() -> impl Iterator<Item = ContractId> {
    PRESENT.iter().filter_map(|text| text.parse().ok())
}

/// How a plugin's contract is spoken; none when it is not.
#[must_use]
pub fn spoken(contract: &ContractId) -> Option<Spoken> {
    if present().any(|own| own == *contract) {
        return Some(Spoken::Present);
    }
    FORMER.iter().find(|former| former.is(contract)).map(Spoken::Adapted)
}

/// The adapter for a plugin's calls of this kind; none when it fulfils the present version.
#[must_use]
pub fn adapter(manifest: &Manifest, kind: &str) -> Option<&'static Former> {
    let contract = manifest.kinds.iter().find(|contract| contract.kind == kind)?;
    FORMER.iter().find(|former| former.is(contract))
}

/// A request in the words of the plugin that is called.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn request<C: Call>(adapter: Option<&Former>, request: &C) -> serde_json::Result<Vec<u8>> {
    let Some(former) = adapter else { return serde_json::to_vec(request) };
    let mut value = serde_json::to_value(request)?;
    (former.down)(C::METHOD, &mut value);
    serde_json::to_vec(&value)
}

/// The reply of the plugin that was called, in present words.
///
/// # Errors
/// When it is not what the plugin's contract says.
pub fn reply<C: Call>(adapter: Option<&Former>, reply: &[u8]) -> serde_json::Result<C::Reply> {
    let Some(former) = adapter else { return serde_json::from_slice(reply) };
    let mut value = serde_json::from_slice(reply)?;
    (former.up)(C::METHOD, &mut value);
    serde_json::from_value(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_before_the_present_one_is_adapted() {
        for former in FORMER {
            let former: ContractId = former.contract.parse().unwrap();
            assert!(present().any(|own| own.kind == former.kind && own.version == former.version + 1), "{former}");
        }
        let spoken = |text: &str| spoken(&text.parse().unwrap());
        assert!(matches!(spoken("video/2"), Some(Spoken::Present)));
        assert!(matches!(spoken("video/1"), Some(Spoken::Adapted(former)) if former.contract == "video/1"));
        for unknown in ["video/0", "video/3", "pharmacy/0", "pharmacy/2", "teleport/1"] {
            assert!(spoken(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn requests_are_cast_down_and_replies_up() {
        use crate::video::EndRoom;
        let former = Former {
            contract: "video/1",
            down: |method, request| request["was"] = method.into(),
            up: |_, reply| {
                if let Some(reply) = reply.as_object_mut()
                    && let Some(emptied) = reply.remove("empty")
                {
                    reply.insert("emptied".to_owned(), emptied);
                }
            },
        };
        let end = EndRoom { room: "r".to_owned() };
        let said = |adapter| String::from_utf8(request(adapter, &end).unwrap()).unwrap();
        assert_eq!(said(None), r#"{"room":"r"}"#);
        assert_eq!(said(Some(&former)), r#"{"room":"r","was":"video.end_room"}"#);
        assert!(reply::<EndRoom>(Some(&former), br#"{"empty": true}"#).unwrap().emptied);
        assert!(reply::<EndRoom>(None, br#"{"empty": true}"#).is_err());
        assert!(reply::<EndRoom>(Some(&former), b"[1]").is_err(), "nonsense stays nonsense");
    }
}
