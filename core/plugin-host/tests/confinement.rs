//! What a child process has and what it is given: no environment, no descriptors, no files, no
//! secrets but those it may read, no hosts but those it may reach.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use consilium_plugin_host::{
    Isolation, MemoryServices, PluginConfig, PluginHost, SecretSource,
    contract::{Sensitive, video::Download},
};
use futures_util::TryStreamExt as _;
use serde_json::json;
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use support::{deed, info, rogue, settings, start};
use tempfile::TempDir;

fn with_secrets(mut plugin: PluginConfig, directory: &TempDir) -> PluginConfig {
    for name in ["hidden", "shown"] {
        let path = directory.path().join(name);
        fs::write(&path, format!("value-of-{name}\n")).unwrap();
        plugin.secrets.insert(name.to_owned(), SecretSource::File(path));
    }
    plugin
}

#[tokio::test]
async fn the_child_inherits_nothing() {
    let cache = tempfile::tempdir().unwrap();
    // A descriptor that this process leaves open to its children on purpose.
    let leaky = fs::File::create(cache.path().join("leaky")).unwrap();
    nix::fcntl::fcntl(&leaky, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let host = start(settings(&cache), rogue(Isolation::Process)).await;
    assert_eq!(deed(&host, "environment").await.unwrap(), "{}");

    let process = format!("/proc/{}", info(&host).await.pid.unwrap());
    assert_eq!(fs::read(format!("{process}/environ")).unwrap(), b"");
    let mut open: Vec<String> = fs::read_dir(format!("{process}/fd"))
        .unwrap()
        .map(|entry| fs::read_link(entry.unwrap().path()).unwrap().to_string_lossy().into_owned())
        .map(|target| target.split(':').next().unwrap().to_owned())
        .collect();
    open.sort();
    // Standard input and output, what waits for the socket, standard error, which the host reads, the socket, and lines.
    assert_eq!(open[..4], ["/dev/null", "/dev/null", "anon_inode", "pipe"]);
    assert_eq!(open[4..], ["socket"; 1 + 8]);

    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
    for limit in ["Max core file size", "Max file size"] {
        let line = limits.lines().find_map(|line| line.strip_prefix(limit)).unwrap();
        assert_eq!(line.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"], "{limit}");
    }
}

#[tokio::test]
async fn a_secret_is_read_only_where_the_manifest_says_so() {
    let cache = tempfile::tempdir().unwrap();
    let host = start(settings(&cache), with_secrets(rogue(Isolation::Process), &cache)).await;
    assert_eq!(deed(&host, "secret:shown").await.unwrap(), "value-of-shown");
    for denied in ["secret:hidden", "secret:other"] {
        assert_eq!(deed(&host, denied).await.unwrap_err().code(), "secret_denied");
    }
}

#[tokio::test]
async fn the_store_compares_versions_and_keeps_its_quota() {
    let cache = tempfile::tempdir().unwrap();
    let host = start(settings(&cache), rogue(Isolation::Process)).await;
    for _ in 0..2 {
        assert_eq!(deed(&host, "kv-race").await.unwrap(), r#"["kv_conflict","2","kv_quota",2]"#);
    }
}

/// Answers each path with what it is told, and echoes the request elsewhere.
async fn server() -> SocketAddr {
    support::http(|request, address| {
        let redirect = |location: &str| Some(support::response("307 Moved", &format!("Location: {location}\r\n"), ""));
        match request.path() {
            "/to-undeclared" => redirect("http://undeclared.example/"),
            "/to-localhost" => redirect(&format!("http://localhost:{}/echo", address.port())),
            "/round" => redirect("/round"),
            "/large" => Some(support::response("200 OK", "", &"x".repeat(3 * 1024 * 1024))),
            "/never" => None,
            "/gone" => Some(support::response("404 Not Found", "", "")),
            // Half of what it promises.
            "/cut" => Some("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf".to_owned()),
            _ => Some(support::response("200 OK", "", &request.text)),
        }
    })
    .await
}

/// Waits for that many audit lines, and answers host, reason and whether a redirect led there, of each.
async fn denials(services: &MemoryServices, count: usize) -> Vec<(String, String, bool)> {
    let start = Instant::now();
    while services.audited().len() < count && start.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let told = services.audited().into_iter().map(|line| {
        assert_eq!((line.plugin.as_str(), line.action.as_str()), ("rogue", "plugin_egress_denied"));
        let text = |key: &str| line.detail[key].as_str().unwrap().to_owned();
        (text("host"), text("reason"), line.detail["redirected"].as_bool().unwrap())
    });
    told.collect()
}

fn line(host: &str, reason: &str, redirected: bool) -> (String, String, bool) {
    (host.to_owned(), reason.to_owned(), redirected)
}

async fn connected(allow_private: bool, egress: &[&str]) -> (PluginHost, String, TempDir) {
    let (host, peer, cache, _) = audited(allow_private, egress).await;
    (host, peer, cache)
}

async fn audited(allow_private: bool, egress: &[&str]) -> (PluginHost, String, TempDir, Arc<MemoryServices>) {
    let cache = tempfile::tempdir().unwrap();
    let peer = format!("http://{}", server().await);
    let mut plugin = with_secrets(rogue(Isolation::Process), &cache);
    plugin.config = support::config(json!({"peer": peer}));
    plugin.allow_private = allow_private;
    plugin.egress = egress.iter().map(|host| (*host).to_owned()).collect();
    let services = Arc::new(MemoryServices::default());
    (support::start_with(settings(&cache), plugin, services.clone()).await, peer, cache, services)
}

async fn code(host: &PluginHost, name: &str) -> String {
    deed(host, name).await.unwrap_err().code().to_owned()
}

#[tokio::test]
async fn undeclared_hosts_are_not_reached_not_even_by_redirect() {
    let (host, peer, _cache, services) = audited(true, &[]).await;
    assert_eq!(code(&host, "fetch:http://undeclared.example/").await, "egress_denied");
    assert_eq!(code(&host, &format!("fetch:{peer}/to-undeclared")).await, "egress_denied");
    assert_eq!(code(&host, &format!("fetch:{peer}/to-localhost")).await, "egress_denied");
    assert_eq!(code(&host, &format!("fetch:{peer}/round")).await, "too_many_redirects");
    assert_eq!(code(&host, "fetch:file:///etc/passwd").await, "egress_denied");
    assert!(deed(&host, &format!("fetch:{peer}/echo")).await.unwrap().starts_with("200 GET /echo"));
    // Once per host and reason: the redirect to the host that was refused before is only counted.
    let expected = [
        line("undeclared.example", "undeclared_host", false),
        line("localhost", "undeclared_host", true),
        line("", "other_scheme", false),
    ];
    assert_eq!(denials(&services, 3).await, expected);
}

/// What the core fetches for itself from there: all of it, or the code of what went wrong.
async fn fetched(host: &PluginHost, url: &str) -> Result<String, String> {
    let headers = [("x-key".to_owned(), Sensitive::new("Bearer {{secret:hidden}}"))].into();
    let from = Download { url: Sensitive::new(url), headers };
    let arriving = host.download("rogue", &from).await.map_err(|error| error.code().to_owned())?;
    let pieces: Vec<Vec<u8>> = arriving.content.try_collect().await.map_err(|error| error.to_string())?;
    let content = pieces.concat();
    assert_eq!(arriving.length, Some(content.len() as u64));
    Ok(String::from_utf8(content).unwrap())
}

#[tokio::test]
async fn files_that_the_core_fetches_go_by_the_rules_of_the_plugin() {
    let (host, peer, _cache, services) = audited(true, &[]).await;
    let echo = fetched(&host, &format!("{peer}/echo")).await.unwrap();
    assert!(echo.starts_with("GET /echo") && echo.contains("x-key: Bearer value-of-hidden"), "{echo}");
    let large = fetched(&host, &format!("{peer}/large")).await.unwrap();
    assert_eq!(large.len(), 3 * 1024 * 1024, "larger than what a plugin is given");
    for (url, code) in [
        ("http://undeclared.example/".to_owned(), "egress_denied"),
        (format!("{peer}/to-undeclared"), "egress_denied"),
        (format!("{peer}/to-localhost"), "egress_denied"),
        (format!("{peer}/round"), "too_many_redirects"),
        (format!("{peer}/gone"), "download_refused"),
        (format!("{peer}/cut"), "the exchange broke off"),
    ] {
        assert_eq!(fetched(&host, &url).await.unwrap_err(), code, "{url}");
    }
    assert_eq!(denials(&services, 2).await.len(), 2);
    let (host, peer, _cache) = connected(false, &[]).await;
    let https = peer.replace("http://", "https://");
    assert_eq!(fetched(&host, &format!("{https}/echo")).await.unwrap_err(), "address_denied");
    let from = Download { url: Sensitive::new(peer), headers: Default::default() };
    assert_eq!(host.download("nobody", &from).await.err().unwrap().code(), "plugin_unknown");
}

#[tokio::test]
async fn a_plugin_that_asks_again_and_again_is_one_line_in_the_audit_log() {
    let (host, _, _cache, services) = audited(true, &[]).await;
    for _ in 0..20 {
        assert_eq!(code(&host, "fetch:https://undeclared.example/").await, "egress_denied");
    }
    assert_eq!(denials(&services, 1).await.len(), 1);
}

#[tokio::test]
async fn private_addresses_need_the_operators_leave() {
    let (host, peer, _cache, services) = audited(false, &["localhost"]).await;
    let https = peer.replace("http://", "https://");
    assert_eq!(code(&host, &format!("fetch:{https}/echo")).await, "address_denied", "as a number");
    let by_name = https.replace("127.0.0.1", "localhost");
    assert_eq!(code(&host, &format!("fetch:{by_name}/echo")).await, "address_denied", "as a name");
    assert_eq!(code(&host, &format!("fetch:{peer}/echo")).await, "egress_denied", "plain http");
    let expected = [
        line("127.0.0.1", "private_address", false),
        line("localhost", "private_address", false),
        line("127.0.0.1", "plain_http", false),
    ];
    assert_eq!(denials(&services, 3).await, expected);
}

#[tokio::test]
async fn responses_are_bounded_in_time_and_size() {
    let (host, peer, _cache) = connected(true, &[]).await;
    assert_eq!(code(&host, &format!("fetch:{peer}/large")).await, "answer_too_large");
    assert_eq!(code(&host, &format!("fetch:{peer}/never")).await, "timeout");
    let gone = "http://127.0.0.1:1/";
    assert_eq!(code(&host, &format!("fetch:{gone}")).await, "connection_failed");
}

#[tokio::test]
async fn secrets_are_injected_by_the_host_and_never_seen_by_the_plugin() {
    let (host, _, _cache) = connected(true, &["localhost"]).await;
    assert_eq!(code(&host, "fetch-with-unknown-secret").await, "secret_missing");
    let echo = deed(&host, "fetch-with-secret:/echo").await.unwrap();
    assert!(!echo.contains("value-of-hidden"), "{echo}");
    // The server did get it, in header and body: both are redacted in its echo.
    assert!(echo.contains("authorization: Bearer [secret]"), "{echo}");
    assert!(echo.ends_with("key=[secret]"), "{echo}");
    // Another origin does not get it, although the host may be reached.
    assert_eq!(code(&host, "fetch-with-secret:/to-localhost").await, "egress_denied");
}

#[tokio::test]
async fn other_origins_get_no_secret_headers() {
    let (host, peer, _cache) = connected(true, &["localhost"]).await;
    let echo = deed(&host, &format!("fetch:{peer}/to-localhost")).await.unwrap();
    assert!(echo.starts_with("200 GET /echo") && !echo.to_lowercase().contains("authorization"), "{echo}");
}

#[test]
fn the_cache_is_not_readable_by_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let cache = tempfile::tempdir().unwrap();
    let library = support::library("rogue");
    consilium_plugin_host::inspect(&settings(&cache), &library).unwrap();
    let copy = fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap();
    assert!(Path::new(&copy.path()).extension().is_some_and(|extension| extension == "so"));
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o500);
}
