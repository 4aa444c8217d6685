//! Looking at the nodes from outside.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use uuid::Uuid;

use crate::{
    JoinError,
    link::{question, servers},
};

/// How long NATS, and then a node, may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long each of these nodes takes to come back over NATS; `None` for those that do not.
///
/// # Errors
/// When NATS itself cannot be reached.
pub async fn reach(urls: &str, prefix: &str, nodes: &[Uuid]) -> Result<Vec<Option<Duration>>, JoinError> {
    let connecting = async_nats::ConnectOptions::new().connection_timeout(PATIENCE).connect(servers(urls)?);
    let client = connecting.await.map_err(|error| JoinError::Nats(error.to_string()))?;
    let asked = nodes.iter().map(async |node| {
        let begun = Instant::now();
        let echo = client.request(question(prefix, *node, "echo"), Vec::new().into());
        matches!(tokio::time::timeout(PATIENCE, echo).await, Ok(Ok(_))).then(|| begun.elapsed())
    });
    Ok(join_all(asked).await)
}
