//! The real program, killed in the middle of uploads: what was acknowledged is there, and the file is what was sent.

use consilium_tests::{app::Backend, client::text, deployment::Deployment};

use crate::letters;

/// Bytes of a part: longer than what is put on disk at once, so that a kill also falls into the middle of one.
const PART: usize = 5 * 1024 * 1024;

async fn survives(backend: Backend) {
    let deployment = Deployment::new(backend);
    let content = letters(4 * PART);
    let mut server = deployment.serve().await;
    let mut patient = server.client.register("patient", "ada").await;
    let begun = patient.begin_upload(content.len(), &[("filename", "a.txt"), ("purpose", "record")]).await.expect(201);
    let id = text(&begun, "id").to_owned();
    let (mut acknowledged, mut kills) = (0, 0);
    while acknowledged < content.len() {
        let end = content.len().min(acknowledged + PART);
        let part = patient.send_part(&id, acknowledged, &content[acknowledged..end]);
        if kills < 3 {
            // Each time a little later, from before the first byte to after the answer.
            let sent = tokio::spawn(part.attempt());
            tokio::time::sleep(std::time::Duration::from_millis(20 + 60 * kills)).await;
            server.kill().await;
            kills += 1;
            if let Ok(answer) = sent.await.unwrap() {
                assert_eq!(answer.status, 204, "{answer:?}");
                acknowledged = end;
            }
            server = deployment.serve().await;
            patient = server.client.login("ada").await;
        } else {
            part.await.expect(204);
            acknowledged = end;
        }
        let found = patient.tus("HEAD", &format!("/files/{id}")).await;
        assert_eq!(found.status, 200, "{found:?}");
        let offset: usize = found.header("upload-offset").parse().unwrap();
        assert!(offset >= acknowledged && offset <= end, "{offset} of {acknowledged} to {end}");
        eprintln!("kill {kills}: {acknowledged} acknowledged, {offset} kept");
        acknowledged = offset;
    }
    server.kill().await;
    let server = deployment.serve().await;
    let patient = server.client.login("ada").await;
    patient.until_file(&id, "available").await;
    let link = patient.link(&id).await;
    let whole = patient.get(&link).await;
    assert!(
        whole.body.as_str().map(str::as_bytes) == Some(content.as_slice()),
        "{} bytes",
        whole.header("content-length")
    );
    server.stop().await;
}

#[actix_rt::test]
async fn uploads_survive_kills_on_sqlite() {
    survives(Backend::Sqlite).await;
}

#[actix_rt::test]
async fn uploads_survive_kills_on_postgresql() {
    survives(Backend::Postgres).await;
}
