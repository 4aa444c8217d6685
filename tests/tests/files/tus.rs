//! The protocol, as <https://tus.io/protocols/resumable-upload> has it, and what wrong input gets.

use consilium_tests::{
    app::{on_both, on_both_with},
    client::text,
};

use crate::letters;

const RECORD: [(&str, &str); 2] = [("filename", "Befund März.txt"), ("purpose", "record")];

#[actix_rt::test]
async fn an_upload_is_begun_resumed_and_ended() {
    on_both(async |app| {
        let patient = app.patient("ada").await;
        let options = app.client.call("OPTIONS".parse().unwrap(), "/files").await;
        assert_eq!(options.status, 204);
        assert_eq!((options.header("tus-resumable"), options.header("tus-version")), ("1.0.0", "1.0.0"));
        assert_eq!(options.header("tus-extension"), "creation,termination,checksum,expiration");
        assert_eq!(options.header("tus-checksum-algorithm"), "sha1,sha256");
        assert_eq!(options.header("tus-max-size"), (200 * 1024 * 1024).to_string());

        let content = letters(5_000);
        let begun = patient.begin_upload(content.len(), &RECORD).await;
        let id = text(&begun.body, "id").to_owned();
        assert_eq!((begun.status, begun.header("location")), (201, format!("/api/v1/files/{id}").as_str()));
        assert_eq!(begun.header("tus-resumable"), "1.0.0");
        assert_eq!(begun.header("upload-expires"), "Tue, 02 Jun 2026 08:00:00 GMT");
        assert_eq!((text(&begun.body, "name"), text(&begun.body, "status")), ("Befund März.txt", "uploading"));

        let part = patient.send_part(&id, 0, &content[..2_000]).await;
        assert_eq!((part.status, part.header("upload-offset")), (204, "2000"));
        let found = patient.tus("HEAD", &format!("/files/{id}")).await;
        assert_eq!((found.status, found.header("upload-offset"), found.header("upload-length")), (200, "2000", "5000"));
        assert_eq!(found.header("upload-metadata"), "filename QmVmdW5kIE3DpHJ6LnR4dA==,purpose cmVjb3Jk");
        assert_eq!(found.header("cache-control"), "no-store");
        patient.send_part(&id, 0, &content).await.problem(409, "upload_offset");
        let checksum = "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let refused = patient.send_part(&id, 2_000, &content[2_000..]).header("Upload-Checksum", checksum).await;
        assert_eq!((refused.status, text(&refused.body, "code")), (460, "checksum_mismatch"));
        assert_eq!(refused.header("tus-resumable"), "1.0.0");
        let end = patient.send_part(&id, 2_000, &content[2_000..]).await;
        assert_eq!((end.status, end.header("upload-offset"), end.header("upload-expires")), (204, "5000", ""));
        let file = patient.until_file(&id, "available").await;
        assert_eq!((text(&file, "media_type"), text(&file, "kind")), ("text/plain", "text"));
        assert_eq!(file["scanned"], false);

        let another = text(&patient.begin_upload(10, &RECORD).await.expect(201), "id").to_owned();
        assert_eq!(patient.tus("DELETE", &format!("/files/{another}")).await.status, 204);
        patient.get(&format!("/files/{another}")).await.problem(404, "not_found");
        assert_eq!(patient.tus("HEAD", &format!("/files/{another}")).await.status, 404);
    })
    .await;
}

#[actix_rt::test]
async fn wrong_requests_are_told_what_is_wrong() {
    on_both_with(
        |config| config.files.max_chunk_mib = 1,
        async |app| {
            let patient = app.patient("ada").await;
            let id = text(&patient.begin_upload(3_000_000, &RECORD).await.expect(201), "id").to_owned();
            let path = format!("/files/{id}");
            let old = patient.call("HEAD".parse().unwrap(), &path).header("Tus-Resumable", "0.2.2").await;
            assert_eq!((old.status, old.header("tus-version")), (412, "1.0.0"));
            assert_eq!(patient.call("HEAD".parse().unwrap(), &path).await.status, 412);
            patient.tus("POST", "/files").await.problem(400, "bad_upload_header");
            patient.tus("POST", "/files").header("Upload-Length", "-1").await.problem(400, "bad_upload_header");
            let garbled =
                patient.tus("POST", "/files").header("Upload-Length", "1").header("Upload-Metadata", "filename %%%");
            garbled.await.problem(400, "bad_upload_header");
            for (metadata, pointers) in [
                (&[][..], &["/filename", "/purpose"][..]),
                (&[("filename", "a"), ("purpose", "party")], &["/purpose"]),
                (&[("filename", "a"), ("purpose", "consultation")], &["/consultation_id"]),
                (&[("filename", "a"), ("purpose", "consultation"), ("consultation_id", "1")], &["/consultation_id"]),
                (&[("filename", "../a"), ("purpose", "record")], &["/filename"]),
            ] {
                assert_eq!(patient.begin_upload(1, metadata).await.problem(422, "invalid"), pointers);
            }
            patient.begin_upload(0, &RECORD).await.problem(422, "invalid");
            patient.begin_upload(200 * 1024 * 1024 + 1, &RECORD).await.problem(413, "file_too_large");
            let part = || patient.tus("PATCH", &path).header("Upload-Offset", "0");
            part().body("application/octet-stream", "x").await.problem(415, "unsupported_media_type");
            let part = || patient.send_part(&id, 0, b"x");
            part().header("Upload-Checksum", "crc32 AAAA").await.problem(400, "checksum_unsupported");
            patient.send_part(&id, 0, &vec![b'a'; 1024 * 1024 + 1]).await.problem(413, "chunk_too_large");
            patient.send_part("nonsense", 0, b"x").await.problem(404, "not_found");
            let found = patient.tus("HEAD", &path).await;
            assert_eq!(found.header("upload-offset"), "0", "nothing of all that was kept");
        },
    )
    .await;
}

#[actix_rt::test]
async fn what_is_not_accepted_is_refused_by_its_content() {
    on_both(async |app| {
        let patient = app.patient("ada").await;
        for (name, content, code) in [
            ("photo.png", &b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..], "active_content"),
            ("letter.pdf", b"<!doctype html><script>alert(1)</script>", "active_content"),
            ("scan.dcm", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0", "active_content"),
            ("photos.jpg", b"PK\x03\x04\x0a\0\0\0\0\0", "unsupported_file_type"),
        ] {
            let begun =
                patient.begin_upload(content.len(), &[("filename", name), ("purpose", "record")]).await.expect(201);
            let id = text(&begun, "id");
            patient.send_part(id, 0, content).await.problem(415, code);
            patient.get(&format!("/files/{id}")).await.problem(404, "not_found");
        }
    })
    .await;
}

#[actix_rt::test]
async fn a_repeated_beginning_is_the_same_upload() {
    on_both(async |app| {
        let patient = app.patient("ada").await;
        let first = patient.begin_upload(10, &RECORD).key("once").await.expect(201);
        let again = patient.begin_upload(10, &RECORD).key("once").await.expect(201);
        assert_eq!(first, again);
        patient.begin_upload(11, &RECORD).key("once").await.problem(422, "idempotency_key_reused");
        let doctor = app.doctor("bob").await;
        doctor.begin_upload(10, &RECORD).await.problem(403, "forbidden");
    })
    .await;
}
