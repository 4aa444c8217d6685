//! Files in a bucket of a real S3-compatible server: the store by itself, and the whole way through a server.

use std::{io, sync::OnceLock};

use consilium_api::config::Config;
use consilium_db::records::RecordKey;
use consilium_files::{Depot, FileId, S3Access};
use consilium_kernel::{Id, Ids, RandomIds};
use consilium_tests::{app::on_both_with, s3::S3};
use futures_util::{StreamExt as _, stream};
use object_store::{ObjectStoreExt as _, aws::AmazonS3Builder};
use ring::digest;
use serde_json::Value;

use crate::letters;

fn depot_at(s3: &S3, url: &str) -> Depot {
    let access = S3Access {
        endpoint: s3.address.clone(),
        region: "eu-central-1".to_owned(),
        access_key_id: "test".to_owned(),
        secret_access_key: "test".to_owned(),
    };
    Depot::open(url, &access).unwrap()
}

/// What lies in the bucket `records` under this name.
async fn raw(s3: &S3, name: &str) -> Vec<u8> {
    let builder = AmazonS3Builder::new().with_bucket_name("records").with_region("eu-central-1");
    let builder = builder.with_access_key_id("test").with_secret_access_key("test");
    let bucket = builder.with_endpoint(&s3.address).with_allow_http(true).build().unwrap();
    bucket.get(&name.into()).await.unwrap().bytes().await.unwrap().to_vec()
}

fn pieces(content: &[u8]) -> impl futures_util::Stream<Item = io::Result<Vec<u8>>> + Unpin + use<> {
    let pieces: Vec<_> = content.chunks(100_000).map(|piece| Ok(piece.to_vec())).collect();
    stream::iter(pieces)
}

async fn read(
    depot: &Depot,
    id: FileId,
    key: RecordKey,
    length: u64,
    range: std::ops::Range<u64>,
) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    let mut content = Box::pin(depot.read(id, key, length, range));
    while let Some(piece) = content.next().await {
        found.extend(piece?);
    }
    Ok(found)
}

#[actix_rt::test]
async fn what_is_stored_in_a_bucket_is_read_back_in_ranges_and_removed() {
    let s3 = S3::start("records").await;
    let depot = depot_at(&s3, "s3://records/city/files");
    let bytes = RecordKey::generate().unwrap();
    // Short ones go in one request, long ones in parts of 8 MiB.
    for length in [1_usize, 65_536, 20 * 1024 * 1024 + 7] {
        let id: FileId = Id::new(RandomIds.next());
        let key = || RecordKey::new(id.uuid(), &bytes).unwrap();
        let content: Vec<u8> = b"Arifa Rahman ".iter().copied().cycle().take(length).collect();
        let (stored, sha256) = depot.store(id, &key(), pieces(&content)).await.unwrap();
        assert_eq!(stored, length as u64);
        assert_eq!(sha256, digest::digest(&digest::SHA256, &content).as_ref());
        let end = length as u64;
        for range in [0..end, end / 2..end, 0..1, end - 1..end] {
            let (from, to) = (range.start as usize, range.end as usize);
            assert!(read(&depot, id, key(), end, range).await.unwrap() == content[from..to], "{from}..{to} of {end}");
        }
        let raw = raw(&s3, &format!("city/files/{id}")).await;
        assert!(raw.len() > length && !raw.windows(6).any(|window| window == b"Arifa "));
        // What is broken off leaves what was there.
        let broken = stream::iter([Ok(vec![1; 9 * 1024 * 1024]), Err(io::Error::other("the disk is gone"))]);
        assert!(depot.store(id, &key(), broken).await.is_err());
        assert_eq!(read(&depot, id, key(), end, 0..1).await.unwrap(), content[..1]);
        depot.remove(id).await.unwrap();
        depot.remove(id).await.unwrap();
        assert!(read(&depot, id, key(), end, 0..1).await.is_err());
    }
    let nowhere = depot_at(&s3, "s3://elsewhere/files");
    let (id, key) = (Id::new(RandomIds.next()), RecordKey::new(RandomIds.next(), &bytes).unwrap());
    assert!(nowhere.store(id, &key, pieces(b"x")).await.is_err(), "there is no such bucket");
}

#[test]
fn a_store_is_named_by_a_url() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for wrong in ["", "files", "/var/files", "http://example.org/files", "s3://", "file://host/files"] {
        assert!(Depot::open(wrong, &S3Access::default()).is_err(), "{wrong}");
    }
}

/// Settings are made by plain functions: what they need to know stands here.
static ADDRESS: OnceLock<String> = OnceLock::new();

fn in_the_bucket(config: &mut Config) {
    let files = &mut config.files;
    files.url = "s3://records/clinic".to_owned();
    files.s3_endpoint = ADDRESS.get().unwrap().clone();
    files.s3_region = "eu-central-1".to_owned();
    (files.s3_access_key_id, files.s3_secret_access_key) = ("test".to_owned(), "test".to_owned());
}

#[actix_rt::test]
async fn a_server_keeps_its_files_in_a_bucket() {
    let s3 = S3::start("records").await;
    ADDRESS.set(s3.address.clone()).unwrap();
    on_both_with(in_the_bucket, async |app| {
        let patient = app.patient("ada").await;
        let content = letters(150_000);
        let id = patient.available_file("a.txt", &content, None).await;
        let sealed = raw(&s3, &format!("clinic/{id}")).await;
        assert!(sealed.len() > content.len() && !sealed.windows(8).any(|window| window == b"a letter"));
        let part = app.client.get(&patient.link(&id).await).header("Range", "bytes=100000-100009").await;
        assert_eq!(part.body, Value::String(String::from_utf8(content[100_000..100_010].to_vec()).unwrap()));
    })
    .await;
}
