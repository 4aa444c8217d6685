//! What lies on disk cannot be read, and what belongs to an erased patient not even by us.

use consilium_runtime::DueWorker;

use super::stage::{Stage, code, meta, on_both};
use crate::*;

const WORDS: &[u8] = b"Arifa Rahman has a rash. ";

fn all_bytes(folder: &std::path::Path) -> Vec<u8> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(all_bytes(&path)) } else { found.extend(std::fs::read(path).unwrap()) }
    }
    found
}

fn shows(stage: &Stage, word: &[u8]) -> bool {
    [stage.folder.path(), &stage.test.folder].iter().any(|folder| {
        let bytes = all_bytes(folder);
        bytes.windows(word.len()).any(|window| window == word)
    })
}

#[tokio::test]
async fn nothing_readable_reaches_the_disk() {
    on_both(async |stage| {
        let content = WORDS.repeat(10_000);
        let id = stage.begin(&stage.patient, content.len()).await;
        stage.send(&stage.patient, id, 0, &content[..100_000]).await.unwrap();
        assert!(!shows(stage, b"Arifa") && !shows(stage, b"left hand"), "while it is uploaded");
        stage.send(&stage.patient, id, 100_000, &content[100_000..]).await.unwrap();
        stage.process().await;
        assert!(!shows(stage, b"Arifa") && !shows(stage, b"left hand"), "in the store");
        assert_eq!(stage.content(&stage.patient, id, 0..25).await.unwrap(), WORDS);
        std::fs::write(stage.folder.path().join("planted"), "Arifa").unwrap();
        assert!(shows(stage, b"Arifa"), "the search sees what is there");
    })
    .await;
}

#[tokio::test]
async fn a_moved_or_changed_record_is_not_served() {
    on_both(async |stage| {
        let content = WORDS.repeat(10_000);
        let id = stage.available(&content).await;
        let path = stage.folder.path().join("files").join(id.to_string());
        let mut bytes = std::fs::read(&path).unwrap();
        let record = 65_536 + consilium_db::records::OVERHEAD;
        let (first, rest) = bytes.split_at_mut(record);
        first.swap_with_slice(&mut rest[..record]);
        std::fs::write(&path, &bytes).unwrap();
        let opened = stage.files.open(&meta(&stage.patient), id).await.unwrap();
        let mut content = stage.files.read(&meta(&stage.patient), opened, 0..100).await.unwrap();
        assert!(futures_util::StreamExt::next(&mut content).await.unwrap().is_err());
    })
    .await;
}

#[tokio::test]
async fn erasing_a_patient_erases_their_files() {
    on_both(async |stage| {
        let content = WORDS.repeat(100);
        let (stored, waiting) = (stage.available(&content).await, stage.upload(&content).await);
        stage.share(stored).await.unwrap();
        let files = stage.erased(stage.patient.patient_id.unwrap().uuid()).await;
        let db = files.db.clone();
        assert_eq!(code(files.get(&meta(&stage.patient), stored).await), "file_erased");
        assert_eq!(code(files.link(&meta(&stage.doctor), stored).await), "file_erased");
        let consultation = stage.consultation;
        let listed = db.read(move |session| shared(session, Place::Consultation(consultation), 0, 10)).await.unwrap();
        assert_eq!(listed, []);
        // What was still to be processed goes, row and bytes.
        DueWorker::new(FileWorker::new(files)).work_off().await.unwrap();
        assert_eq!(stage.lying(), (0, 1));
        let scope = consilium_kernel::Scope::of(stage.patient.facility_id);
        let found = db.read(move |session| crate::store::find(session, scope, waiting)).await.unwrap();
        assert_eq!(found, None);
    })
    .await;
}
