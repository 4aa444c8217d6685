//! Ratings: once, by the patient of a completed consultation, and the doctor's average with them.

use consilium_consultations::{RatingDraft, RatingTag};
use consilium_db::testing::TestDb;
use consilium_kernel::{ConsultationId, Role, User};

use crate::world::{World, code, keyed, meta, nine, staff};

fn draft(rating: u8, text: Option<&str>) -> RatingDraft {
    RatingDraft { rating, text: text.map(str::to_owned), tags: [RatingTag::Listened].into() }
}

async fn completed(world: &World, patient: &User, time: &str) -> ConsultationId {
    let (_, id) = world.accepted(patient, format!("2026-06-01T{time}Z").parse().unwrap(), false).await;
    world.consultations.start(meta(&world.doctor), id).await.unwrap();
    world.consultations.end(meta(&world.doctor), id).await.unwrap();
    id
}

#[actix_rt::test]
async fn only_its_patient_rates_a_completed_consultation_and_only_once_on_sqlite_and_postgres() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, stranger) = (world.patient("ada").await, world.patient("eve").await);
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let rate = async |who: &User, draft: RatingDraft| world.consultations.rate(meta(who), id, draft).await;
        assert_eq!(code(rate(&patient, draft(5, None)).await), "invalid_transition", "nobody has met yet");
        world.consultations.start(meta(&world.doctor), id).await.unwrap();
        assert_eq!(code(rate(&patient, draft(5, None)).await), "invalid_transition");
        world.consultations.end(meta(&world.doctor), id).await.unwrap();
        for wrong in [draft(0, None), draft(6, None), draft(3, Some(&"x".repeat(2_001)))] {
            assert_eq!(code(rate(&patient, wrong).await), "invalid");
        }
        assert_eq!(code(rate(&world.doctor, draft(5, None)).await), "forbidden");
        for other in [&stranger, &staff(Role::Admin), &staff(Role::Nurse)] {
            assert_eq!(code(rate(other, draft(1, None)).await), "not_found");
        }
        let unrated = world.people.doctor(&meta(&patient), world.doctor_id()).await.unwrap();
        assert_eq!((unrated.rating.average, unrated.rating.count), (None, 0));
        let stored = world.consultations.rate(keyed(&patient, "r"), id, draft(4, Some(" calm "))).await.unwrap();
        assert_eq!((stored.rating, stored.text.as_deref()), (4, Some("calm")));
        let again = world.consultations.rate(keyed(&patient, "r"), id, draft(4, Some(" calm "))).await.unwrap();
        assert_eq!(again, stored, "a repeated request");
        assert_eq!(code(rate(&patient, draft(5, None)).await), "already_rated");
        let second = completed(&world, &stranger, "09:10:00").await;
        world.consultations.rate(meta(&stranger), second, draft(1, None)).await.unwrap();
        let rated = world.people.doctor(&meta(&patient), world.doctor_id()).await.unwrap();
        assert_eq!((rated.rating.average, rated.rating.count), (Some(2.5), 2));
        assert!(rated.version > unrated.version, "a client that kept the profile sees that it changed");
        assert_eq!(world.audited("consultation_rated").await, 2);
    }
}

#[actix_rt::test]
async fn two_ratings_at_once_leave_one_on_sqlite_and_postgres() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let id = completed(&world, &patient, "09:00:00").await;
        let rate = |stars| world.consultations.rate(meta(&patient), id, draft(stars, None));
        let both = futures_util::future::join_all([rate(1), rate(2), rate(3), rate(4)]).await;
        let codes: Vec<_> = both.iter().filter_map(|one| one.as_ref().err()).map(|no| no.code.as_ref()).collect();
        assert_eq!(codes, ["already_rated"; 3]);
        let doctor = world.people.doctor(&meta(&patient), world.doctor_id()).await.unwrap();
        assert_eq!(doctor.rating.count, 1);
    }
}

#[actix_rt::test]
async fn ratings_close_after_some_days_and_the_doctor_is_not_told_whose_they_are() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (early, late) = (world.patient("ada").await, world.patient("eve").await);
        let first = completed(&world, &early, "09:00:00").await;
        let second = completed(&world, &late, "09:10:00").await;
        world.consultations.rate(meta(&early), first, draft(5, Some("kind"))).await.unwrap();
        world.test.clock.set("2026-07-01T07:59:59Z".parse().unwrap());
        world.consultations.rate(meta(&late), second, draft(2, None)).await.unwrap();
        let third = {
            world.test.clock.set("2026-06-01T08:00:00Z".parse().unwrap());
            completed(&world, &early, "09:20:00").await
        };
        world.test.clock.set("2026-07-01T08:00:01Z".parse().unwrap());
        assert_eq!(code(world.consultations.rate(meta(&early), third, draft(5, None)).await), "rating_closed");

        let seen = world.consultations.ratings(&meta(&world.doctor), world.doctor_id(), Some(1), None).await.unwrap();
        assert_eq!((seen.items[0].rating, seen.items[0].patient_id, seen.items[0].consultation_id), (2, None, None));
        let rest = world.consultations.ratings(&meta(&world.doctor), world.doctor_id(), None, seen.next_cursor).await;
        let rest = rest.unwrap();
        assert_eq!((rest.items[0].text.as_deref(), rest.items.len(), rest.next_cursor), (Some("kind"), 1, None));
        let admin = meta(&staff(Role::Admin));
        let named = world.consultations.ratings(&admin, world.doctor_id(), None, None).await.unwrap();
        assert_eq!(named.items[0].patient_id, late.patient_id);
        for other in [&early, &staff(Role::Nurse), &staff(Role::Support)] {
            let refused = world.consultations.ratings(&meta(other), world.doctor_id(), None, None).await;
            assert_eq!(code(refused), "not_found");
        }
        assert_eq!(world.audited("read_ratings").await, 3);
    }
}
