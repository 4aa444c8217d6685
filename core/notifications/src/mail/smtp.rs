//! The way to the mail server: its URL, its certificate, and what its answers mean for the next attempt.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, Tokio1Executor,
    transport::smtp::{
        self, PoolConfig,
        client::{Certificate, Tls, TlsParameters},
    },
};
use secrecy::ExposeSecret;
use url::{Host, Url};

use crate::{
    decide::SendError,
    settings::{SettingsError, SmtpSettings},
};

pub(super) type Server = AsyncSmtpTransport<Tokio1Executor>;

const KEY: &str = "smtp.url";
/// Connections kept open at most; more messages than this are rarely sent at once.
const CONNECTIONS: u32 = 8;

/// How the connection becomes private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    /// TLS from the first byte.
    Implicit,
    /// STARTTLS or nothing.
    Required,
    /// STARTTLS if the server offers it: for servers on this very machine.
    IfOffered,
    /// None, because the operator said so.
    None,
}

/// Where the server is and how to talk to it; `Err` says what is wrong without repeating the password.
pub(super) fn address(settings: &SmtpSettings) -> Result<(Url, Privacy), SettingsError> {
    let secret = settings.url.as_ref().ok_or_else(|| SettingsError::new(KEY, "is not set"))?;
    let mut url = Url::parse(secret.expose_secret())
        .map_err(|error| SettingsError::new(KEY, format!("is not a URL like smtp://user:password@host:587 ({error})")))?;
    let Some(host) = url.host_str().filter(|host| !host.is_empty()).map(str::to_owned) else {
        return Err(SettingsError::new(KEY, "names no host"));
    };
    let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    let privacy = match (url.scheme(), tls.as_deref()) {
        ("smtps", None) => Privacy::Implicit,
        ("smtp", Some("none")) => Privacy::None,
        ("smtp", Some("required")) => Privacy::Required,
        ("smtp", None) if is_this_machine(&host) => Privacy::IfOffered,
        ("smtp", None) => Privacy::Required,
        ("smtp" | "smtps", Some(_)) => {
            return Err(SettingsError::new(KEY, "tls is `required` or `none`, and only with smtp://"));
        }
        _ => return Err(SettingsError::new(KEY, "begins with smtp:// or smtps://")),
    };
    if url.port().is_none() {
        let port = match privacy {
            Privacy::Implicit => 465,
            Privacy::Required => 587,
            Privacy::IfOffered | Privacy::None => 25,
        };
        // Only URLs without a host have no port.
        let _ = url.set_port(Some(port));
    }
    url.set_query(None);
    url.set_path("");
    Ok((url, privacy))
}

/// Mail that never leaves the machine needs no encryption on the way.
fn is_this_machine(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

/// Opens the pool of connections, lazily. Must be called inside a runtime.
pub(super) fn server(settings: &SmtpSettings) -> Result<Server, SettingsError> {
    let (url, privacy) = address(settings)?;
    let unusable = |error: smtp::Error| SettingsError::new(KEY, format!("cannot be used: {error}"));
    let builder = Server::from_url(url.as_str()).map_err(unusable)?;
    let tls = match privacy {
        Privacy::Implicit => Tls::Wrapper(certificates(settings, &url)?),
        Privacy::Required => Tls::Required(certificates(settings, &url)?),
        Privacy::IfOffered => Tls::Opportunistic(certificates(settings, &url)?),
        Privacy::None => Tls::None,
    };
    let pool = PoolConfig::new().min_idle(0).max_size(CONNECTIONS).idle_timeout(Duration::from_secs(30));
    let timeout = Duration::from_secs(settings.timeout_seconds.max(1));
    Ok(builder.tls(tls).timeout(Some(timeout)).pool_config(pool).build())
}

fn certificates(settings: &SmtpSettings, url: &Url) -> Result<TlsParameters, SettingsError> {
    const KEY: &str = "smtp.ca_file";
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut parameters = TlsParameters::builder(host);
    if let Some(file) = &settings.ca_file {
        let pem = std::fs::read(file)
            .map_err(|error| SettingsError::new(KEY, format!("{} cannot be read: {error}", file.display())))?;
        let certificate = Certificate::from_pem(&pem)
            .map_err(|_| SettingsError::new(KEY, format!("{} holds no PEM certificate", file.display())))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build().map_err(|error| SettingsError::new(KEY, error.to_string()))
}

/// Answers that are about us and not about this message (RFC 4954 and 5321): trying again helps once the operator
/// has put things right, and no mail may be lost until then.
const OUR_FAULT: [u16; 6] = [421, 521, 530, 534, 535, 538];

/// What a failed attempt means. Carries the code of the server's answer, never its text, which may hold addresses.
pub(super) fn judge(error: &smtp::Error) -> SendError {
    if let Some(status) = error.status() {
        let code = u16::from(status);
        let name = format!("smtp_{code}");
        return if error.is_permanent() && !OUR_FAULT.contains(&code) {
            SendError::Final(name)
        } else {
            SendError::Passing(name)
        };
    }
    let name = if error.is_timeout() {
        "timeout"
    } else if error.is_tls() {
        "tls"
    } else {
        "connection"
    };
    SendError::Passing(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn privacy(url: &str) -> Result<(String, Privacy), String> {
        let settings = SmtpSettings { url: Some(url.to_owned().into()), ..SmtpSettings::default() };
        address(&settings).map(|(url, privacy)| (url.to_string(), privacy)).map_err(|error| error.to_string())
    }

    #[test]
    fn plain_text_leaves_the_machine_only_when_the_operator_says_so() {
        for (url, address, expected) in [
            ("smtp://u:p@mail.example.org", "smtp://u:p@mail.example.org:587", Privacy::Required),
            ("smtp://mail.example.org:2525?tls=required", "smtp://mail.example.org:2525", Privacy::Required),
            ("smtps://mail.example.org", "smtps://mail.example.org:465", Privacy::Implicit),
            ("smtp://mail.example.org:25?tls=none", "smtp://mail.example.org:25", Privacy::None),
            ("smtp://localhost:1025", "smtp://localhost:1025", Privacy::IfOffered),
            ("smtp://127.0.0.1:1025", "smtp://127.0.0.1:1025", Privacy::IfOffered),
            ("smtp://10.0.0.1:1025", "smtp://10.0.0.1:1025", Privacy::Required),
        ] {
            assert_eq!(privacy(url).unwrap(), (address.to_owned(), expected), "{url}");
        }
    }

    #[test]
    fn a_wrong_url_is_explained_without_its_password() {
        for url in ["mail.example.org", "http://u:geheim@h", "smtp://u:geheim@h?tls=maybe", "smtps://h?tls=none"] {
            let error = privacy(url).unwrap_err();
            assert!(error.starts_with("smtp.url: ") && !error.contains("geheim"), "{error}");
        }
    }
}
