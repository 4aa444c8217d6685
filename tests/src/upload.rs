//! Uploads by the tus protocol, as a client makes them.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Call, Client, text};

impl Client {
    /// A tus call.
    pub fn tus(&self, method: &str, path: &str) -> Call {
        self.call(method.parse::<Method>().expect("a method"), path).header("Tus-Resumable", "1.0.0")
    }

    /// Begins an upload with this metadata.
    pub fn begin_upload(&self, length: usize, metadata: &[(&str, &str)]) -> Call {
        let pairs: Vec<String> =
            metadata.iter().map(|(key, value)| format!("{key} {}", BASE64.encode(value))).collect();
        let call = self.tus("POST", "/files").header("Upload-Length", &length.to_string());
        call.header("Upload-Metadata", &pairs.join(","))
    }

    /// Adds a part.
    pub fn send_part(&self, id: &str, offset: usize, part: &[u8]) -> Call {
        let call = self.tus("PATCH", &format!("/files/{id}")).header("Upload-Offset", &offset.to_string());
        call.body("application/offset+octet-stream", part.to_vec())
    }

    /// A file that was uploaded whole, for this consultation or for one's own record; it may not be available yet.
    pub async fn upload(&self, name: &str, content: &[u8], consultation: Option<&str>) -> String {
        match consultation {
            Some(id) => self.upload_for(name, content, &[("purpose", "consultation"), ("consultation_id", id)]).await,
            None => self.upload_for(name, content, &[("purpose", "record")]).await,
        }
    }

    /// One for the purpose that `metadata` says.
    pub async fn upload_for(&self, name: &str, content: &[u8], metadata: &[(&str, &str)]) -> String {
        let metadata = [&[("filename", name)], metadata].concat();
        let begun = self.begin_upload(content.len(), &metadata).await.expect(201);
        let id = text(&begun, "id").to_owned();
        self.send_part(&id, 0, content).await.expect(204);
        id
    }

    /// Waits until a file has this status.
    pub async fn until_file(&self, id: &str, status: &str) -> Value {
        for _ in 0..1_000 {
            let file = self.get(&format!("/files/{id}")).await.expect(200);
            if file["status"] == status {
                return file;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the file {id} is never {status}");
    }

    /// `upload`, once it is available.
    pub async fn available_file(&self, name: &str, content: &[u8], consultation: Option<&str>) -> String {
        let id = self.upload(name, content, consultation).await;
        self.until_file(&id, "available").await;
        id
    }

    /// Shows a file in a consultation.
    pub fn share_file(&self, consultation: &str, id: &str) -> Call {
        self.post(&format!("/consultations/{consultation}/files"), json!({"file_id": id}))
    }

    /// A link to the content of a file, as a path for `call`.
    pub async fn link(&self, id: &str) -> String {
        let link = self.post(&format!("/files/{id}/links"), Value::Null).await.expect(201);
        text(&link, "url").strip_prefix("/api/v1").expect("a path of the API").to_owned()
    }
}
