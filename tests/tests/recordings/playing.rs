//! From segments to a whole that is played in ranges, by a link, each time with a line in the audit log.

use consilium_tests::{
    app::{on_both, on_both_with},
    client::{Client, text},
    socket::Socket,
};
use ring::digest;
use serde_json::{Value, json};

use crate::stage::{Stage, audited, link, objects, put, segment, until};

fn hash(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

async fn part(client: &Client, link: &str, range: &str) -> (u16, String, String) {
    let answer = client.get(link).header("Range", range).await;
    let place = answer.header("content-range").to_owned();
    (answer.status, place, answer.body.as_str().unwrap_or_default().to_owned())
}

#[actix_rt::test]
async fn segments_become_a_recording_that_is_played_in_ranges() {
    on_both_with(
        |config| config.recordings.ffmpeg = String::new(),
        async |app| {
            let stage = Stage::new(app).await;
            let (doctor, patient) = (&stage.doctor, &stage.patient);
            let mut room = Socket::open(patient, &stage.topic()).await;
            let id = stage.begun().await;
            let segments: Vec<Vec<u8>> = (1..=3).map(|number| segment(number, 70_000)).collect();
            put(doctor, &id, 2, &segments[1]).await.problem(409, "segment_missing");
            for (place, bytes) in segments.iter().enumerate() {
                let kept = put(doctor, &id, place + 1, bytes).await.expect(200);
                assert_eq!(kept, json!({"number": place + 1, "size_bytes": 70_000, "sha256": hash(bytes)}));
                assert_eq!(put(doctor, &id, place + 1, bytes).await.expect(200), kept, "again");
            }
            put(doctor, &id, 2, &segments[0]).await.problem(409, "segment_differs");
            put(doctor, &id, 4, &vec![b'x'; 17 * 1024 * 1024]).await.problem(413, "segment_too_large");
            let stopped = doctor.post(&format!("/recordings/{id}/stop"), Value::Null).await.expect(200);
            assert_eq!((text(&stopped, "status"), text(&stopped, "stopped_because")), ("stopped", "stopped"));
            doctor.post(&format!("/recordings/{id}/playback"), Value::Null).await.problem(409, "recording_not_ready");
            app.wait(1); // no late segments any more

            let ready = until(doctor, &id, "ready").await;
            let whole = segments.concat();
            assert_eq!((text(&ready, "sha256"), &ready["size_bytes"]), (hash(&whole).as_str(), &json!(210_000)));
            assert_eq!((text(&ready, "media_type"), &ready["progress"]), ("video/webm", &json!(100)));
            assert_eq!((&ready["thumbnail"], text(&ready, "processed_with")), (&Value::Null, "none"));
            for (name, progress) in [("recording_progress", 0), ("recording_progress", 90), ("recording_ready", 100)] {
                let told = room.until(|frame| frame["event"] == name).await;
                assert_eq!(told["data"]["progress"], progress);
            }
            assert_eq!(objects(app).await, 1, "the segments are gone");

            let link = link(patient, &id).await;
            // A player sends no token.
            let all = app.client.get(&link).await;
            assert_eq!(
                (all.status, all.header("content-length"), all.header("content-type")),
                (200, "210000", "video/webm")
            );
            assert_eq!(all.header("etag"), format!("\"{}\"", hash(&whole)));
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("content-security-policy", "default-src 'none'; sandbox"),
                ("cache-control", "private, no-store"),
                ("accept-ranges", "bytes"),
            ] {
                assert_eq!(all.header(name), value);
            }
            let words = |from: usize, to: usize| String::from_utf8(whole[from..to].to_vec()).unwrap();
            let across = part(&app.client, &link, "bytes=69990-70019").await;
            assert_eq!(across, (206, "bytes 69990-70019/210000".to_owned(), words(69_990, 70_020)));
            assert_eq!(part(&app.client, &link, "bytes=-10").await.2, words(209_990, 210_000));
            app.client.get(&link).header("Range", "bytes=210000-").await.problem(416, "range_not_satisfiable");
            let changed = app.client.get(&link).header("Range", "bytes=0-3").header("If-Range", "\"other\"").await;
            assert_eq!(changed.status, 200);
            let same =
                app.client.get(&link).header("Range", "bytes=100-103").header("If-Range", all.header("etag")).await;
            assert_eq!(same.status, 206);

            let plays: Vec<(String, Value)> = audited(app, "play_recording").await;
            let range = |from: u64, to: u64| (patient.id.clone(), json!({"from": from, "to": to, "of": 210_000}));
            let expected = [(0, 210_000), (69_990, 70_020), (209_990, 210_000), (0, 210_000), (100, 104)];
            assert_eq!(plays, expected.map(|(from, to)| range(from, to)));
            assert_eq!(audited(app, "recording_linked").await, [(patient.id.clone(), Value::Null)]);
        },
    )
    .await;
}

#[actix_rt::test]
async fn a_link_is_good_for_a_session_and_for_minutes() {
    on_both(async |app| {
        let stage = Stage::new(app).await;
        let (doctor, patient, stranger) = (&stage.doctor, &stage.patient, app.patient("eve").await);
        let id = stage.ready(app, &[segment(1, 5_000)]).await;
        let playback = format!("/recordings/{id}/playback");
        stranger.post(&playback, Value::Null).await.problem(404, "not_found");
        app.admin.post(&playback, Value::Null).await.problem(403, "forbidden");
        let of_patient = link(patient, &id).await;
        assert_eq!(app.client.get(&of_patient).await.status, 200);
        doctor.get(&of_patient).await.problem(403, "link_invalid");
        app.client.get(&format!("/recordings/{id}/content")).await.problem(403, "link_invalid");
        app.client.get(&of_patient.replace('.', "x")).await.problem(403, "link_invalid");
        // A link to a file is none to a recording, and the other way round.
        let file = patient.available_file("a.txt", b"for my eyes", None).await;
        let to_file = patient.link(&file).await;
        let token = to_file.split_once("token=").unwrap().1;
        app.client.get(&format!("/recordings/{id}/content?token={token}")).await.problem(403, "link_invalid");
        app.wait(5);
        app.client.get(&of_patient).await.problem(403, "link_expired");

        let doctor = doctor.again().await;
        let of_doctor = link(&doctor, &id).await;
        assert_eq!(app.client.get(&of_doctor).await.status, 200);
        let all = json!({"refresh_token": doctor.refresh_token});
        doctor.post("/auth/logout", all).await.expect(204);
        app.client.get(&of_doctor).await.problem(403, "link_expired");
        assert_eq!(audited(app, "play_recording").await.len(), 2, "what was refused was not played");
    })
    .await;
}
