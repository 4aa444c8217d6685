//! What holds for every resource: how bad requests are told, and which headers come back.

use consilium_tests::{
    app::on_both,
    client::{Client, email, text, wish},
};
use reqwest::Method;
use serde_json::{Value, json};

#[actix_rt::test]
async fn a_bad_body_is_told_where_it_is_bad() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let book = |content_type: &str, body: &str| {
            patient.call(Method::POST, "/appointments").body(content_type, body.to_owned())
        };
        for malformed in ["{", "nonsense", "{\"a\": 1} more", "\u{0}", "[1,"] {
            book("application/json", malformed).await.problem(400, "malformed_json");
        }
        let right = wish(&doctor, "2026-06-01T09:00:00Z");
        for content_type in ["text/plain", "application/xml", "application/json; charset=latin1", ""] {
            book(content_type, &right.to_string()).await.problem(415, "unsupported_media_type");
        }
        let with = |field: &str, value: Value| {
            let mut body = right.clone();
            body[field] = value;
            body
        };
        let cases = [
            (with("starts_at", json!("tomorrow")), vec!["/starts_at"]),
            (with("starts_at", json!(5)), vec!["/starts_at"]),
            (with("doctor_id", json!("x")), vec!["/doctor_id"]),
            (with("reason", json!("")), vec!["/reason"]),
            (with("reason", json!("x".repeat(2_001))), vec!["/reason"]),
            (with("visit_type", json!("by_pigeon")), vec!["/visit_type"]),
            (with("is_emergency", json!("yes")), vec!["/is_emergency"]),
            (json!([]), vec![""]),
        ];
        for (body, pointers) in cases {
            assert_eq!(patient.post("/appointments", body.clone()).await.problem(422, "invalid"), pointers, "{body}");
        }
        patient.post("/appointments", with("colour", json!("red"))).await.problem(422, "invalid");
        let missing = json!({"doctor_id": doctor.doctor_id, "starts_at": "2026-06-01T09:00:00Z", "visit_type": "chat"});
        patient.post("/appointments", missing).await.problem(422, "invalid");
        let nobody = with("doctor_id", json!("00000000-0000-0000-0000-000000000000"));
        patient.post("/appointments", nobody).await.problem(404, "doctor_not_found");

        // Several things wrong are told at once.
        let account = json!({
            "email": "no address", "password": "short", "role": "patient", "given_name": "", "time_zone": "Mars/One",
            "family_name": "K",
        });
        let told = app.client.post("/auth/register", account).await;
        assert_eq!(told.problem(422, "invalid"), ["/email", "/given_name", "/time_zone"]);
        let account =
            json!({"email": email("x"), "password": "p", "role": "admin", "given_name": "A", "family_name": "B"});
        assert_eq!(app.client.post("/auth/register", account).await.problem(422, "invalid"), ["/role"]);

        let large = json!({"reason": "x".repeat(1_100_000)}).to_string();
        book("application/json", &large).await.problem(413, "too_large");
        assert_eq!(patient.get("/appointments").await.expect(200)["items"], json!([]), "nothing of that was booked");
        book("application/json; charset=utf-8", &right.to_string()).await.expect(201);
    })
    .await;
}

#[actix_rt::test]
async fn what_is_not_there_is_told_by_status() {
    on_both(async |app| {
        let patient = app.patient("rafi").await;
        for nowhere in ["/nowhere", "//api/v2/me", "//nowhere", "/appointments/7/accept/twice"] {
            patient.get(nowhere).await.problem(404, "not_found");
        }
        let random = "01890a5d-ac96-774b-bcce-b302099a8057";
        for id in [random, "7", "00000000-0000-0000-0000-000000000000", "%20", "..%2fme", "%00", "\u{1f600}"] {
            for path in ["/doctors/ID", "/appointments/ID", "/consultations/ID", "/doctors/ID/availability"] {
                let answer = patient.get(&path.replace("ID", id)).await;
                assert_eq!(answer.status, 404, "{path} {id} {answer:#?}");
            }
        }
        for (method, path, allowed) in [
            (Method::DELETE, "/me", "GET, PATCH"),
            (Method::GET, "/appointments/7/accept", "POST"),
            (Method::PATCH, "/doctors", "GET"),
            (Method::PUT, "/auth/login", "POST"),
            (Method::DELETE, "/doctors/7/availability", "GET, PUT"),
        ] {
            let refused = patient.call(method, path).await;
            refused.problem(405, "method_not_allowed");
            assert_eq!(refused.header("allow"), allowed, "{path}");
        }
        for unknown in ["/doctors?colour=red", "/me?colour=red", "/doctors?limit=1&limit=2"] {
            patient.get(unknown).await.problem(422, "invalid");
        }
    })
    .await;
}

#[actix_rt::test]
async fn answers_carry_the_promised_headers() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let echoed = patient.get("/me").header("X-Request-Id", "mine-1.2_3").await;
        assert_eq!(echoed.header("x-request-id"), "mine-1.2_3");
        let problem = patient.get("/appointments/7").header("X-Request-Id", "mine").await;
        problem.problem(404, "not_found");
        assert_eq!(text(&problem.body, "request_id"), "mine");
        for odd in ["", "two words", "<script>", &"x".repeat(65)] {
            let own = patient.get("/me").header("X-Request-Id", odd).await;
            assert!(own.header("x-request-id").len() == 36, "an id of the server's own instead of {odd:?}");
        }

        let booked = patient.book(&doctor, "2026-06-01T09:00:00Z").await;
        let location = booked.header("location").to_owned();
        for path in
            [location.as_str(), "/api/v1/me", "/api/v1/doctors", &format!("/api/v1/doctors/{}", doctor.doctor_id)]
        {
            let (path, etag) = (format!("/{path}"), seen(&patient, path).await);
            let fresh = patient.get(&path).header("If-None-Match", &etag).await;
            assert_eq!((fresh.status, &fresh.body), (304, &json!("")), "{path}");
            assert_eq!(fresh.header("etag"), etag);
            patient.get(&path).header("If-None-Match", "\"another\"").await.expect(200);
        }
        let before = seen(&patient, &location).await;
        doctor.accept(text(&booked.body, "id")).await.expect(200);
        assert_ne!(seen(&patient, &location).await, before, "a changed resource has another ETag");

        let login = json!({"email": email("rafi"), "password": consilium_tests::client::PASSWORD});
        assert_eq!(app.client.post("/auth/login", login).await.header("cache-control"), "no-store");
        for (name, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")] {
            assert_eq!(app.client.get("//").await.header(name), value);
        }
        let keys = app.client.get("//.well-known/jwks.json").await.expect(200);
        assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["d"]), (&json!("OKP"), &Value::Null));
        for health in ["//health/live", "//health/ready"] {
            assert_eq!(app.client.get(health).await.expect(200)["status"], "up");
        }
    })
    .await;
}

/// The ETag of what is at `path`, which must not be kept by others.
async fn seen(client: &Client, path: &str) -> String {
    let answer = client.get(&format!("/{path}")).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "private, no-cache"), "{answer:#?}");
    assert!(!answer.header("etag").is_empty());
    answer.header("etag").to_owned()
}
