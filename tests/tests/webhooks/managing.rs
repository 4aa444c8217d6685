//! Subscriptions by the conventions of the API.

use consilium_tests::{app::on_both, client::text};
use serde_json::{Value, json};

#[actix_rt::test]
async fn subscriptions_follow_the_conventions_and_show_their_secret_once() {
    on_both(async |app| {
        let new =
            json!({"url": "https://hooks.example.org/x", "event_types": ["appointment_*"], "description": "Billing"});
        let made = app.admin.post("/webhook-subscriptions", new.clone()).key("once").await;
        assert_eq!((made.status, made.header("etag")), (201, "\"1\""));
        let again = app.admin.post("/webhook-subscriptions", new.clone()).key("once").await;
        assert_eq!(again.body, made.body, "a repeated request is answered alike");
        let path = made.header("location").strip_prefix("/api/v1").unwrap().to_owned();
        assert!(text(&made.body, "secret").starts_with("whsec_"));

        let seen = app.admin.get(&path).await;
        assert_eq!(seen.header("etag"), "\"1\"");
        for (field, value) in [("url", &new["url"]), ("event_types", &new["event_types"]), ("enabled", &json!(true))] {
            assert_eq!(&seen.body[field], value);
        }
        let list = app.admin.get("/webhook-subscriptions").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert!(!format!("{}{list}", seen.body).contains("whsec_"));

        let change = json!({"description": "Claims", "event_types": ["*"]});
        app.admin.patch(&path, change.clone()).await.problem(428, "if_match_required");
        let changed = app.admin.patch(&path, change.clone()).header("If-Match", "\"1\"").await;
        assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
        app.admin.patch(&path, change).header("If-Match", "\"1\"").await.problem(412, "stale");

        for (wrong, pointer) in [
            (json!({"url": "https://hooks.example.org/", "event_types": []}), "/event_types"),
            (json!({"url": "https://hooks.example.org/", "event_types": ["appointment_eaten"]}), "/event_types/0"),
            (json!({"url": "ftp://hooks.example.org/", "event_types": ["*"]}), "/url"),
            (
                json!({"url": "https://hooks.example.org/", "event_types": ["*"], "description": "x".repeat(201)}),
                "/description",
            ),
            (json!({"url": "https://hooks.example.org/", "event_types": ["*"], "secret": "mine"}), "/secret"),
        ] {
            let refused = app.admin.post("/webhook-subscriptions", wrong).await;
            assert_eq!(refused.problem(422, "invalid"), [pointer]);
        }

        assert_eq!(app.admin.call(reqwest::Method::DELETE, &path).await.status, 204);
        app.admin.get(&path).await.problem(404, "not_found");
        app.admin.call(reqwest::Method::DELETE, &path).await.problem(404, "not_found");
        app.admin.post(&format!("{path}/test"), Value::Null).await.problem(404, "not_found");
    })
    .await;
}
