//! What leaves the database: the PDF, the answer to a verification code, and nothing readable on disk.

use std::process::Command;

use consilium_db::testing::TestDb;

use crate::world::{ADVICE, DIAGNOSIS, MEDICINE, World, code, meta};

/// The text of a PDF without white space, as poppler reads it.
fn text(pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pdf).unwrap();
    let output = Command::new("pdftotext").args(["-enc", "UTF-8"]).arg(file.path()).arg("-").output();
    let output = output.unwrap_or_else(|fault| panic!("cannot run pdftotext ({fault}); install poppler-utils"));
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).split_whitespace().collect()
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[actix_rt::test]
async fn the_pdf_says_what_was_signed_and_is_the_same_every_time() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let issued = world.issue().await;
        let document = &issued.document;
        let (_, pdf) = world.prescribing.pdf(&meta(&world.patient), document.id).await.unwrap();
        let printed = text(&pdf);
        let code = document.verification_code.to_string();
        for expected in [
            DIAGNOSIS,
            MEDICINE,
            "Paracetamol 500 mg",
            ADVICE,
            "Dr. Ayesha Rahman",
            "BMDC A-48213",
            "Penicillin",
            "Rabeya Example",
            &code,
        ] {
            assert!(printed.contains(&squeezed(expected)), "{expected} is not printed");
        }
        assert!(printed.contains(&format!("https://consilium.example.org/api/v1/verify/{code}")));
        // From memory, and typeset anew.
        let (_, kept) = world.prescribing.pdf(&meta(&world.patient), document.id).await.unwrap();
        assert_eq!(kept, pdf);
        let again = World { prescribing: fresh(&world), ..world };
        let (_, anew) = again.prescribing.pdf(&meta(&again.patient), document.id).await.unwrap();
        assert!(anew == pdf, "the same prescription gave other bytes");
    }
}

fn fresh(world: &World) -> consilium_prescribing::Prescribing {
    let settings = consilium_prescribing::PrescribingSettings {
        base_url: "https://consilium.example.org".to_owned(),
        ..Default::default()
    };
    consilium_prescribing::Prescribing::new(world.test.db.clone(), world.pharmacy.clone(), settings)
}

#[actix_rt::test]
async fn a_code_tells_by_whom_and_when_and_nothing_else() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let issued = world.issue().await;
        let written = issued.document.verification_code.to_string();
        let typed = written.to_lowercase().replace('-', " ");
        for code in [&written, &typed] {
            let told = world.prescribing.verify(code).await.unwrap();
            let told = serde_json::to_value(told).unwrap();
            let expected = serde_json::json!({
                "genuine": true, "doctor": "Dr. Ayesha Rahman", "issued_at": issued.document.issued_at, "withdrawn_at": null,
            });
            assert_eq!(told, expected);
        }
        for unknown in ["0000-0000-0000-0000", "", "%", "not a code at all, and much longer than any code"] {
            assert_eq!(code(world.prescribing.verify(unknown).await), "not_found");
        }
        world.prescribing.withdraw(&meta(&world.doctor), issued.document.id).await.unwrap();
        let told = world.prescribing.verify(&written).await.unwrap();
        assert!(told.genuine && told.withdrawn_at.is_some());
    }
}

/// Somebody who can write to the database cannot pass off a row as genuine.
#[actix_rt::test]
async fn a_row_that_was_tampered_with_is_not_genuine() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let written = world.issue().await.document.verification_code.to_string();
        let index = world.prescribing.verify(&written).await.unwrap();
        assert!(index.genuine);
        world.tamper("UPDATE prescription SET signing_key = 'another'").await;
        let told = world.prescribing.verify(&written).await.unwrap();
        assert_eq!((told.genuine, told.doctor, told.issued_at), (false, None, None));
        // Another prescription's signature, both of this deployment.
        world.tamper("DELETE FROM prescription").await;
        let (first, second) = (world.issue().await, world.issue().await);
        let statement: &'static str = Box::leak(
            format!(
                "UPDATE prescription SET signature = (SELECT other.signature FROM prescription other \
                 WHERE other.id <> prescription.id) WHERE signing_key = '{}' AND issued_at IS NOT NULL \
                 AND version = 1 AND id = (SELECT min(id::text)::uuid FROM prescription)",
                first.signature.key
            )
            .into_boxed_str(),
        );
        let statement = if world.test.url.starts_with("sqlite") {
            Box::leak(statement.replace("min(id::text)::uuid", "min(id)").into_boxed_str())
        } else {
            statement
        };
        world.tamper(statement).await;
        let genuine = async |code: String| world.prescribing.verify(&code).await.unwrap().genuine;
        let first = genuine(first.document.verification_code.to_string()).await;
        let second = genuine(second.document.verification_code.to_string()).await;
        assert_ne!(first, second, "one of them bears a foreign signature");
    }
}

/// Nothing that a doctor wrote stands readable in the database or its log.
#[actix_rt::test]
async fn nothing_medical_is_readable_on_disk() {
    let world = World::begun(TestDb::sqlite()).await;
    let id = world.sent().await;
    let issued = world.prescribing.prescription(&meta(&world.doctor), id).await.unwrap();
    world.work(&world.dispatcher).await;
    let written = issued.document.verification_code.to_string();
    let bare = written.replace('-', "");
    let mut files = 0;
    for file in std::fs::read_dir(&world.test.folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        files += usize::from(path.to_string_lossy().contains("consilium.db"));
        for secret in [DIAGNOSIS, MEDICINE, "Paracetamol", ADVICE, "Rabeya", &written, &bare] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} stands readable in {}", path.display());
        }
    }
    assert!(files >= 2, "the database and its write-ahead log");
    let readable = std::fs::read(world.test.folder.join("consilium.db-wal")).unwrap();
    let control = b"pharmacy-rest";
    assert!(readable.windows(control.len()).any(|window| window == control), "the canary sees what is readable");
}

#[actix_rt::test]
async fn nothing_medical_is_readable_in_postgresql() {
    use diesel::{prelude::*, sql_query, sql_types as sql};
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql::Text)]
        row: String,
    }
    let world = World::begun(TestDb::postgres()).await;
    world.sent().await;
    world.work(&world.dispatcher).await;
    let mut rows = 0;
    for table in ["prescription", "pharmacy_dispatch", "outbox", "topic_event", "audit_entry", "timer", "stored_answer"]
    {
        let query = format!("SELECT encode(t::text::bytea, 'escape') AS row FROM {table} t");
        let found: Vec<Row> =
            world.test.db.read(move |session| Ok(sql_query(query).load(session.connection())?)).await.unwrap();
        rows += found.len();
        for Row { row } in found {
            for secret in [DIAGNOSIS, MEDICINE, ADVICE, "Rabeya"] {
                let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
                assert!(!row.contains(secret) && !row.contains(&hex), "{secret} stands readable in {table}");
            }
        }
    }
    assert!(rows > 5);
}
