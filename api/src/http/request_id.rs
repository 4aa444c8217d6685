//! Every request has an id, which goes into its log lines, its audit entries and its answer; and a
//! place in a trace (W3C Trace Context), the client's own or a new one, which goes on to plugins and what they call.

use std::time::Instant;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
    web,
};
use consilium_plugin_host::trace::{self, Trace};
use tracing::Instrument;

use crate::state::State;

tokio::task_local! {
    static REQUEST_ID: String;
}

/// The id of the request that this task serves; empty outside of one.
pub fn current() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// Gives the request its id, a span and a line in the log and the metrics.
pub async fn trace(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = incoming(&request).unwrap_or_else(|| fresh(&request));
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let method = request.method().to_string();
    let joined = request.headers().get("traceparent").and_then(|value| Trace::parse(value.to_str().ok()?));
    let place = joined.map_or_else(Trace::begin, |trace| trace.child());
    let span = tracing::info_span!("request", request_id = %id, trace_id = place.trace_id(), method, route);
    let began = Instant::now();
    let outcome = trace::within(place, REQUEST_ID.scope(id.clone(), next.call(request).instrument(span.clone()))).await;
    let status = match &outcome {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    };
    let elapsed = began.elapsed();
    metrics::histogram!("consilium_http_seconds", "route" => route, "method" => method, "status" => status.to_string())
        .record(elapsed.as_secs_f64());
    span.in_scope(|| tracing::info!(status, micros = elapsed.as_micros() as u64, "answered"));
    let mut response = outcome?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    Ok(response)
}

/// The client's own id, if it is short and plain enough to go into a log.
fn incoming(request: &ServiceRequest) -> Option<String> {
    let id = request.headers().get("X-Request-Id")?.to_str().ok()?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (plain && (1..=64).contains(&id.len())).then(|| id.to_owned())
}

fn fresh(request: &ServiceRequest) -> String {
    request.app_data::<web::Data<State>>().map_or_else(String::new, |state| state.db.ids().next().to_string())
}

#[cfg(test)]
mod tests {
    use actix_web::{App, middleware::from_fn, test, web};

    async fn place(header: Option<&str>) -> String {
        let current = || async { super::trace::current().map(|trace| trace.to_string()).unwrap_or_default() };
        let app = test::init_service(App::new().wrap(from_fn(super::trace)).route("/", web::get().to(current))).await;
        let request =
            header.iter().fold(test::TestRequest::get(), |request, h| request.insert_header(("traceparent", *h)));
        String::from_utf8(test::call_and_read_body(&app, request.to_request()).await.to_vec()).unwrap_or_default()
    }

    #[actix_web::test]
    async fn a_request_is_a_step_of_the_clients_trace_or_begins_one() {
        let client = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let joined = place(Some(client)).await;
        assert!(joined.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{joined}");
        assert_ne!(joined, client, "a step of its own");
        for own in [place(None).await, place(Some("00-not-a-trace")).await] {
            assert_eq!(own.len(), 55, "{own}");
            assert!(!own.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{own}");
        }
    }
}
