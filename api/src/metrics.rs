//! Numbers for Prometheus, on a port of their own.

use std::{net::SocketAddr, sync::OnceLock, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, web};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::{config::Metrics, memory};

/// One recorder per process, however many servers a test starts in it.
static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Serves `GET /metrics` where the settings say so.
pub async fn start(settings: &Metrics) -> anyhow::Result<Option<SocketAddr>> {
    if !settings.enabled {
        return Ok(None);
    }
    let Some(handle) = RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().ok()) else {
        anyhow::bail!("another recorder is installed");
    };
    let listener = std::net::TcpListener::bind((settings.host.as_str(), settings.port))?;
    let address = listener.local_addr()?;
    let handle = handle.clone();
    let upkeep = handle.clone();
    actix_rt::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let server = HttpServer::new(move || {
        let handle = handle.clone();
        App::new().route(
            "/metrics",
            web::get().to(move || {
                if let Some(bytes) = memory::allocated() {
                    metrics::gauge!("consilium_memory_allocated_bytes").set(bytes as f64);
                }
                let text = handle.render();
                async move { HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text) }
            }),
        )
    });
    actix_rt::spawn(server.workers(1).disable_signals().listen(listener)?.run());
    tracing::info!(%address, "metrics");
    Ok(Some(address))
}
