//! From an account to an appointment, and what becomes of it.

use consilium_tests::{
    app::{daily, on_both, on_both_with},
    client::{PASSWORD, email, text, wish},
};
use serde_json::{Value, json};

#[actix_rt::test]
async fn a_doctor_is_found_and_booked() {
    on_both(async |app| {
        // An account each; the doctor is not listed before an administrator has looked at the licence.
        let account = json!({
            "email": email("rafi"), "password": PASSWORD, "role": "patient", "given_name": "Rafi",
            "family_name": "Karim", "time_zone": "Asia/Dhaka", "language": "bn",
        });
        let registered = app.client.post("/auth/register", account.clone()).await.expect(201);
        assert!(registered["patient_id"].is_string() && registered["doctor_id"].is_null(), "{registered}");
        assert!(!registered.to_string().contains(PASSWORD));
        app.client.post("/auth/register", account).await.problem(409, "email_taken");
        let patient = app.client.login("rafi").await;
        assert_eq!(patient.get("/me").await.expect(200)["patient"]["given_name"], "Rafi");

        let doctor = app.client.register("doctor", "ayesha").await;
        let (profile, own) = (format!("/doctors/{}", doctor.doctor_id), doctor.clone());
        let seen = own.get(&profile).await;
        let patch = json!({"display_name": "Dr. Ayesha Rahman", "specialty": "cardiology", "languages": ["bn", "en"]});
        own.patch(&profile, patch.clone()).header("If-Match", seen.header("etag")).await.expect(200);
        own.patch(&profile, patch).header("If-Match", seen.header("etag")).await.problem(412, "stale");
        app.client.get(&profile).await.problem(404, "not_found");
        patient.book(&doctor, "2026-06-01T09:00:00Z").await.problem(404, "doctor_not_found");
        assert_eq!(app.client.get("/doctors").await.expect(200)["items"], json!([]));

        let verify = format!("/admin/doctors/{}/verify", doctor.doctor_id);
        app.admin.post(&verify, json!({"decision": "rejected"})).await.problem(422, "invalid");
        app.admin.post(&verify, json!({"decision": "approved"})).await.expect(200);
        for query in ["", "?specialty=cardiology", "?language=bn", "?q=ayesha", "?q=rahm&language=en"] {
            let found = app.client.get(&format!("/doctors{query}")).await.expect(200);
            assert_eq!(found["items"][0]["id"], doctor.doctor_id.as_str(), "{query}");
        }
        assert_eq!(app.client.get("/doctors?specialty=dermatology").await.expect(200)["items"], json!([]));

        // Hours that were never set are empty; setting them needs the ETag of what was seen.
        let hours = format!("{profile}/availability");
        let empty = app.client.get(&hours).await;
        assert_eq!((empty.status, &empty.body["weekly"]), (200, &json!([])));
        patient.book(&doctor, "2026-06-01T09:00:00Z").await.problem(422, "not_a_slot");
        doctor.put(&hours, daily("09:00", "13:00")).await.problem(428, "if_match_required");
        let set = doctor.put(&hours, daily("09:00", "13:00")).header("If-Match", empty.header("etag")).await;
        assert_eq!(set.status, 200, "{set:#?}");
        doctor
            .put(&hours, daily("09:00", "10:00"))
            .header("If-Match", empty.header("etag"))
            .await
            .problem(412, "stale");
        doctor.put(&hours, daily("09:00", "10:00")).header("If-Match", "\"x\"").await.problem(412, "stale");
        assert_eq!(app.client.get(&hours).await.header("etag"), set.header("etag"));

        let slots = patient.slots(&doctor).await;
        assert_eq!((slots.len(), slots[0].as_str()), (7 * 8, "2026-06-01T09:00:00Z"));
        let free = app.client.get("/doctors?available_on=2026-06-02").await.expect(200);
        assert_eq!(free["items"][0]["id"], doctor.doctor_id.as_str());

        // The patient asks, the same request again is answered the same, and nobody else gets the slot.
        let booked = patient.book(&doctor, &slots[0]).key("first").await;
        assert_eq!(booked.header("location"), format!("/api/v1/appointments/{}", text(&booked.body, "id")));
        let again = patient.book(&doctor, &slots[0]).key("first").await;
        assert_eq!((again.status, &again.body), (201, &booked.body));
        assert_eq!(again.header("location"), booked.header("location"));
        let booked = booked.expect(201);
        assert_eq!((&booked["status"], &booked["consultation_id"]), (&json!("pending"), &Value::Null));
        let late = app.patient("late").await;
        late.book(&doctor, &slots[0]).await.problem(409, "slot_taken");
        assert!(!late.slots(&doctor).await.contains(&slots[0]), "a pending appointment holds its slot");
        assert_eq!(late.get("/appointments").await.expect(200)["items"], json!([]));

        let appointment = format!("/appointments/{}", text(&booked, "id"));
        late.get(&appointment).await.problem(404, "not_found");
        assert_eq!(doctor.get(&appointment).await.expect(200)["reason"], "A cough");
        assert_eq!(app.admin.get(&appointment).await.expect(200)["reason"], Value::Null, "no medical text for admins");

        let accepted = doctor.accept(text(&booked, "id")).await.expect(200);
        assert_eq!(accepted["status"], "accepted");
        doctor.accept(text(&booked, "id")).await.problem(409, "invalid_transition");
        let consultation = format!("/consultations/{}", text(&accepted, "consultation_id"));
        assert_eq!(patient.get(&consultation).await.expect(200)["status"], "scheduled");
        late.get(&consultation).await.problem(404, "not_found");
    })
    .await;
}

#[actix_rt::test]
async fn an_appointment_is_rejected_moved_and_called_off() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let slots = patient.slots(&doctor).await;
        let act = async |who: &consilium_tests::client::Person, id: &str, verb: &str, body: Value| {
            who.post(&format!("/appointments/{id}/{verb}"), body).await
        };
        patient.book(&doctor, "2026-06-01T08:00:00Z").await.problem(422, "too_soon");
        patient.book(&doctor, "2026-06-01T09:10:00Z").await.problem(422, "not_a_slot");
        patient.book(&doctor, "2026-06-01T21:00:00Z").await.problem(422, "not_a_slot");

        // What was rejected frees its slot and cannot be accepted any more.
        let rejected = patient.book(&doctor, &slots[0]).await.expect(201);
        let rejected = text(&rejected, "id");
        act(&patient, rejected, "reject", Value::Null).await.problem(403, "forbidden");
        assert_eq!(act(&doctor, rejected, "reject", json!({"reason": "away"})).await.expect(200)["status"], "rejected");
        act(&doctor, rejected, "accept", Value::Null).await.problem(409, "invalid_transition");
        assert!(patient.slots(&doctor).await.contains(&slots[0]));

        // A patient's move asks again, a doctor's does not; the old slot is free afterwards.
        let agreed = patient.agree(&doctor, &slots[0]).await;
        let id = text(&agreed, "id");
        act(&patient, id, "reschedule", json!({"starts_at": "2026-06-01T09:10:00Z"})).await.problem(422, "not_a_slot");
        let moved = act(&patient, id, "reschedule", json!({"starts_at": slots[1]})).await.expect(200);
        assert_eq!((&moved["status"], &moved["starts_at"]), (&json!("pending"), &json!(slots[1])));
        assert!(patient.slots(&doctor).await.contains(&slots[0]) && !patient.slots(&doctor).await.contains(&slots[1]));
        let accepted = doctor.accept(id).await.expect(200);
        assert_eq!(accepted["consultation_id"], agreed["consultation_id"], "one consultation throughout");
        let moved =
            act(&doctor, id, "reschedule", json!({"starts_at": slots[2], "reason": "surgery"})).await.expect(200);
        assert_eq!((&moved["status"], &moved["starts_at"]), (&json!("accepted"), &json!(slots[2])));

        // One patient is in one place at a time.
        let other = app.doctor("omar").await;
        patient.book(&other, &slots[2]).await.problem(409, "patient_busy");

        // Nobody has missed what has not begun.
        act(&doctor, id, "no-show", Value::Null).await.problem(409, "invalid_transition");
        let stranger = app.patient("stranger").await;
        act(&stranger, id, "cancel", Value::Null).await.problem(404, "not_found");
        assert_eq!(
            act(&patient, id, "cancel", json!({"reason": "well again"})).await.expect(200)["status"],
            "cancelled"
        );
        for verb in ["accept", "reject", "cancel"] {
            act(&doctor, id, verb, Value::Null).await.problem(409, "invalid_transition");
        }
        act(&doctor, id, "reschedule", json!({"starts_at": slots[3]})).await.problem(409, "invalid_transition");
        let consultation = format!("/consultations/{}/join", text(&agreed, "consultation_id"));
        doctor.post(&consultation, Value::Null).await.problem(409, "invalid_transition");
        let listed = patient.get("/appointments?status=cancelled").await.expect(200);
        assert_eq!((listed["items"].as_array().map(Vec::len), &listed["items"][0]["id"]), (Some(1), &json!(id)));
    })
    .await;
}

#[actix_rt::test]
async fn whoever_did_not_come_is_noted_by_the_timer() {
    on_both(async |app| {
        let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
        let agreed = patient.agree(&doctor, "2026-06-01T09:00:00Z").await;
        app.wait(60 + 30 + 30 + 1); // to the start, to the end, and the time that is granted
        let (patient, appointment) = (patient.again().await, format!("/appointments/{}", text(&agreed, "id")));
        let mut status = Value::Null;
        for _ in 0..50 {
            status = patient.get(&appointment).await.expect(200)["status"].take();
            if status == "no_show" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(status, "no_show");
    })
    .await;
}

#[actix_rt::test]
async fn addresses_are_confirmed_before_booking_where_that_is_asked_for() {
    on_both_with(
        |config| config.identity.require_verified_email = true,
        async |app| {
            let (doctor, patient) = (app.doctor("ayesha").await, app.patient("rafi").await);
            let confirm = async |person| {
                let token = app.mailed_code("email_verification_requested", person).await;
                app.client.post("/auth/verify-email", json!({"token": token})).await
            };
            let book = || patient.post("/appointments", wish(&doctor, "2026-06-01T09:00:00Z"));
            book().await.problem(403, "email_not_verified");
            confirm(&patient).await.expect(200);
            confirm(&patient).await.problem(422, "token_invalid");
            book().await.problem(403, "email_not_verified"); // the doctor's
            confirm(&doctor).await.expect(200);
            book().await.expect(201);
        },
    )
    .await;
}
