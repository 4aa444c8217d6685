//! Logging in, staying logged in, and being thrown out.

use consilium_tests::{
    app::{TestApp, on_both},
    client::{Answer, PASSWORD, email, text},
};
use serde_json::{Value, json};

async fn log_in(app: &TestApp, password: &str) -> Answer {
    app.client.post("/auth/login", json!({"email": email("rafi"), "password": password})).await
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.client.post("/auth/refresh", json!({"refresh_token": token})).await
}

#[actix_rt::test]
async fn a_token_that_comes_back_ends_the_session() {
    on_both(async |app| {
        let first = app.patient("rafi").await;
        let second = refresh(app, &first.refresh_token).await.expect(200);
        let renewed = app.client.bearing(text(&second, "access_token"));
        renewed.get("/me").await.expect(200);
        first.get("/me").await.expect(200); // still within its quarter of an hour
        assert_ne!(text(&second, "refresh_token"), first.refresh_token);

        let third = refresh(app, text(&second, "refresh_token")).await.expect(200);
        refresh(app, &first.refresh_token).await.problem(401, "session_ended");
        renewed.get("/me").await.problem(401, "session_ended");
        first.get("/me").await.problem(401, "session_ended");
        refresh(app, text(&third, "refresh_token")).await.problem(401, "session_ended");
        refresh(app, "made up").await.problem(401, "token_invalid");
        first.again().await.get("/me").await.expect(200);
    })
    .await;
}

#[actix_rt::test]
async fn whoever_lost_the_answer_to_a_refresh_stays_logged_in_and_whoever_else_has_it_is_found_out() {
    on_both(async |app| {
        let person = app.patient("rafi").await;
        let (lost, got) = tokio::join!(refresh(app, &person.refresh_token), refresh(app, &person.refresh_token));
        let (lost, got) = (lost.expect(200), got.expect(200));
        let next = refresh(app, text(&got, "refresh_token")).await.expect(200);
        app.client.bearing(text(&next, "access_token")).get("/me").await.expect(200);
        refresh(app, text(&lost, "refresh_token")).await.problem(401, "session_ended");
        app.client.bearing(text(&next, "access_token")).get("/me").await.problem(401, "session_ended");

        let person = person.again().await;
        let taken = app.client.post("/auth/refresh", json!({"refresh_token": person.refresh_token}));
        refresh(app, &person.refresh_token).await.expect(200);
        taken.header("User-Agent", "somebody else").await.problem(401, "session_ended");
    })
    .await;
}

#[actix_rt::test]
async fn browsers_keep_the_token_in_a_cookie_with_a_csrf_token_beside_it() {
    on_both(async |app| {
        app.patient("rafi").await;
        let session = log_in(app, PASSWORD).await;
        assert_eq!((session.status, &session.body["refresh_token"]), (200, &Value::Null));
        let cookie = session.header("set-cookie").to_owned();
        for part in ["consilium_refresh=", "HttpOnly", "SameSite=Strict", "Path=/api/v1/auth", "Max-Age="] {
            assert!(cookie.contains(part), "no {part} in {cookie}");
        }
        let pair = |cookie: &str| cookie.split(';').next().expect("a pair").to_owned();
        let csrf = text(&session.body, "csrf_token");
        let attempt = |cookie: &str, csrf: &str| {
            app.client.post("/auth/refresh", json!({})).header("Cookie", &pair(cookie)).header("X-CSRF-Token", csrf)
        };
        app.client.post("/auth/refresh", json!({})).await.problem(401, "unauthenticated");
        app.client.post("/auth/refresh", json!({})).header("Cookie", &pair(&cookie)).await.problem(403, "csrf");
        attempt(&cookie, "made up").await.problem(403, "csrf");

        let renewed = attempt(&cookie, csrf).await;
        assert_eq!(renewed.status, 200, "{renewed:#?}");
        let (next, next_csrf) = (renewed.header("set-cookie").to_owned(), text(&renewed.body, "csrf_token"));
        assert_ne!((pair(&next), next_csrf), (pair(&cookie), csrf));
        attempt(&next, csrf).await.problem(403, "csrf");

        // A page of this server that lost the token is told it again; no other page is, nor whoever does not say.
        let lost = || app.client.post("/auth/csrf", json!({})).header("Cookie", &pair(&next));
        let own = app.client.address();
        for told in [lost().header("Sec-Fetch-Site", "same-origin"), lost().header("Origin", own)] {
            assert_eq!(text(&told.await.expect(200), "csrf_token"), next_csrf);
        }
        for site in ["same-site", "cross-site", "none", ""] {
            lost().header("Sec-Fetch-Site", site).header("Origin", own).await.problem(403, "csrf");
        }
        for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
            lost().header("Origin", origin).await.problem(403, "csrf");
        }
        lost().await.problem(403, "csrf");
        let nobody = app.client.post("/auth/csrf", json!({})).header("Sec-Fetch-Site", "same-origin");
        nobody.await.problem(401, "unauthenticated");

        let logout = app.client.post("/auth/logout", json!({})).header("Cookie", &pair(&next));
        logout.await.problem(403, "csrf");
        let logout = app.client.post("/auth/logout", json!({})).header("Cookie", &pair(&next));
        let gone = logout.header("X-CSRF-Token", next_csrf).await;
        assert_eq!((gone.status, gone.header("set-cookie").contains("Max-Age=0")), (204, true), "{gone:#?}");
        app.client.bearing(text(&renewed.body, "access_token")).get("/me").await.problem(401, "session_ended");
        attempt(&next, next_csrf).await.problem(401, "session_ended");
    })
    .await;
}

#[actix_rt::test]
async fn logging_out_ends_this_session_or_all() {
    on_both(async |app| {
        let here = app.patient("rafi").await;
        let (there, elsewhere) = (here.again().await, here.again().await);
        assert_eq!(here.get("/me/sessions").await.expect(200)["items"].as_array().map(Vec::len), Some(3));
        here.post("/auth/logout", json!({})).await.expect(204);
        here.get("/me").await.problem(401, "session_ended");
        refresh(app, &here.refresh_token).await.problem(401, "session_ended");
        there.get("/me").await.expect(200);
        there.post("/auth/logout", json!({"all": true})).await.expect(204);
        elsewhere.get("/me").await.problem(401, "session_ended");
        there.get("/me").await.problem(401, "session_ended");
    })
    .await;
}

#[actix_rt::test]
async fn guessing_passwords_takes_ever_longer() {
    on_both(async |app| {
        app.patient("rafi").await;
        let unknown = app.client.post("/auth/login", json!({"email": email("nobody"), "password": PASSWORD})).await;
        unknown.problem(401, "invalid_credentials");
        for _ in 0..5 {
            log_in(app, "a wrong password").await.problem(401, "invalid_credentials");
        }
        let locked = log_in(app, PASSWORD).await;
        locked.problem(429, "too_many_attempts");
        assert!((1..=30).contains(&locked.header("retry-after").parse::<u32>().expect("seconds")));
        app.wait(1);
        log_in(app, PASSWORD).await.expect(200);
        log_in(app, "a wrong password").await.problem(401, "invalid_credentials");
        log_in(app, PASSWORD).await.expect(200); // counted anew since
    })
    .await;
}

#[actix_rt::test]
async fn tokens_expire_and_idle_sessions_end() {
    on_both(async |app| {
        let person = app.patient("rafi").await;
        app.wait(14);
        person.get("/me").await.expect(200);
        app.wait(1);
        let expired = person.get("/me").await;
        expired.problem(401, "token_expired");
        assert_eq!(expired.header("www-authenticate"), "Bearer");
        person.get("/doctors").await.problem(401, "token_expired"); // public, but a bad token is not ignored
        let next = refresh(app, &person.refresh_token).await.expect(200);
        app.wait(3 * 24 * 60);
        refresh(app, text(&next, "refresh_token")).await.problem(401, "token_expired");
        for token in ["x", "a.b.c"] {
            app.client
                .get("/me")
                .header("Authorization", &format!("Bearer {token}"))
                .await
                .problem(401, "token_invalid");
        }
        app.client.get("/me").header("Authorization", "Basic eDp5").await.problem(401, "unauthenticated");
        app.client.get("/me").await.problem(401, "unauthenticated");
    })
    .await;
}

#[actix_rt::test]
async fn a_forgotten_password_is_replaced() {
    on_both(async |app| {
        let person = app.patient("rafi").await;
        for address in [email("rafi"), email("nobody")] {
            let told = app.client.post("/auth/password-reset", json!({"email": address})).await.expect(202);
            assert_eq!(told.as_object().map(serde_json::Map::len), Some(1), "the same for both: {told}");
        }
        let code = app.mailed_code("password_reset_requested", &person).await;
        let set = async |token: &str, password: &str| {
            app.client.post("/auth/password-reset/confirm", json!({"token": token, "password": password})).await
        };
        assert_eq!(set("made up", "another good password").await.problem(422, "token_invalid"), ["/token"]);
        assert_eq!(set(&code, "too short").await.problem(422, "invalid"), ["/password"]);
        set(&code, "another good password").await.expect(204);
        set(&code, "yet another password").await.problem(422, "token_invalid");
        person.get("/me").await.problem(401, "session_ended");
        log_in(app, PASSWORD).await.problem(401, "invalid_credentials");
        log_in(app, "another good password").await.expect(200);
    })
    .await;
}
