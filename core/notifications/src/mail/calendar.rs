//! The invite (RFC 5545, scheduled as in RFC 5546, mailed as in RFC 6047): one UID for an appointment's whole life.

use consilium_kernel::Timestamp;
use icalendar::{Calendar, Component, Event, Property};
use lettre::message::Mailbox;

use crate::{content::AppointmentContent, mail::words::one_line, model::Kind};
use consilium_scheduling::Status;

/// What the calendar of the recipient is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Put it there, or change it.
    Request,
    /// Take it away.
    Cancel,
}

impl Method {
    /// As it stands in the calendar and in the part's Content-Type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
        }
    }

    /// What a message of this kind asks for; reminders and the like ask for nothing.
    pub(super) fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::AppointmentBooked | Kind::AppointmentAccepted | Kind::AppointmentRescheduled => Some(Self::Request),
            Kind::AppointmentRejected | Kind::AppointmentCancelled => Some(Self::Cancel),
            _ => None,
        }
    }
}

/// What an invite says.
pub(super) struct Invite<'a> {
    pub method: Method,
    pub appointment: &'a AppointmentContent,
    /// When the change happened.
    pub at: Timestamp,
    /// Right-hand side of the UID.
    pub host: &'a str,
    pub summary: &'a str,
    pub description: &'a str,
    pub link: Option<&'a str>,
    pub organizer: &'a Mailbox,
    pub attendee: &'a Mailbox,
}

impl Invite<'_> {
    /// The calendar object, folded, with CRLF line ends.
    pub(super) fn write(&self) -> Result<String, std::fmt::Error> {
        let it = self.appointment;
        let (status, participation) = match (self.method, it.status) {
            (Method::Cancel, _) => ("CANCELLED", "DECLINED"),
            (Method::Request, Status::Accepted) => ("CONFIRMED", "ACCEPTED"),
            (Method::Request, _) => ("TENTATIVE", "TENTATIVE"),
        };
        let mut event = Event::with_uid(&format!("{}@{}", it.id, self.host));
        event
            .add_property("DTSTAMP", utc(self.at))
            .add_property("DTSTART", utc(it.starts_at))
            .add_property("DTEND", utc(it.ends_at))
            // Grows with every change, so that no client keeps an older state.
            .add_property("SEQUENCE", it.version.to_string())
            .add_property("STATUS", status)
            .add_property("TRANSP", if self.method == Method::Cancel { "TRANSPARENT" } else { "OPAQUE" })
            .add_property("CLASS", "PRIVATE")
            .add_property("SUMMARY", one_line(self.summary))
            .add_property("DESCRIPTION", self.description)
            .append_property(person("ORGANIZER", self.organizer));
        if let Some(link) = self.link {
            event.add_property("LOCATION", link).add_property("URL", link);
        }
        let mut attendee = person("ATTENDEE", self.attendee);
        attendee
            .add_parameter("ROLE", "REQ-PARTICIPANT")
            .add_parameter("PARTSTAT", participation)
            .add_parameter("RSVP", "FALSE");
        event.append_multi_property(attendee);

        let mut calendar = Calendar::empty();
        calendar
            .append_property(("VERSION", "2.0"))
            .append_property(("PRODID", "-//Consilium//Notifications//EN"))
            .append_property(("CALSCALE", "GREGORIAN"))
            .append_property(("METHOD", self.method.name()))
            .push(event.done());
        (&calendar).try_into()
    }
}

fn utc(instant: Timestamp) -> String {
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A calendar user. A parameter's value may not hold a double quote (RFC 5545, 3.2).
fn person(property: &str, mailbox: &Mailbox) -> Property {
    let mut person = Property::new(property, format!("mailto:{}", mailbox.email));
    if let Some(name) = &mailbox.name {
        person.add_parameter("CN", &one_line(name).replace('"', "'"));
    }
    person
}
