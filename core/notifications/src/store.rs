//! The table of deliveries.

mod inbox;
mod queue;
mod subscriptions;

use consilium_db::{
    Encrypted, Result, Session, Tx,
    types::{at, key, maybe_at, maybe_key},
};
use consilium_kernel::{DeliveryId, EntityRef, FacilityId, Scope, Timestamp, UserId};
use diesel::prelude::*;

use crate::{
    content::Payload,
    model::{Channel, Delivery, DeliveryRefusal, DeliveryStatus, Kind, PushSubscriptionId},
};

pub use inbox::{inbox, mark_all_read, mark_read};
pub use queue::{Claimed, claim, is_due, settle, withdraw};
pub use subscriptions::{browser, browsers, forget_browser, subscribe, subscriptions, unsubscribe, unsubscribe_one};

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    delivery (id) {
        id -> Uuid,
        facility_id -> Uuid,
        kind -> Text,
        channel -> Text,
        status -> Text,
        entity_kind -> Text,
        entity_id -> Uuid,
        revision -> BigInt,
        recipient_id -> Uuid,
        message_id -> Text,
        payload -> Binary,
        attempts -> Integer,
        next_attempt_at -> Instant,
        expires_at -> Instant,
        last_error -> Nullable<Text>,
        created_at -> Instant,
        sent_at -> Nullable<Instant>,
        read_at -> Nullable<Instant>,
        version -> BigInt,
        subscription_id -> Nullable<Uuid>,
        priority -> Integer,
    }
}

/// A delivery about to be written.
pub struct NewDelivery {
    pub id: DeliveryId,
    pub facility: FacilityId,
    pub kind: Kind,
    pub channel: Channel,
    pub status: DeliveryStatus,
    pub entity: EntityRef,
    pub revision: i64,
    pub recipient: UserId,
    /// Which of the recipient's browsers, on the channel push.
    pub subscription: Option<PushSubscriptionId>,
    pub message_id: String,
    pub expires_at: Timestamp,
    pub sent_at: Option<Timestamp>,
}

/// Where a payload is sealed.
fn cell(id: DeliveryId) -> consilium_db::Cell {
    consilium_db::Cell::new("delivery", "payload", id.uuid())
}

/// Writes a delivery unless the same was written before; says whether it did.
pub fn insert(tx: &mut Tx<'_>, new: &NewDelivery, payload: &Payload) -> Result<bool> {
    let mut same = delivery::table
        .filter(delivery::entity_id.eq(key(new.entity.id)))
        .filter(delivery::revision.eq(new.revision))
        .filter(delivery::kind.eq(<&str>::from(new.kind)))
        .filter(delivery::channel.eq(<&str>::from(new.channel)))
        .filter(delivery::recipient_id.eq(key(new.recipient)))
        .into_boxed();
    if let Some(subscription) = new.subscription {
        same = same.filter(delivery::subscription_id.eq(maybe_key(Some(subscription))));
    }
    let before: i64 = same.count().get_result(tx.connection())?;
    if before > 0 {
        return Ok(false);
    }
    let sealed = tx.seal(new.recipient.uuid(), cell(new.id), payload)?;
    let now = tx.now();
    diesel::insert_into(delivery::table)
        .values((
            delivery::id.eq(key(new.id)),
            delivery::facility_id.eq(key(new.facility)),
            delivery::kind.eq(<&str>::from(new.kind)),
            delivery::channel.eq(<&str>::from(new.channel)),
            delivery::status.eq(<&str>::from(new.status)),
            delivery::entity_kind.eq(&new.entity.kind),
            delivery::entity_id.eq(key(new.entity.id)),
            delivery::revision.eq(new.revision),
            delivery::recipient_id.eq(key(new.recipient)),
            delivery::message_id.eq(&new.message_id),
            delivery::payload.eq(sealed),
            delivery::attempts.eq(0),
            delivery::next_attempt_at.eq(at(now)),
            delivery::expires_at.eq(at(new.expires_at)),
            delivery::created_at.eq(at(now)),
            delivery::sent_at.eq(maybe_at(new.sent_at)),
            delivery::version.eq(1_i64),
            delivery::subscription_id.eq(maybe_key(new.subscription)),
            delivery::priority.eq(new.kind.priority()),
        ))
        .execute(tx.connection())?;
    Ok(true)
}

/// Withdraws reminders of an appointment's revisions below `wrong_below` that were not sent yet. One that a
/// notifier holds is looked at again before its next attempt.
pub fn withdraw_reminders(tx: &mut Tx<'_>, appointment: uuid::Uuid, wrong_below: i64) -> Result<()> {
    let reminders: Vec<&str> = Kind::REMINDERS.into_iter().map(Into::into).collect();
    let unsent: Vec<&str> = vec![DeliveryStatus::Queued.into(), DeliveryStatus::Failed.into()];
    diesel::update(
        delivery::table
            .filter(delivery::entity_id.eq(key(appointment)))
            .filter(delivery::kind.eq_any(reminders))
            .filter(delivery::revision.lt(wrong_below))
            .filter(delivery::status.eq_any(unsent)),
    )
    .set((delivery::status.eq(<&str>::from(DeliveryStatus::Withdrawn)), delivery::version.eq(delivery::version + 1)))
    .execute(tx.connection())?;
    Ok(())
}

/// Messages up to `seq` do not wait for `reader` any more: mails that were not sent are withdrawn, and the inbox shows
/// them as seen.
pub fn withdraw_waiting(tx: &mut Tx<'_>, conversation: uuid::Uuid, reader: UserId, seq: i64) -> Result<()> {
    let now = tx.now();
    let unsent: Vec<&str> = vec![DeliveryStatus::Queued.into(), DeliveryStatus::Failed.into()];
    let told = delivery::table
        .filter(delivery::entity_id.eq(key(conversation)))
        .filter(delivery::recipient_id.eq(key(reader)))
        .filter(delivery::kind.eq(<&str>::from(Kind::MessagesWaiting)))
        .filter(delivery::revision.le(seq));
    diesel::update(told.filter(delivery::status.eq_any(unsent)))
        .set((
            delivery::status.eq(<&str>::from(DeliveryStatus::Withdrawn)),
            delivery::version.eq(delivery::version + 1),
        ))
        .execute(tx.connection())?;
    let shown = told.filter(delivery::channel.eq(<&str>::from(Channel::InApp)));
    diesel::update(shown.filter(delivery::read_at.is_null()))
        .set((delivery::read_at.eq(maybe_at(Some(now))), delivery::version.eq(delivery::version + 1)))
        .execute(tx.connection())?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = delivery)]
struct DeliveryRow {
    id: DeliveryId,
    kind: String,
    channel: String,
    status: String,
    entity_kind: String,
    entity_id: uuid::Uuid,
    revision: i64,
    recipient_id: UserId,
    message_id: String,
    attempts: i32,
    next_attempt_at: Timestamp,
    last_error: Option<String>,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
    version: i64,
}

impl DeliveryRow {
    fn delivery(self) -> Result<Delivery> {
        Ok(Delivery {
            id: self.id,
            kind: known(&self.kind)?,
            channel: known(&self.channel)?,
            status: known(&self.status)?,
            entity_kind: self.entity_kind,
            entity_id: self.entity_id,
            revision: self.revision,
            recipient_id: self.recipient_id,
            message_id: self.message_id,
            attempts: self.attempts,
            next_attempt_at: self.next_attempt_at,
            last_error: self.last_error,
            created_at: self.created_at,
            sent_at: self.sent_at,
            version: self.version,
        })
    }
}

/// A word of a column as the enum it stands for.
fn known<T: std::str::FromStr>(word: &str) -> Result<T> {
    word.parse().map_err(|_| consilium_db::Error::Setup(format!("a delivery has the unknown word {word:?}")))
}

/// Deliveries of a facility, newest first, at most `limit`, older than `before`.
pub fn deliveries(
    session: &mut Session<'_>,
    scope: Scope,
    status: Option<DeliveryStatus>,
    before: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let mut query = delivery::table
        .filter(delivery::facility_id.eq(key(scope.facility_id)))
        .order(delivery::id.desc())
        .limit(limit)
        .select(DeliveryRow::as_select())
        .into_boxed();
    if let Some(status) = status {
        query = query.filter(delivery::status.eq(<&str>::from(status)));
    }
    if let Some(before) = before {
        query = query.filter(delivery::id.lt(key(before)));
    }
    query.load(session.connection())?.into_iter().map(DeliveryRow::delivery).collect()
}

/// One delivery of a facility.
pub fn find(session: &mut Session<'_>, scope: Scope, id: DeliveryId) -> Result<Option<Delivery>> {
    delivery::table
        .find(key(id))
        .filter(delivery::facility_id.eq(key(scope.facility_id)))
        .select(DeliveryRow::as_select())
        .first(session.connection())
        .optional()?
        .map(DeliveryRow::delivery)
        .transpose()
}

/// Puts a dead delivery back into the queue, worth sending until `expires_at`, under its old Message-ID.
pub fn revive(tx: &mut Tx<'_>, scope: Scope, id: DeliveryId, expires_at: Timestamp) -> Result<()> {
    let now = tx.now();
    let changed = diesel::update(
        delivery::table
            .find(key(id))
            .filter(delivery::facility_id.eq(key(scope.facility_id)))
            .filter(delivery::status.eq(<&str>::from(DeliveryStatus::Dead))),
    )
    .set((
        delivery::status.eq(<&str>::from(DeliveryStatus::Queued)),
        delivery::attempts.eq(0),
        delivery::next_attempt_at.eq(at(now)),
        delivery::expires_at.eq(at(expires_at)),
        delivery::version.eq(delivery::version + 1),
    ))
    .execute(tx.connection())?;
    if changed == 0 { Err(DeliveryRefusal::NotDead.refusal().into()) } else { Ok(()) }
}

type Sealed = Encrypted<Payload>;
