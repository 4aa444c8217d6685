//! The files of the web client as they go out, and a binary without them.

use actix_web::{
    App,
    body::MessageBody,
    dev::ServiceResponse,
    http::{Method, StatusCode},
    test::{TestRequest, call_service, init_service},
    web,
};

use super::{File, POLICY, serve};

const FILES: &[File] = &[
    File { path: "/assets/a-1.js", tag: "1", plain: b"plain", gzip: Some(b"zipped"), brotli: Some(b"brotli") },
    File { path: "/assets/b-1.png", tag: "2", plain: b"picture", gzip: None, brotli: None },
    File { path: "/index.html", tag: "3", plain: b"<html>", gzip: None, brotli: None },
];

async fn ask(files: &'static [File], method: Method, path: &str, headers: &[(&str, &str)]) -> ServiceResponse {
    let app = App::new()
        .route("/api/{rest}", web::get().to(async || "the API"))
        .configure(|config| serve(files, config))
        .default_service(web::to(async || actix_web::HttpResponse::NotFound()));
    let app = init_service(app).await;
    let request = headers
        .iter()
        .fold(TestRequest::with_uri(path).method(method), |request, header| request.insert_header(*header));
    call_service(&app, request.to_request()).await
}

async fn get(path: &str, headers: &[(&str, &str)]) -> ServiceResponse {
    ask(FILES, Method::GET, path, headers).await
}

fn header<'a>(response: &'a ServiceResponse, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn body(response: ServiceResponse) -> String {
    let bytes = response.into_body().try_into_bytes().unwrap_or_default();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[actix_rt::test]
async fn the_smallest_accepted_form_is_sent() {
    for (accepted, encoding, sent) in [
        ("", "", "plain"),
        ("gzip", "gzip", "zipped"),
        ("gzip, deflate, br", "br", "brotli"),
        ("br;q=0, gzip;q=0.5", "gzip", "zipped"),
        ("identity", "", "plain"),
        ("bread", "", "plain"),
    ] {
        let response = get("/assets/a-1.js", &[("Accept-Encoding", accepted)]).await;
        assert_eq!(header(&response, "content-encoding"), encoding, "{accepted}");
        assert_eq!(header(&response, "vary"), "Accept-Encoding");
        assert_eq!(body(response), sent, "{accepted}");
    }
    assert_eq!(body(get("/assets/b-1.png", &[("Accept-Encoding", "br")]).await), "picture");
}

#[actix_rt::test]
async fn hashed_names_are_kept_and_pages_asked_for_again() {
    let asset = get("/assets/a-1.js", &[]).await;
    assert_eq!(header(&asset, "cache-control"), "public, max-age=31536000, immutable");
    let page = get("/appointments/1", &[]).await;
    assert_eq!(header(&page, "cache-control"), "no-cache");
    let again = get("/", &[("If-None-Match", header(&page, "etag"))]).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let head = ask(FILES, Method::HEAD, "/", &[]).await;
    assert_eq!((head.status(), header(&head, "content-length")), (StatusCode::OK, "6"));
}

#[actix_rt::test]
async fn pages_forbid_what_is_inline_and_foreign() {
    let page = get("/doctors", &[]).await;
    assert_eq!(header(&page, "content-security-policy"), POLICY);
    assert!(!POLICY.contains("unsafe") && POLICY.contains("default-src 'none'"));
    assert_eq!(body(page), "<html>");
}

#[actix_rt::test]
async fn addresses_of_others_are_left_to_them() {
    assert_eq!(body(get("/api/x", &[]).await), "the API");
    for foreign in ["/c/1", "/nowhere", "/doctors/1/2", "/assets/none.js", "/api", "/health/live"] {
        assert_eq!(get(foreign, &[]).await.status(), StatusCode::NOT_FOUND, "{foreign}");
    }
}

#[actix_rt::test]
async fn a_binary_without_it_says_so() {
    let response = ask(&[], Method::GET, "/", &[]).await;
    assert!(body(response).contains("built without its web client"));
    assert_eq!(ask(&[], Method::GET, "/doctors", &[]).await.status(), StatusCode::NOT_FOUND);
}
