//! Lists come in pages: nothing is lost between them, nothing comes twice.

use consilium_tests::{
    app::on_both,
    client::{Client, text},
};
use futures_util::future::join_all;
use serde_json::json;

/// The ids of all items of a list, page by page.
async fn all(client: &Client, path: &str, limit: usize) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}?limit={limit}{cursor}")).await.expect(200);
        let items = page["items"].as_array().expect("a list");
        ids.extend(items.iter().map(|item| text(item, "id").to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
        assert_eq!(items.len(), limit, "only the last page is short");
    }
}

#[actix_rt::test]
async fn every_doctor_is_on_one_page() {
    on_both(async |app| {
        // Many have the same name: then the id decides.
        let doctors = join_all((0..45).map(|n| async move {
            let doctor = app.client.register("doctor", &format!("doctor-{n}")).await;
            let profile = format!("/doctors/{}", doctor.doctor_id);
            let seen = doctor.get(&profile).await;
            let name = json!({"display_name": format!("Dr. {}", ["Ångström", "Rahman", "rahman"][n % 3])});
            doctor.patch(&profile, name).header("If-Match", seen.header("etag")).await.expect(200);
            app.admin.post(&format!("/admin{profile}/verify"), json!({"decision": "approved"})).await.expect(200);
            doctor.doctor_id
        }))
        .await;
        let whole = all(&app.client, "/doctors", 100).await;
        for limit in [1, 7, 15, 20, 45] {
            assert_eq!(all(&app.client, "/doctors", limit).await, whole, "in pages of {limit}");
        }
        assert_eq!(app.client.get("/doctors").await.expect(200)["items"].as_array().map(Vec::len), Some(20));
        let sorted = |mut ids: Vec<String>| {
            ids.sort_unstable();
            ids
        };
        assert_eq!(sorted(whole), sorted(doctors));

        for wrong in ["limit=0", "limit=101", "limit=x", "limit=-1", "cursor=x", "cursor="] {
            app.client.get(&format!("/doctors?{wrong}")).await.problem(422, "invalid");
        }
    })
    .await;
}

#[actix_rt::test]
async fn every_appointment_is_on_one_page() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let mut booked = Vec::new();
        for slot in patient.slots(&doctor).await.iter().take(12) {
            booked.push(text(&patient.book(&doctor, slot).await.expect(201), "id").to_owned());
        }
        for who in [&patient, &doctor, &app.admin] {
            for limit in [1, 4, 5, 12] {
                assert_eq!(all(who, "/appointments", limit).await, booked, "{} in pages of {limit}", who.name);
            }
        }
        for wrong in ["limit=0", "limit=101", "cursor=x", "status=lost", "from=today", "role=king", "colour=red"] {
            patient.get(&format!("/appointments?{wrong}")).await.problem(422, "invalid");
        }
        let day = patient.get("/appointments?from=2026-06-01T09:00:00Z&to=2026-06-01T10:00:00Z").await.expect(200);
        let starts: Vec<&str> =
            day["items"].as_array().expect("a list").iter().map(|one| text(one, "starts_at")).collect();
        assert_eq!(starts, ["2026-06-01T09:00:00Z", "2026-06-01T09:30:00Z"]);
    })
    .await;
}
