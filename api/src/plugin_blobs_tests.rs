//! Blobs on both databases, with real files.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use consilium_db::testing::TestDb;
use std::time::Duration;

const QUOTA: u64 = 3 * 1024 * 1024;

fn blobs(test: &TestDb) -> (FileBlobs, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (FileBlobs::new(test.db.clone(), folder.path().join("blobs")), folder)
}

fn code<T>(result: Result<T, PluginError>) -> String {
    result.map_or_else(|error| error.code, |_| "ok".to_owned())
}

async fn both(check: impl AsyncFn(FileBlobs, TestDb)) {
    for test in TestDb::both() {
        let (blobs, _folder) = blobs(&test);
        check(blobs, test).await;
    }
}

#[tokio::test]
async fn a_blob_is_read_as_it_was_written() {
    both(async |blobs, _test| {
        let id = blobs.create("a", QUOTA).await.unwrap();
        let mut size = 0;
        for part in ["Blood ", "pressure", ": 120/80"] {
            size = blobs.append("a", &id, size, part.into(), QUOTA).await.unwrap();
        }
        assert_eq!(code(blobs.append("a", &id, 0, b"again".to_vec(), QUOTA).await), "blob_offset");
        assert_eq!(blobs.read("a", &id, 4, 6).await.unwrap(), b"d pres");
        assert_eq!(blobs.read("a", &id, size, 6).await.unwrap(), b"");
        assert_eq!(blobs.stat("a", &id).await.unwrap().sha256, None);
        let whole = blobs.finish("a", &id).await.unwrap();
        let expected = digest::digest(&digest::SHA256, b"Blood pressure: 120/80");
        assert_eq!((whole.size_bytes, whole.sha256.as_str()), (22, hex::encode(expected).as_str()));
        assert_eq!(blobs.finish("a", &id).await.unwrap(), whole, "again");
        assert_eq!(code(blobs.append("a", &id, size, b"!".to_vec(), QUOTA).await), "blob_finished");
    })
    .await;
}

#[tokio::test]
async fn a_blob_is_unknown_to_others_and_gone_when_deleted() {
    both(async |blobs, _test| {
        let id = blobs.create("a", QUOTA).await.unwrap();
        blobs.append("a", &id, 0, b"mine".to_vec(), QUOTA).await.unwrap();
        assert_eq!(code(blobs.read("b", &id, 0, 4).await), "blob_unknown");
        assert_eq!(code(blobs.append("b", &id, 4, b"!".to_vec(), QUOTA).await), "blob_unknown");
        assert!(!blobs.delete("b", &id).await.unwrap());
        assert_eq!(code(blobs.stat("a", "../../etc/passwd").await), "blob_unknown");
        assert_eq!(fs::read_dir(&blobs.folder).unwrap().count(), 1);
        assert!(blobs.delete("a", &id).await.unwrap());
        assert_eq!(code(blobs.read("a", &id, 0, 4).await), "blob_unknown");
        assert_eq!(fs::read_dir(&blobs.folder).unwrap().count(), 0);
    })
    .await;
}

#[tokio::test]
async fn the_quota_holds_for_all_blobs_of_a_plugin() {
    both(async |blobs, _test| {
        let (first, second) = (blobs.create("a", QUOTA).await.unwrap(), blobs.create("a", QUOTA).await.unwrap());
        let mebibyte = vec![7; 1024 * 1024];
        blobs.append("a", &first, 0, mebibyte.clone(), QUOTA).await.unwrap();
        blobs.append("a", &second, 0, mebibyte.clone(), QUOTA).await.unwrap();
        let full = blobs.append("a", &first, 1024 * 1024, mebibyte.clone(), QUOTA).await;
        assert_eq!(code(full), "blob_quota");
        assert_eq!(blobs.stat("a", &first).await.unwrap().size_bytes, 1024 * 1024);
        // What was refused left nothing that counts: a shorter chunk fits and is read back.
        blobs.append("a", &first, 1024 * 1024, b"end".to_vec(), QUOTA).await.unwrap();
        assert_eq!(blobs.read("a", &first, 1024 * 1024 - 1, 9).await.unwrap(), b"\x07end");
        let other = blobs.create("b", QUOTA).await.unwrap();
        blobs.append("b", &other, 0, mebibyte, QUOTA).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn nothing_readable_reaches_the_disk_and_changes_show() {
    both(async |blobs, _test| {
        let id = blobs.create("a", QUOTA).await.unwrap();
        blobs.append("a", &id, 0, b"Arifa Rahman ".to_vec(), QUOTA).await.unwrap();
        blobs.append("a", &id, 13, b"Arifa Rahman ".to_vec(), QUOTA).await.unwrap();
        let path = blobs.folder.join(&id);
        let mut bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"Arifa"));
        let half = bytes.len() / 2;
        bytes.rotate_left(half);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(code(blobs.read("a", &id, 0, 26).await), "blob_unavailable", "two records exchanged");
    })
    .await;
}

#[tokio::test]
async fn what_is_never_finished_is_forgotten() {
    both(async |blobs, test| {
        let (begun, done) = (blobs.create("a", QUOTA).await.unwrap(), blobs.create("a", QUOTA).await.unwrap());
        blobs.append("a", &begun, 0, b"x".to_vec(), QUOTA).await.unwrap();
        blobs.append("a", &done, 0, b"x".to_vec(), QUOTA).await.unwrap();
        blobs.finish("a", &done).await.unwrap();
        blobs.forget_unfinished(test.db.clock().now() - Duration::from_secs(60)).await.unwrap();
        assert_eq!(code(blobs.stat("a", &begun).await), "ok", "it is young");
        blobs.forget_unfinished(test.db.clock().now() + Duration::from_secs(60)).await.unwrap();
        assert_eq!(code(blobs.stat("a", &begun).await), "blob_unknown");
        assert_eq!(fs::read_dir(&blobs.folder).unwrap().count(), 1);
        assert_eq!(code(blobs.stat("a", &done).await), "ok");
    })
    .await;
}
