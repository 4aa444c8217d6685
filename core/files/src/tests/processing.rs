//! From the folder of uploads to the store, past the scanner.

use std::sync::atomic::Ordering;

use super::{
    clamd::{Clamd, LONGEST, eicar},
    stage::{code, meta, on_both, on_both_with, picture},
};
use crate::*;

#[tokio::test]
async fn the_scanner_lets_through_what_is_clean_and_has_the_rest_removed() {
    let clamd = Clamd::start().await;
    on_both_with(
        |_| {},
        Some(&clamd.address),
        async |stage| {
            let clean = stage.upload(&picture(200_000)).await;
            let infected = stage.upload(&[&eicar()[..], b" in a text"].concat()).await;
            assert_eq!(
                code(stage.files.link(&meta(&stage.patient), clean).await),
                "file_not_ready",
                "nobody has looked yet"
            );
            assert_eq!(stage.process().await, 2);
            let file = stage.get(clean).await;
            assert_eq!((file.status, file.scanned), (Status::Available, true));
            assert_eq!(stage.get(infected).await.status, Status::Infected);
            assert_eq!(code(stage.files.link(&meta(&stage.patient), infected).await), "file_infected");
            assert_eq!(code(stage.content(&stage.patient, infected, 0..1).await), "file_infected");
            assert_eq!(code(stage.share(infected).await), "file_infected");
            assert_eq!(stage.lying(), (0, 1), "nothing of it is left");
            let mut told = stage.told(&stage.patient).await;
            told.sort();
            assert_eq!(told, ["file_infected", "file_stored"]);
            let audited = stage.audited(infected).await;
            assert_eq!(audited, ["file_upload_begun", "file_uploaded", "file_scan", "file_infected"]);
            stage.files.delete(&meta(&stage.patient), infected).await.unwrap();
            assert_eq!(code(stage.files.get(&meta(&stage.patient), infected).await), "not_found");
        },
    )
    .await;
    assert_eq!(clamd.scans.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_scanner_that_fails_is_asked_again_and_nothing_is_served_meanwhile() {
    let clamd = Clamd::start().await;
    on_both_with(
        |_| {},
        Some(&clamd.address),
        async |stage| {
            clamd.faults.store(2, Ordering::SeqCst);
            let id = stage.upload(&picture(100)).await;
            assert_eq!(stage.process().await, 1);
            assert_eq!(stage.get(id).await.status, Status::Scanning);
            assert_eq!(stage.process().await, 0, "not at once");
            stage.wait(1);
            assert_eq!((stage.process().await, stage.get(id).await.status), (1, Status::Scanning));
            assert_eq!(code(stage.content(&stage.patient, id, 0..1).await), "file_not_ready");
            stage.wait(1);
            assert_eq!((stage.process().await, stage.get(id).await.status), (1, Status::Available));
        },
    )
    .await;
}

#[tokio::test]
async fn a_file_that_the_scanner_does_not_take_is_not_served() {
    let clamd = Clamd::start().await;
    on_both_with(
        |_| {},
        Some(&clamd.address),
        async |stage| {
            let id = stage.upload(&picture(LONGEST + 1)).await;
            assert_eq!((stage.process().await, stage.get(id).await.status), (1, Status::Scanning));
        },
    )
    .await;
}

#[tokio::test]
async fn a_store_that_fails_is_tried_again() {
    on_both(async |stage| {
        let id = stage.upload(&picture(100)).await;
        let files = stage.folder.path().join("files");
        std::fs::remove_dir(&files).unwrap();
        std::fs::write(&files, b"in the way").unwrap();
        assert_eq!((stage.process().await, stage.get(id).await.status), (1, Status::Scanning));
        std::fs::remove_file(&files).unwrap();
        std::fs::create_dir(&files).unwrap();
        stage.wait(1);
        assert_eq!((stage.process().await, stage.get(id).await.status), (1, Status::Available));
        assert_eq!(stage.content(&stage.patient, id, 0..100).await.unwrap(), picture(100));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_file_is_gone_bytes_and_all() {
    on_both(async |stage| {
        let me = meta(&stage.patient);
        let (stored, waiting, begun) = (
            stage.available(&picture(100)).await,
            stage.upload(&picture(90)).await,
            stage.begin(&stage.patient, 80).await,
        );
        stage.send(&stage.patient, begun, 0, &picture(10)).await.unwrap();
        assert_eq!(stage.lying(), (2, 1));
        for id in [stored, waiting, begun] {
            stage.files.delete(&me, id).await.unwrap();
            assert_eq!(code(stage.files.get(&me, id).await), "not_found");
            assert_eq!(code(stage.files.delete(&me, id).await), "not_found", "again");
        }
        stage.process().await;
        assert_eq!(stage.lying(), (0, 0));
        let shared = stage.available(&picture(70)).await;
        stage.share(shared).await.unwrap();
        assert_eq!(code(stage.files.delete(&me, shared).await), "file_is_shared");
        assert_eq!(stage.get(shared).await.status, Status::Available);
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_nothing_is_tidied_away_at_the_start() {
    on_both(async |stage| {
        let kept = stage.begin(&stage.patient, 100).await;
        stage.send(&stage.patient, kept, 0, &picture(50)).await.unwrap();
        let orphan = stage.folder.path().join("uploads").join(super::stage::fresh::<()>().to_string());
        std::fs::write(&orphan, b"left by a crash").unwrap();
        FileWorker::new(stage.files.clone()).tidy().await.unwrap();
        assert!(!orphan.exists());
        assert_eq!(stage.lying(), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn half_written_objects_are_swept_away_and_whole_ones_are_not() {
    on_both(async |stage| {
        let kept = stage.available(&picture(50)).await;
        let folder = stage.folder.path().join("files");
        std::fs::write(folder.join(format!("{}#1", super::stage::fresh::<()>())), b"left by a crash").unwrap();
        assert_eq!(stage.lying(), (0, 2));
        stage.files.depot().sweep().unwrap();
        assert_eq!(stage.lying(), (0, 1));
        assert_eq!(stage.get(kept).await.status, Status::Available);
    })
    .await;
}

#[tokio::test]
async fn a_scanner_is_named_by_an_address() {
    let patience = std::time::Duration::from_secs(1);
    for good in ["tcp://127.0.0.1:3310", "tcp://clamav:3310", "unix:///run/clamav/clamd.ctl"] {
        assert!(Antivirus::at(good, patience).is_ok(), "{good}");
    }
    for bad in ["", "clamav:3310", "tcp://clamav", "tcp://:1", "unix://run", "http://clamav:3310"] {
        assert!(Antivirus::at(bad, patience).is_err(), "{bad}");
    }
}
