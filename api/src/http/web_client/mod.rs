//! Serves the web client that was built into this binary: its files, and its page at the addresses that it has pages
//! for. Knows nothing of what it shows.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web::{self, Bytes, ServiceConfig},
};

use super::landing;

#[cfg(test)]
mod tests;

/// A file of the web client. `plain` is the file, the others are the same compressed.
#[derive(Debug, Clone, Copy)]
struct File {
    path: &'static str,
    tag: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/web_client.rs"));

/// Where the web client has pages (`api/web/app/src/router.tsx`). Every other address is not its own.
const PAGES: &[&str] = &[
    "/",
    "/sign-in",
    "/register",
    "/forgot-password",
    "/reset-password",
    "/verify-email",
    "/doctors",
    "/doctors/{id}",
    "/appointments",
    "/appointments/{id}",
    "/consultations/{id}",
    "/profile",
    "/verification",
    "/inbox",
    "/messages",
    "/messages/{id}",
    "/calendar",
    "/requests",
    "/waiting-room",
    "/availability",
    "/figures",
    "/dispense",
    "/issues",
    "/issues/{id}",
    "/admin/doctors",
    "/admin/system",
    "/admin/deliveries",
    "/admin/audit",
    "/admin/users",
    "/admin/settings",
];

/// What the page may load: what this server serves, and what an external video room shows in a frame of its own.
/// Nothing inline: neither scripts nor styles.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                      connect-src 'self'; media-src 'self' blob:; frame-src https:; manifest-src 'self'; \
                      worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Registers pages and files, or, for a binary without them, the page that says so.
pub fn configure(config: &mut ServiceConfig) {
    serve(FILES, config);
}

fn serve(files: &'static [File], config: &mut ServiceConfig) {
    let Some(index) = files.iter().find(|file| file.path == "/index.html") else {
        config.route("/", web::get().to(landing::page));
        return;
    };
    for (path, file) in PAGES.iter().map(|page| (*page, index)).chain(files.iter().map(|file| (file.path, file))) {
        let answer = move |request: HttpRequest| async move { file.answer(&request) };
        config.service(web::resource(path).route(web::get().to(answer)).route(web::head().to(answer)));
    }
}

impl File {
    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let tag = format!("\"{}\"", self.tag);
        let mut response = HttpResponse::Ok();
        response
            .content_type(media_type(self.path))
            .insert_header((header::CACHE_CONTROL, self.lifetime()))
            .insert_header((header::ETAG, tag.clone()))
            .insert_header((header::VARY, "Accept-Encoding"));
        if self.path.ends_with(".html") {
            response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
        }
        let seen = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        if seen.is_some_and(|seen| seen.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
            response.status(actix_web::http::StatusCode::NOT_MODIFIED);
            return response.finish();
        }
        let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        let (encoding, body) = self.form(accepted.unwrap_or_default());
        if let Some(encoding) = encoding {
            response.insert_header((header::CONTENT_ENCODING, encoding));
        }
        if request.method() == Method::HEAD {
            response.no_chunking(body.len() as u64);
        }
        response.body(Bytes::from_static(body))
    }

    /// The smallest form that is accepted, with the name of its encoding.
    fn form(&self, accepted: &str) -> (Option<&'static str>, &'static [u8]) {
        let takes = |encoding: &str| {
            accepted.split(',').any(|one| {
                let (name, weight) = one.split_once(';').unwrap_or((one, ""));
                name.trim().eq_ignore_ascii_case(encoding)
                    && weight.trim().strip_prefix("q=").is_none_or(|q| q.trim().parse().is_ok_and(|q: f32| q > 0.0))
            })
        };
        let compressed = [("br", self.brotli), ("gzip", self.gzip)];
        let mut fitting = compressed.into_iter().filter(|(encoding, _)| takes(encoding));
        fitting.find_map(|(name, form)| form.map(|form| (Some(name), form))).unwrap_or((None, self.plain))
    }

    /// Names below `/assets/` change with what they hold.
    fn lifetime(&self) -> &'static str {
        if self.path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" }
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
