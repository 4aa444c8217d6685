//! What administrators do with subscriptions and their log.

use std::sync::Arc;

use consilium_db::{Db, Error, Result, Session, Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, EventId, Id, Refusal, Scope, Timestamp, not_a_cursor, page_limit};
use consilium_runtime::Subscriber;
use jiff::SignedDuration;
use serde_json::json;

use crate::{
    catalogue::{self, PING},
    checks::{check_description, check_types, check_url},
    digest::WebhookSubscriber,
    dispatcher::{Dispatcher, entity},
    model::{
        Delivery, DeliveryId, DeliveryStatus, DisabledBecause, NewSubscription, Page, PageRequest, Subscription,
        SubscriptionId, SubscriptionPatch, WithSecret,
    },
    refusal::WebhookRefusal,
    settings::WebhookSettings,
    signature::Secret,
    store::{self, Endpoint, Previous},
    transport::Transport,
};

/// Replaced secrets that sign at the same time, at most.
const MAX_PREVIOUS: usize = 4;
/// Hours that a replaced secret goes on signing unless somebody says otherwise, and at most.
const GRACE_HOURS: (i64, i64) = (24, 7 * 24);

/// The module's service; cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    db: Db,
    settings: Arc<WebhookSettings>,
}

impl Webhooks {
    /// Webhooks over `db`.
    pub fn new(db: Db, settings: WebhookSettings) -> Self {
        Self { db, settings: Arc::new(settings) }
    }

    /// Writes deliveries when events are committed.
    pub fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::new(WebhookSubscriber)
    }

    /// Sends over `transport` what is due.
    pub fn dispatcher(&self, transport: Arc<dyn Transport>) -> Arc<Dispatcher> {
        Arc::new(Dispatcher::new(self.db.clone(), transport, WebhookSettings::clone(&self.settings)))
    }

    /// Makes a subscription; the answer has its secret, which is not shown again.
    pub async fn create(&self, meta: &CommandMeta, new: NewSubscription) -> Result<WithSecret, Refusal> {
        let mut wrong = Vec::new();
        check_url(&new.url, self.settings.allow_private_addresses, &mut wrong);
        check_description(&new.description, &mut wrong);
        let event_types = check_types(&new.event_types, &mut wrong);
        if !wrong.is_empty() {
            return Err(Refusal::invalid(wrong));
        }
        let max = i64::try_from(self.settings.max_subscriptions).unwrap_or(i64::MAX);
        self.command(meta, move |tx| {
            let scope = tx.meta().scope;
            if store::count(tx, scope)? >= max {
                return Err(WebhookRefusal::TooMany.refusal().into());
            }
            let now = tx.now();
            let subscription = Subscription {
                id: tx.new_id(),
                url: new.url.clone(),
                description: new.description.trim().to_owned(),
                event_types: event_types.clone(),
                disabled_because: (!new.enabled).then_some(DisabledBecause::Asked),
                failing_since: None,
                replaying: false,
                previous_secret_until: None,
                created_at: now,
                updated_at: now,
                version: 1,
            };
            let secret = Secret::generate().ok_or_else(Refusal::internal)?;
            let endpoint = Endpoint { url: new.url.clone(), secret: secret.clone(), previous: Vec::new() };
            store::insert(tx, &subscription, &endpoint)?;
            told(tx, "webhook_subscription_created", subscription.id, subscription.version)?;
            Ok(WithSecret { subscription, secret })
        })
        .await
    }

    /// One of the facility's subscriptions.
    pub async fn get(&self, meta: &CommandMeta, id: SubscriptionId) -> Result<Subscription, Refusal> {
        let scope = meta.scope;
        let found = self.db.read(move |session| store::find(session, scope, id)).await?;
        found.ok_or_else(Refusal::not_found)
    }

    /// The facility's subscriptions, newest first.
    pub async fn list(&self, meta: &CommandMeta, page: PageRequest) -> Result<Page<Subscription>, Refusal> {
        let scope = meta.scope;
        let (limit, before) = bounds(&page)?;
        let found = self.db.read(move |session| store::list(session, scope, before, limit + 1)).await?;
        Ok(cut(found, limit, |subscription| subscription.id))
    }

    /// Changes the `version`th state of a subscription.
    pub async fn patch(
        &self,
        meta: &CommandMeta,
        id: SubscriptionId,
        version: i64,
        patch: SubscriptionPatch,
    ) -> Result<Subscription, Refusal> {
        let mut wrong = Vec::new();
        if let Some(url) = &patch.url {
            check_url(url, self.settings.allow_private_addresses, &mut wrong);
        }
        if let Some(description) = &patch.description {
            check_description(description, &mut wrong);
        }
        let event_types = patch.event_types.as_ref().map(|types| check_types(types, &mut wrong));
        if !wrong.is_empty() {
            return Err(Refusal::invalid(wrong));
        }
        self.command(meta, move |tx| {
            let (before, mut endpoint) = present(tx, id)?;
            if before.version != version {
                return Err(WebhookRefusal::Stale.refusal().into());
            }
            let mut after = Subscription { version: version + 1, updated_at: tx.now(), ..before.clone() };
            if let Some(url) = &patch.url {
                (endpoint.url, after.url) = (url.clone(), url.clone());
            }
            if let Some(description) = &patch.description {
                after.description = description.trim().to_owned();
            }
            if let Some(event_types) = &event_types {
                after.event_types = event_types.clone();
            }
            match patch.enabled {
                Some(true) => (after.disabled_because, after.failing_since) = (None, None),
                Some(false) => after.disabled_because = after.disabled_because.or(Some(DisabledBecause::Asked)),
                None => {}
            }
            write(tx, &before, &after, &endpoint)?;
            told(tx, "webhook_subscription_updated", id, after.version)?;
            Ok(after)
        })
        .await
    }

    /// Deletes a subscription with its log; what waits is not sent any more.
    pub async fn delete(&self, meta: &CommandMeta, id: SubscriptionId) -> Result<(), Refusal> {
        self.command(meta, move |tx| {
            let scope = tx.meta().scope;
            let found = store::find(tx, scope, id)?.ok_or_else(Refusal::not_found)?;
            store::delete(tx, scope, id)?;
            told(tx, "webhook_subscription_deleted", id, found.version + 1)
        })
        .await
    }

    /// Gives a subscription a new secret. The old one goes on signing beside it for `grace_hours`, 24 when not said.
    pub async fn rotate_secret(
        &self,
        meta: &CommandMeta,
        id: SubscriptionId,
        grace_hours: Option<i64>,
    ) -> Result<WithSecret, Refusal> {
        let (usual, longest) = GRACE_HOURS;
        let hours = grace_hours.unwrap_or(usual);
        if !(0..=longest).contains(&hours) {
            return Err(Refusal::field("/grace_hours", "out_of_range", "must be from 0 to 168"));
        }
        self.command(meta, move |tx| {
            let (before, mut endpoint) = present(tx, id)?;
            let now = tx.now();
            let until = now.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(now);
            let secret = Secret::generate().ok_or_else(Refusal::internal)?;
            let replaced = std::mem::replace(&mut endpoint.secret, secret.clone());
            endpoint.previous.insert(0, Previous { secret: replaced, until });
            endpoint.previous.retain(|old| old.until > now);
            endpoint.previous.truncate(MAX_PREVIOUS);
            let subscription = Subscription {
                previous_secret_until: endpoint.previous.iter().map(|old| old.until).max(),
                version: before.version + 1,
                updated_at: now,
                ..before.clone()
            };
            write(tx, &before, &subscription, &endpoint)?;
            told(tx, "webhook_secret_rotated", id, subscription.version)?;
            Ok(WithSecret { subscription, secret })
        })
        .await
    }

    /// Sends a `ping` that stands for no event.
    pub async fn test(&self, meta: &CommandMeta, id: SubscriptionId) -> Result<Delivery, Refusal> {
        self.command(meta, move |tx| {
            let subscription = served(tx, id)?;
            let event: EventId = tx.new_id();
            let body = catalogue::ping(id.uuid(), tx.now());
            store::enqueue(tx, id, event, PING, &body)?;
            tx.audit("webhook_tested", &entity(id), subscription.version)?;
            let page = store::Page { status: Some(DeliveryStatus::Queued), before: None, limit: 1 };
            let queued = store::deliveries(tx, id, page)?.into_iter().find(|queued| queued.event_id == event);
            Ok(queued.ok_or_else(Refusal::internal)?)
        })
        .await
    }

    /// Has all events that the subscription wants sent again, from this instant until now, also those from before it
    /// was made.
    pub async fn replay(
        &self,
        meta: &CommandMeta,
        id: SubscriptionId,
        from: Timestamp,
    ) -> Result<Subscription, Refusal> {
        self.command(meta, move |tx| {
            let subscription = served(tx, id)?;
            if subscription.replaying {
                return Err(WebhookRefusal::Replaying.refusal().into());
            }
            if from > tx.now() {
                return Err(Refusal::field("/from", "out_of_range", "must not be in the future").into());
            }
            store::begin_replay(tx, id, from)?;
            tx.audit("webhook_replayed", &entity(id), subscription.version + 1)?;
            let scope = tx.meta().scope;
            Ok(store::find(tx, scope, id)?.ok_or_else(Refusal::not_found)?)
        })
        .await
    }

    /// The log of a subscription, newest first.
    pub async fn deliveries(
        &self,
        meta: &CommandMeta,
        id: SubscriptionId,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, Refusal> {
        let scope = meta.scope;
        let (limit, before) = bounds(&page)?;
        let found = self.db.read(move |session| {
            store::find(session, scope, id)?.ok_or_else(Refusal::not_found)?;
            store::deliveries(session, id, store::Page { status, before, limit: limit + 1 })
        });
        Ok(cut(found.await?, limit, |delivery| delivery.id))
    }

    /// Tries a delivery again at once that failed or was given up, under its old `webhook-id`.
    pub async fn retry(
        &self,
        meta: &CommandMeta,
        id: SubscriptionId,
        delivery: DeliveryId,
    ) -> Result<Delivery, Refusal> {
        self.command(meta, move |tx| {
            let subscription = served(tx, id)?;
            let found = store::delivery(tx, id, delivery)?.ok_or_else(Refusal::not_found)?;
            if !matches!(found.status, DeliveryStatus::Failed | DeliveryStatus::Dead) {
                return Err(WebhookRefusal::NotWaiting.refusal().into());
            }
            store::requeue(tx, delivery)?;
            tx.audit("webhook_retried", &entity(id), subscription.version)?;
            Ok(store::delivery(tx, id, delivery)?.ok_or_else(Refusal::not_found)?)
        })
        .await
    }

    /// Runs a command once for each Idempotency-Key.
    async fn command<R>(
        &self,
        meta: &CommandMeta,
        f: impl Fn(&mut Tx<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R, Refusal>
    where
        R: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
    {
        let (db, again) = (self.db.clone(), meta.clone());
        self.db.once(meta, async move { Ok(db.command(&again, f).await?) }).await
    }
}

/// A subscription of the command's facility with address and secrets.
fn present(tx: &mut Tx<'_>, id: SubscriptionId) -> Result<(Subscription, Endpoint)> {
    let scope: Scope = tx.meta().scope;
    let subscription = store::find(tx, scope, id)?.ok_or_else(Refusal::not_found)?;
    let endpoint = store::secrets(tx, scope, id)?.ok_or_else(Refusal::not_found)?;
    Ok((subscription, endpoint))
}

/// A subscription of the facility that is served.
fn served(tx: &mut Tx<'_>, id: SubscriptionId) -> Result<Subscription> {
    let scope = tx.meta().scope;
    let session: &mut Session<'_> = tx;
    let subscription = store::find(session, scope, id)?.ok_or_else(Refusal::not_found)?;
    match subscription.disabled_because {
        None => Ok(subscription),
        Some(_) => Err(WebhookRefusal::Disabled.refusal().into()),
    }
}

fn write(tx: &mut Tx<'_>, before: &Subscription, after: &Subscription, endpoint: &Endpoint) -> Result<()> {
    if store::change(tx, before, after, endpoint)? { Ok(()) } else { Err(Error::VersionConflict) }
}

/// Writes an event and with it the line of the audit log.
fn told(tx: &mut Tx<'_>, event_type: &str, id: SubscriptionId, version: i64) -> Result<()> {
    let subject = tx.meta().scope.facility_id.uuid();
    tx.emit(Fact { entity: entity(id), version, event_type, schema: 1, subject, data: &json!({"subscription_id": id}) })
}

fn bounds<T>(page: &PageRequest) -> Result<(i64, Option<Id<T>>), Refusal> {
    let before = page.cursor.as_deref().map(str::parse).transpose().map_err(|_| not_a_cursor())?;
    Ok((page_limit(page.limit)?, before))
}

fn cut<T, I>(mut items: Vec<T>, limit: i64, id: impl Fn(&T) -> Id<I>) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = items.len() > limit;
    items.truncate(limit);
    Page { next_cursor: items.last().filter(|_| more).map(|last| id(last).to_string()), items }
}
