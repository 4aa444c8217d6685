//! OAuth access tokens, kept in the plugin's store until shortly before they expire. One caller
//! fetches a new one, the others wait for it; a token that the provider refuses is replaced once.

use crate::{
    http::Provider,
    once::{Turn, once},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_plugin_sdk::{Host, PluginError, Sensitive};
use ring::digest;
use serde::{Deserialize, Serialize};

/// A token this close to its end, in seconds, is replaced.
const MARGIN_SECONDS: i64 = 60;

/// The answer of a token endpoint (RFC 6749, 5.1).
#[derive(Deserialize)]
pub struct Granted {
    /// The token.
    pub access_token: Sensitive,
    /// Its lifetime in seconds.
    pub expires_in: i64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    access_token: Sensitive,
    expires_at: i64,
}

/// Where one credential's tokens are kept.
pub struct Tokens {
    key: String,
}

impl Tokens {
    /// For the credential that `identity` describes (account, client, scopes; nothing secret): a
    /// changed configuration never uses the token of the old one.
    #[must_use]
    pub fn of(identity: &[&str]) -> Self {
        let digest = digest::digest(&digest::SHA256, identity.join("\n").as_bytes());
        Self { key: format!("token/{}", URL_SAFE_NO_PAD.encode(digest.as_ref())) }
    }

    /// Does `work` with a token; when the provider refuses the token, once more with a new one.
    ///
    /// # Errors
    /// What `grant` or `work` say.
    pub fn with<T>(
        &self,
        host: &Host<'_>,
        provider: &Provider,
        grant: impl Fn() -> Result<Granted, PluginError>,
        work: impl Fn(&Sensitive) -> Result<T, PluginError>,
    ) -> Result<T, PluginError> {
        let token = self.token(host, &grant, None)?;
        match work(&token) {
            Err(refused) if provider.is(&refused, "unauthorized") => work(&self.token(host, &grant, Some(&token))?),
            other => other,
        }
    }

    fn token(
        &self,
        host: &Host<'_>,
        grant: impl Fn() -> Result<Granted, PluginError>,
        refused: Option<&Sensitive>,
    ) -> Result<Sensitive, PluginError> {
        let now = host.now()?.as_second();
        let usable = |kept: &Kept| kept.expires_at > now + MARGIN_SECONDS && refused != Some(&kept.access_token);
        let kept = once(host, &self.key, usable, |_: Turn<Kept>| {
            let Granted { access_token, expires_in } = grant()?;
            // Even a token that lives shorter than the margin serves the call that fetched it.
            Ok(Kept { access_token, expires_at: now + expires_in })
        })?;
        Ok(kept.access_token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consilium_plugin_sdk::testing::FakeHost;
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        thread,
    };

    static ACME: Provider = Provider::new("acme", |_| None);

    fn host() -> FakeHost {
        FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap())
    }

    /// Grants `token-1`, `token-2`, …, for an hour each.
    struct Granting(AtomicU32);

    impl Granting {
        fn grant(&self) -> Result<Granted, PluginError> {
            let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Granted { access_token: Sensitive::new(format!("token-{number}")), expires_in: 3600 })
        }

        fn count(&self) -> u32 {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn used(host: &FakeHost, granting: &Granting) -> String {
        let tokens = Tokens::of(&["a", "b"]);
        let work = |token: &Sensitive| Ok(token.expose().to_owned());
        tokens.with(&host.host(), &ACME, || granting.grant(), work).unwrap()
    }

    #[test]
    fn a_token_serves_until_shortly_before_its_end() {
        let (host, granting) = (host(), Granting(AtomicU32::new(0)));
        assert_eq!(used(&host, &granting), "token-1");
        host.set_now("2026-11-20T09:58:59Z".parse().unwrap());
        assert_eq!(used(&host, &granting), "token-1");
        host.set_now("2026-11-20T09:59:01Z".parse().unwrap());
        assert_eq!(used(&host, &granting), "token-2");
    }

    #[test]
    fn concurrent_callers_fetch_one_token() {
        let (host, granting) = (host(), Granting(AtomicU32::new(0)));
        thread::scope(|scope| {
            for caller in (0..8).map(|_| scope.spawn(|| used(&host, &granting))).collect::<Vec<_>>() {
                assert_eq!(caller.join().unwrap(), "token-1");
            }
        });
        assert_eq!(granting.count(), 1);
    }

    #[test]
    fn a_refused_token_is_replaced_once() {
        let (host, granting) = (host(), Granting(AtomicU32::new(0)));
        let tokens = Tokens::of(&["a", "b"]);
        let refused = || ACME.permanent("unauthorized", "no");
        let work = |token: &Sensitive| if token.expose() == "token-1" { Err(refused()) } else { Ok(()) };
        tokens.with(&host.host(), &ACME, || granting.grant(), work).unwrap();
        assert_eq!(granting.count(), 2);
        let always = |_: &Sensitive| Err::<(), _>(refused());
        let error = tokens.with(&host.host(), &ACME, || granting.grant(), always).unwrap_err();
        assert_eq!((error.code.as_str(), granting.count()), ("acme_unauthorized", 3));
    }

    #[test]
    fn another_credential_has_its_own_token() {
        let (host, granting) = (host(), Granting(AtomicU32::new(0)));
        assert_eq!(used(&host, &granting), "token-1");
        let other = Tokens::of(&["a", "c"]);
        let work = |token: &Sensitive| Ok(token.expose().to_owned());
        assert_eq!(other.with(&host.host(), &ACME, || granting.grant(), work).unwrap(), "token-2");
    }
}
