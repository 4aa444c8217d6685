//! Which hosts a plugin may reach.

use super::denials::Denial;
use consilium_egress::{AddressDenied, is_public};
use serde_json::{Map, Value};
use url::{Host, Url};

/// The hosts that the manifest declares, the operator's configuration names or the operator adds.
pub(crate) struct Egress {
    hosts: Vec<String>,
    allow_private: bool,
}

impl Egress {
    /// Reads the manifest's entries; `config:/pointer` becomes the host of the URL configured there.
    pub(crate) fn new(declared: &[String], added: &[String], config: &Map<String, Value>, allow_private: bool) -> Self {
        let config = Value::Object(config.clone());
        let configured = |pointer: &str| {
            let url = Url::parse(config.pointer(pointer)?.as_str()?).ok()?;
            url.host_str().map(str::to_owned)
        };
        let hosts = declared.iter().chain(added).filter_map(|entry| match entry.strip_prefix("config:") {
            Some(pointer) => configured(pointer),
            None => Some(entry.clone()),
        });
        Self { hosts: hosts.map(|host| host.to_ascii_lowercase()).collect(), allow_private }
    }

    pub(crate) fn allow_private(&self) -> bool {
        self.allow_private
    }

    /// Checks a URL before it is requested: the first one and every redirect.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Denial> {
        let name = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let denied = |reason, message: String| Err(Denial { host: name.clone(), reason, message });
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private => {}
            "http" => return denied("plain_http", "http is not allowed, only https".to_owned()),
            other => return denied("other_scheme", format!("{other} is not allowed, only https")),
        }
        let Some(host) = url.host() else { return denied("no_host", "the URL names no host".to_owned()) };
        if !self.hosts.iter().any(|pattern| matches(pattern, &name)) {
            let message = format!("neither manifest nor operator lets the plugin reach {name}");
            return denied("undeclared_host", message);
        }
        let address = match host {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        };
        if !self.allow_private && address.is_some_and(|address| !is_public(address)) {
            return denied("private_address", AddressDenied(name.clone()).to_string());
        }
        Ok(())
    }
}

/// `*.example.org` is every name below `example.org`, not itself.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(egress: &Egress, url: &str) -> Option<String> {
        egress.check(&url.parse().unwrap()).err().map(|denial| denial.error().code)
    }

    fn egress(allow_private: bool) -> Egress {
        let config = json!({"pharmacy": {"base_url": "https://rx.example.net:8443/fhir"}});
        let declared = ["api.example.org", "*.cdn.example.org", "config:/pharmacy/base_url", "config:/none"];
        let declared = declared.map(str::to_owned);
        let added = ["127.0.0.1".to_owned(), "Extra.example".to_owned()];
        Egress::new(&declared, &added, config.as_object().unwrap(), allow_private)
    }

    #[test]
    fn what_nobody_named_is_refused() {
        for url in [
            "https://example.org",
            "https://evil.org",
            "https://api.example.org.evil.org",
            "https://xapi.example.org",
            "https://cdn.example.org",
            "https://evilcdn.example.org",
            "https://api.example.org@evil.org/",
            "http://api.example.org",
            "file:///etc/passwd",
        ] {
            assert_eq!(code(&egress(false), url).as_deref(), Some("egress_denied"), "{url}");
        }
    }

    #[test]
    fn a_private_address_needs_the_operator() {
        assert_eq!(code(&egress(false), "https://127.0.0.1/").as_deref(), Some("address_denied"));
        assert_eq!(code(&egress(false), "https://2130706433/").as_deref(), Some("address_denied"));
        assert_eq!(code(&egress(true), "http://127.0.0.1/"), None);
    }

    #[test]
    fn what_somebody_named_is_allowed() {
        for url in [
            "https://api.example.org/x",
            "https://API.example.org:444",
            "https://a.b.cdn.example.org",
            "https://rx.example.net/fhir",
            "https://extra.example",
        ] {
            assert_eq!(code(&egress(false), url), None, "{url}");
        }
    }
}
