//! Uploads: resumed, cut off, refused, forgotten.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use ring::digest;

use super::stage::{body, code, meta, on_both, on_both_with, picture};
use crate::*;

#[tokio::test]
async fn an_upload_goes_on_where_it_ended_and_is_what_was_sent() {
    on_both(async |stage| {
        let content = picture(700_000);
        let id = stage.begin(&stage.patient, content.len()).await;
        let me = meta(&stage.patient);
        assert_eq!(code(stage.send(&stage.patient, id, 1, &content[1..9]).await), "upload_offset");
        assert_eq!(stage.send(&stage.patient, id, 0, &content[..1]).await.unwrap().offset, 1);
        assert_eq!(code(stage.send(&stage.patient, id, 0, &content[..1]).await), "upload_offset", "a repetition");
        assert_eq!(stage.send(&stage.patient, id, 1, &content[1..300_000]).await.unwrap().offset, 300_000);
        let found = stage.files.progress(&me, id).await.unwrap();
        assert_eq!((found.offset, found.length, found.declared.as_str()), (300_000, 700_000, "filename V291bmQ="));
        assert!(found.expires_at.is_some());
        assert_eq!(stage.get(id).await.media_type.map(MediaType::essence), Some("image/png"));
        let end = stage.send(&stage.patient, id, 300_000, &content[300_000..]).await.unwrap();
        assert_eq!((end.offset, end.expires_at), (700_000, None));
        assert_eq!(code(stage.send(&stage.patient, id, 700_000, b"").await), "upload_finished");
        assert_eq!(code(stage.files.link(&me, id).await), "file_not_ready");
        stage.process().await;
        assert_eq!(stage.content(&stage.patient, id, 0..700_000).await.unwrap(), content);
        let file = stage.get(id).await;
        assert_eq!(file.sha256.unwrap(), digest::digest(&digest::SHA256, &content).as_ref());
        assert_eq!(stage.lying(), (0, 1));
        assert_eq!(stage.told(&stage.patient).await, ["file_stored"]);
    })
    .await;
}

#[tokio::test]
async fn what_breaks_off_is_kept_as_far_as_it_came() {
    on_both(async |stage| {
        let content = picture(50_000);
        let id = stage.begin(&stage.patient, content.len()).await;
        let pieces = [Ok(Bytes::copy_from_slice(&content[..20_000])), Err("connection reset")];
        let me = meta(&stage.patient);
        let broken = stage.files.append(&me, id, 0, Some(50_000), None, stream::iter(pieces)).await;
        assert_eq!(code(broken), "unreadable_body");
        assert_eq!(stage.files.progress(&me, id).await.unwrap().offset, 20_000);
        stage.send(&stage.patient, id, 20_000, &content[20_000..]).await.unwrap();
        stage.process().await;
        assert_eq!(stage.content(&stage.patient, id, 0..50_000).await.unwrap(), content);
    })
    .await;
}

#[tokio::test]
async fn after_a_crash_what_was_acknowledged_is_there_and_nothing_else_counts() {
    on_both(async |stage| {
        let content = picture(10_000);
        let id = stage.begin(&stage.patient, content.len()).await;
        stage.send(&stage.patient, id, 0, &content[..4_000]).await.unwrap();
        // As if the process had died between the disk and the database.
        let path = stage.folder.path().join("uploads").join(id.to_string());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend(b"half a record");
        std::fs::write(&path, bytes).unwrap();
        let files = stage.restarted();
        let me = meta(&stage.patient);
        assert_eq!(files.progress(&me, id).await.unwrap().offset, 4_000);
        files.append(&me, id, 4_000, None, None, body(&[&content[4_000..]])).await.unwrap();
        stage.process().await;
        assert_eq!(stage.content(&stage.patient, id, 0..10_000).await.unwrap(), content);
    })
    .await;
}

#[tokio::test]
async fn parts_are_bounded() {
    let settings = |settings: &mut FileSettings| settings.max_chunk = 1_000;
    on_both_with(settings, None, async |stage| {
        let content = picture(1_500);
        let (id, me) = (stage.begin(&stage.patient, 1_500).await, meta(&stage.patient));
        assert_eq!(code(stage.send(&stage.patient, id, 0, &content[..1_001]).await), "chunk_too_large");
        let unsaid = stage.files.append(&me, id, 0, None, None, body(&[&content[..900], &content[900..1_100]])).await;
        assert_eq!(code(unsaid), "chunk_too_large");
        assert_eq!(stage.files.progress(&me, id).await.unwrap().offset, 0, "nothing was kept");
        stage.send(&stage.patient, id, 0, &content[..900]).await.unwrap();
        assert_eq!(code(stage.send(&stage.patient, id, 900, &[1; 601]).await), "upload_overflow");
        let unsaid = stage.files.append(&me, id, 900, None, None, body(&[&[1; 300], &[1; 301]])).await;
        assert_eq!(code(unsaid), "upload_overflow");
        assert_eq!(stage.files.progress(&me, id).await.unwrap().offset, 900);
    })
    .await;
}

#[tokio::test]
async fn a_part_that_is_not_what_its_checksum_says_leaves_nothing() {
    on_both(async |stage| {
        let content = picture(5_000);
        let (id, me) = (stage.begin(&stage.patient, 5_000).await, meta(&stage.patient));
        let base64 = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        for wrong in ["md5 AAAA", "sha256", "sha256 AAAA", "sha1 !!!"] {
            assert_eq!(Checksum::parse(wrong).err(), Some(FileRefusal::ChecksumUnknown), "{wrong}");
        }
        let sha1 = base64(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &content[..2_000]).as_ref());
        let checksum = || Some(Checksum::parse(&format!("sha1 {sha1}")).unwrap());
        let flipped = [&content[..1_999], &[content[1_999] ^ 1]].concat();
        let refused = stage.files.append(&me, id, 0, Some(2_000), checksum(), body(&[&flipped])).await;
        assert_eq!(code(refused), "checksum_mismatch");
        assert_eq!(stage.files.progress(&me, id).await.unwrap().offset, 0);
        stage.files.append(&me, id, 0, Some(2_000), checksum(), body(&[&content[..2_000]])).await.unwrap();
        let sha256 = base64(digest::digest(&digest::SHA256, &content[2_000..]).as_ref());
        let checksum = Some(Checksum::parse(&format!("sha256 {sha256}")).unwrap());
        stage.files.append(&me, id, 2_000, None, checksum, body(&[&content[2_000..]])).await.unwrap();
        stage.process().await;
        assert_eq!(stage.content(&stage.patient, id, 0..5_000).await.unwrap(), content);
    })
    .await;
}

#[tokio::test]
async fn content_that_is_not_accepted_ends_the_upload() {
    on_both(async |stage| {
        for (content, refusal) in [
            (&b"<svg onload='alert(1)'/>"[..], "active_content"),
            (b"PK\x03\x04 a zip, or something like it", "unsupported_file_type"),
        ] {
            let id = stage.begin(&stage.patient, content.len()).await;
            assert_eq!(stage.send(&stage.patient, id, 0, &content[..3]).await.unwrap().offset, 3, "too little to tell");
            assert_eq!(code(stage.send(&stage.patient, id, 3, &content[3..]).await), refusal);
            assert_eq!(code(stage.files.progress(&meta(&stage.patient), id).await), "not_found");
            assert_eq!(stage.audited(id).await, ["file_upload_begun", "file_refused"]);
        }
        // Text for as long as one can tell, and then not any more.
        let content = [&[b'a'; 140_000][..], b"\0\x01\x02"].concat();
        let id = stage.begin(&stage.patient, content.len()).await;
        stage.send(&stage.patient, id, 0, &content[..139_000]).await.unwrap();
        assert_eq!(stage.get(id).await.media_type.map(MediaType::kind), Some(Kind::Text));
        assert_eq!(code(stage.send(&stage.patient, id, 139_000, &content[139_000..]).await), "unsupported_file_type");
        assert_eq!(stage.lying(), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn an_upload_is_its_owners_alone() {
    on_both(async |stage| {
        let id = stage.begin(&stage.patient, 100).await;
        for other in [&stage.doctor, &stage.stranger] {
            assert_eq!(code(stage.send(other, id, 0, b"x").await), "not_found");
            assert_eq!(code(stage.files.progress(&meta(other), id).await), "not_found");
            assert_eq!(code(stage.files.delete(&meta(other), id).await), "not_found");
            assert_eq!(code(stage.files.get(&meta(other), id).await), "not_found");
        }
        assert_eq!(
            code(stage.files.create(&meta(&stage.stranger), stage.wish(1)).await),
            "not_found",
            "not their consultation"
        );
        let record = NewUpload { purpose: Purpose::Record, ..stage.wish(1) };
        assert_eq!(code(stage.files.create(&meta(&stage.doctor), record).await), "forbidden", "a doctor has none");
    })
    .await;
}

#[tokio::test]
async fn unfinished_uploads_expire() {
    on_both(async |stage| {
        let id = stage.begin(&stage.patient, 100).await;
        stage.send(&stage.patient, id, 0, &picture(50)).await.unwrap();
        let done = stage.upload(&picture(60)).await;
        stage.wait(24 * 60 - 1);
        assert_eq!((stage.fire_timers().await, stage.lying()), (0, (2, 0)));
        stage.wait(1);
        assert_eq!(stage.fire_timers().await, 1, "a complete one has no timer any more");
        assert_eq!(code(stage.files.progress(&meta(&stage.patient), id).await), "not_found");
        assert_eq!(stage.audited(id).await, ["file_upload_begun", "file_upload_expired"]);
        assert_eq!(stage.lying(), (1, 0));
        assert_eq!(stage.get(done).await.status, Status::Scanning);
    })
    .await;
}

#[tokio::test]
async fn an_account_uploads_so_much_in_a_day() {
    let settings = |settings: &mut FileSettings| settings.max_account_day = 1_000;
    on_both_with(settings, None, async |stage| {
        let me = meta(&stage.patient);
        let id = stage.begin(&stage.patient, 900).await;
        assert_eq!(code(stage.files.create(&me, stage.wish(101)).await), "file_quota");
        assert_eq!(code(stage.files.create(&meta(&stage.doctor), stage.wish(101)).await), "done", "somebody else");
        stage.files.delete(&me, id).await.unwrap();
        stage.begin(&stage.patient, 1_000).await;
        assert_eq!(code(stage.files.create(&me, stage.wish(1)).await), "file_quota");
        stage.wait(24 * 60);
        stage.begin(&stage.patient, 1_000).await;
    })
    .await;
}

#[tokio::test]
async fn a_newer_request_takes_over_from_a_connection_that_hangs() {
    on_both(async |stage| {
        let content = picture(3_000);
        let (id, me) = (stage.begin(&stage.patient, 3_000).await, meta(&stage.patient));
        let (begun, reached) = tokio::sync::oneshot::channel();
        let mut begun = Some(begun);
        let first = Bytes::copy_from_slice(&content[..1_000]);
        let hanging = stream::once(async move { Ok::<_, Infallible>(first) })
            .chain(stream::poll_fn(move |_| {
                begun.take().map(|begun| begun.send(()));
                std::task::Poll::Pending
            }))
            .boxed();
        let (files, mine) = (stage.files.clone(), me.clone());
        let older = tokio::spawn(async move { files.append(&mine, id, 0, Some(3_000), None, hanging).await });
        reached.await.unwrap();
        assert_eq!(code(stage.send(&stage.patient, id, 0, &content).await), "upload_offset", "the older had something");
        assert_eq!(code(older.await.unwrap()), "upload_busy");
        assert_eq!(stage.files.progress(&me, id).await.unwrap().offset, 1_000);
        stage.send(&stage.patient, id, 1_000, &content[1_000..]).await.unwrap();
    })
    .await;
}
