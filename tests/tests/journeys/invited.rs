//! A nurse whom the doctor asks to join: part of everything in the room while the invitation stands, and of nothing
//! before and after.

use consilium_kernel::Role;
use consilium_tests::{
    app::on_both,
    client::{Person, text},
};
use serde_json::{Value, json};

/// What somebody in the room can do beside talking, each with the answer when it is done. None of it changes who may.
fn everything(id: &str, file: &str) -> Vec<(reqwest::Method, String, Value, u16)> {
    use reqwest::Method;
    let of = |what: &str| format!("/consultations/{id}/{what}");
    let stroke = json!({"tool": "pen", "color": "#000000", "width": 2, "points": [[0.1, 0.2]]});
    let measured = json!({
        "at": "2026-06-01T08:50:00Z", "direction": "inbound", "media": "audio", "bitrate_kbps": 30, "packet_loss_percent": 0,
        "jitter_ms": 5, "round_trip_ms": 80,
    });
    vec![
        (Method::GET, of("messages"), Value::Null, 200),
        (Method::POST, of("messages"), json!({"client_message_id": "1", "body": "Good morning"}), 201),
        (Method::GET, of("read-marks"), Value::Null, 200),
        (Method::GET, of("files"), Value::Null, 200),
        (Method::GET, format!("/files/{file}"), Value::Null, 200),
        (Method::POST, format!("/files/{file}/links"), Value::Null, 201),
        (Method::GET, of("media"), Value::Null, 200),
        (Method::GET, of("annotations"), Value::Null, 200),
        (Method::POST, of("annotations"), json!({"client_annotation_id": "1", "strokes": [stroke]}), 201),
        (Method::POST, of("quality"), json!({"measurements": [measured]}), 202),
        (Method::POST, of("issues"), json!({"category": "audio", "severity": "low", "description": "Noise"}), 201),
    ]
}

async fn tries(who: &Person, id: &str, file: &str) -> Vec<(String, u16)> {
    let mut outcomes = Vec::new();
    for (method, path, body, _) in everything(id, file) {
        let call =
            if body.is_null() && method == reqwest::Method::GET { who.get(&path) } else { who.post(&path, body) };
        outcomes.push((format!("{method} {path}"), call.await.status));
    }
    outcomes
}

#[actix_rt::test]
async fn a_nurse_takes_part_while_the_invitation_stands() {
    on_both(async |app| {
        let (doctor, patient, nurse) =
            (app.doctor("ayesha").await, app.patient("rafi").await, app.staff(Role::Nurse).await);
        let agreed = patient.agree(&doctor, "2026-06-01T09:00:00Z").await;
        let id = text(&agreed, "consultation_id").to_owned();
        app.wait(50);
        let (doctor, patient, nurse) = (doctor.again().await, patient.again().await, nurse.again().await);
        let at = |what: &str| format!("/consultations/{id}/{what}");
        patient.post(&at("join"), Value::Null).await.expect(200);
        doctor.post(&at("admit"), Value::Null).await.expect(200);
        let file = patient.available_file("Rash.txt", b"a picture of it", Some(&id)).await;
        patient.share_file(&id, &file).await.expect(201);
        let nothing = |outcomes: Vec<(String, u16)>| {
            for (what, status) in outcomes {
                assert_eq!(status, 404, "{what}");
            }
        };
        nothing(tries(&nurse, &id, &file).await);

        let invited = json!({"user_id": nurse.id, "role": "nurse"});
        let invitation = doctor.post(&at("invitations"), invited).await.expect(201);
        nurse.post(&at("join"), Value::Null).await.expect(200);
        let expected: Vec<(String, u16)> = everything(&id, &file)
            .into_iter()
            .map(|(method, path, _, status)| (format!("{method} {path}"), status))
            .collect();
        assert_eq!(tries(&nurse, &id, &file).await, expected);
        let own = nurse.available_file("Temperature.txt", b"38.2", Some(&id)).await;
        nurse.share_file(&id, &own).await.expect(201);
        patient.get(&format!("/files/{own}")).await.expect(200);
        let present = doctor.get(&at("media")).await.expect(200);
        assert!(
            present["items"].as_array().unwrap().iter().any(|one| one["user_id"] == nurse.id.as_str()),
            "{present}"
        );

        let withdraw = at(&format!("invitations/{}/withdraw", text(&invitation, "id")));
        doctor.post(&withdraw, Value::Null).await.expect(200);
        nothing(tries(&nurse, &id, &file).await);
        nurse.share_file(&id, &own).await.problem(404, "not_found");
        nurse.get(&format!("/files/{own}")).await.expect(200);
    })
    .await;
}
