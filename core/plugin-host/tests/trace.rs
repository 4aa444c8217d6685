//! One request can be followed: into the plugin's log lines, and out to the provider.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{
    Isolation, PluginHost,
    trace::{self, Trace},
};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use support::{deed, rogue, settings};
use tempfile::TempDir;

const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn connected() -> (PluginHost, String, TempDir) {
    let address = support::http(|request, _| Some(support::response("200 OK", "", &request.text))).await;
    let cache = tempfile::tempdir().unwrap();
    let mut plugin = rogue(Isolation::Process);
    plugin.config = support::config(json!({"peer": format!("http://{address}")}));
    plugin.allow_private = true;
    (support::start(settings(&cache), plugin).await, format!("http://{address}/echo"), cache)
}

fn traceparent(echo: &str) -> Trace {
    let line = echo.lines().find_map(|line| line.strip_prefix("traceparent: "));
    Trace::parse(line.unwrap_or_else(|| panic!("no traceparent in {echo}"))).unwrap()
}

#[tokio::test]
async fn an_outgoing_request_joins_the_trace_of_the_request_behind_it() {
    let (host, url, _cache) = connected().await;
    let request = Trace::parse(HEADER).unwrap();
    let fetch = format!("fetch:{url}");
    let sent = traceparent(&trace::within(request, deed(&host, &fetch)).await.unwrap());
    assert_eq!(sent.trace_id(), TRACE_ID);
    assert_ne!(sent.span_id(), request.span_id(), "a step of its own");
    // Calls beside each other do not take each other's trace.
    let other = Trace::begin();
    let both = tokio::join!(trace::within(request, deed(&host, &fetch)), trace::within(other, deed(&host, &fetch)));
    assert_eq!(traceparent(&both.0.unwrap()).trace_id(), TRACE_ID);
    assert_eq!(traceparent(&both.1.unwrap()).trace_id(), other.trace_id());
    // Work that no request began has a trace of its own.
    assert_ne!(traceparent(&deed(&host, &fetch).await.unwrap()).trace_id(), TRACE_ID);
}

#[tokio::test]
async fn a_plugin_may_set_its_own_traceparent() {
    let (host, url, _cache) = connected().await;
    let echo = trace::within(Trace::begin(), deed(&host, &format!("fetch-traced:{url}"))).await.unwrap();
    assert_eq!(traceparent(&echo).to_string(), "00-11111111111111111111111111111111-2222222222222222-01");
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_plugins_log_lines_name_the_trace_of_the_request_behind_them() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_current_span(true);
    // The supervisors live on a thread of their own. This is the only test here that sets it.
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let (host, _, _cache) = connected().await;
    trace::within(Trace::parse(HEADER).unwrap(), deed(&host, "log:a word of the plugin")).await.unwrap();
    let start = Instant::now();
    loop {
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        if let Some(line) = text.lines().find(|line| line.contains("a word of the plugin")) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["plugin"], &line["span"]["trace_id"]), (&json!("rogue"), &json!(TRACE_ID)), "{line}");
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{text}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
