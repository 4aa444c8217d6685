//! Requests to where somebody else says: which addresses are taken, a client that goes nowhere else, and what came of it.

use std::{error::Error as _, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, redirect::Policy};
use url::{Host, Url};

use crate::{AddressDenied, PublicOnly, is_public};

/// The longest address.
const URL_LIMIT: usize = 2_000;

/// The address, if requests may be sent there: otherwise a code and a sentence.
pub fn checked(text: &str, allow_private: bool) -> Result<Url, (&'static str, &'static str)> {
    let Ok(url) = Url::parse(text) else { return Err(("invalid", "This is not a URL.")) };
    if text.len() > URL_LIMIT {
        return Err(("too_long", "A URL has at most 2000 characters."));
    }
    if url.scheme() != "https" && !(url.scheme() == "http" && allow_private) {
        return Err(("not_https", "It must be an https address."));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(("invalid", "The URL must have neither a user, nor a password, nor a fragment."));
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(_)) => None,
        None => return Err(("invalid", "The URL names no host.")),
    };
    if !allow_private && address.is_some_and(|address| !is_public(address)) {
        return Err(("address_denied", "Nothing is sent to private addresses."));
    }
    Ok(url)
}

/// A client that follows no redirect, uses no proxy, and reaches public addresses only unless private ones are allowed.
///
/// # Errors
/// When no TLS is to be had.
pub fn client(agent: &str, timeout: Duration, allow_private: bool) -> Result<Client, String> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err("no TLS provider is installed in this process".to_owned());
    }
    let mut client = Client::builder().redirect(Policy::none()).no_proxy().user_agent(agent).timeout(timeout);
    if !allow_private {
        client = client.dns_resolver(Arc::new(PublicOnly));
    }
    client.build().map_err(|error| error.to_string())
}

/// A code for what went wrong; the error itself may hold the address.
pub fn describe(error: &reqwest::Error) -> &'static str {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<AddressDenied>().is_some() {
            return "address_denied";
        }
        source = cause.source();
    }
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => "connection_failed",
        _ => "connection_lost",
    }
}

/// What the header `Retry-After` asks for (RFC 9110, 10.2.3): seconds, or a date.
pub fn retry_after(header: &str, now: Timestamp) -> Option<SignedDuration> {
    if let Ok(seconds) = header.trim().parse::<u32>() {
        return Some(SignedDuration::from_secs(i64::from(seconds)));
    }
    let date = jiff::fmt::rfc2822::parse(header.trim()).ok()?.timestamp();
    Some(date.duration_since(now).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-06-01T08:00:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(SignedDuration::from_secs(120)));
        assert_eq!(retry_after(" 0 ", now), Some(SignedDuration::ZERO));
        assert_eq!(retry_after("Mon, 01 Jun 2026 08:01:30 GMT", now), Some(SignedDuration::from_secs(90)));
        assert_eq!(retry_after("Mon, 01 Jun 2026 07:00:00 GMT", now), Some(SignedDuration::ZERO));
        for wrong in ["", "soon", "-1", "1.5", "99999999999999"] {
            assert_eq!(retry_after(wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_that_may_not_be_reached_are_refused() {
        for (url, code) in [
            ("not a url", "invalid"),
            ("https://", "invalid"),
            ("data:text/plain,x", "not_https"),
            ("http://hooks.example.org/", "not_https"),
            ("https://user:password@hooks.example.org/", "invalid"),
            ("https://hooks.example.org/#fragment", "invalid"),
            ("https://127.0.0.1/", "address_denied"),
            ("https://2130706433/", "address_denied"),
            ("https://0x7f.1/", "address_denied"),
            ("https://169.254.169.254/latest/meta-data", "address_denied"),
            ("https://[::1]/", "address_denied"),
            ("https://[::ffff:10.0.0.1]/", "address_denied"),
        ] {
            assert_eq!(checked(url, false).map_err(|(code, _)| code), Err(code), "{url}");
        }
        let long = format!("https://hooks.example.org/{}", "x".repeat(2_000));
        assert_eq!(checked(&long, false).map_err(|(code, _)| code), Err("too_long"));
        for (url, private) in [("https://hooks.example.org/x?y=z", false), ("http://127.0.0.1:8080/x", true)] {
            assert!(checked(url, private).is_ok(), "{url}");
        }
    }
}
