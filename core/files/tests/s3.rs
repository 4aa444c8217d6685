//! The store over a real S3-compatible server: moto's, which `scripts/setup-tests` installs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{io, path::PathBuf, process::Stdio};

use consilium_db::records::RecordKey;
use consilium_files::{Depot, FileId, S3Access};
use consilium_kernel::{Id, Ids, RandomIds};
use futures_util::{StreamExt as _, stream};
use object_store::{
    ObjectStoreExt as _,
    aws::{AmazonS3, AmazonS3Builder},
};
use ring::digest;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// A running server; ends with its test.
struct S3 {
    address: String,
    _server: Child,
}

impl S3 {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut server = Command::new(program())
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("moto_server can be started");
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap().expect("moto_server says where it listens");
            if let Some((_, address)) = line.split_once("Running on ") {
                break address.trim().to_owned();
            }
        };
        // Whoever does not read what it logs stops it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let made = reqwest::Client::new().put(format!("{address}/records")).send().await.unwrap();
        assert_eq!(made.status(), 200, "a bucket");
        Self { address, _server: server }
    }

    /// Past all that is of ours.
    fn bucket(&self) -> AmazonS3 {
        let builder = AmazonS3Builder::new().with_bucket_name("records").with_region("eu-central-1");
        let builder = builder.with_access_key_id("test").with_secret_access_key("test");
        builder.with_endpoint(&self.address).with_allow_http(true).build().unwrap()
    }

    fn depot(&self, url: &str) -> Depot {
        let access = S3Access {
            endpoint: self.address.clone(),
            region: "eu-central-1".to_owned(),
            access_key_id: "test".to_owned(),
            secret_access_key: "test".to_owned(),
        };
        Depot::open(url, &access).unwrap()
    }
}

fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap(); // <target>/debug/deps/s3
    let program = target.join("s3-venv/bin/moto_server");
    assert!(program.exists(), "{} is missing: run `scripts/setup-tests`", program.display());
    program
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

#[tokio::test]
async fn what_is_stored_in_a_bucket_is_read_back_in_ranges_and_removed() {
    let s3 = S3::start().await;
    let depot = s3.depot("s3://records/city/files");
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
        let raw = s3.bucket().get(&format!("city/files/{id}").into()).await.unwrap().bytes().await.unwrap();
        assert!(raw.len() > length && !raw.windows(6).any(|window| window == b"Arifa "));
        // What is broken off leaves what was there.
        let broken = stream::iter([Ok(vec![1; 9 * 1024 * 1024]), Err(io::Error::other("the disk is gone"))]);
        assert!(depot.store(id, &key(), broken).await.is_err());
        assert_eq!(read(&depot, id, key(), end, 0..1).await.unwrap(), content[..1]);
        depot.remove(id).await.unwrap();
        depot.remove(id).await.unwrap();
        assert!(read(&depot, id, key(), end, 0..1).await.is_err());
    }
    let nowhere = s3.depot("s3://elsewhere/files");
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
