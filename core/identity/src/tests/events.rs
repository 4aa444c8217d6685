//! Subscribers rely on the shape of events: a change here needs a new schema number.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{LogoutScope, deactivate_account, reactivate_account};

#[actix_rt::test]
async fn events_keep_their_shape() {
    for bench in both() {
        let system = CommandMeta::system(DEFAULT_FACILITY, "test");
        let nurse = bench.identity.create_staff(&system, super::staff::nurse()).await.unwrap();
        bench.identity.change_role(&system, nurse.id, nurse.version, Role::Support).await.unwrap();
        bench.test.db.write(&system, move |tx| deactivate_account(tx, nurse.id)).await.unwrap();
        bench.test.db.write(&system, move |tx| reactivate_account(tx, nurse.id)).await.unwrap();
        bench.account("ada@example.org").await;
        let token = bench.mailed("email_verification_requested");
        bench.identity.verify_email(&anonymous(), &token).await.unwrap();
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        bench.refresh(&first.refresh_token).await.unwrap();
        bench.pass(30);
        bench.refresh(&first.refresh_token).await.unwrap_err();
        for scope in [LogoutScope::This, LogoutScope::All] {
            let here = bench.login("ada@example.org", PASSWORD).await.unwrap();
            bench.identity.logout(&as_user(&here), scope).await.unwrap();
        }
        bench.identity.request_password_reset(&anonymous(), "ada@example.org".parse().unwrap()).await.unwrap();
        let token = bench.mailed("password_reset_requested");
        bench
            .identity
            .reset_password(&anonymous(), &token, "a staple for the battery".to_owned().into())
            .await
            .unwrap();
        let shapes: BTreeMap<String, Value> = bench
            .all_events()
            .into_iter()
            .map(|event| {
                let shape = json!({ "schema": event.schema, "entity": event.entity.kind, "data": masked(event.data) });
                (event.event_type, shape)
            })
            .collect();
        insta::assert_json_snapshot!("events", shapes);
    }
}

/// Ids and codes differ from run to run.
fn masked(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, masked(value))).collect(),
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => json!("[id]"),
        Value::String(text) if crate::SecretText::parse(&text).is_some() => json!("[code]"),
        other => other,
    }
}
