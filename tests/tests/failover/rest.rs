//! The real program with two video plugins of the plainest API, each with a server of its own.

use consilium_tests::app::Backend;

use crate::{provider::Provider, stage::Stage};

/// What webhooks are signed with.
pub const SECRET: &str = "shared with the provider";

/// The program and its two providers.
pub struct Rest {
    pub one: Provider,
    pub two: Provider,
    pub stage: Stage,
}

/// Plays `journey` on each database.
pub async fn on_both(journey: impl AsyncFn(&mut Rest)) {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        eprintln!("on {backend:?}");
        let (one, two) = (Provider::open().await, Provider::open().await);
        let stage = Stage::open(backend, &["video-rest"], |deployment| {
            let secret = deployment.write("secret", SECRET);
            let plugin = |id: &str, provider: &Provider| {
                format!(
                    "[plugins.use.{id}]\nlibrary = \"video-rest.so\"\nallow_private_addresses = true\n\
                     config = {{ base_url = {:?} }}\nsecret_files = {{ webhook_secret = {secret:?} }}\n",
                    provider.url(),
                )
            };
            let plugins = [plugin("rest-one", &one), plugin("rest-two", &two)].concat();
            format!("[video]\nproviders = [\"rest-one\", \"rest-two\"]\n{plugins}")
        });
        let mut rest = Rest { stage: stage.await, one, two };
        journey(&mut rest).await;
        rest.stage.kill().await;
    }
}
