//! Who sees which figures.

use consilium_db::testing::TestDb;
use consilium_kernel::{Id, Role, User};

use crate::world::{World, code, eventually, meta, staff};

#[actix_rt::test]
async fn doctors_see_their_own_figures_and_administrators_all() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        world.ended("completed").await;
        let id = world.doctor.doctor_id.unwrap();
        let ask = async |who: &User| world.insights.doctor(&meta(who), id, None, None).await;
        for reader in [&world.doctor, &staff(Role::Admin)] {
            // Asking has what was just committed counted.
            eventually("nothing is counted", async || !ask(reader).await.unwrap().days.is_empty()).await;
            let figures = ask(reader).await.unwrap();
            assert_eq!(figures.days[0].sessions, 1);
            assert_eq!((figures.from.to_string(), figures.to.to_string()), ("2026-05-03".into(), "2026-06-01".into()));
            assert_eq!(figures.time_zone.name(), "Asia/Dhaka");
        }
        for nobody in [&world.other, &staff(Role::Nurse), &staff(Role::Patient)] {
            assert_eq!(code(ask(nobody).await), "not_found", "{}", nobody.role);
        }
        let mut elsewhere = staff(Role::Admin);
        elsewhere.facility_id = Id::new(id.uuid());
        assert_eq!(code(ask(&elsewhere).await), "not_found");
        let (admin, unknown) = (meta(&staff(Role::Admin)), Id::new(world.doctor.user_id.uuid()));
        assert_eq!(code(world.insights.doctor(&admin, unknown, None, None).await), "not_found");
    }
}

#[actix_rt::test]
async fn figures_that_cannot_be_had_are_a_passing_refusal() {
    let world = World::new(TestDb::sqlite()).await;
    let id = world.doctor.doctor_id.unwrap();
    *world.counter.down.lock().unwrap() = true;
    let refusal = world.insights.doctor(&meta(&world.doctor), id, None, None).await.unwrap_err();
    assert_eq!((refusal.code.as_ref(), refusal.retry_after), ("analytics_unavailable", Some(5)));
    let day = |text: &str| Some(text.parse().unwrap());
    let backwards = world.insights.doctor(&meta(&world.doctor), id, day("2026-06-02"), day("2026-06-01")).await;
    assert_eq!(code(backwards), "invalid");
}
