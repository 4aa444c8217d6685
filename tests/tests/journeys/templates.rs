//! A doctor's templates of prescriptions: kept, found, changed, used, deleted.

use consilium_tests::{
    app::on_both,
    client::{Person, text},
};
use serde_json::{Value, json};

const TEMPLATES: &str = "/prescription-templates";

fn medicine(name: &str) -> Value {
    json!({"name": name, "dose": "1 tablet", "route": "oral", "frequency": "twice a day", "duration_days": 5,
        "quantity": 10, "instructions": "After a meal"})
}

fn template(name: &str) -> Value {
    json!({"name": name, "medicines": [medicine("Ibuprofen 400 mg"), medicine("Omeprazole 20 mg")]})
}

async fn names(doctor: &Person) -> Vec<String> {
    let all = doctor.get(TEMPLATES).await.expect(200);
    all["items"].as_array().unwrap().iter().map(|one| text(one, "name").to_owned()).collect()
}

#[actix_rt::test]
async fn a_doctor_keeps_renames_changes_and_deletes_templates() {
    on_both(async |app| {
        let (doctor, other) = (app.doctor("karim").await, app.doctor("lena").await);
        let made = doctor.post(TEMPLATES, template(" Sprain ")).await;
        assert_eq!((made.status, made.header("etag")), (201, "\"1\""), "{made:#?}");
        let path = format!("{TEMPLATES}/{}", text(&made.body, "id"));
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        assert_eq!(made.body["name"], "Sprain");
        doctor.post(TEMPLATES, template("flu")).await.expect(201);
        assert_eq!(names(&doctor).await, ["flu", "Sprain"]);
        assert_eq!(names(&other).await, [""; 0]);
        other.get(&path).await.problem(404, "not_found");

        let patch = |body: Value, version: &str| doctor.patch(&path, body).header("If-Match", version);
        doctor.patch(&path, json!({"name": "x"})).await.problem(428, "if_match_required");
        let renamed = patch(json!({"name": "Sprained ankle"}), "\"1\"").await;
        assert_eq!((renamed.status, renamed.header("etag")), (200, "\"2\""));
        assert_eq!(renamed.body["medicines"], made.body["medicines"], "what is absent stays");
        patch(json!({"name": "Too late"}), "\"1\"").await.problem(412, "stale");
        let changed = patch(json!({"medicines": [medicine("Naproxen 250 mg")]}), "\"2\"").await.expect(200);
        assert_eq!(
            (text(&changed, "name"), text(&changed["medicines"][0], "name")),
            ("Sprained ankle", "Naproxen 250 mg")
        );
        let foreign = other.patch(&path, json!({"name": "Mine"})).header("If-Match", "\"3\"").await;
        foreign.problem(404, "not_found");

        other.call("DELETE".parse().unwrap(), &path).await.problem(404, "not_found");
        assert_eq!(doctor.call("DELETE".parse().unwrap(), &path).await.status, 204);
        doctor.get(&path).await.problem(404, "not_found");
        assert_eq!(names(&doctor).await, ["flu"]);
    })
    .await;
}

#[actix_rt::test]
async fn what_cannot_be_prescribed_cannot_be_kept_nor_too_much_of_it() {
    on_both(async |app| {
        let doctor = app.doctor("karim").await;
        let mut endless = medicine("Ibuprofen 400 mg");
        endless["duration_days"] = json!(400);
        let many = vec![medicine("Ibuprofen 400 mg"); 31];
        for (body, wrong) in [
            (json!({"name": " ", "medicines": [medicine("Ibuprofen 400 mg")]}), "/name"),
            (json!({"name": "x".repeat(101), "medicines": [medicine("Ibuprofen 400 mg")]}), "/name"),
            (json!({"name": "Sprain", "medicines": []}), "/medicines"),
            (json!({"name": "Sprain", "medicines": many}), "/medicines"),
            (json!({"name": "Sprain", "medicines": [medicine("")]}), "/medicines/0/name"),
            (json!({"name": "Sprain", "medicines": [endless]}), "/medicines/0/duration_days"),
        ] {
            assert_eq!(doctor.post(TEMPLATES, body).await.problem(422, "invalid"), [wrong]);
        }
        for number in 0..100 {
            doctor.post(TEMPLATES, template(&format!("Template {number}"))).await.expect(201);
        }
        doctor.post(TEMPLATES, template("One more")).await.problem(409, "too_many_templates");
        assert_eq!(names(&doctor).await.len(), 100);
    })
    .await;
}

/// What is in a template can be prescribed as it is, and deleting the template changes no prescription.
#[actix_rt::test]
async fn a_prescription_is_made_with_a_template() {
    on_both(async |app| {
        let (patient, doctor) = (app.patient("nadia").await, app.doctor("karim").await);
        let made = doctor.post(TEMPLATES, template("Sprain")).await.expect(201);
        let agreed = patient.agree(&doctor, "2026-06-01T08:30:00Z").await;
        let path = format!("/consultations/{}", text(&agreed, "consultation_id"));
        app.wait(29);
        let doctor = doctor.again().await;
        doctor.post(&format!("{path}/start"), Value::Null).await.expect(200);
        let wish = json!({"diagnosis": "Sprained ankle", "medicines": made["medicines"]});
        let issued = doctor.post(&format!("{path}/prescriptions"), wish).await.expect(201);
        doctor.call("DELETE".parse().unwrap(), &format!("{TEMPLATES}/{}", text(&made, "id"))).await;
        let kept = doctor.get(&format!("/prescriptions/{}", text(&issued, "id"))).await.expect(200);
        assert_eq!(kept["medicines"], made["medicines"]);
    })
    .await;
}
