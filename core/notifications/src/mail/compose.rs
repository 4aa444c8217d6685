//! Makes the mail: headers, text and HTML, invite.

use lettre::{
    Address, Message,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
};
use minijinja::{Value, value::Serde};
use url::Url;

use super::{
    calendar::{Invite, Method},
    templates::{Part, Templates},
    words::{Words, one_line},
};
use crate::{
    decide::SendError,
    notifier::Outgoing,
    settings::{SettingsError, SmtpSettings},
};

/// Knows everything about mails that is the same for all.
pub(super) struct Composer {
    templates: Templates,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    platform: String,
    base_url: Url,
}

/// Tells auto-responders not to answer (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Composer {
    pub(super) fn new(settings: &SmtpSettings, templates: Templates, base_url: Url) -> Result<Self, SettingsError> {
        let mailbox = |key, text: &str| {
            text.parse::<Mailbox>().map_err(|_| SettingsError::new(key, format!("{text:?} is not like Name <a@b.org>")))
        };
        let from = mailbox("smtp.from", &settings.from)?;
        let reply_to = settings.reply_to.as_deref().map(|text| mailbox("smtp.reply_to", text)).transpose()?;
        let platform = from.name.clone().unwrap_or_else(|| "Consilium".to_owned());
        Ok(Self { templates, from, reply_to, platform, base_url })
    }

    /// The mail, the same on every attempt but for its MIME boundaries.
    pub(super) fn compose(&self, outgoing: &Outgoing) -> Result<Message, SendError> {
        let kind: &str = outgoing.kind.into();
        let words = Words::new(&outgoing.payload, &outgoing.contact, &self.platform, &self.base_url);
        let values = Value::from(Serde(&words));
        let language = self.templates.language(&outgoing.contact.language, kind);
        let render = |name: &str, part| {
            self.templates.render(language, name, part, &values).map_err(|error| {
                tracing::error!(%error, language, name, "a template cannot be rendered");
                SendError::Final("template".to_owned())
            })
        };

        let to = self.recipient(outgoing, &words)?;
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(to.clone())
            .subject(one_line(&render(kind, Part::Subject)?))
            .message_id(Some(format!("<{}>", outgoing.message_id)))
            .date(outgoing.created_at.into())
            .header(AutoSubmitted);
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }

        let bodies = MultiPart::alternative()
            .singlepart(SinglePart::plain(render(kind, Part::Text)?))
            .singlepart(SinglePart::html(render(kind, Part::Html)?));
        let method = Method::of(outgoing.kind);
        let body = match (method, outgoing.payload.content.appointment()) {
            (Some(method), Some(appointment)) => {
                let invite = Invite {
                    method,
                    appointment,
                    at: outgoing.payload.at,
                    host: crate::host(&self.base_url),
                    summary: &render("calendar", Part::Subject)?,
                    description: &render("calendar", Part::Text)?,
                    link: words.link.as_deref(),
                    organizer: &self.from,
                    attendee: &to,
                };
                let calendar = invite.write().map_err(|_| unusable())?;
                with_invite(bodies, method, calendar)?
            }
            _ => bodies,
        };
        message.multipart(body).map_err(|_| unusable())
    }

    fn recipient(&self, outgoing: &Outgoing, words: &Words) -> Result<Mailbox, SendError> {
        let address: Address =
            outgoing.contact.email.as_str().parse().map_err(|_| SendError::Final("address".to_owned()))?;
        Ok(Mailbox::new(Some(words.name.clone()).filter(|name| !name.is_empty()), address))
    }
}

/// The invite twice: as an alternative that calendar programs act on, and as a file for all others (RFC 6047).
fn with_invite(bodies: MultiPart, method: Method, calendar: String) -> Result<MultiPart, SendError> {
    let parse = |text: &str| ContentType::parse(text).map_err(|_| unusable());
    let inline = parse(&format!("text/calendar; method={}; charset=utf-8", method.name()))?;
    let file = parse("application/ics; name=\"invite.ics\"")?;
    Ok(MultiPart::mixed()
        .multipart(bodies.singlepart(SinglePart::builder().header(inline).body(calendar.clone())))
        .singlepart(Attachment::new("invite.ics".to_owned()).body(calendar, file)))
}

fn unusable() -> SendError {
    SendError::Final("message".to_owned())
}
