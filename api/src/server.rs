//! Starts the server with everything behind it, and stops it in order.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    middleware::{Compress, from_fn},
    web,
};
use anyhow::Context;
use consilium_db::{DatabaseUrl, Db, Error, Keys, Vault};
use consilium_kernel::{Clock, RandomIds, SteadyClock, SystemClock};

use crate::{
    background::Background,
    config::Config,
    http::{
        self, auth,
        command::Shared,
        health, landing, openapi,
        problem::{self, Problem},
        request_id, routes, web_client,
    },
    state::State,
    ws,
};

/// The machine's clock, as everything but tests wants it.
pub fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// The clock of a node: in a cluster, one that the others set right by the database's when the machine's is wrong.
pub fn node_clock(config: &Config) -> Arc<dyn Clock> {
    if config.nats.url.is_empty() { system_clock() } else { Arc::new(SteadyClock::default()) }
}

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it serves metrics.
    pub metrics: Option<SocketAddr>,
    /// What its handlers share.
    pub state: Arc<State>,
    handle: ServerHandle,
    background: Background,
}

/// Opens the database with its keys. SQLite deployments get keys on first start; others must bring them.
pub fn open_database(config: &Config, clock: Arc<dyn Clock>) -> Result<Db, Error> {
    let url: DatabaseUrl = config.database.url.parse()?;
    let folder = match (&url, config.keys.directory.as_str()) {
        (DatabaseUrl::Sqlite(path), "") => {
            let beside = PathBuf::from(path).parent().map(PathBuf::from).unwrap_or_default().join("keys");
            let made = Keys::create_missing(&beside)?;
            if !made.is_empty() {
                let files = made.join(", ");
                tracing::warn!(folder = %beside.display(), files, "made new keys: back them up, the data is lost without them");
            }
            beside
        }
        (DatabaseUrl::Postgres(_), "") => {
            return Err(Error::Setup("keys.directory = \"\": PostgreSQL needs a folder with all keys".to_owned()));
        }
        (_, folder) => PathBuf::from(folder),
    };
    let vault = Vault::new(Keys::read(&folder)?);
    Db::open(&url, config.database.connections, vault, clock, Arc::new(RandomIds))
}

/// Starts a server; it answers when this returns.
pub async fn start(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Server> {
    let db = open_database(&config, clock)?;
    for migration in db.migrate()? {
        tracing::info!(migration, "migrated");
    }
    let metrics = crate::metrics::start(&config.metrics).await.context("metrics")?;
    let host = if config.server.host == "localhost" { "127.0.0.1" } else { &config.server.host };
    let listener = std::net::TcpListener::bind((host, config.server.port))
        .with_context(|| format!("cannot listen on {host}:{}", config.server.port))?;
    let address = listener.local_addr()?;
    let (state, background) = crate::background::wire(config, db, address).await?;
    let shared = web::Data::from(state.clone());
    let limit = state.config.server.body_limit_kib * 1024;
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(web::PayloadConfig::new(limit))
            .wrap(Compress::default())
            .wrap(http::cors(&shared.config.server.cors_origins))
            .wrap(from_fn(http::security_headers))
            .wrap(from_fn(request_id::trace))
            .configure(routes::configure)
            .configure(openapi::configure)
            .configure(web_client::configure)
            .route("/c/{consultation}", web::get().to(landing::join))
            .route("/join/{script}", web::get().to(landing::join_script))
            .route("/.well-known/jwks.json", web::get().to(auth::jwks))
            .route("/api/v1/ws", web::get().to(socket))
            .route("/health/live", web::get().to(health::live))
            .route("/health/ready", web::get().to(health::ready))
            .default_service(web::to(problem::no_such_resource))
    })
    .disable_signals()
    .shutdown_timeout(state.config.server.shutdown_seconds);
    if state.config.server.workers > 0 {
        server = server.workers(state.config.server.workers);
    }
    let running = server.listen(listener)?.run();
    let handle = running.handle();
    actix_rt::spawn(running);
    tracing::info!(%address, base_url = state.base_url, "serving");
    Ok(Server { address, metrics, state, handle, background })
}

/// The WebSocket. Not in the route table: who comes is found out by its own first frame at the latest.
async fn socket(request: HttpRequest, payload: web::Payload, state: Shared) -> Result<HttpResponse, Problem> {
    ws::connect(request, payload, state.sockets.clone()).await
}

impl Server {
    /// Not ready from now on; requests that run are finished, then background work, then it ends.
    pub async fn stop(self) {
        tracing::info!("draining");
        self.state.drain();
        self.background.leave().await;
        self.state.sockets.close_all();
        self.handle.stop(true).await;
        self.background.finish(Duration::from_secs(self.state.config.server.shutdown_seconds)).await;
        self.state.plugins.shutdown().await;
        if let Err(error) = self.state.db.checkpoint().await {
            tracing::warn!(%error, "the database's log could not be folded into it: the next start reads it again");
        }
        tracing::info!("stopped");
    }

    /// Ends at once, as a killed process would, but for what the operating system does.
    pub async fn abort(self) {
        self.handle.stop(false).await;
        self.background.finish(Duration::from_millis(100)).await;
    }
}
