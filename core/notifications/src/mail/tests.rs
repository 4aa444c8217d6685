//! What arrives, read the way a mail program reads it.

mod overrides;

use consilium_kernel::{Id, Language, TimeZone, Timestamp};
use consilium_scheduling::{Status, VisitType};
use mail_parser::{Message, MessageParser, MimeHeaders};

use super::{compose::Composer, templates::Templates};
use crate::{
    content::{AppointmentContent, Content, Payload},
    model::{Audience, Kind},
    notifier::Outgoing,
    records::Contact,
    settings::SmtpSettings,
};

fn id<T>(number: u128) -> Id<T> {
    Id::new(uuid::Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000 + number))
}

fn appointment() -> AppointmentContent {
    AppointmentContent {
        id: id(1),
        doctor_id: id(2),
        patient_id: id(3),
        starts_at: "2026-12-01T09:00:00Z".parse().unwrap(),
        ends_at: "2026-12-01T09:30:00Z".parse().unwrap(),
        time_zone: "Asia/Dhaka".parse().unwrap(),
        status: Status::Accepted,
        revision: 1,
        version: 4,
        visit_type: VisitType::Video,
        consultation_id: Some(id(4)),
        previous_starts_at: Some("2026-11-30T09:00:00Z".parse().unwrap()),
    }
}

fn outgoing(kind: Kind, audience: Audience, content: Content) -> Outgoing {
    let at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    Outgoing {
        id: id(9),
        kind,
        message_id: "9@clinic.example.org".to_owned(),
        created_at: at,
        expires_at: at,
        entity_id: id::<()>(1).uuid(),
        browser: None,
        contact: Contact {
            email: "amina@example.org".parse().unwrap(),
            given_name: "Amina".into(),
            family_name: "Khatun".into(),
            time_zone: "Asia/Dhaka".parse().unwrap(),
            language: Language::english(),
        },
        payload: Payload {
            audience,
            at,
            doctor_name: Some("Dr. Rahman".into()),
            patient_name: Some("Amina Khatun".into()),
            content,
        },
    }
}

fn about(kind: Kind) -> Outgoing {
    outgoing(kind, Audience::Patient, Content::Appointment(appointment()))
}

fn composer() -> Composer {
    let settings = SmtpSettings {
        from: "Green Clinic <clinic@example.org>".into(),
        reply_to: Some("desk@example.org".into()),
        ..SmtpSettings::default()
    };
    let base_url = "https://clinic.example.org/".parse().unwrap();
    Composer::new(&settings, Templates::load(None).unwrap(), base_url).unwrap()
}

fn formatted(outgoing: &Outgoing) -> Vec<u8> {
    composer().compose(outgoing).unwrap().formatted()
}

fn parse(raw: &[u8]) -> Message<'_> {
    MessageParser::default().parse(raw).unwrap()
}

/// The calendar part: its method parameter and its unfolded lines.
fn calendar(message: &Message<'_>) -> Option<(String, Vec<String>)> {
    let part = message.parts.iter().find(|part| part.is_content_type("text", "calendar"))?;
    let method = part.content_type().unwrap().attribute("method").unwrap().to_owned();
    let raw = String::from_utf8(part.contents().to_vec()).unwrap();
    for line in raw.split("\r\n") {
        assert!(line.len() <= 75, "not folded: {line}");
    }
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "a bare line end");
    Some((method, raw.replace("\r\n ", "").split("\r\n").map(str::to_owned).collect()))
}

fn property<'a>(lines: &'a [String], name: &str) -> Vec<&'a str> {
    lines
        .iter()
        .filter(|line| line.starts_with(name) && line[name.len()..].starts_with([':', ';']))
        .map(String::as_str)
        .collect()
}

#[test]
fn a_confirmation_has_words_twice_and_an_invite_twice() {
    let raw = formatted(&about(Kind::AppointmentAccepted));
    let message = parse(&raw);
    assert_eq!(message.subject().unwrap(), "Your appointment with Dr. Rahman is confirmed");
    assert_eq!(message.message_id().unwrap(), "9@clinic.example.org");
    assert_eq!(message.date().unwrap().to_rfc3339(), "2026-11-21T10:00:00Z");
    assert_eq!(message.header_raw("Auto-Submitted").unwrap().trim(), "auto-generated");
    assert_eq!(message.header_raw("Reply-To").unwrap().trim(), "desk@example.org");
    let text = message.body_text(0).unwrap();
    assert!(text.contains("Dear Amina Khatun,"), "{text}");
    assert!(text.contains("When: Tuesday, 1 December 2026, 15:00 (Asia/Dhaka, UTC+06:00)"), "{text}");
    assert!(text.contains("Join here: https://clinic.example.org/c/00000000-0000-7000-8000-000000000004"), "{text}");
    assert!(!text.contains("For the doctor"), "the same zone is not told twice: {text}");
    let html = message.body_html(0).unwrap();
    assert!(html.contains("href=\"https://clinic.example.org/c/00000000-0000-7000-8000-000000000004\""), "{html}");
    let file = message.attachments().find(|part| part.attachment_name() == Some("invite.ics")).unwrap();
    assert!(file.is_content_type("application", "ics"));
    assert!(String::from_utf8_lossy(file.contents()).contains("METHOD:REQUEST"));
}

#[test]
fn one_uid_from_booking_to_cancellation() {
    let life = [
        (Kind::AppointmentBooked, Status::Pending, 1, "REQUEST", "TENTATIVE"),
        (Kind::AppointmentAccepted, Status::Accepted, 2, "REQUEST", "CONFIRMED"),
        (Kind::AppointmentRescheduled, Status::Pending, 3, "REQUEST", "TENTATIVE"),
        (Kind::AppointmentRescheduled, Status::Accepted, 4, "REQUEST", "CONFIRMED"),
        (Kind::AppointmentCancelled, Status::Cancelled, 5, "CANCEL", "CANCELLED"),
        (Kind::AppointmentRejected, Status::Rejected, 6, "CANCEL", "CANCELLED"),
    ];
    for (kind, status, version, method, shown) in life {
        let mut content = appointment();
        (content.status, content.version) = (status, version);
        let raw = formatted(&outgoing(kind, Audience::Patient, Content::Appointment(content)));
        let (declared, lines) = calendar(&parse(&raw)).unwrap();
        assert_eq!(declared, method, "{kind}");
        assert_eq!(property(&lines, "METHOD"), [format!("METHOD:{method}")]);
        assert_eq!(property(&lines, "STATUS"), [format!("STATUS:{shown}")], "{kind}");
        assert_eq!(property(&lines, "UID"), ["UID:00000000-0000-7000-8000-000000000001@clinic.example.org"]);
        assert_eq!(property(&lines, "SEQUENCE"), [format!("SEQUENCE:{version}")]);
        assert_eq!(property(&lines, "DTSTART"), ["DTSTART:20261201T090000Z"]);
        assert_eq!(property(&lines, "DTEND"), ["DTEND:20261201T093000Z"]);
        assert_eq!(property(&lines, "DTSTAMP"), ["DTSTAMP:20261121T100000Z"]);
        assert_eq!(property(&lines, "ORGANIZER"), ["ORGANIZER;CN=Green Clinic:mailto:clinic@example.org"]);
        let attendee = property(&lines, "ATTENDEE");
        assert_eq!(attendee.len(), 1, "nobody learns the other's address");
        assert!(attendee[0].ends_with(":mailto:amina@example.org"), "{attendee:?}");
    }
    for kind in [Kind::Reminder24h, Kind::Reminder1h, Kind::AppointmentNoShow] {
        assert!(calendar(&parse(&formatted(&about(kind)))).is_none(), "{kind}");
    }
}

#[test]
fn times_are_right_on_both_sides_of_a_clock_change() {
    // Berlin leaves summer time on 2026-10-25, New York on 2026-11-01.
    for (instant, zone, expected) in [
        ("2026-10-25T00:30:00Z", "Europe/Berlin", "Sunday, 25 October 2026, 02:30 (Europe/Berlin, UTC+02:00)"),
        ("2026-10-25T01:30:00Z", "Europe/Berlin", "Sunday, 25 October 2026, 02:30 (Europe/Berlin, UTC+01:00)"),
        ("2026-11-01T14:00:00Z", "America/New_York", "Sunday, 1 November 2026, 09:00 (America/New_York, UTC-05:00)"),
        ("2026-10-31T14:00:00Z", "America/New_York", "Saturday, 31 October 2026, 10:00 (America/New_York, UTC-04:00)"),
        ("2026-03-29T01:00:00Z", "Europe/Berlin", "Sunday, 29 March 2026, 03:00 (Europe/Berlin, UTC+02:00)"),
        ("2026-12-31T18:30:00Z", "Asia/Kathmandu", "Friday, 1 January 2027, 00:15 (Asia/Kathmandu, UTC+05:45)"),
    ] {
        let mut content = appointment();
        content.starts_at = instant.parse().unwrap();
        let mut mail = outgoing(Kind::Reminder24h, Audience::Patient, Content::Appointment(content));
        mail.contact.time_zone = zone.parse::<TimeZone>().unwrap();
        let raw = formatted(&mail);
        let text = parse(&raw).body_text(0).unwrap().into_owned();
        assert!(text.contains(&format!("When: {expected}")), "{text}");
        assert!(text.contains("For the doctor: ") && text.contains("(Asia/Dhaka, UTC+06:00)"), "{text}");
    }
}

#[test]
fn bangla_where_somebody_speaks_it_and_english_where_a_mail_is_not_translated() {
    let mut mail = about(Kind::AppointmentAccepted);
    mail.contact.language = "bn-BD".parse().unwrap();
    let raw = formatted(&mail);
    let headers = String::from_utf8_lossy(&raw);
    assert!(headers.is_ascii(), "headers and bodies are encoded");
    let message = parse(&raw);
    assert_eq!(message.subject().unwrap(), "Dr. Rahman-এর সঙ্গে আপনার সাক্ষাৎ নিশ্চিত হয়েছে");
    let text = message.body_text(0).unwrap();
    assert!(text.contains("সময়: মঙ্গলবার, ১ ডিসেম্বর ২০২৬, ১৫:০০ (Asia/Dhaka, UTC+06:00)"), "{text}");
    assert!(message.body_html(0).unwrap().contains("<html lang=\"bn\">"));

    let mut mail = outgoing(Kind::PasswordChanged, Audience::Account, Content::Account { user_id: id(5) });
    mail.contact.language = "bn".parse().unwrap();
    assert_eq!(parse(&formatted(&mail)).subject().unwrap(), "Your password was changed");
}

#[test]
fn names_cannot_add_headers_or_calendar_lines_or_markup() {
    for evil in
        ["X\r\nBcc: victim@example.org", "X\nEND:VEVENT\nBEGIN:VALARM", "X\u{2028}Y", "\"; DROP <b>x</b> \\, ;:"]
    {
        let mut mail = about(Kind::AppointmentAccepted);
        mail.contact.given_name = evil.into();
        mail.payload.doctor_name = Some(evil.into());
        let raw = formatted(&mail);
        let message = parse(&raw);
        assert!(message.header_raw("Bcc").is_none() && message.bcc().is_none(), "{evil:?}");
        assert_eq!(message.to().unwrap().as_list().unwrap().len(), 1, "{evil:?}");
        assert_eq!(message.to().unwrap().first().unwrap().address().unwrap(), "amina@example.org");
        let (_, lines) = calendar(&message).unwrap();
        assert!(property(&lines, "BEGIN").iter().all(|line| *line == "BEGIN:VCALENDAR" || *line == "BEGIN:VEVENT"));
        assert_eq!(property(&lines, "END").len(), 2, "{lines:?}");
        assert_eq!(property(&lines, "ATTENDEE").len(), 1);
        assert!(!message.body_html(0).unwrap().contains("<b>x</b>"), "{evil:?}");
    }
}

#[test]
fn a_doctor_reads_neither_name_nor_address_of_the_patient_in_a_mail() {
    let mut mail = outgoing(Kind::AppointmentBooked, Audience::Doctor, Content::Appointment(appointment()));
    mail.contact.given_name = "Shafiq".into();
    mail.contact.family_name = "Rahman".into();
    mail.contact.email = "shafiq@example.org".parse().unwrap();
    let raw = formatted(&mail);
    let message = parse(&raw);
    let all: String = message.parts.iter().map(|part| String::from_utf8_lossy(part.contents()).into_owned()).collect();
    assert!(all.contains("Shafiq"));
    assert!(!all.contains("Amina") && !all.contains("Khatun"), "{all}");
}

/// Every mail of every language can be written, for everybody who may get it, and says nothing of undefined things.
#[test]
fn every_template_renders() {
    let mut written = 0;
    for rule in crate::rules::RULES {
        for (audience, channels) in rule.to {
            if !channels.contains(&crate::model::Channel::Email) {
                continue;
            }
            for language in ["en", "bn", "de-AT"] {
                let data = serde_json::json!({
                    "user_id": id::<()>(1), "token": "s3cret-code", "reason": "The licence <has> expired.",
                    "doctor_id": id::<()>(2), "patient_id": id::<()>(3), "prescription_id": id::<()>(4),
                    "consultation_id": id::<()>(5), "seq": 4, "id": id::<()>(6), "visit_type": "video",
                    "starts_at": "2026-12-01T09:00:00Z", "expires_at": "2026-11-24T10:00:00Z",
                });
                let content = Content::read(rule.kind, &data).unwrap_or(Content::Appointment(appointment()));
                let mut mail = outgoing(rule.kind, *audience, content);
                mail.contact.language = language.parse().unwrap();
                let raw = formatted(&mail);
                let message = parse(&raw);
                let (subject, text) = (message.subject().unwrap(), message.body_text(0).unwrap());
                assert!(!subject.is_empty() && !subject.contains(['{', '\n']), "{subject}");
                assert!(text.contains("Amina") && !text.contains("none") && !text.contains('{'), "{text}");
                let token = matches!(rule.kind, Kind::EmailVerification | Kind::PasswordReset);
                assert_eq!(text.lines().any(|line| line == "s3cret-code"), token, "{text}");
                assert_eq!(message.body_html(0).unwrap().contains("s3cret-code"), token);
                written += 1;
            }
        }
    }
    assert!(written > 50, "{written}");
}

#[test]
fn a_kept_follow_up_says_when_and_until_when() {
    let follow_up = Content::FollowUp {
        id: uuid::Uuid::from_u128(7),
        doctor_id: id(2),
        patient_id: id(3),
        starts_at: Some("2026-12-01T09:00:00Z".parse().unwrap()),
        expires_at: Some("2026-11-24T10:00:00Z".parse().unwrap()),
        visit_type: VisitType::Audio,
    };
    let raw = formatted(&outgoing(Kind::FollowUpHeld, Audience::Patient, follow_up));
    let message = parse(&raw);
    assert_eq!(message.subject().unwrap(), "A follow-up is kept for you: please confirm");
    for text in [message.body_text(0).unwrap(), message.body_html(0).unwrap()] {
        let text = text.replace("&#x2f;", "/");
        assert!(text.contains("Tuesday, 1 December 2026, 15:00 (Asia/Dhaka, UTC+06:00)"), "{text}");
        assert!(text.contains("until Tuesday, 24 November 2026, 16:00 (Asia/Dhaka, UTC+06:00)"), "{text}");
        assert!(text.contains("Dr. Rahman would like to see you again") && text.contains("Voice consultation"));
    }
    assert!(calendar(&message).is_none(), "nothing is agreed yet");
}
