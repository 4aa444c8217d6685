//! Every check of the kit finds the fault it is for, and finds none where there is none.
#![allow(clippy::unwrap_used)]

mod support;

use consilium_plugin_testkit::{Level, Report, Verdict, examine};
use serde_json::json;
use support::{example, options, verdict};

async fn with_fault(fault: &str, check: &str) -> Report {
    let mut options = options();
    options.settings.config = json!({"base_url": "https://provider.example.org", "fault": fault}).as_object().cloned();
    options.only = vec![check.to_owned()];
    examine(&example("wrong"), &options).await.unwrap()
}

macro_rules! faults {
    ($($name:ident: $fault:literal => $check:literal),+ $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            let report = with_fault($fault, $check).await;
            assert_eq!(verdict(&report, $check), Verdict::Failed, "{report}");
            assert!(!report.passed(), "{report}");
        })+
    };
}

faults! {
    a_plugin_that_does_not_start: "never_starts" => "life.create",
    a_plugin_that_is_down: "is_down" => "life.health",
    a_plugin_that_hangs_at_the_end: "hangs_at_the_end" => "life.destroy",
    a_secret_in_the_log: "logs_a_secret" => "secrets.kept",
    a_secret_in_an_answer: "answers_with_a_secret" => "secrets.kept",
    another_room_for_the_same_key: "new_room_each_time" => "repeat.key",
    a_room_forgotten_in_a_restart: "forgets_when_restarted" => "repeat.key",
    one_room_for_two_consultations: "one_room_for_all" => "repeat.key",
    callers_mixed_up: "mixes_up_callers" => "load.parallel",
    a_forged_webhook_accepted: "accepts_forgeries" => "webhook.forged",
    a_forged_webhook_refused_with_another_code: "refuses_with_the_wrong_code" => "webhook.forged",
    memory_that_grows: "leaks_memory" => "load.memory",
    failures_called_success: "hides_failures" => "provider.failing",
    a_refused_request_called_success: "hides_failures" => "egress.private",
    passing_failures_called_permanent: "fails_for_good" => "provider.failing",
    cancelling_ignored: "ignores_cancelling" => "cancel.heard",
    a_panic: "panics_on_empty_names" => "input.hostile",
    a_panic_on_large_requests: "chokes_on_long_names" => "input.oversized",
    an_undeclared_host: "goes_elsewhere" => "egress.declared",
    a_download_from_an_undeclared_host: "downloads_from_elsewhere" => "egress.declared",
    crashes_under_load: "dies_now_and_then" => "load.restart",
    an_instance_that_bears_no_other_beside_it: "wants_to_be_alone" => "load.restart",
    a_signature_with_an_empty_key_accepted: "believes_an_empty_key" => "webhook.forged",
    no_way_in: "gives_no_way_in" => "calls.story",
    access_that_lasts_too_long: "lasts_too_long" => "calls.story",
}

#[tokio::test]
async fn a_plugin_that_says_yes_to_everything() {
    let mut options = options();
    options.level = Level::Silver;
    options.settings.config = json!({"strict": true}).as_object().cloned();
    let report = examine(&example("yes"), &options).await.unwrap();
    assert_eq!(report.reached, None);
    for check in [
        "manifest.sane",
        "life.refuse",
        "calls.story",
        "input.malformed",
        "input.unknown",
        "input.newer",
        "webhook.forged",
    ] {
        assert_eq!(verdict(&report, check), Verdict::Failed, "{check}\n{report}");
    }
}

#[tokio::test]
async fn the_same_plugin_without_a_fault_is_gold() {
    let report = with_fault("none", "").await;
    assert!(report.passed() && report.reached == Some(Level::Gold), "{report}");
    let text = report.to_string();
    assert!(text.contains("✓ gold   load.memory") && text.contains("reached gold, asked for gold"), "{text}");
}

#[tokio::test]
async fn the_rogue_reaches_no_level() {
    let report = examine(&support::plugin("rogue"), &options()).await.unwrap();
    assert_eq!(report.reached, None, "{report}");
}

#[tokio::test]
async fn what_is_no_plugin_is_not_examined() {
    let error = examine(std::path::Path::new("/etc/hostname"), &options()).await.unwrap_err();
    assert!(error.to_string().contains("cannot be loaded"), "{error}");
    assert!(examine(std::path::Path::new("/no/such/file.so"), &options()).await.is_err());
}
