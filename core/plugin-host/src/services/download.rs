//! Responses too large for a message: kept as a blob while they come in, and gone on with later when the
//! time of a call does not suffice.

use super::{
    blobs::Blobs,
    fetch::{Fetcher, headers_of},
    secrets::Secrets,
};
use consilium_plugin_contract::{
    PluginError,
    blob::{FetchToBlob, FetchedToBlob, MAX_CHUNK, PartialBlob},
    host::HttpFetched,
};
use reqwest::{Response, StatusCode};
use std::{collections::BTreeMap, ops::ControlFlow};
use tokio::time::{Instant, timeout_at};

/// Secrets longer than this are found only within one chunk.
const LONGEST_SECRET: usize = 16 * 1024;

impl Fetcher {
    /// Keeps the response to `request` as a blob, or what of it comes in time. `answered` stands for the
    /// network in tests.
    pub(super) async fn fetch_to_blob(
        &self,
        secrets: &Secrets,
        blobs: &Blobs<'_>,
        FetchToBlob { mut request, resume }: FetchToBlob,
        answered: Option<Result<HttpFetched, PluginError>>,
    ) -> Result<FetchedToBlob, PluginError> {
        // The client gives up at the limit; a little before it, what is there can still be kept.
        let until = Instant::now() + self.limit(&request) * 9 / 10;
        let have = match &resume {
            Some(id) => blobs.resumable(id).await?,
            None => 0,
        };
        if have > 0 {
            request.headers.insert("range".to_owned(), format!("bytes={have}-"));
        }
        if let Some(answered) = answered {
            return blobs.keep_answered(resume, have, answered?).await;
        }
        let late = |_| PluginError::retryable("timeout", "the server did not answer in time");
        let response = timeout_at(until, self.open(secrets, &request, self.timeout())).await.map_err(late)??;
        let (status, headers) = (response.status(), headers_of(&response, secrets));
        let mut target = match blobs.target(resume, have, status, &headers).await? {
            ControlFlow::Continue(target) => target,
            ControlFlow::Break(fetched) => return Ok(fetched),
        };
        let whole = blobs.receive(&mut target, secrets, response, until).await?;
        if !whole && request.method != "GET" {
            blobs.store.delete(blobs.plugin, &target.id).await?;
            return Err(PluginError::retryable("timeout", "the response did not come in time"));
        }
        blobs.fetched(target, status, headers, whole).await
    }
}

/// The blob that a response goes into.
struct Target {
    id: String,
    size: u64,
    /// The end of what was kept, because a secret may stand across two chunks.
    tail: Vec<u8>,
}

impl Blobs<'_> {
    /// How much there is of a blob to go on with.
    async fn resumable(&self, id: &str) -> Result<u64, PluginError> {
        let state = self.store.stat(self.plugin, id).await?;
        match state.sha256 {
            Some(_) => Err(PluginError::permanent("blob_finished", "the blob is finished already")),
            None => Ok(state.size_bytes),
        }
    }

    /// Where this response goes, or what to answer at once.
    async fn target(
        &self,
        resume: Option<String>,
        have: u64,
        status: StatusCode,
        headers: &BTreeMap<String, String>,
    ) -> Result<ControlFlow<FetchedToBlob, Target>, PluginError> {
        let range = headers.get("content-range").map(String::as_str).unwrap_or_default();
        let id = match resume {
            // Everything was here already: "bytes */1234" (RFC 9110, 15.5.17).
            Some(id) if status == StatusCode::RANGE_NOT_SATISFIABLE && range.ends_with(&format!("/{have}")) => {
                let blob = Some(self.store.finish(self.plugin, &id).await?);
                let (status, headers) = (status.as_u16(), headers.clone());
                return Ok(ControlFlow::Break(FetchedToBlob { status, headers, blob, partial: None }));
            }
            resume if !status.is_success() => {
                let partial = resume.map(|id| PartialBlob { id, size_bytes: have });
                let (status, headers) = (status.as_u16(), headers.clone());
                return Ok(ControlFlow::Break(FetchedToBlob { status, headers, blob: None, partial }));
            }
            Some(_) if have > 0 && !range.starts_with(&format!("bytes {have}-")) => {
                let message = "the server does not go on where the blob ends";
                return Err(PluginError::permanent("resume_refused", message));
            }
            Some(id) => id,
            None => self.store.create(self.plugin, self.quota).await?,
        };
        Ok(ControlFlow::Continue(Target { id, size: have, tail: Vec::new() }))
    }

    /// Keeps what comes until the end (true) or until time is over or the connection breaks (false).
    async fn receive(
        &self,
        target: &mut Target,
        secrets: &Secrets,
        mut response: Response,
        until: Instant,
    ) -> Result<bool, PluginError> {
        let mut pending = Vec::new();
        loop {
            let chunk = timeout_at(until, response.chunk()).await;
            let whole = matches!(chunk, Ok(Ok(None)));
            let more = match chunk {
                Ok(Ok(Some(bytes))) => {
                    pending.extend_from_slice(&bytes);
                    true
                }
                _ => false,
            };
            while pending.len() >= MAX_CHUNK || (!more && !pending.is_empty()) {
                let rest = pending.split_off(pending.len().min(MAX_CHUNK));
                self.keep(target, secrets, std::mem::replace(&mut pending, rest)).await?;
            }
            if !more {
                return Ok(whole);
            }
        }
    }

    /// A secret in a response is not taken out, which would change its length, but refused.
    async fn keep(&self, target: &mut Target, secrets: &Secrets, chunk: Vec<u8>) -> Result<(), PluginError> {
        let seen = [target.tail.as_slice(), &chunk].concat();
        if secrets.redact(seen.clone()) != seen {
            self.store.delete(self.plugin, &target.id).await?;
            return Err(PluginError::permanent("secret_in_answer", "the response holds a secret of the request"));
        }
        target.tail = seen.get(seen.len().saturating_sub(LONGEST_SECRET)..).unwrap_or_default().to_vec();
        target.size = self.store.append(self.plugin, &target.id, target.size, chunk, self.quota).await?;
        Ok(())
    }

    async fn fetched(
        &self,
        target: Target,
        status: StatusCode,
        headers: BTreeMap<String, String>,
        whole: bool,
    ) -> Result<FetchedToBlob, PluginError> {
        let status = status.as_u16();
        if whole {
            let blob = Some(self.store.finish(self.plugin, &target.id).await?);
            return Ok(FetchedToBlob { status, headers, blob, partial: None });
        }
        let partial = Some(PartialBlob { id: target.id, size_bytes: target.size });
        Ok(FetchedToBlob { status, headers, blob: None, partial })
    }

    /// Keeps an answer that did not come from the network, with all of its body.
    async fn keep_answered(
        &self,
        resume: Option<String>,
        have: u64,
        answered: HttpFetched,
    ) -> Result<FetchedToBlob, PluginError> {
        let HttpFetched { status, headers, body } = answered;
        let status = StatusCode::from_u16(status).map_err(|e| PluginError::permanent("malformed", e.to_string()))?;
        match self.target(resume, have, status, &headers).await? {
            ControlFlow::Break(fetched) => Ok(fetched),
            ControlFlow::Continue(mut target) => {
                for chunk in body.0.chunks(MAX_CHUNK) {
                    self.keep(&mut target, &Secrets::default(), chunk.to_vec()).await?;
                }
                self.fetched(target, status, headers, true).await
            }
        }
    }
}
