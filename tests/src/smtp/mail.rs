//! A mail as the server got it, with the parts that tests ask for already taken out.

use mail_parser::{MessageParser, MimeHeaders, PartType};

/// One mail, once for all its recipients.
#[derive(Debug, Clone)]
pub struct ReceivedMail {
    /// Address in MAIL FROM.
    pub sender: String,
    /// Addresses in RCPT TO.
    pub recipients: Vec<String>,
    /// Who had logged in, if anybody.
    pub user: Option<String>,
    /// True when the connection was encrypted.
    pub encrypted: bool,
    /// Bytes between DATA and the final dot, unstuffed.
    pub raw: Vec<u8>,
    /// Decoded `Subject`.
    pub subject: String,
    /// `Message-ID` without the angle brackets.
    pub message_id: Option<String>,
    /// The first `text/plain` part.
    pub text: Option<String>,
    /// The first `text/html` part.
    pub html: Option<String>,
    /// The first `text/calendar` part.
    pub calendar: Option<CalendarPart>,
}

/// An invitation inside a mail (RFC 6047).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarPart {
    /// `method` of the part's Content-Type, upper case; must equal `METHOD` in the body.
    pub method: Option<String>,
    /// The iCalendar object, unfolded: one property a line.
    pub body: String,
}

impl CalendarPart {
    /// Value of the first property called `name`, without its parameters.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.body.lines().find_map(|line| {
            let (head, value) = line.split_once(':')?;
            let property = head.split(';').next()?;
            property.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl ReceivedMail {
    pub(super) fn parse(
        sender: String,
        recipients: Vec<String>,
        user: Option<String>,
        encrypted: bool,
        raw: Vec<u8>,
    ) -> Option<Self> {
        let message = MessageParser::default().parse(&raw)?;
        // A part that does not say what it is, is plain text (RFC 2045, 5.2).
        let is_plain =
            |part: &mail_parser::MessagePart| part.content_type().is_none() || part.is_content_type("text", "plain");
        let body = |wanted_html: bool| {
            message.parts.iter().find_map(|part| match &part.body {
                PartType::Text(text) if !wanted_html && is_plain(part) => Some(text.to_string()),
                PartType::Html(html) if wanted_html => Some(html.to_string()),
                _ => None,
            })
        };
        let calendar = message.parts.iter().find(|part| part.is_content_type("text", "calendar")).map(|part| {
            let method = part.content_type().and_then(|kind| kind.attribute("method"));
            CalendarPart {
                method: method.map(str::to_uppercase),
                body: unfold(&String::from_utf8_lossy(part.contents())),
            }
        });
        Some(Self {
            subject: message.subject().unwrap_or_default().to_string(),
            message_id: message.message_id().map(str::to_string),
            text: body(false),
            html: body(true),
            calendar,
            sender,
            recipients,
            user,
            encrypted,
            raw: raw.clone(),
        })
    }

    /// True when `address` is among the recipients.
    pub fn is_to(&self, address: &str) -> bool {
        self.recipients.iter().any(|recipient| recipient.eq_ignore_ascii_case(address))
    }

    /// The raw value of the first header called `name`, trimmed.
    pub fn header(&self, name: &str) -> Option<String> {
        let message = MessageParser::default().parse(&self.raw)?;
        message.header_raw(name).map(|value| value.trim().to_string())
    }
}

/// Joins lines that were folded (RFC 5545, 3.1).
fn unfold(text: &str) -> String {
    text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")
}
