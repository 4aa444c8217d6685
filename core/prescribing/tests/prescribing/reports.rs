//! What a pharmacy reports of itself: taken in as part of the transaction that settles its webhook.

use consilium_db::{Tx, testing::TestDb};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Refusal};
use consilium_plugin_contract::pharmacy::{Dispatch, DispatchStatus};
use consilium_prescribing::pharmacy_facility;

use crate::world::{Deed, World};

const GATEWAY: &str = "pharmacy-rest";
const REFERENCE: &str = "MedicationRequest/1";

async fn report(world: &World, gateway: &str, reference: &str, status: DispatchStatus) -> Result<bool, Refusal> {
    let update = Dispatch { reference: reference.to_owned(), status, updated_at: None };
    let (prescribing, gateway) = (world.prescribing.clone(), gateway.to_owned());
    let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
    let take = move |tx: &mut Tx<'_>| prescribing.pharmacy_reported(tx, &gateway, &update);
    world.test.db.write(&meta, take).await.map_err(Refusal::from)
}

#[actix_rt::test]
async fn a_report_moves_the_prescription_forwards_only() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let id = world.sent().await;
        world.work(&world.dispatcher).await;
        assert!(report(&world, GATEWAY, REFERENCE, DispatchStatus::Ready).await.unwrap());
        assert_eq!(world.status(id).await, "ready");
        for _ in 0..2 {
            report(&world, GATEWAY, REFERENCE, DispatchStatus::Accepted).await.unwrap();
            assert_eq!(world.status(id).await, "ready", "late news change nothing");
        }
        for _ in 0..2 {
            report(&world, GATEWAY, REFERENCE, DispatchStatus::Dispensed).await.unwrap();
            assert_eq!(world.status(id).await, "dispensed");
        }
        let told = world.told().await;
        assert_eq!(told.last().unwrap(), "prescription_status_changed dispensed");
        assert_eq!(told.len(), 5, "told once");
        assert_eq!(world.timers().await, Vec::<String>::new());
    }
}

#[actix_rt::test]
async fn a_report_that_overtakes_the_answer_is_taken_in_later() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        world.pharmacy.will(&[Deed::TakeSilently]);
        let id = world.sent().await;
        world.work(&world.dispatcher).await;
        let refusal = report(&world, GATEWAY, REFERENCE, DispatchStatus::Accepted).await.unwrap_err();
        assert_eq!((refusal.code.as_ref(), refusal.retry_after), ("report_too_early", Some(5)));
        world.pass(60);
        world.work(&world.dispatcher).await;
        assert!(report(&world, GATEWAY, REFERENCE, DispatchStatus::Accepted).await.unwrap());
        assert_eq!(world.status(id).await, "accepted");
        // A prescription that was never sent: nothing to wait for.
        assert!(!report(&world, GATEWAY, "MedicationRequest/999", DispatchStatus::Accepted).await.unwrap());
        assert!(!report(&world, "another-gateway", REFERENCE, DispatchStatus::Rejected).await.unwrap());
        assert_eq!(world.status(id).await, "accepted", "another gateway cannot speak for this one");
        let known =
            |reference: &'static str| world.test.db.read(move |session| pharmacy_facility(session, GATEWAY, reference));
        assert_eq!(known(REFERENCE).await.unwrap(), Some(DEFAULT_FACILITY));
        assert_eq!(known("MedicationRequest/999").await.unwrap(), None);
    }
}
