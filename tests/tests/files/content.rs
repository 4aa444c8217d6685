//! Downloads: ranges, conditions, what browsers are told, and for whom a link is good.

use consilium_tests::{app::on_both, client::Client};
use serde_json::Value;

use crate::letters;

async fn part(client: &Client, link: &str, range: &str) -> (u16, String, String) {
    let answer = client.get(link).header("Range", range).await;
    let place = answer.header("content-range").to_owned();
    (answer.status, place, answer.body.as_str().unwrap_or_default().to_owned())
}

#[actix_rt::test]
async fn content_is_given_whole_and_in_ranges() {
    on_both(async |app| {
        let patient = app.patient("ada").await;
        let content = letters(200_000);
        let words = String::from_utf8(content.clone()).unwrap();
        let id = patient.available_file("Brief „März“.txt", &content, None).await;
        let link = patient.link(&id).await;
        // A browser sends no token with an image.
        let whole = app.client.get(&link).header("Accept-Encoding", "gzip").await;
        assert_eq!((whole.status, whole.body.as_str()), (200, Some(words.as_str())));
        assert_eq!(whole.header("content-length"), "200000");
        for (name, value) in [
            ("content-type", "text/plain"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cache-control", "private, no-store"),
            ("accept-ranges", "bytes"),
        ] {
            assert_eq!(whole.header(name), value);
        }
        let disposition = whole.headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment;") && disposition.contains("filename*=UTF-8''"), "{disposition}");

        let got = part(&app.client, &link, "bytes=65530-65545").await;
        assert_eq!(got, (206, "bytes 65530-65545/200000".to_owned(), words[65_530..65_546].to_owned()));
        let got = part(&app.client, &link, "bytes=-5").await;
        assert_eq!(got, (206, "bytes 199995-199999/200000".to_owned(), words[199_995..].to_owned()));
        assert_eq!(part(&app.client, &link, "bytes=199990-").await.2, words[199_990..]);
        assert_eq!(part(&app.client, &link, "bytes=199990-999999").await.1, "bytes 199990-199999/200000");
        let beyond = app.client.get(&link).header("Range", "bytes=200000-").await;
        beyond.problem(416, "range_not_satisfiable");
        assert_eq!(beyond.header("content-range"), "bytes */200000");
        for whole in ["bytes=0-1,5-6", "lines=1-2", "bytes=x"] {
            assert_eq!(part(&app.client, &link, whole).await.0, 200, "{whole}");
        }

        let etag = whole.header("etag");
        let same = app.client.get(&link).header("Range", "bytes=0-3").header("If-Range", etag).await;
        assert_eq!((same.status, same.body.as_str()), (206, Some("line")));
        let changed = app.client.get(&link).header("Range", "bytes=0-3").header("If-Range", "\"other\"").await;
        assert_eq!(changed.status, 200);
        assert_eq!(app.client.get(&link).header("If-None-Match", etag).await.status, 304);
    })
    .await;
}

#[actix_rt::test]
async fn a_link_is_good_for_a_session_and_for_minutes() {
    on_both(async |app| {
        let (patient, other) = (app.patient("ada").await, app.patient("eve").await);
        let id = patient.available_file("a.txt", b"for my eyes", None).await;
        other.post(&format!("/files/{id}/links"), Value::Null).await.problem(404, "not_found");
        let link = patient.link(&id).await;
        other.get(&link).await.problem(403, "link_invalid");
        app.client.get(&format!("/files/{id}/content")).await.problem(403, "link_invalid");
        app.client.get(&link.replace(".", "x")).await.problem(403, "link_invalid");
        assert_eq!(app.client.get(&link).await.status, 200);
        app.wait(5);
        app.client.get(&link).await.problem(403, "link_expired");
        let patient = patient.again().await;
        let link = patient.link(&id).await;
        assert_eq!(app.client.get(&link).await.status, 200);
        let all = serde_json::json!({"refresh_token": patient.refresh_token});
        patient.post("/auth/logout", all).await.expect(204);
        app.client.get(&link).await.problem(403, "link_expired");
    })
    .await;
}
