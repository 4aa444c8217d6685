//! Webhooks of the pharmacy: taken in once, together with what the plugin remembers of them.

use consilium_db::{plugin_values, testing::TestDb};
use consilium_plugin_contract::{
    host::KvWrite,
    pharmacy::{Dispatch, DispatchStatus, WebhookAccepted},
};
use serde_json::json;

use crate::world::{Deed, World, code};

const GATEWAY: &str = "pharmacy-rest";

fn report(reference: &str, status: DispatchStatus, seen: &str) -> WebhookAccepted {
    WebhookAccepted {
        updates: vec![Dispatch { reference: reference.to_owned(), status, updated_at: None }],
        writes: vec![KvWrite { key: format!("seen/{seen}"), value: Some(json!(1)), expected: Some(0) }],
    }
}

async fn remembers(world: &World, seen: &'static str) -> bool {
    let key = format!("seen/{seen}");
    world.test.db.read(move |read| plugin_values::get(read, GATEWAY, &key)).await.unwrap().is_some()
}

#[actix_rt::test]
async fn a_report_moves_the_prescription_and_is_remembered_with_it() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let id = world.sent().await;
        world.work(&world.dispatcher).await;
        let reference = "MedicationRequest/1";
        let take = async |accepted| world.prescribing.pharmacy_reports(GATEWAY, accepted, 10_000).await;
        take(report(reference, DispatchStatus::Ready, "a")).await.unwrap();
        assert_eq!(world.status(id).await, "ready");
        assert!(remembers(&world, "a").await);
        // The plugin saw the same webhook twice at the same time: its second write has lost.
        assert_eq!(code(take(report(reference, DispatchStatus::Dispensed, "a")).await), "unavailable");
        assert_eq!(world.status(id).await, "ready", "neither or both");
        take(report(reference, DispatchStatus::Accepted, "late")).await.unwrap();
        assert_eq!(world.status(id).await, "ready", "late news change nothing");
        assert!(remembers(&world, "late").await);
        take(report(reference, DispatchStatus::Dispensed, "b")).await.unwrap();
        assert_eq!(world.status(id).await, "dispensed");
        let told = world.told().await;
        assert_eq!(told.last().unwrap(), "prescription_status_changed dispensed");
        assert_eq!(told.len(), 5);
        assert_eq!(world.timers().await, Vec::<String>::new());
        // Nothing new, only something to forget.
        take(WebhookAccepted {
            updates: Vec::new(),
            writes: vec![KvWrite { key: "seen/a".to_owned(), value: None, expected: None }],
        })
        .await
        .unwrap();
        assert!(!remembers(&world, "a").await);
    }
}

#[actix_rt::test]
async fn a_report_that_overtakes_the_answer_is_asked_for_again() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        world.pharmacy.will(&[Deed::TakeSilently]);
        let id = world.sent().await;
        world.work(&world.dispatcher).await;
        let early = report("MedicationRequest/1", DispatchStatus::Accepted, "early");
        let refusal = world.prescribing.pharmacy_reports(GATEWAY, early.clone(), 10_000).await.unwrap_err();
        assert_eq!((refusal.code.as_ref(), refusal.retry_after), ("report_too_early", Some(5)));
        assert!(!remembers(&world, "early").await, "or its repetition would be taken for a replay");
        world.pass(60);
        world.work(&world.dispatcher).await;
        world.prescribing.pharmacy_reports(GATEWAY, early, 10_000).await.unwrap();
        assert_eq!(world.status(id).await, "accepted");
        // A prescription that was never sent: nothing to wait for.
        let unknown = report("MedicationRequest/999", DispatchStatus::Accepted, "unknown");
        world.prescribing.pharmacy_reports(GATEWAY, unknown, 10_000).await.unwrap();
        let foreign = report("MedicationRequest/1", DispatchStatus::Rejected, "foreign");
        world.prescribing.pharmacy_reports("another-gateway", foreign, 10_000).await.unwrap();
        assert_eq!(world.status(id).await, "accepted", "another gateway cannot speak for this one");
    }
}
