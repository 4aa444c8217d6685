//! To the pharmacy once, whatever happens on the way.

use std::{sync::Arc, time::Duration};

use consilium_db::testing::TestDb;
use consilium_kernel::{CommandMeta, Role, User};
use consilium_plugin_contract::pharmacy::DispatchStatus;
use consilium_prescribing::DispatchStatus as Status;
use consilium_runtime::TimerWorker;

use crate::world::{Deed, MEDICINE, World, code, meta, staff};

#[actix_rt::test]
async fn patient_and_doctor_send_it_and_nobody_else() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let id = world.issue().await.document.id;
        for nobody in [&world.stranger, &world.other_doctor, &staff(Role::Admin)] {
            assert_eq!(code(world.prescribing.send(&meta(nobody), id, None).await), "not_found", "{}", nobody.role);
        }
        assert_eq!(code(world.prescribing.send(&meta(&staff(Role::Pharmacist)), id, None).await), "forbidden");
        for wrong in ["", "a\nb", &"x".repeat(101)] {
            let refused = world.prescribing.send(&meta(&world.patient), id, Some(wrong.to_owned())).await;
            assert_eq!(code(refused), "invalid");
        }
        *world.pharmacy.closed.lock().unwrap() = true;
        assert_eq!(code(world.prescribing.send(&meta(&world.patient), id, None).await), "no_pharmacy");
        *world.pharmacy.closed.lock().unwrap() = false;
        assert_eq!(world.timers().await, Vec::<String>::new());
        let queued = world.prescribing.send(&meta(&world.doctor), id, Some("central".to_owned())).await.unwrap();
        assert_eq!(queued.status().to_string(), "queued");
        assert_eq!(code(world.prescribing.send(&meta(&world.patient), id, None).await), "already_sent");
        world.work(&world.dispatcher).await;
        assert_eq!(world.status(id).await, "sent");
        let calls = world.pharmacy.calls.lock().unwrap();
        let [call] = calls.as_slice() else { panic!("{} calls", calls.len()) };
        assert_eq!(call.pharmacy_id.as_deref(), Some("central"));
        assert_eq!(call.prescription.medicines[0].name, MEDICINE);
        assert_eq!(call.prescription.prescriber.licence_number, "BMDC A-48213");
        assert_eq!(call.prescription.patient.name.as_ref().unwrap().given, "Rabeya");
    }
}

#[actix_rt::test]
async fn pharmacists_see_what_is_to_be_dispensed_in_their_facility() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let pharmacist = staff(Role::Pharmacist);
        let list = async |who: &User, status: Option<Status>, limit, cursor: Option<&str>| {
            world.prescribing.to_dispense(&meta(who), status, limit, cursor).await
        };
        let ids = async |status| {
            let found = list(&pharmacist, status, None, None).await.unwrap();
            found.items.into_iter().map(|item| item.document.id).collect::<Vec<_>>()
        };
        world.issue().await;
        assert_eq!(ids(None).await, [], "what was only issued is nobody's to dispense");
        let first = world.sent().await;
        world.work(&world.dispatcher).await;
        let second = world.sent().await;
        assert_eq!(ids(None).await, [first, second], "the longest waiting first, whatever their status");
        assert_eq!((ids(Some(Status::Sent)).await, ids(Some(Status::Queued)).await), (vec![first], vec![second]));
        assert_eq!(ids(Some(Status::Dispensed)).await, []);
        assert_eq!(world.audited("read_prescription").await, 4, "each that was shown");

        let page = list(&pharmacist, None, Some(1), None).await.unwrap();
        let rest = list(&pharmacist, None, Some(1), page.next_cursor.as_deref()).await.unwrap();
        let seen = [&page.items[0], &rest.items[0]].map(|item| item.document.id);
        assert_eq!((seen, rest.next_cursor), ([first, second], None));
        assert_eq!(code(list(&pharmacist, None, None, Some("nonsense")).await), "invalid");

        world.prescribing.withdraw(&meta(&world.doctor), second).await.unwrap();
        assert_eq!(ids(None).await, [first], "what was withdrawn is not dispensed");
        let elsewhere = User { facility_id: consilium_kernel::Id::new(first.uuid()), ..pharmacist.clone() };
        assert!(list(&elsewhere, None, None, None).await.unwrap().items.is_empty(), "of another facility");
        let reaching_over = CommandMeta { scope: meta(&pharmacist).scope, ..meta(&elsewhere) };
        assert_eq!(code(world.prescribing.to_dispense(&reaching_over, None, None, None).await), "forbidden");
        for nobody in [&world.doctor, &world.patient, &staff(Role::Admin), &staff(Role::Nurse)] {
            assert_eq!(code(list(nobody, None, None, None).await), "forbidden", "{}", nobody.role);
        }
    }
}

#[actix_rt::test]
async fn an_unknown_outcome_is_repeated_under_the_same_key() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        world.pharmacy.will(&[Deed::Fail, Deed::TakeSilently, Deed::Fail, Deed::Take]);
        let id = world.sent().await;
        world.work(&world.dispatcher).await;
        assert_eq!(world.status(id).await, "queued");
        for _ in 0..3 {
            world.pass(60);
            world.work(&world.dispatcher).await;
        }
        assert_eq!(world.status(id).await, "sent");
        let read = world.prescribing.prescription(&meta(&world.patient), id).await.unwrap();
        let dispatch = read.dispatch.unwrap();
        assert_eq!(world.pharmacy.keys(), [dispatch.id.to_string(), dispatch.id.to_string()]);
        assert_eq!(world.pharmacy.taken.lock().unwrap().len(), 1, "dispensed once");
        assert_eq!(dispatch.attempts, 4);
        let told = world.told().await;
        assert_eq!(
            told,
            ["prescription_issued issued", "prescription_sent queued", "prescription_status_changed sent"]
        );
    }
}

#[actix_rt::test]
async fn a_pharmacy_that_wants_to_be_left_alone_is() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        world.pharmacy.will(&[Deed::Limit(600)]);
        let id = world.sent().await;
        world.work(&world.dispatcher).await;
        world.pass(599);
        world.work(&world.dispatcher).await;
        assert_eq!((world.status(id).await.as_str(), world.pharmacy.keys().len()), ("queued", 0), "asked too early");
        world.pass(2);
        world.work(&world.dispatcher).await;
        assert_eq!((world.status(id).await.as_str(), world.pharmacy.keys().len()), ("sent", 1));
    }
}

#[actix_rt::test]
async fn attempts_come_further_and_further_apart() {
    let world = World::begun(TestDb::sqlite()).await;
    world.pharmacy.will(&vec![Deed::Fail; 100]);
    world.sent().await;
    let mut attempts = Vec::new();
    for second in 0..600 {
        let before = world.pharmacy.plan.lock().unwrap().len();
        world.work(&world.dispatcher).await;
        if world.pharmacy.plan.lock().unwrap().len() < before {
            attempts.push(second);
        }
        world.pass(1);
    }
    let gaps: Vec<i64> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.windows(2).all(|pair| pair[0] < pair[1]), "{gaps:?}");
    assert!((5..=9).contains(&gaps.len()), "{gaps:?}");
}

/// The process dies while the pharmacy is asked: the claim runs out, and the same key is sent again.
#[actix_rt::test]
async fn a_crash_in_the_middle_repeats_the_same_key() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        world.pharmacy.will(&[Deed::TakeAndHang]);
        let id = world.sent().await;
        let dying = world.restarted();
        let (db, pharmacy) = (world.test.db.clone(), world.pharmacy.clone());
        let process = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                TimerWorker::new(db, vec![Arc::new(dying)]).fire_due().await.unwrap();
                while pharmacy.keys().is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            // Everything that ran on this runtime ends here, in the middle of the call.
        });
        process.join().unwrap();
        assert_eq!(world.status(id).await, "queued");
        let after = world.restarted();
        world.work(&after).await;
        assert_eq!(world.pharmacy.keys().len(), 1, "claimed: nobody else calls meanwhile");
        world.pass(31);
        world.work(&after).await;
        assert_eq!(world.status(id).await, "sent");
        let keys = world.pharmacy.keys();
        assert_eq!(keys, [keys[0].clone(), keys[0].clone()]);
        assert_eq!(world.pharmacy.taken.lock().unwrap().len(), 1);
    }
}

#[actix_rt::test]
async fn a_pharmacy_that_says_no_ends_it_and_another_try_has_another_key() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        world.pharmacy.will(&[Deed::Refuse, Deed::Take]);
        let id = world.sent().await;
        world.work(&world.dispatcher).await;
        let read = world.prescribing.prescription(&meta(&world.patient), id).await.unwrap();
        assert_eq!(read.status().to_string(), "failed");
        assert_eq!(read.dispatch.unwrap().problem.as_deref(), Some("pharmacy_refused"));
        assert_eq!(world.timers().await, Vec::<String>::new());
        world.prescribing.send(&meta(&world.patient), id, None).await.unwrap();
        world.work(&world.dispatcher).await;
        assert_eq!(world.status(id).await, "sent");
        let keys = world.pharmacy.keys();
        assert_ne!(keys[0], keys[1]);
    }
}

#[actix_rt::test]
async fn a_pharmacy_that_stays_away_is_given_up_visibly() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        world.pharmacy.will(&[Deed::Fail, Deed::Fail]);
        let id = world.sent().await;
        world.work(&world.dispatcher).await;
        world.pass(72 * 3600);
        world.work(&world.dispatcher).await;
        assert_eq!(world.status(id).await, "failed");
        assert_eq!(world.timers().await, Vec::<String>::new());
    }
}

#[actix_rt::test]
async fn a_prescription_expires() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let (id, other) = (world.issue().await.document.id, world.issue().await.document.id);
        world.pass(30 * 24 * 3600);
        world.prescribing.send(&meta(&world.patient), id, None).await.unwrap();
        world.pass(24 * 3600);
        assert_eq!(code(world.prescribing.send(&meta(&world.patient), other, None).await), "prescription_expired");
    }
}

#[actix_rt::test]
async fn the_pharmacy_is_asked_until_it_is_dispensed() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let id = world.sent().await;
        world.work(&world.dispatcher).await;
        assert_eq!(world.timers().await, ["pharmacy_poll"]);
        let ask = async |standing: Option<DispatchStatus>| {
            *world.pharmacy.standing.lock().unwrap() = standing;
            world.pass(600);
            world.work(&world.dispatcher).await;
            world.status(id).await
        };
        assert_eq!(ask(Some(DispatchStatus::Ready)).await, "ready");
        assert_eq!(ask(Some(DispatchStatus::Accepted)).await, "ready", "late news");
        assert_eq!(ask(None).await, "ready");
        assert_eq!(ask(Some(DispatchStatus::Dispensed)).await, "dispensed");
        assert_eq!(world.timers().await, Vec::<String>::new());
        assert_eq!(code(world.prescribing.send(&meta(&world.patient), id, None).await), "already_dispensed");
        assert_eq!(code(world.prescribing.withdraw(&meta(&world.doctor), id).await), "already_dispensed");
    }
}

#[actix_rt::test]
async fn what_is_withdrawn_never_stays_at_the_pharmacy() {
    for test in TestDb::both() {
        let world = World::begun(test).await;
        let withdraw = async |id| world.prescribing.withdraw(&meta(&world.doctor), id).await;
        let never_tried = world.sent().await;
        assert_eq!(code(world.prescribing.withdraw(&meta(&world.patient), never_tried).await), "forbidden");
        assert_eq!(code(world.prescribing.withdraw(&meta(&world.other_doctor), never_tried).await), "not_found");
        withdraw(never_tried).await.unwrap();
        world.work(&world.dispatcher).await;
        assert!(world.pharmacy.keys().is_empty());
        assert_eq!(code(withdraw(never_tried).await), "prescription_withdrawn");
        assert_eq!(
            code(world.prescribing.send(&meta(&world.patient), never_tried, None).await),
            "prescription_withdrawn"
        );

        let at_pharmacy = world.sent().await;
        world.work(&world.dispatcher).await;
        withdraw(at_pharmacy).await.unwrap();
        world.work(&world.dispatcher).await;
        assert_eq!(world.pharmacy.cancelled.lock().unwrap().len(), 1);

        // Withdrawn while nobody knows whether it arrived.
        world.pharmacy.will(&[Deed::TakeSilently]);
        let unknown = world.sent().await;
        world.work(&world.dispatcher).await;
        withdraw(unknown).await.unwrap();
        for _ in 0..2 {
            world.pass(60);
            world.work(&world.dispatcher).await;
        }
        assert_eq!(world.pharmacy.cancelled.lock().unwrap().len(), 2);
        assert_eq!(world.timers().await, Vec::<String>::new());
        for id in [never_tried, at_pharmacy, unknown] {
            let read = world.prescribing.prescription(&meta(&world.patient), id).await.unwrap();
            assert_eq!(read.status().to_string(), "withdrawn");
            assert_eq!(read.dispatch.unwrap().status.to_string(), "cancelled");
        }
    }
}
