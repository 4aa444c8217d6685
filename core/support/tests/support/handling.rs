//! Handling: by support and administrators of the facility alone, until it is resolved.

use consilium_db::testing::TestDb;
use consilium_kernel::{Id, Ids, RandomIds, Role};
use consilium_support::{EntryKind, IssueFilter, IssueStatus, Severity};

use crate::world::{World, code, draft, keyed, meta, staff};

#[actix_rt::test]
async fn an_issue_is_assigned_commented_and_resolved_on_sqlite_and_postgres() {
    for test in TestDb::both() {
        let world = World::new(test, &["first"]).await;
        let id = world.support.report(meta(&world.patient), world.id, draft(Severity::Low)).await.unwrap().issue.id;
        let (agent, admin) = (staff(Role::Support), staff(Role::Admin));
        let mut foreign = staff(Role::Support);
        foreign.facility_id = Id::new(RandomIds.next());
        let others = [&world.patient, &world.doctor, &world.stranger, &staff(Role::Nurse), &foreign];
        for other in others {
            let who = meta(other);
            let support = &world.support;
            let listed = support.issues(&who, IssueFilter::default()).await;
            assert!(listed.is_err() || listed.unwrap().items.is_empty(), "{}", other.role);
            assert_eq!(code(support.issue(&who, id).await), "not_found");
            assert_eq!(code(support.timeline(&who, id).await), "not_found");
            assert_eq!(code(support.assign(who.clone(), id, None).await), "not_found");
            assert_eq!(code(support.comment(who.clone(), id, "mine").await), "not_found");
            assert_eq!(code(support.resolve(who, id, "mine").await), "not_found");
        }
        let read = world.support.issue(&meta(&agent), id).await.unwrap();
        assert_eq!((read.status, read.description.as_str()), (IssueStatus::Open, "canary: the picture is black"));
        assert_eq!(read.diagnostics.unwrap()["browser"], "Firefox 150");
        let patient = world.patient.user_id;
        assert_eq!(code(world.support.assign(meta(&agent), id, Some(patient)).await), "invalid");
        let key = keyed(&agent, "assign");
        let mine = world.support.assign(key.clone(), id, None).await.unwrap();
        assert_eq!(world.support.assign(key, id, None).await.unwrap(), mine, "a repeated request");
        assert_eq!((mine.status, mine.assignee_id), (IssueStatus::Assigned, Some(agent.user_id)));
        assert_eq!(code(world.support.comment(meta(&agent), id, " ").await), "invalid");
        world.support.comment(meta(&admin), id, "camera in use by another program").await.unwrap();
        let done = world.support.resolve(meta(&agent), id, "closed the other program").await.unwrap();
        assert_eq!((done.status, done.version), (IssueStatus::Resolved, 4));
        for again in [
            world.support.resolve(meta(&agent), id, "again").await,
            world.support.comment(meta(&agent), id, "again").await,
            world.support.assign(meta(&agent), id, None).await,
        ] {
            assert_eq!(code(again), "invalid_transition");
        }
        let timeline = world.support.timeline(&meta(&admin), id).await.unwrap();
        let told: Vec<_> = timeline.iter().map(|entry| (entry.kind, entry.author_id)).collect();
        let expected = [
            (EntryKind::Reported, Some(patient)),
            (EntryKind::Assigned, Some(agent.user_id)),
            (EntryKind::Commented, Some(admin.user_id)),
            (EntryKind::Resolved, Some(agent.user_id)),
        ];
        assert_eq!(told, expected);
        assert_eq!(timeline[2].text.as_deref(), Some("camera in use by another program"));
        assert_eq!(world.events("issue_resolved").await.len(), 1);
    }
}

#[actix_rt::test]
async fn the_inbox_is_filtered_and_goes_on_where_it_ended() {
    for test in TestDb::both() {
        let world = World::new(test, &["first"]).await;
        let agent = meta(&staff(Role::Support));
        let mut ids = Vec::new();
        for severity in [Severity::Low, Severity::High, Severity::Low] {
            ids.push(world.support.report(meta(&world.patient), world.id, draft(severity)).await.unwrap().issue.id);
        }
        world.support.resolve(agent.clone(), ids[0], "done").await.unwrap();
        let listed = async |filter: IssueFilter| {
            let page = world.support.issues(&agent, filter).await.unwrap();
            (page.items.into_iter().map(|issue| issue.id).collect::<Vec<_>>(), page.next_cursor)
        };
        assert_eq!(listed(IssueFilter::default()).await.0, [ids[2], ids[1], ids[0]]);
        let open = IssueFilter { status: Some(IssueStatus::Open), ..IssueFilter::default() };
        assert_eq!(listed(open).await.0, [ids[2], ids[1]]);
        let high = IssueFilter { severity: Some(Severity::High), ..IssueFilter::default() };
        assert_eq!(listed(high).await.0, [ids[1]]);
        let (first, cursor) = listed(IssueFilter { limit: Some(2), ..IssueFilter::default() }).await;
        assert_eq!((first, cursor), (vec![ids[2], ids[1]], Some(ids[1])));
        let rest = listed(IssueFilter { cursor, ..IssueFilter::default() }).await;
        assert_eq!(rest, (vec![ids[0]], None));
        let wrong = IssueFilter { limit: Some(0), ..IssueFilter::default() };
        assert_eq!(code(world.support.issues(&agent, wrong).await), "invalid");
    }
}
