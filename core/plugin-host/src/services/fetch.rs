//! HTTP requests on behalf of a plugin: only to allowed hosts, on every hop; secrets put in by the
//! host and taken out of the answer; bounded in time and size.

use super::{
    denials::{Denial, Denials},
    egress::Egress,
    secrets::Secrets,
};
use crate::trace;
use consilium_egress::{AddressDenied, PublicOnly};
use consilium_plugin_contract::{
    Bytes, PluginError,
    host::{HttpFetch, HttpFetched},
};
use reqwest::{
    Client, Method, Response, StatusCode,
    header::{
        AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION,
        TRANSFER_ENCODING,
    },
};
use std::{collections::BTreeMap, error::Error as _, sync::Arc, time::Duration};
use url::Url;

const MAX_REDIRECTS: usize = 5;
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Makes requests for one plugin.
pub(crate) struct Fetcher {
    client: Client,
    egress: Egress,
    denials: Denials,
    timeout: Duration,
    body_limit: usize,
}

/// A request on its way, perhaps redirected.
struct Outgoing {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    /// From sending it to the end of the answer.
    limit: Duration,
    /// Headers that hold secrets; they do not follow to another origin.
    secret_headers: Vec<HeaderName>,
    secret_body: bool,
}

impl Fetcher {
    /// # Errors
    /// When no TLS is to be had.
    pub(crate) fn new(egress: Egress, denials: Denials, timeout: Duration, body_limit: usize) -> Result<Self, String> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err("no TLS provider is installed in this process".to_owned());
        }
        let mut client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("Consilium/", env!("CARGO_PKG_VERSION")));
        if !egress.allow_private() {
            client = client.dns_resolver(Arc::new(PublicOnly));
        }
        let client = client.build().map_err(|e| e.to_string())?;
        Ok(Self { client, egress, denials, timeout, body_limit })
    }

    /// Whether the first hop is allowed; redirects are looked at on the way.
    pub(crate) fn permits(&self, request: &HttpFetch) -> Result<(), PluginError> {
        let url =
            Url::parse(&request.url).map_err(|e| PluginError::permanent("request_invalid", format!("url: {e}")))?;
        self.egress.check(&url).map_err(|denial| self.denials.refuse(&denial, false))
    }

    pub(crate) async fn fetch(&self, secrets: &Secrets, request: HttpFetch) -> Result<HttpFetched, PluginError> {
        let work = async { self.receive(secrets, self.open(secrets, &request, self.timeout).await?).await };
        let late = |_| Err(PluginError::retryable("timeout", "the server did not answer in time"));
        tokio::time::timeout(self.limit(&request), work).await.unwrap_or_else(late)
    }

    /// How long any request of the plugin may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How long this request may take.
    pub(super) fn limit(&self, request: &HttpFetch) -> Duration {
        request.timeout_ms.map_or(self.timeout, Duration::from_millis).min(self.timeout)
    }

    /// Sends the request, follows redirects, and answers the response without its body. From each sending to the end
    /// of its answer it may take as long as `limit`.
    pub(super) async fn open(
        &self,
        secrets: &Secrets,
        request: &HttpFetch,
        limit: Duration,
    ) -> Result<Response, PluginError> {
        let mut outgoing = Outgoing::prepare(secrets, request, limit)?;
        for hop in 0..=MAX_REDIRECTS {
            let refused = |denial: Denial| self.denials.refuse(&denial, hop > 0);
            self.egress.check(&outgoing.url).map_err(refused)?;
            let response = self.send(&outgoing, hop > 0).await?;
            match outgoing.redirect(&response)? {
                Some(next) => outgoing.follow(response.status(), next).map_err(refused)?,
                None => return Ok(response),
            }
        }
        Err(PluginError::permanent("too_many_redirects", format!("more than {MAX_REDIRECTS}")))
    }

    async fn send(&self, outgoing: &Outgoing, redirected: bool) -> Result<Response, PluginError> {
        let request = self.client.request(outgoing.method.clone(), outgoing.url.clone());
        let mut request = request.headers(outgoing.headers.clone()).timeout(outgoing.limit);
        if let Some(body) = &outgoing.body {
            request = request.body(body.clone());
        }
        request.send().await.map_err(|e| match address_denied(&e) {
            Some(denied) => {
                let host = outgoing.url.host_str().unwrap_or_default().to_owned();
                let denial = Denial { host, reason: "private_address", message: denied.to_string() };
                self.denials.refuse(&denial, redirected)
            }
            None => describe(&e),
        })
    }

    async fn receive(&self, secrets: &Secrets, mut response: Response) -> Result<HttpFetched, PluginError> {
        let headers = headers_of(&response, secrets);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| describe(&e))? {
            if body.len() + chunk.len() > self.body_limit {
                let message = format!("the response is longer than {} bytes", self.body_limit);
                return Err(PluginError::permanent("answer_too_large", message));
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status().as_u16();
        Ok(HttpFetched { status, headers, body: Bytes(secrets.redact(body)) })
    }
}

/// A response's headers as the plugin may see them.
pub(super) fn headers_of(response: &Response, secrets: &Secrets) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in response.headers() {
        let value = secrets.redact(value.as_bytes().to_vec());
        let value = String::from_utf8_lossy(&value).into_owned();
        let joined = headers.get(name.as_str()).map(|first| format!("{first}, {value}"));
        headers.insert(name.as_str().to_owned(), joined.unwrap_or(value));
    }
    headers
}

impl Outgoing {
    fn prepare(secrets: &Secrets, request: &HttpFetch, limit: Duration) -> Result<Self, PluginError> {
        let invalid = |what: &str| PluginError::permanent("request_invalid", what.to_owned());
        let url = Url::parse(&request.url).map_err(|e| invalid(&format!("url: {e}")))?;
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| invalid("method"))?;
        let mut headers = HeaderMap::new();
        let mut secret_headers = Vec::new();
        for (name, value) in &request.headers {
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(name))?;
            if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&parsed) {
                return Err(invalid(&format!("header {name} is set by the host")));
            }
            let (value, injected) = secrets.inject(value.as_bytes())?;
            let mut value = HeaderValue::from_bytes(&value).map_err(|_| invalid(name))?;
            value.set_sensitive(injected);
            if injected {
                secret_headers.push(parsed.clone());
            }
            headers.insert(parsed, value);
        }
        if let Some(trace) = trace::current()
            && !headers.contains_key(TRACEPARENT)
        {
            let value = HeaderValue::from_str(&trace.child().to_string());
            headers.insert(TRACEPARENT, value.map_err(|_| invalid("traceparent"))?);
        }
        let (body, secret_body) = match &request.body {
            Some(body) => secrets.inject(&body.0).map(|(body, injected)| (Some(body), injected))?,
            None => (None, false),
        };
        Ok(Self { method, url, headers, body, limit, secret_headers, secret_body })
    }

    /// Where a response points to, when it points anywhere.
    fn redirect(&self, response: &Response) -> Result<Option<Url>, PluginError> {
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
        let next = location.to_str().ok().and_then(|location| self.url.join(location).ok());
        let wrong = || PluginError::permanent("redirect_invalid", "the server redirects to no URL");
        next.map(Some).ok_or_else(wrong)
    }

    /// As RFC 9110, 15.4 has it: 307 and 308 repeat the request, the others become GET.
    fn follow(&mut self, status: StatusCode, next: Url) -> Result<(), Denial> {
        let repeats = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        if !repeats && self.method != Method::HEAD {
            self.method = Method::GET;
            self.body = None;
            self.headers.remove(CONTENT_TYPE);
        }
        if next.origin() != self.url.origin() {
            if self.secret_body && self.body.is_some() {
                let message = "a body that holds a secret is not repeated to another origin".to_owned();
                let host = next.host_str().unwrap_or_default().to_owned();
                return Err(Denial { host, reason: "secret_to_other_origin", message });
            }
            for name in self.secret_headers.iter().chain(&[AUTHORIZATION, COOKIE]) {
                self.headers.remove(name);
            }
        }
        self.url = next;
        Ok(())
    }
}

/// The refusal of our name resolution, if that is what went wrong.
fn address_denied(error: &reqwest::Error) -> Option<&AddressDenied> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(denied) = cause.downcast_ref() {
            return Some(denied);
        }
        source = cause.source();
    }
    None
}

/// Says what went wrong without the URL, which may hold anything.
pub(super) fn describe(error: &reqwest::Error) -> PluginError {
    if error.is_timeout() {
        return PluginError::retryable("timeout", "the server did not answer in time");
    }
    let what = if error.is_connect() { "no connection to the server" } else { "the exchange broke off" };
    PluginError::retryable("connection_failed", what)
}
