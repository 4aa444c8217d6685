//! The way to the mail server: its URL, its certificate, and what its answers mean for the next attempt.

use std::time::Duration;

use lettre::{
    Message,
    transport::smtp::{
        self,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use url::{Host, Url};

use crate::{
    decide::SendError,
    settings::{SettingsError, SmtpSettings},
};

const KEY: &str = "smtp.url";
/// How long to wait for a goodbye after the mail was taken.
const GOODBYE: Duration = Duration::from_secs(1);

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
    let mut url = Url::parse(secret.expose_secret()).map_err(|error| {
        SettingsError::new(KEY, format!("is not a URL like smtp://user:password@host:587 ({error})"))
    })?;
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

/// The mail server. Every mail has a connection of its own: an attempt that is given up half-way closes it, and
/// no answer can be taken for the answer to another mail, which a shared connection would allow.
pub(super) struct Server {
    host: String,
    port: u16,
    privacy: Privacy,
    tls: TlsParameters,
    credentials: Option<Credentials>,
}

impl Server {
    pub(super) fn new(settings: &SmtpSettings) -> Result<Self, SettingsError> {
        let (url, privacy) = address(settings)?;
        let decode = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(String::from)
                .map_err(|_| SettingsError::new(KEY, "has a user or password that is not UTF-8"))
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some(Credentials::new(decode(user)?, decode(password.unwrap_or_default())?)),
        };
        Ok(Self {
            // Brackets belong to URLs, not to addresses.
            host: url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(25),
            privacy,
            tls: certificates(settings, &url)?,
            credentials,
        })
    }

    /// Hands one mail over. Takes as long as it takes: the caller sets the limit and drops this when it is over.
    pub(super) async fn send(&self, message: &Message) -> Result<(), SendError> {
        // Until the server is greeted nothing it says can be about this mail: the operator can put it right, and no
        // mail may be lost until then.
        let mut connection = self.connect().await.map_err(|error| SendError::Passing(code(&error)))?;
        match connection.send(message.envelope(), &message.formatted()).await {
            Ok(_) => {
                let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
                Ok(())
            }
            Err(error) if error.is_permanent() && !about_us(&error) => Err(SendError::Final(code(&error))),
            Err(error) => Err(SendError::Passing(code(&error))),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, smtp::Error> {
        let hello = ClientId::default();
        let at_once = (self.privacy == Privacy::Implicit).then(|| self.tls.clone());
        let server = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, None, &hello, at_once, None).await?;
        let upgrade = match self.privacy {
            Privacy::Required => true,
            Privacy::IfOffered => connection.can_starttls(),
            Privacy::Implicit | Privacy::None => false,
        };
        if upgrade {
            // Fails when the server does not offer it.
            connection.starttls(self.tls.clone(), &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }
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

/// Answers that are about us and not about the mail even after the greeting (RFC 4954, RFC 7504).
fn about_us(error: &smtp::Error) -> bool {
    error.status().is_some_and(|status| [521, 530, 538].contains(&u16::from(status)))
}

/// What went wrong, as a code: never the server's words, which may hold addresses.
fn code(error: &smtp::Error) -> String {
    match error.status() {
        Some(status) => format!("smtp_{}", u16::from(status)),
        None if error.is_tls() => "tls".to_owned(),
        None => "connection".to_owned(),
    }
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
