//! Tells people what concerns them: e-mail with calendar invites, the inbox inside the product, reminders.
//!
//! Committed events and due timers become rows ([`NotificationSubscriber`], [`Reminders`]); one notifier per
//! channel sends what is due ([`Notifier`]). [`rules::RULES`] says who is told what. Knows accounts, people and
//! appointments through their modules' functions, and no patient's medical text at all.

mod actor;
mod announce;
mod content;
mod decide;
mod digest;
mod mail;
mod model;
mod notifier;
mod push;
mod records;
mod reminders;
pub mod rules;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use consilium_db::Db;
use consilium_kernel::{CommandMeta, DeliveryId, EntityRef, Refusal, UserId, not_a_cursor, page_limit};
use consilium_runtime::{Subscriber, TimerHandler};
use jiff::SignedDuration;
use url::Url;

pub use content::{AppointmentContent, Content, Payload};
pub use decide::SendError;
pub use digest::NotificationSubscriber;
pub use mail::{Mailer, Templates};
pub use model::{
    Audience, Channel, Delivery, DeliveryRefusal, DeliveryStatus, InboxEntry, Kind, Page, PageRequest, PushRefusal,
    PushSubscription, PushSubscriptionId, Text,
};
pub use notifier::{Notifier, Outgoing, Transport};
pub use push::{Browser, BrowserAddress, Pusher};
pub use records::{Contact, Party, Platform, Records};
pub use reminders::Reminders;
pub use settings::{NotificationSettings, PushSettings, SettingsError, SmtpSettings};

use announce::Announcer;

/// The module's service; cheap to clone.
#[derive(Clone)]
pub struct Notifications {
    db: Db,
    announcer: Announcer,
}

impl Notifications {
    /// Over the product's own records. `base_url` is where people reach the product.
    pub fn new(db: Db, base_url: &Url) -> Self {
        Self::with_records(db, base_url, Arc::new(Platform))
    }

    /// Over other records.
    pub fn with_records(db: Db, base_url: &Url, records: Arc<dyn Records>) -> Self {
        let announcer = Announcer::new(records, host(base_url));
        Self { db, announcer }
    }

    /// Writes deliveries when events are committed.
    pub fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::new(NotificationSubscriber(self.announcer.clone()))
    }

    /// Writes reminders when their timers are due.
    pub fn reminders(&self) -> Arc<dyn TimerHandler> {
        Arc::new(Reminders { db: self.db.clone(), announcer: self.announcer.clone() })
    }

    /// Sends over `transport` what is due.
    pub fn notifier(&self, transport: Arc<dyn Transport>, settings: &NotificationSettings) -> Arc<Notifier> {
        Arc::new(Notifier::new(self.db.clone(), self.announcer.clone(), transport, settings))
    }

    /// The caller's own messages, newest first.
    pub async fn inbox(
        &self,
        meta: &CommandMeta,
        unread: bool,
        page: PageRequest,
    ) -> Result<Page<InboxEntry>, Refusal> {
        let user = caller(meta)?;
        let (limit, before) = bounds(&page)?;
        let found = self.db.read(move |session| store::inbox(session, user, unread, before, limit + 1)).await?;
        Ok(cut(found, limit, |entry| entry.id))
    }

    /// Marks one of the caller's messages as read.
    pub async fn mark_read(&self, meta: &CommandMeta, id: DeliveryId) -> Result<InboxEntry, Refusal> {
        let user = caller(meta)?;
        let (db, again) = (self.db.clone(), meta.clone());
        self.db
            .once(meta, async move {
                let read = db.command(&again, move |tx| {
                    store::mark_read(tx, user, id)?.ok_or_else(|| Refusal::not_found().into())
                });
                Ok(read.await?)
            })
            .await
    }

    /// Marks all of the caller's messages as read and returns how many were unread.
    pub async fn mark_all_read(&self, meta: &CommandMeta) -> Result<usize, Refusal> {
        let user = caller(meta)?;
        let (db, again) = (self.db.clone(), meta.clone());
        self.db.once(meta, async move { Ok(db.command(&again, move |tx| store::mark_all_read(tx, user)).await?) }).await
    }

    /// Deliveries of the facility for an administrator, newest first: ids, states and error codes, no text.
    pub async fn deliveries(
        &self,
        meta: &CommandMeta,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, Refusal> {
        let scope = meta.scope;
        let (limit, before) = bounds(&page)?;
        let found = self.db.read(move |session| store::deliveries(session, scope, status, before, limit + 1)).await?;
        Ok(cut(found, limit, |delivery| delivery.id))
    }

    /// Puts a dead delivery back into the queue, under its old Message-ID.
    pub async fn retry(&self, meta: &CommandMeta, id: DeliveryId) -> Result<Delivery, Refusal> {
        let (db, again) = (self.db.clone(), meta.clone());
        self.db
            .once(meta, async move {
                let retried = db.command(&again, move |tx| {
                    let scope = tx.meta().scope;
                    store::find(tx, scope, id)?.ok_or_else(Refusal::not_found)?;
                    let expires_at = tx.now().saturating_add(SignedDuration::from_hours(24)).unwrap_or(tx.now());
                    store::revive(tx, scope, id, expires_at)?;
                    let delivery = store::find(tx, scope, id)?.ok_or_else(Refusal::not_found)?;
                    tx.audit("retry_delivery", &EntityRef::new("delivery", id.uuid()), delivery.version)?;
                    Ok(delivery)
                });
                Ok(retried.await?)
            })
            .await
    }
}

fn caller(meta: &CommandMeta) -> Result<UserId, Refusal> {
    meta.principal.user_id().ok_or_else(Refusal::forbidden)
}

/// The right-hand side of Message-IDs and calendar UIDs.
fn host(base_url: &Url) -> &str {
    base_url.host_str().unwrap_or("localhost")
}

fn bounds(page: &PageRequest) -> Result<(i64, Option<DeliveryId>), Refusal> {
    let before = page.cursor.as_deref().map(str::parse).transpose().map_err(|_| not_a_cursor())?;
    Ok((page_limit(page.limit)?, before))
}

fn cut<T>(mut items: Vec<T>, limit: i64, id: impl Fn(&T) -> DeliveryId) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = items.len() > limit;
    items.truncate(limit);
    Page { next_cursor: items.last().filter(|_| more).map(|last| id(last).to_string()), items }
}
