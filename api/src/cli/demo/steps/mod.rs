//! The steps, by what they are about, and what each hands on to the next.

pub(super) mod accounts;
pub(super) mod afterwards;
pub(super) mod booking;
pub(super) mod chat;
pub(super) mod room;

use std::rc::Rc;

use anyhow::Result;

use super::{
    EndsHere,
    mailbox::Mail,
    own::{self, Own},
    screen::{Count, Screen},
    socket::Socket,
    wire::{Person, Wire},
};

/// Who plays, where, and how far they are.
pub(super) struct Story {
    pub wire: Wire,
    pub screen: Rc<Screen>,
    pub patient: Person,
    pub doctor: Person,
    admin: Option<Person>,
    /// The demo's own server; nothing when it plays against another.
    own: Option<Own>,
    starts_at: String,
    appointment: String,
    consultation: String,
    invitation: String,
    topic: String,
    sockets: Option<(Socket, Socket)>,
    prescription: String,
}

impl Story {
    /// The beginning.
    pub(super) fn new(wire: Wire, screen: Rc<Screen>, own: Option<Own>, admin: Option<Person>) -> Result<Self> {
        let person = |name: &'static str| -> Result<Person> {
            let id = own::random()?;
            let email = format!("{}.{}@demo.example", name.to_lowercase(), id.get(..8).unwrap_or_default());
            Ok(Person { name, email, password: own::random()?, ..Person::default() })
        };
        Ok(Self {
            wire,
            screen,
            patient: person("Rafi")?,
            doctor: person("Ayesha")?,
            admin,
            own,
            starts_at: String::new(),
            appointment: String::new(),
            consultation: String::new(),
            invitation: String::new(),
            topic: String::new(),
            sockets: None,
            prescription: String::new(),
        })
    }

    /// The end: lines are cut, and the demo's own server is left to be stopped.
    pub(super) fn leave(self) -> Option<Own> {
        self.own
    }

    /// The next mail to somebody that is as `wanted`, printed. Nothing where mails cannot be read.
    async fn mail(&self, to: &Person, what: &str, wanted: impl Fn(&Mail) -> bool) -> Result<Option<Mail>> {
        let Some(own) = &self.own else {
            self.screen.skip(&format!("the mail to {} goes to the server's mail server", to.name));
            return Ok(None);
        };
        let mail = own.mailbox.take(&to.email, what, wanted).await?;
        self.screen.count(Count::Mail);
        let invite = mail.invite.as_ref().map(|invite| format!(" [calendar: {} {}]", invite.method, invite.status));
        let (recipients, subject) = (mail.recipients.join(", "), &mail.subject);
        self.screen.line(to.name, "35", &format!("✉ to {recipients}: {subject}{}", invite.unwrap_or_default()));
        Ok(Some(mail))
    }
}

/// The rest cannot be played.
fn ends_here<T>(reason: &str) -> Result<T> {
    Err(EndsHere(reason.to_owned()).into())
}
