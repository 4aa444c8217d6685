//! Administrators search the audit log, and see whether somebody has changed it.

use std::time::Duration;

use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Role};
use consilium_tests::{
    app::{TestApp, on_both},
    client::text,
};
use diesel::{RunQueryDsl, sql_query};
use serde_json::{Value, json};

async fn lines(app: &TestApp, query: &str) -> Vec<Value> {
    let page = app.admin.get(&format!("/admin/audit?limit=100&{query}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

fn actions(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| text(line, "action")).collect()
}

#[actix_rt::test]
async fn the_log_is_searched_by_who_what_whose_and_when() {
    on_both(async |app| {
        let (doctor, patient, other) =
            (app.doctor("ayesha").await, app.patient("rafi").await, app.patient("mina").await);
        let nurse = app.staff(Role::Nurse).await;
        app.wait(5);
        let booked = patient.book(&doctor, "2026-06-01T11:00:00Z").await.expect(201);
        let appointment = text(&booked, "id");
        app.wait(1);
        nurse.get(&format!("/appointments/{appointment}")).await.expect(200);
        app.admin
            .get(&format!("/patients/{}", patient.patient_id))
            .header("X-Request-Id", "request-7")
            .await
            .expect(200);
        app.admin.get(&format!("/patients/{}", other.patient_id)).await.expect(200);

        let read = lines(app, "action=read_patient").await;
        assert_eq!(read.len(), 2, "{read:#?}");
        let line = &read[1];
        assert_eq!(line["entity"], json!({"kind": "patient", "id": patient.patient_id, "version": 1}));
        assert_eq!((text(line, "principal"), text(line, "user_id")), ("admin", app.admin.id.as_str()));
        assert_eq!((text(line, "request_id"), text(line, "at")), ("request-7", "2026-06-01T08:06:00Z"));
        assert!(read[0]["number"].as_i64() > line["number"].as_i64(), "the newest first");

        let of_patient = lines(app, &format!("patient_id={}", patient.patient_id)).await;
        for action in ["read_patient", "read_appointment", "appointment_booked"] {
            assert!(actions(&of_patient).contains(&action), "{action} is missing: {:?}", actions(&of_patient));
        }
        let whose = |line: &Value| line.to_string().contains(&other.patient_id);
        assert!(!of_patient.iter().any(whose), "nothing of somebody else's");

        let by_nurse = lines(app, &format!("user_id={}&entity_kind=appointment", nurse.id)).await;
        assert_eq!(actions(&by_nurse), ["read_appointment"]);
        let about = lines(app, &format!("entity_id={appointment}")).await;
        assert_eq!(actions(&about), ["read_appointment", "appointment_booked"]);
        assert_eq!(
            actions(&lines(app, &format!("entity_id={appointment}&user_id={}", patient.id)).await),
            ["appointment_booked"]
        );
        let in_time = |from: &str, to: &str| format!("entity_id={appointment}&from={from}&to={to}");
        let then = lines(app, &in_time("2026-06-01T08:05:00Z", "2026-06-01T08:06:00Z")).await;
        assert_eq!(actions(&then), ["appointment_booked"], "to its end, not with it");
        assert!(lines(app, &format!("entity_kind=appointment&user_id={}", doctor.id)).await.is_empty());

        let told = lines(app, &format!("action=read_audit_log&user_id={}", app.admin.id)).await;
        let filter = json!({"filter": {"action": "read_patient"}});
        assert!(told.iter().any(|line| line["detail"] == filter), "who has searched for what: {told:#?}");
    })
    .await;
}

#[actix_rt::test]
async fn pages_of_the_log_have_each_line_once() {
    on_both(async |app| {
        for name in ["rafi", "mina", "nabil"] {
            app.patient(name).await;
        }
        let whole = lines(app, "to=2026-06-01T08:00:01Z").await;
        assert!(whole.len() > 10);
        app.wait(1);
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page =
                app.admin.get(&format!("/admin/audit?to=2026-06-01T08:00:01Z&limit=4{cursor}")).await.expect(200);
            paged.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        // The first search has left a line of its own.
        assert_eq!(actions(&paged)[0], "read_audit_log");
        assert_eq!(paged[1..], whole);

        for (wrong, pointer) in [
            ("cursor=next", "?cursor"),
            ("limit=0", "?limit"),
            ("action=Rafi", "?action"),
            ("action=", "?action"),
            ("entity_kind=a%20b", "?entity_kind"),
            ("from=yesterday", "?from"),
            ("to=never", "?to"),
            ("user_id=rafi", "?user_id"),
            ("patient_id=1", "?patient_id"),
            ("entity_id=", "?entity_id"),
            ("name=rafi", "?"),
        ] {
            let answer = app.admin.get(&format!("/admin/audit?{wrong}")).await;
            assert_eq!(answer.problem(422, "invalid"), [pointer], "{wrong}");
        }
    })
    .await;
}

#[actix_rt::test]
async fn a_check_says_whether_the_log_is_sound_and_where_it_is_not() {
    on_both(async |app| {
        app.patient("rafi").await;
        app.admin.get("/admin/audit/verification?cursor=1.2").await.problem(422, "invalid");
        let (mut before, mut looks) = (Value::Null, 0_u64);
        // On PostgreSQL a line counts once no older transaction runs, be it one of the background's.
        for _ in 0..100 {
            before = app.admin.get("/admin/audit/verification").await.expect(200);
            looks += 1;
            if before["checked_entries"].as_u64().unwrap() + before["unsealed_entries"].as_u64().unwrap() > 4 + looks {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!((&before["findings"], &before["next_cursor"]), (&json!([]), &Value::Null), "{before:#}");
        let checked = before["checked_entries"].as_u64().unwrap() + before["unsealed_entries"].as_u64().unwrap();
        assert!(checked > 4 + looks, "each look is a line, too: {before:#}");
        assert_eq!(text(&before, "head").len(), 64);

        let victim = lines(app, "action=account_registered").await[0]["number"].as_i64().unwrap();
        // Sealed or not, a line that was changed shows.
        let statement = format!("UPDATE audit_entry SET action = 'login_failed' WHERE id = {victim}");
        let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
        let write = move |tx: &mut consilium_db::Tx<'_>| Ok(sql_query(statement.clone()).execute(tx.connection())?);
        app.server.state.db.write(&meta, write).await.unwrap();
        let after = app.admin.get("/admin/audit/verification").await.expect(200);
        let detail = format!("entry {victim} was edited after it was sealed");
        let finding = json!({"kind": "edited", "entry": victim, "block": null, "detail": detail});
        assert_eq!((&after["findings"], &after["findings_count"]), (&json!([finding]), &json!(1)));
        let told = lines(app, "action=verify_audit_log").await;
        assert_eq!(told.len() as u64, looks + 1, "that somebody checked is a line: {told:#?}");
    })
    .await;
}
