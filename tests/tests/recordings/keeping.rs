//! How long recordings are kept, and who may change that.

use consilium_tests::{app::on_both, client::text};
use serde_json::{Value, json};

use crate::stage::{Stage, audited, objects, segment, until};

const YEAR: i64 = 365 * 24 * 60;

#[actix_rt::test]
async fn what_was_kept_long_enough_goes_unless_it_is_held() {
    on_both(async |app| {
        let kept = Stage::new(app).await;
        let (other_doctor, other_patient) = (app.doctor("omar").await, app.patient("ada").await);
        let id = kept.ready(app, &[segment(1, 2_000)]).await;
        let reason = json!({"reason": "The patient complains about Dr. Ayesha"});
        let hold = format!("/recordings/{id}/hold");
        kept.doctor.post(&hold, reason.clone()).await.problem(403, "forbidden");
        app.admin.post(&hold, json!({"reason": " "})).await.problem(422, "invalid");
        assert_eq!(app.admin.post(&hold, reason.clone()).await.expect(200)["held"], true);
        let delete = async |id: &str| {
            app.admin.again().await.call("DELETE".parse().unwrap(), &format!("/recordings/{id}")).await
        };
        delete(&id).await.problem(409, "recording_held");

        app.wait(YEAR - 10);
        let (doctor, admin) = (kept.doctor.again().await, app.admin.again().await);
        app.wait(11);
        let other = Stage::of(other_doctor.again().await, other_patient.again().await).await;
        // Its deletion says that timers of that time have fired.
        let newer = other.begun().await;
        crate::stage::put(&other.doctor, &newer, 1, &segment(1, 3_000)).await.expect(200);
        crate::stage::answer(&other.patient, &newer, false).await.expect(200);
        until(&other.doctor, &newer, "ready").await;
        assert_eq!(until(&doctor, &id, "ready").await["held"], true);
        assert_eq!(objects(app).await, 2);

        let release = format!("/recordings/{id}/release");
        admin.post(&release, json!({"reason": "Settled"})).await.expect(200);
        until(&doctor, &id, "deleted").await;
        assert_eq!(objects(app).await, 1, "only the newer one is left");
        doctor.post(&format!("/recordings/{id}/playback"), Value::Null).await.problem(409, "recording_not_ready");
        let left = doctor.get(&format!("/recordings/{id}")).await.expect(200);
        assert_eq!(left["consents"].as_array().unwrap().len(), 3, "what was agreed stays");
        for action in ["recording_held", "recording_released"] {
            assert_eq!(audited(app, action).await[0].0, app.admin.id, "{action}");
        }

        delete(&newer).await.expect(204);
        assert_eq!(text(&until(&other.doctor, &newer, "deleted").await, "status"), "deleted");
        assert_eq!(objects(app).await, 0);
        delete(&newer).await.problem(404, "not_found");
        let gone = audited(app, "recording_deleted").await;
        assert_eq!((gone[0].0.as_str(), &gone[1].0), ("", &app.admin.id));
    })
    .await;
}

#[actix_rt::test]
async fn retention_deletes_by_itself() {
    on_both(async |app| {
        let stage = Stage::new(app).await;
        let id = stage.ready(app, &[segment(1, 2_000), segment(2, 2_000)]).await;
        app.wait(YEAR - 10);
        let doctor = stage.doctor.again().await;
        assert_eq!(doctor.get(&format!("/recordings/{id}")).await.expect(200)["status"], "ready");
        app.wait(11);
        until(&doctor, &id, "deleted").await;
        assert_eq!(objects(app).await, 0);
        assert_eq!(audited(app, "recording_deleted").await.len(), 1);
    })
    .await;
}
