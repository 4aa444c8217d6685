//! What administrators do with subscriptions, on both databases.

use consilium_db::testing::TestDb;
use consilium_kernel::{CommandMeta, FacilityId, IdempotencyKey, Ids, RandomIds};

use super::stage::{Answer::*, *};
use crate::{DeliveryStatus::*, *};

#[tokio::test]
async fn wrong_subscriptions_are_refused_with_reasons_sqlite() {
    let stage = Stage::with(TestDb::sqlite(), WebhookSettings::default());
    let wrong =
        NewSubscription { description: "a\nb".into(), ..new("http://10.0.0.1/", &["appointment_*", "nonsense"]) };
    let refusal = stage.webhooks.create(&administrator(), wrong).await.unwrap_err();
    let found: Vec<_> = refusal.errors.iter().map(|error| (error.pointer.as_str(), &*error.code)).collect();
    let expected = [("/url", "not_https"), ("/description", "invalid"), ("/event_types/1", "unknown_event_type")];
    assert_eq!(found, expected);
    assert!(refusal.errors[2].detail.contains("appointment_booked"), "the list is told");
    let refusal = stage.webhooks.create(&administrator(), new(URL, &[])).await.unwrap_err();
    assert_eq!(refusal.errors[0].pointer, "/event_types");
}

#[tokio::test]
async fn a_facility_has_so_many_subscriptions_and_no_more_sqlite_postgres() {
    for test in TestDb::both() {
        let stage = Stage::with(test, WebhookSettings { max_subscriptions: 2, ..WebhookSettings::default() });
        stage.subscribe(URL, &["*"]).await;
        let second = stage.subscribe(URL, &["*"]).await.subscription.id;
        let refusal = stage.webhooks.create(&administrator(), new(URL, &["*"])).await.unwrap_err();
        assert_eq!(refusal.code, "too_many_subscriptions");
        stage.webhooks.delete(&administrator(), second).await.unwrap();
        stage.subscribe(URL, &["*"]).await;
    }
}

#[tokio::test]
async fn subscriptions_are_changed_by_version_and_seen_by_their_facility_only_sqlite_postgres() {
    on_both(async |stage| {
        let id = stage.subscribe(URL, &["appointment_*", "appointment_*"]).await.subscription.id;
        assert_eq!(stage.get(id).await.event_types.len(), 1, "what stands twice counts once");
        let patch = |description: &str| SubscriptionPatch {
            description: Some(description.to_owned()),
            url: Some("https://other.example.org/".to_owned()),
            ..SubscriptionPatch::default()
        };
        let changed = stage.webhooks.patch(&administrator(), id, 1, patch("Billing")).await.unwrap();
        assert_eq!((changed.version, changed.description.as_str()), (2, "Billing"));
        assert_eq!(changed, stage.get(id).await);
        let refusal = stage.webhooks.patch(&administrator(), id, 1, patch("Other")).await.unwrap_err();
        assert_eq!(refusal.code, "stale");

        let stranger = CommandMeta::system(FacilityId::new(RandomIds.next()), "test");
        let page = PageRequest::default;
        assert_eq!(stage.webhooks.list(&stranger, page()).await.unwrap().items, []);
        assert_eq!(stage.webhooks.list(&administrator(), page()).await.unwrap().items, [changed]);
        assert_eq!(stage.webhooks.get(&stranger, id).await.unwrap_err().code, "not_found");
        assert_eq!(stage.webhooks.patch(&stranger, id, 2, patch("x")).await.unwrap_err().code, "not_found");
        assert_eq!(stage.webhooks.delete(&stranger, id).await.unwrap_err().code, "not_found");
        assert_eq!(stage.webhooks.rotate_secret(&stranger, id, None).await.unwrap_err().code, "not_found");
        assert_eq!(stage.webhooks.test(&stranger, id).await.unwrap_err().code, "not_found");
        let log = stage.webhooks.deliveries(&stranger, id, None, page()).await;
        assert_eq!(log.unwrap_err().code, "not_found");
    })
    .await;
}

#[tokio::test]
async fn an_old_secret_signs_until_its_grace_ends_sqlite_postgres() {
    on_both(async |stage| {
        let made = stage.subscribe(URL, &["*"]).await;
        let id = made.subscription.id;
        let refused = stage.webhooks.rotate_secret(&administrator(), id, Some(169)).await.unwrap_err();
        assert_eq!(refused.errors[0].pointer, "/grace_hours");
        let rotated = stage.webhooks.rotate_secret(&administrator(), id, Some(2)).await.unwrap();
        assert_ne!(made.secret, rotated.secret);
        let signed_by = async || {
            stage.endpoints.seen.lock().unwrap().clear();
            stage.webhooks.test(&administrator(), id).await.unwrap();
            stage.send().await;
            let seen = stage.endpoints.seen_at(URL).remove(0);
            let by = |secret: &Secret| {
                let alone = sign([secret], &seen.id.to_string(), seen.at, &seen.body);
                seen.signature.split(' ').any(|one| one == alone)
            };
            (by(&made.secret), by(&rotated.secret), seen.signature.split(' ').count())
        };
        assert_eq!(signed_by().await, (true, true, 2));
        stage.wait(121);
        assert_eq!(signed_by().await, (false, true, 1));
        assert_eq!(stage.get(id).await.previous_secret_until, None);
        stage.webhooks.rotate_secret(&administrator(), id, Some(0)).await.unwrap();
        assert_eq!(signed_by().await, (false, false, 1));
    })
    .await;
}

#[tokio::test]
async fn a_replay_sends_again_from_a_time_under_the_old_ids_sqlite_postgres() {
    on_both(async |stage| {
        let early = stage.happens("appointment_booked").await;
        stage.wait(10);
        let from = stage.test.db.clock().now();
        let mut wanted = Vec::new();
        for _ in 0..250 {
            wanted.push(stage.happens("appointment_booked").await.to_string()); // more than a page
        }
        stage.wait(10);
        let id = stage.subscribe(URL, &["appointment_*"]).await.subscription.id;
        wanted.push(stage.happens("appointment_cancelled").await.to_string());
        stage.send().await;
        assert_eq!(stage.endpoints.seen_at(URL).len(), 1);

        let told = stage.webhooks.replay(&administrator(), id, from).await.unwrap();
        assert!(told.replaying);
        let refused = stage.webhooks.replay(&administrator(), id, from).await.unwrap_err();
        assert_eq!(refused.code, "replay_running");
        stage.send().await;
        assert!(!stage.get(id).await.replaying);
        let seen = stage.endpoints.seen_at(URL);
        assert_eq!(seen.len(), 252);
        assert_eq!(seen[0].id, seen.iter().rfind(|one| one.body == seen[0].body).unwrap().id, "the same id again");
        let told: Vec<String> = seen
            .iter()
            .skip(1)
            .map(|seen| serde_json::from_str::<serde_json::Value>(&seen.body).unwrap())
            .map(|body| body["data"]["appointment_id"].as_str().unwrap().to_owned())
            .collect();
        assert!(wanted.iter().all(|id| told.contains(id)));
        assert!(!told.contains(&early.to_string()));

        let future = from + jiff::SignedDuration::from_hours(1);
        let refused = stage.webhooks.replay(&administrator(), id, future).await.unwrap_err();
        assert_eq!(refused.errors[0].pointer, "/from");
    })
    .await;
}

#[tokio::test]
async fn a_ping_is_sent_whatever_is_wanted_and_not_to_the_disabled_sqlite_postgres() {
    on_both(async |stage| {
        let id = stage.subscribe(URL, &["message_sent"]).await.subscription.id;
        let queued = stage.webhooks.test(&administrator(), id).await.unwrap();
        assert_eq!((queued.status, queued.event_type.as_str()), (Queued, "ping"));
        stage.send().await;
        let body: serde_json::Value = serde_json::from_str(&stage.endpoints.seen_at(URL)[0].body).unwrap();
        assert_eq!((&body["type"], &body["data"]["subscription_id"]), (&"ping".into(), &id.to_string().into()));
        let off = SubscriptionPatch { enabled: Some(false), ..SubscriptionPatch::default() };
        stage.webhooks.patch(&administrator(), id, 1, off).await.unwrap();
        assert_eq!(stage.webhooks.test(&administrator(), id).await.unwrap_err().code, "subscription_disabled");
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_not_sent_while_a_subscription_is_off_or_gone_sqlite_postgres() {
    on_both(async |stage| {
        let made = stage.subscribe(URL, &["*"]).await.subscription;
        stage.endpoints.script(URL, &[Status(500), Status(200)]);
        stage.happens("appointment_booked").await;
        stage.send().await;
        let version = stage.get(made.id).await.version;
        assert_eq!(version, 2, "that it fails is a change that can be seen");
        let patch = |enabled| SubscriptionPatch { enabled: Some(enabled), ..SubscriptionPatch::default() };
        let off = stage.webhooks.patch(&administrator(), made.id, version, patch(false)).await.unwrap();
        stage.wait(60);
        stage.send().await;
        assert_eq!(stage.endpoints.seen_at(URL).len(), 1);
        stage.webhooks.patch(&administrator(), made.id, off.version, patch(true)).await.unwrap();
        stage.send().await;
        assert_eq!(stage.endpoints.seen_at(URL).len(), 2);
        stage.happens("appointment_booked").await;
        stage.digest().await;
        stage.webhooks.delete(&administrator(), made.id).await.unwrap();
        stage.send().await;
        assert_eq!(stage.endpoints.seen_at(URL).len(), 2);
        assert_eq!(stage.webhooks.get(&administrator(), made.id).await.unwrap_err().code, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_creation_is_answered_alike_and_secrets_are_sealed_sqlite() {
    let stage = Stage::with(TestDb::sqlite(), WebhookSettings::default());
    let made = stage.subscribe("https://hooks.example.org/token-in-the-path", &["*"]).await;
    let user = consilium_kernel::User {
        user_id: consilium_kernel::Id::new(RandomIds.next()),
        session_id: consilium_kernel::Id::new(RandomIds.next()),
        role: consilium_kernel::Role::Admin,
        facility_id: consilium_kernel::DEFAULT_FACILITY,
        doctor_id: None,
        patient_id: None,
        email_verified: true,
    };
    let meta = CommandMeta {
        principal: consilium_kernel::Principal::User(user),
        idempotency: Some(IdempotencyKey { key: "once".to_owned(), body_hash: [0; 32] }),
        ..administrator()
    };
    let local = tokio::task::LocalSet::new();
    let webhooks = &stage.webhooks;
    let (one, two) = local
        .run_until(async {
            let one = webhooks.create(&meta, new(URL, &["*"])).await.unwrap();
            (one, webhooks.create(&meta, new(URL, &["*"])).await.unwrap())
        })
        .await;
    assert_eq!(one, two);
    for entry in std::fs::read_dir(&stage.test.folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in [made.secret.expose(), one.secret.expose(), "token-in-the-path"] {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "a secret stands in {}", path.display());
            }
        }
    }
}
