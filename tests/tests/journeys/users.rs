//! Administrators see who has an account, invite staff, give roles, and keep people out.

use consilium_kernel::Role;
use consilium_tests::{
    app::{TestApp, on_both},
    client::{PASSWORD, Person, email, text},
    socket::Raw,
};
use serde_json::{Value, json};

async fn names(app: &TestApp, query: &str) -> Vec<String> {
    let page = app.admin.get(&format!("/admin/users?limit=100&{query}")).await.expect(200);
    page["items"].as_array().unwrap().iter().map(|user| text(user, "given_name").to_owned()).collect()
}

fn user(person: &Person) -> String {
    format!("/admin/users/{}", person.id)
}

async fn log_in(app: &TestApp, name: &str, password: &str) -> consilium_tests::client::Answer {
    let login = json!({"email": email(name), "password": password, "token_delivery": "body"});
    app.client.post("/auth/login", login).await
}

#[actix_rt::test]
async fn accounts_are_listed_and_found_by_address_role_and_whether_they_are_active() {
    on_both(async |app| {
        let (rafi, nurse) = (app.patient("rafi").await, app.staff(Role::Nurse).await);
        app.patient("mina").await;
        assert_eq!(names(app, "").await, ["mina", "nurse", "rafi", "admin"], "the newest first");
        assert_eq!(names(app, "role=patient").await, ["mina", "rafi"]);
        assert_eq!(names(app, "email=RAFI%40example.org").await, ["rafi"]);
        assert_eq!(names(app, "email=nobody%40example.org").await, [""; 0]);
        app.admin.post(&format!("{}/deactivate", user(&nurse)), Value::Null).await.expect(200);
        assert_eq!(names(app, "active=false").await, ["nurse"]);
        assert_eq!(names(app, "active=true&role=patient").await, ["mina", "rafi"]);
        let first = app.admin.get("/admin/users?limit=3").await.expect(200);
        let next =
            app.admin.get(&format!("/admin/users?limit=3&cursor={}", text(&first, "next_cursor"))).await.expect(200);
        assert_eq!((next["items"].as_array().unwrap().len(), &next["next_cursor"]), (1, &Value::Null));
        for (wrong, pointer) in
            [("email=rafi", "?email"), ("role=king", "?role"), ("cursor=x", "?cursor"), ("limit=0", "?limit")]
        {
            assert_eq!(app.admin.get(&format!("/admin/users?{wrong}")).await.problem(422, "invalid"), [pointer]);
        }
        let seen = app.admin.get(&user(&rafi)).await;
        assert_eq!((text(&seen.body, "email"), &seen.body["active"]), ("rafi@example.org", &json!(true)));
        assert_eq!(text(&seen.body, "patient_id"), rafi.patient_id);
        app.admin.get("/admin/users/00000000-0000-7000-8000-000000000000").await.problem(404, "not_found");
        let looked = app.admin.get("/admin/audit?action=read_account").await.expect(200);
        assert_eq!(looked["items"][0]["entity"]["id"], rafi.id.as_str(), "that one was looked at is written down");
    })
    .await;
}

#[actix_rt::test]
async fn whoever_is_deactivated_is_out_at_once_and_comes_back_when_let_in_again() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let mut socket = Raw::open(&doctor).await;
        let deactivate = format!("{}/deactivate", user(&doctor));
        patient.post(&deactivate, Value::Null).await.problem(403, "forbidden");
        let before = app.admin.get(&user(&doctor)).await;
        let out = app.admin.post(&deactivate, Value::Null).key("k").await;
        assert_ne!(out.header("etag"), before.header("etag"));
        assert_eq!((&out.body["active"], text(&out.body, "deactivated_at")), (&json!(false), "2026-06-01T08:00:00Z"));
        assert_eq!(app.admin.post(&deactivate, Value::Null).key("k").await.body, out.body);
        assert_eq!(app.admin.post(&deactivate, Value::Null).await.body, out.body, "it is so already");

        doctor.get("/me").await.problem(401, "session_ended");
        let refresh = json!({"refresh_token": doctor.refresh_token});
        app.client.post("/auth/refresh", refresh).await.problem(401, "session_ended");
        assert_eq!(socket.closed().await, 4001);
        log_in(app, "ayesha", "not the password at all").await.problem(401, "invalid_credentials");
        log_in(app, "ayesha", PASSWORD).await.problem(403, "account_deactivated");
        let listed = patient.get("/doctors").await.expect(200);
        assert_eq!(listed["items"], json!([]), "patients do not find the doctor");
        patient.book(&doctor, "2026-06-01T11:00:00Z").await.problem(404, "doctor_not_found");

        app.admin.post(&format!("{}/reactivate", user(&doctor)), Value::Null).await.expect(200);
        doctor.get("/me").await.problem(401, "session_ended");
        let again = app.client.login("ayesha").await;
        again.get("/me").await.expect(200);
        assert_eq!(patient.get("/doctors").await.expect(200)["items"][0]["id"], doctor.doctor_id.as_str());
        let told = app.admin.get(&format!("/admin/audit?entity_id={}", doctor.id)).await.expect(200);
        let told: Vec<&str> = told["items"].as_array().unwrap().iter().map(|line| text(line, "action")).collect();
        for action in ["account_deactivated", "login_refused", "account_reactivated"] {
            assert!(told.contains(&action), "{action}: {told:?}");
        }
    })
    .await;
}

#[actix_rt::test]
async fn staff_get_another_role_and_somebody_stays_who_may_give_it() {
    on_both(async |app| {
        let (nurse, patient) = (app.staff(Role::Nurse).await, app.patient("rafi").await);
        let seen = app.admin.get(&user(&nurse)).await;
        let admin = json!({"role": "admin"});
        app.admin.patch(&user(&nurse), admin.clone()).await.problem(428, "if_match_required");
        app.admin.patch(&user(&nurse), admin.clone()).header("If-Match", "\"7\"").await.problem(412, "stale");
        let change = |who: &Person, role: &str, etag: &str| {
            app.admin.patch(&user(who), json!({"role": role})).header("If-Match", etag)
        };
        let etag = seen.header("etag");
        assert_eq!(change(&nurse, "doctor", etag).await.problem(422, "invalid"), ["/role"]);
        assert_eq!(change(&nurse, "king", etag).await.problem(422, "invalid"), ["/role"]);
        let of_patient = app.admin.get(&user(&patient)).await;
        change(&patient, "nurse", of_patient.header("etag")).await.problem(409, "role_has_profile");
        let own = app.admin.get(&user(&app.admin)).await;
        change(&app.admin, "nurse", own.header("etag")).await.problem(409, "own_account");
        app.admin.post(&format!("{}/deactivate", user(&app.admin)), Value::Null).await.problem(409, "own_account");

        let changed = change(&nurse, "admin", etag).await;
        assert_eq!((text(&changed.body, "role"), changed.status), ("admin", 200));
        nurse.get("/me").await.problem(401, "session_ended");
        let second = app.client.login("nurse").await;
        second.get("/admin/users").await.expect(200);

        // Of two administrators who would put each other out, one stays.
        let (one, other) = tokio::join!(
            async { app.admin.post(&format!("{}/deactivate", user(&second)), Value::Null).await },
            async { second.post(&format!("{}/deactivate", user(&app.admin)), Value::Null).await },
        );
        let done = [&one, &other].into_iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{one:#?} {other:#?}");
    })
    .await;
}

#[actix_rt::test]
async fn invited_staff_choose_a_password_with_the_code_from_their_mail() {
    on_both(async |app| {
        let staff = json!({
            "email": email("sadia"), "role": "pharmacist", "given_name": "Sadia", "family_name": "Khan",
            "time_zone": "Asia/Dhaka", "language": "bn",
        });
        let with = |field: &str, value: &str| {
            let mut body = staff.clone();
            body[field] = json!(value);
            app.admin.post("/admin/users", body)
        };
        for (field, value) in
            [("role", "doctor"), ("role", "king"), ("email", "sadia"), ("given_name", " "), ("time_zone", "Mars")]
        {
            assert_eq!(with(field, value).await.problem(422, "invalid"), [format!("/{field}")], "{value}");
        }
        with("email", &email("admin")).await.problem(409, "email_taken");
        let made = app.admin.post("/admin/users", staff.clone()).key("k").await;
        assert_eq!((made.status, text(&made.body, "role")), (201, "pharmacist"));
        assert_eq!(app.admin.post("/admin/users", staff).key("k").await.body, made.body);
        let id = text(&made.body, "id");
        assert_eq!(made.header("location"), format!("/api/v1/admin/users/{id}"));
        let code = app.mailed_code_for("password_reset_requested", id).await;
        app.client.post("/auth/password-reset/confirm", json!({"token": code, "password": PASSWORD})).await.expect(204);
        let sadia = app.client.login("sadia").await;
        assert_eq!(sadia.get("/me").await.expect(200)["role"], "pharmacist");
    })
    .await;
}
