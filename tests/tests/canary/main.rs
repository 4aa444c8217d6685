//! No patient's text leaves a trace in the open: the main job is done through the real program, with an unmistakable
//! word in every field that holds text, and then everything is searched that the program left behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code: a panic is a failed test"
)]

mod journey;
mod search;
mod words;

use consilium_tests::{app::Backend, deployment::Deployment};
use search::{Haystack, Needles};
use words::Words;

/// What may be read in the database: a doctor's public profile. If it is not found, the search is broken.
const PUBLIC: &str = "Dr. Openly Readable";

async fn nothing_is_found(backend: Backend) {
    let mut deployment = Deployment::new(backend);
    let mut words = Words::default();
    let before = search::wal_position(&deployment);
    let server = journey::play(&mut deployment, &mut words).await;

    let mut haystacks = search::files(&deployment);
    server.stop().await;
    haystacks.extend(search::files(&deployment));
    if backend == Backend::Postgres {
        haystacks.extend(search::tables(&deployment));
        haystacks.extend(search::wal(&deployment, &before));
    }
    let searched: usize = haystacks.iter().map(Haystack::len).sum();
    let (forms, places) = (Needles::of(&words).len(), haystacks.len());
    eprintln!("{} words, in {forms} forms, looked for in {searched} bytes from {places} places", words.len());
    can_find(backend, &haystacks, &deployment);
    let found = Needles::of(&words).search(&haystacks);
    assert!(found.is_empty(), "{} found:\n{}", found.len(), found.join("\n"));
}

/// The search sees what is there: in each of the places, what must be there; and a planted word, however it is written.
fn can_find(backend: Backend, haystacks: &[Haystack], deployment: &Deployment) {
    let public = Needles::of(&Words::from_iter([("public", PUBLIC)]));
    let seen = public.search(haystacks);
    let places: &[&str] = match backend {
        Backend::Sqlite => &["consilium.db-wal", "consilium.db"],
        Backend::Postgres => &["table doctor", "wal "],
    };
    for place in places {
        assert!(seen.iter().any(|found| found.contains(place)), "{place} was not searched: {seen:?}");
    }
    let log = Needles::of(&Words::from_iter([("route", "/api/v1/appointments")])).search(haystacks);
    assert!(log.iter().any(|found| found.contains("server.log")), "the log was not searched");
    assert!(deployment.log().contains("\"level\":\"DEBUG\""), "the server did not log everything");

    let planted = Words::from_iter([("planted", "qvzxplanted")]);
    let base64 = "AAAcXZ6eHBsYW50ZWQ"; // two bytes, then the word
    for text in ["some QVZXplanted text", &hex::encode("qvzxplanted"), base64] {
        let place = Haystack::new("planted", text.as_bytes().to_vec());
        assert_eq!(Needles::of(&planted).search(&[place]).len(), 1, "{text}");
    }
    if backend == Backend::Postgres {
        search::plant(deployment, "qvzxplanted");
        let seen = Needles::of(&planted).search(&search::tables(deployment));
        assert!(
            ["as_text", "as_bytes", "as_json"].iter().all(|column| seen.iter().any(|found| found.contains(column)))
        );
    }
}

#[actix_rt::test]
async fn no_patients_text_is_readable_on_sqlite() {
    nothing_is_found(Backend::Sqlite).await;
}

#[actix_rt::test]
async fn no_patients_text_is_readable_on_postgresql() {
    nothing_is_found(Backend::Postgres).await;
}
