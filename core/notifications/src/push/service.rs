//! What somebody does with the subscriptions of their browsers.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use consilium_kernel::{CommandMeta, EntityRef, Refusal};

use super::BrowserAddress;
use crate::{
    Notifications, caller,
    model::{PushRefusal, PushSubscription, PushSubscriptionId},
    settings::PushSettings,
    store,
};

impl Notifications {
    /// The key by which browsers know that a message is ours, base64url of an uncompressed P-256 point.
    pub fn push_key(&self) -> Result<String, Refusal> {
        let key = self.db.vault().keys().push_signing.as_ref().ok_or_else(|| PushRefusal::NotSetUp.refusal())?;
        Ok(BASE64URL.encode(&key.public))
    }

    /// Has the caller's browser told, for as long as the login lasts by which it asks.
    pub async fn subscribe(
        &self,
        meta: &CommandMeta,
        address: BrowserAddress,
        settings: &PushSettings,
    ) -> Result<PushSubscription, Refusal> {
        self.push_key()?;
        let wrong = address.check(settings.allow_private_addresses);
        if !wrong.is_empty() {
            return Err(Refusal::invalid(wrong));
        }
        let user = meta.principal.user().ok_or_else(Refusal::forbidden)?;
        let (owner, login, most) = (user.user_id, user.session_id, settings.max_subscriptions);
        let (db, again) = (self.db.clone(), meta.clone());
        self.db
            .once(meta, async move {
                let written = db.command(&again, move |tx| {
                    let subscription = store::subscribe(tx, owner, login, &address, most)?;
                    tx.audit("push_subscribed", &entity(subscription.id), 1)?;
                    Ok(subscription)
                });
                Ok(written.await?)
            })
            .await
    }

    /// The caller's own browsers, newest first.
    pub async fn subscriptions(&self, meta: &CommandMeta) -> Result<Vec<PushSubscription>, Refusal> {
        let user = caller(meta)?;
        Ok(self.db.read(move |session| store::subscriptions(session, user)).await?)
    }

    /// Has one of the caller's browsers told no longer.
    pub async fn unsubscribe(&self, meta: &CommandMeta, id: PushSubscriptionId) -> Result<(), Refusal> {
        let user = caller(meta)?;
        let written = self.db.write(meta, move |tx| {
            if !store::unsubscribe_one(tx, user, id)? {
                return Err(Refusal::not_found().into());
            }
            tx.audit("push_unsubscribed", &entity(id), 1)
        });
        Ok(written.await?)
    }
}

fn entity(id: PushSubscriptionId) -> EntityRef {
    EntityRef::new("push_subscription", id.uuid())
}
