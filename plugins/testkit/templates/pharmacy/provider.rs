//! The plugin against a cassette: neither network nor server.

use acme_video::{AcmeVideo, Config};

use consilium_plugin_sdk::{
    PharmacyGateway, Plugin,
    cassette::{Cassette, Fault},
    contract::pharmacy::{DispatchStatus, Status},
    testing::FakeHost,
};

fn host(cassette: Cassette) -> FakeHost {
    FakeHost::at("2026-11-20T09:00:00Z".parse().unwrap()).playing(cassette)
}

fn plugin(host: &FakeHost) -> AcmeVideo {
    AcmeVideo::create(Config { base_url: "https://pharmacy.example.org".into() }, &host.host()).unwrap()
}

fn status(reference: &str) -> Status {
    Status { reference: reference.into() }
}

#[test]
fn a_reference_cannot_point_elsewhere() {
    let host = host(Cassette::load("tests/cassette.json").unwrap());
    for reference in ["", "../admin", "a/b", "a?b", "é"] {
        assert_eq!(plugin(&host).status(&host.host(), status(reference)).unwrap_err().code, "reference_unknown");
    }
    assert!(host.requests().is_empty());
}

#[test]
fn a_failing_pharmacy_is_worth_another_try() {
    let host = host(Cassette::stub().failing(Fault::Status { code: 503, retry_after_seconds: None }));
    assert!(plugin(&host).status(&host.host(), status("rx-1")).unwrap_err().retryable);
}

#[test]
fn the_status_is_passed_on() {
    let host = host(Cassette::load("tests/cassette.json").unwrap());
    let dispatch = plugin(&host).status(&host.host(), status("rx-1")).unwrap();
    assert_eq!((dispatch.reference.as_str(), dispatch.status), ("rx-1", DispatchStatus::Preparing));
}
