//! Files that the core itself fetches from a provider, as the plugin says where from: by the plugin's rules for the way
//! out, with its secrets, and handed on while they come in.

use super::{
    fetch::{Fetcher, describe},
    secrets::Secrets,
};
use consilium_plugin_contract::{PluginError, host::HttpFetch, video::Download};
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use reqwest::Response;
use std::{io, time::Duration};
use tokio::time::timeout;

/// How long a server may be silent, before it answers and in between.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a whole file may take.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// A file that has begun to come in.
pub struct Arriving {
    /// Its bytes, where the server says how many there are.
    pub length: Option<u64>,
    /// What comes. Ends with an error when not all of it does.
    pub content: BoxStream<'static, io::Result<Vec<u8>>>,
}

impl Fetcher {
    /// Begins to fetch a file.
    pub(super) async fn download(&self, secrets: &Secrets, from: &Download) -> Result<Arriving, PluginError> {
        let headers = from.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned()));
        let request = HttpFetch {
            method: "GET".to_owned(),
            url: from.url.expose().to_owned(),
            headers: headers.collect(),
            body: None,
            timeout_ms: None,
        };
        let late = |_| PluginError::retryable("timeout", "the server did not answer in time");
        let response = timeout(SILENCE, self.open(secrets, &request, LONGEST)).await.map_err(late)??;
        if !response.status().is_success() {
            let message = format!("the server answered {}", response.status().as_u16());
            return Err(PluginError::retryable("download_refused", message));
        }
        Ok(Arriving { length: response.content_length(), content: pieces(response) })
    }
}

fn pieces(response: Response) -> BoxStream<'static, io::Result<Vec<u8>>> {
    stream::try_unfold(response, |mut response| async {
        let piece = timeout(SILENCE, response.chunk()).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        let piece = piece.map_err(|error| io::Error::other(describe(&error).message))?;
        Ok(piece.map(|piece| (piece.to_vec(), response)))
    })
    .boxed()
}
