//! Turns one occasion into deliveries: a row per recipient and channel, and what the inbox shows at once.

use std::sync::Arc;

use consilium_db::{Result, Tx};
use consilium_kernel::{DeliveryId, EntityRef, FacilityId, Timestamp, UserId};

use crate::{
    content::{Content, Payload},
    decide::expires_at,
    model::{Audience, Channel, DeliveryStatus, InboxEntry, PushSubscriptionId},
    records::{Party, Records},
    rules::Rule,
    store::{self, NewDelivery},
};

/// Something that is to be told once.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// What must not be told twice.
    pub entity: EntityRef,
    /// The schedule revision of an appointment; 0 elsewhere.
    pub revision: i64,
    /// Whose rows it belongs to.
    pub facility: FacilityId,
    /// When it happened.
    pub at: Timestamp,
}

/// Writes deliveries.
#[derive(Clone)]
pub struct Announcer {
    records: Arc<dyn Records>,
    host: Arc<str>,
}

/// Somebody who is told, and as what.
struct Recipient {
    user: UserId,
    audience: Audience,
    channels: &'static [Channel],
}

impl Announcer {
    /// `host` is the right-hand side of Message-IDs.
    pub fn new(records: Arc<dyn Records>, host: &str) -> Self {
        Self { records, host: host.into() }
    }

    /// Where the rest is known from.
    pub fn records(&self) -> &dyn Records {
        self.records.as_ref()
    }

    /// Writes what `rule` asks for. Said before: writes nothing.
    pub fn announce(&self, tx: &mut Tx<'_>, rule: &Rule, occasion: &Occasion, content: Content) -> Result<()> {
        let (doctor, patient) = match content.parties() {
            Some((doctor, patient)) => (self.records.doctor(tx, doctor)?, self.records.patient(tx, patient)?),
            None => (None, None),
        };
        let mut entries = Vec::new();
        for recipient in recipients(rule, &content, doctor.as_ref(), patient.as_ref()) {
            let payload = Payload {
                audience: recipient.audience,
                at: occasion.at,
                doctor_name: doctor.as_ref().map(|party| party.name.clone()),
                patient_name: patient.as_ref().map(|party| party.name.clone()),
                content: content.clone(),
            };
            for channel in recipient.channels {
                for browser in browsers(tx, &recipient, *channel)? {
                    if let Some(id) = self.write(tx, rule, occasion, &recipient, (*channel, browser), &payload)?
                        && *channel == Channel::InApp
                    {
                        entries.push((recipient.user, entry(id, rule, &payload)));
                    }
                }
            }
        }
        // Live topics are held until commit: last, and in sorted order.
        entries.sort_by_key(|(user, entry)| (*user, entry.id));
        for (user, entry) in entries {
            tx.publish(&format!("user:{user}"), "notification", user.uuid(), &entry)?;
        }
        Ok(())
    }

    fn write(
        &self,
        tx: &mut Tx<'_>,
        rule: &Rule,
        occasion: &Occasion,
        recipient: &Recipient,
        (channel, subscription): (Channel, Option<PushSubscriptionId>),
        payload: &Payload,
    ) -> Result<Option<DeliveryId>> {
        let (id, now): (DeliveryId, _) = (tx.new_id(), tx.now());
        // What the inbox shows is there with the commit of its row.
        let (status, sent_at) = match channel {
            Channel::InApp => (DeliveryStatus::Sent, Some(now)),
            Channel::Email | Channel::Push => (DeliveryStatus::Queued, None),
        };
        let delivery = NewDelivery {
            id,
            facility: occasion.facility,
            kind: rule.kind,
            channel,
            status,
            entity: occasion.entity.clone(),
            revision: occasion.revision,
            recipient: recipient.user,
            subscription,
            message_id: format!("{id}@{}", self.host),
            expires_at: expires_at(rule.kind, &payload.content, now),
            sent_at,
        };
        Ok(store::insert(tx, &delivery, payload)?.then_some(id))
    }
}

/// Which of somebody's browsers are told over a channel: each on its own by push, none in particular elsewhere.
fn browsers(tx: &mut Tx<'_>, recipient: &Recipient, channel: Channel) -> Result<Vec<Option<PushSubscriptionId>>> {
    match channel {
        Channel::Push => Ok(store::browsers(tx, recipient.user)?.into_iter().map(Some).collect()),
        Channel::Email | Channel::InApp => Ok(vec![None]),
    }
}

fn recipients(rule: &Rule, content: &Content, doctor: Option<&Party>, patient: Option<&Party>) -> Vec<Recipient> {
    let account = |audience| match audience {
        Audience::Account => content.user_id(),
        Audience::Doctor => doctor?.user_id,
        Audience::Patient => patient?.user_id,
    };
    rule.to
        .iter()
        .filter_map(|(audience, channels)| Some(Recipient { user: account(*audience)?, audience: *audience, channels }))
        .collect()
}

fn entry(id: DeliveryId, rule: &Rule, payload: &Payload) -> InboxEntry {
    InboxEntry {
        id,
        kind: rule.kind,
        appointment_id: payload.content.appointment().map(|appointment| appointment.id),
        at: payload.at,
        read_at: None,
        text: payload.text(rule.kind),
    }
}
