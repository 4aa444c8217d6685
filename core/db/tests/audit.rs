//! Tampering with the audit log is found and named, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use consilium_db::{
    audit::{self, Finding, Report},
    testing::TestDb,
};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, EntityRef};
use diesel::{RunQueryDsl, sql_query};

fn meta() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "test")
}

async fn write_and_seal(test: &TestDb, entries: i64) {
    for version in 0..entries {
        let entity = EntityRef::new("thing", test.db.ids().next());
        test.db.write(&meta(), move |tx| tx.audit("read_thing", &entity, version)).await.unwrap();
    }
    let sealed = test.db.read(audit::verify).await.unwrap().sealed;
    until_unsealed(test, entries as u64).await;
    test.db.write(&meta(), audit::seal).await.unwrap();
    assert_eq!(test.db.read(audit::verify).await.unwrap().sealed, sealed + entries as u64);
}

/// Entries are seen once nothing older runs anywhere on the server, which other tests share.
async fn until_unsealed(test: &TestDb, entries: u64) {
    for _ in 0..1_000 {
        if test.db.read(audit::verify).await.unwrap().unsealed == entries {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn tamper(test: &TestDb, statement: &'static str) -> Report {
    test.db.write(&meta(), move |tx| Ok(sql_query(statement).execute(tx.connection())?)).await.unwrap();
    test.db.read(audit::verify).await.unwrap()
}

#[tokio::test]
async fn an_untouched_log_verifies_with_its_unsealed_tail() {
    for test in TestDb::both() {
        write_and_seal(&test, 5).await;
        write_and_seal(&test, 4).await;
        let entity = EntityRef::new("thing", test.db.ids().next());
        test.db.write(&meta(), move |tx| tx.audit("read_thing", &entity, 1)).await.unwrap();
        until_unsealed(&test, 1).await;
        let report = test.db.read(audit::verify).await.unwrap();
        assert_eq!((report.height, report.sealed, report.unsealed), (2, 9, 1), "{}", test.url);
        assert_eq!(report.findings, []);
    }
}

#[tokio::test]
async fn a_detail_is_part_of_what_is_sealed() {
    for test in TestDb::both() {
        let entity = EntityRef::new("thing", test.db.ids().next());
        let detail = serde_json::json!({"host": "example.org"});
        test.db.write(&meta(), move |tx| tx.audit_with("denied", &entity, 0, &detail)).await.unwrap();
        until_unsealed(&test, 1).await;
        assert_eq!(test.db.read(audit::verify).await.unwrap().findings, []);
        let report = tamper(&test, "UPDATE audit_entry SET detail = 'nothing' WHERE action = 'denied'").await;
        assert_eq!(report.findings.len(), 1, "edited");
        let report = tamper(&test, "UPDATE audit_entry SET detail = NULL WHERE action = 'denied'").await;
        assert_eq!(report.findings.len(), 1, "taken away");
    }
}

#[tokio::test]
async fn what_is_done_to_sealed_entries_is_named() {
    let cases: [(&str, &[Finding]); 5] = [
        ("UPDATE audit_entry SET action = 'nothing' WHERE id = 3", &[Finding::Edited(3)]),
        ("DELETE FROM audit_entry WHERE id = 2", &[Finding::Deleted(2)]),
        ("DELETE FROM audit_block WHERE height = 1", &[Finding::MissingBlocks(1, 1), Finding::BrokenBlock(2)]),
        ("UPDATE audit_block SET root = previous WHERE height = 2", &[Finding::BrokenBlock(2)]),
        ("UPDATE audit_block SET signature = hash WHERE height = 1", &[Finding::BrokenBlock(1)]),
    ];
    for (statement, expected) in cases {
        for test in TestDb::both() {
            write_and_seal(&test, 5).await;
            write_and_seal(&test, 4).await;
            let report = tamper(&test, statement).await;
            for finding in expected {
                assert!(report.findings.contains(finding), "{statement}: {:?}", report.findings);
            }
            assert_eq!(report.findings.is_empty(), expected.is_empty(), "{statement}: {:?}", report.findings);
        }
    }
}

#[tokio::test]
async fn two_swapped_entries_are_both_named() {
    for test in TestDb::both() {
        write_and_seal(&test, 5).await;
        tamper(&test, "UPDATE audit_entry SET id = 1002 WHERE id = 2").await;
        tamper(&test, "UPDATE audit_entry SET id = 2 WHERE id = 4").await;
        let report = tamper(&test, "UPDATE audit_entry SET id = 4 WHERE id = 1002").await;
        assert!(report.findings.contains(&Finding::Edited(2)), "{:?}", report.findings);
        assert!(report.findings.contains(&Finding::Edited(4)), "{:?}", report.findings);
    }
}

#[tokio::test]
async fn cutting_off_the_newest_blocks_shows_against_the_announced_head() {
    for test in TestDb::both() {
        write_and_seal(&test, 3).await;
        write_and_seal(&test, 3).await;
        let announced = test.db.read(audit::verify).await.unwrap();
        tamper(&test, "DELETE FROM audit_entry WHERE id > 3").await;
        let report = tamper(&test, "DELETE FROM audit_block WHERE height = 2").await;
        assert_eq!(report.findings, [], "the remaining chain is whole by itself");
        assert!(report.height < announced.height && report.head != announced.head);
    }
}
