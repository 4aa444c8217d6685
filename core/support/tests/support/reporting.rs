//! Reporting: kept, told without words, and answered with another way.

use std::time::Duration;

use consilium_db::testing::TestDb;
use consilium_kernel::Role;
use consilium_support::{EntryKind, IssueFilter, IssueStatus, Severity};

use crate::world::{World, code, draft, keyed, meta, staff};

#[actix_rt::test]
async fn whoever_takes_part_reports_and_is_offered_another_way_on_sqlite_and_postgres() {
    for test in TestDb::both() {
        let world = World::new(test, &["first", "second"]).await;
        for other in [&world.stranger, &staff(Role::Support), &staff(Role::Admin)] {
            assert_eq!(code(world.support.report(meta(other), world.id, draft(Severity::Low)).await), "not_found");
        }
        let mut blank = draft(Severity::Low);
        blank.description = " ".to_owned();
        assert_eq!(code(world.support.report(meta(&world.patient), world.id, blank).await), "invalid");
        let before = world.support.report(meta(&world.patient), world.id, draft(Severity::Low)).await.unwrap();
        assert!(before.backup.is_none(), "nobody is there yet");
        world.meet().await;
        let key = keyed(&world.patient, "once");
        let during = world.support.report(key.clone(), world.id, draft(Severity::Medium)).await.unwrap();
        assert_eq!(world.support.report(key, world.id, draft(Severity::Medium)).await.unwrap(), during);
        let backup = during.backup.unwrap();
        assert_eq!(backup.path, format!("/c/{}", world.id));
        assert_eq!(backup.next_provider.as_deref(), Some("second"));
        assert_eq!(backup.emergency_contacts, ["Front desk: 100"]);
        let reported = world.events("issue_reported").await;
        assert_eq!(reported.len(), 2);
        assert!(!reported[1].to_string().contains("canary"), "words stay out of events");
        let offered = world.events("backup_link_offered").await;
        assert_eq!(offered.len(), 1);
        assert_eq!(offered[0]["emergency_contacts"][0], "Front desk: 100");
        assert_eq!(offered[0]["issue_id"], during.issue.id.to_string());
        assert!(world.events("video_provider_switched").await.is_empty(), "it was not that bad");
        for _ in 0..3 {
            world.support.report(meta(&world.patient), world.id, draft(Severity::Low)).await.unwrap();
        }
        let refused = world.support.report(meta(&world.patient), world.id, draft(Severity::Low)).await;
        assert_eq!(code(refused), "too_many_issues");
        world.support.report(meta(&world.doctor), world.id, draft(Severity::Low)).await.unwrap();
        world.consultations.end(meta(&world.doctor), world.id).await.unwrap();
        world.test.clock.set("2026-06-08T08:00:00Z".parse().unwrap());
        let late = world.support.report(meta(&world.patient), world.id, draft(Severity::Low)).await;
        assert_eq!(code(late), "invalid_transition");
    }
}

#[actix_rt::test]
async fn a_bad_issue_moves_the_consultation_on_and_says_so_on_sqlite_and_postgres() {
    for (providers, expected) in
        [(&["first", "second"][..], EntryKind::ProviderSwitched), (&["first"][..], EntryKind::ProviderKept)]
    {
        for test in TestDb::both() {
            let world = World::new(test, providers).await;
            world.meet().await;
            let support = meta(&staff(Role::Support));
            let issue =
                world.support.report(meta(&world.patient), world.id, draft(Severity::High)).await.unwrap().issue;
            let mut kinds = Vec::new();
            for _ in 0..500 {
                let timeline = world.support.timeline(&support, issue.id).await.unwrap();
                kinds = timeline.into_iter().map(|entry| entry.kind).collect();
                if kinds.len() == 3 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(kinds, [EntryKind::Reported, EntryKind::BackupLinkOffered, expected]);
            let now = world.consultations.consultation(&meta(&world.doctor), world.id).await.unwrap();
            let serving = now.videos.last().unwrap();
            assert!(serving.left_at.is_none(), "nobody loses the video that others can use");
            let switched = world.events("video_provider_switched").await;
            match expected {
                EntryKind::ProviderSwitched => assert_eq!(
                    (switched[0]["to"].as_str(), switched[0]["reason"].as_str(), serving.provider.as_str()),
                    (Some("second"), Some("reported"), "second")
                ),
                _ => assert_eq!((switched.len(), serving.provider.as_str()), (0, "first")),
            }
            let open = IssueFilter { severity: Some(Severity::High), ..IssueFilter::default() };
            assert_eq!(world.support.issues(&support, open).await.unwrap().items[0].status, IssueStatus::Open);
        }
    }
}
