//! Connection quality: kept by the minute, turned into advice for one, and into the offer of another way for both.

use consilium_consultations::{Direction, MeasuredMedia, Measurement, QualityAdvice};
use consilium_db::testing::TestDb;
use consilium_kernel::{ConsultationId, Role, Timestamp, User};
use consilium_runtime::{EventBus, LiveEvent};
use futures_util::FutureExt;

use crate::world::{World, code, meta, nine, staff};

fn measured(at: Timestamp, loss: f64) -> Measurement {
    Measurement {
        at,
        direction: Direction::Inbound,
        media: MeasuredMedia::Audio,
        bitrate_kbps: 40,
        packet_loss_percent: loss,
        jitter_ms: 10,
        round_trip_ms: 100,
        frames_per_second: None,
    }
}

async fn meeting(world: &World) -> (User, ConsultationId) {
    let patient = world.patient("ada").await;
    let (_, id) = world.accepted(&patient, nine(), false).await;
    world.at("09:00:00");
    world.consultations.start(meta(&world.doctor), id).await.unwrap();
    for user in [&world.doctor, &patient] {
        world.consultations.join(meta(user), id).await.unwrap();
    }
    (patient, id)
}

/// The patient reports `loss` in the minute after nine.
async fn report(world: &World, who: &User, id: ConsultationId, minute: u32, loss: f64) -> QualityAdvice {
    world.at(&format!("09:{minute:02}:30"));
    let now = format!("2026-06-01T09:{minute:02}:30Z").parse().unwrap();
    world.consultations.report_quality(meta(who), id, vec![measured(now, loss)]).await.unwrap().advice
}

#[actix_rt::test]
async fn only_who_is_in_the_room_reports_and_only_so_often_on_sqlite_and_postgres() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, stranger) = (world.patient("ada").await, world.patient("eve").await);
        let (_, id) = world.accepted(&patient, nine(), false).await;
        world.at("09:00:00");
        let now = nine();
        let send =
            async |who: &User, all: Vec<Measurement>| world.consultations.report_quality(meta(who), id, all).await;
        world.consultations.join(meta(&patient), id).await.unwrap();
        assert_eq!(code(send(&patient, vec![measured(now, 0.0)]).await), "not_admitted", "who waits has no media");
        world.consultations.start(meta(&world.doctor), id).await.unwrap();
        for other in [&stranger, &staff(Role::Admin), &staff(Role::Support)] {
            assert_eq!(code(send(other, vec![measured(now, 0.0)]).await), "not_found");
        }
        for wrong in
            [vec![], vec![measured(now, 0.0); 121], vec![measured(now, 100.5)], vec![measured(Timestamp::MIN, 0.0)]]
        {
            assert_eq!(code(send(&patient, wrong).await), "invalid");
        }
        for _ in 0..20 {
            assert_eq!(send(&patient, vec![measured(now, 2.0), measured(now, 4.0)]).await.unwrap().accepted, 2);
        }
        let refused = send(&patient, vec![measured(now, 0.0)]).await.unwrap_err();
        assert_eq!((refused.code.as_ref(), refused.retry_after), ("too_many_reports", Some(60)));
        send(&world.doctor, vec![measured(now, 0.0)]).await.unwrap();

        let seen = world.consultations.quality(&meta(&world.doctor), id).await.unwrap();
        let patients = seen.iter().find(|one| one.user_id == patient.user_id).unwrap();
        assert_eq!(patients.minutes.len(), 1, "minutes are kept, not measurements");
        let minute = patients.minutes[0];
        assert_eq!((minute.samples, minute.packet_loss_percent, minute.bitrate_kbps), (40, 3.0, 40));
        for who in [Role::Support, Role::Admin] {
            assert_eq!(world.consultations.quality(&meta(&staff(who)), id).await.unwrap(), seen);
        }
        assert_eq!(world.audited("read_quality").await, 2);
        assert_eq!(code(world.consultations.quality(&meta(&patient), id).await), "forbidden");
        assert_eq!(code(world.consultations.quality(&meta(&stranger), id).await), "not_found");
    }
}

#[actix_rt::test]
async fn bad_minutes_become_advice_and_then_the_offer_of_another_way_on_sqlite_and_postgres() {
    use QualityAdvice::{Audio, Chat, Video};
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, id) = meeting(&world).await;
        let topic = consilium_consultations::topic(id);
        let mut live = world.bus.subscribe(&topic).await;
        let mut advised = Vec::new();
        for (minute, loss) in [(0, 12.0), (1, 12.0), (2, 12.0), (3, 12.0), (4, 12.0), (5, 50.0)] {
            advised.push(report(&world, &patient, id, minute, loss).await);
        }
        // A minute is judged when the next one begins.
        assert_eq!(advised, [Video, Video, Audio, Audio, Chat, Chat]);
        assert_eq!(report(&world, &world.doctor, id, 5, 0.0).await, Video, "everybody by their own connection");
        let mut signals = Vec::new();
        while let Some(Some(Ok(event))) = live.next().now_or_never() {
            if let LiveEvent::Signal(signal) = event.as_ref()
                && signal.signal == "quality_advice"
            {
                assert_eq!(signal.to, Some(patient.user_id.uuid()), "to nobody else");
                signals.push(signal.data["advice"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(signals, ["audio", "chat"]);
        let offers = world.events(&topic).await.into_iter().filter(|(name, _)| name == "backup_link_offered");
        let offers: Vec<_> = offers.map(|(_, data)| data).collect();
        assert_eq!(offers.len(), 1, "once");
        assert_eq!(offers[0]["reason"], "quality");
        assert_eq!(offers[0]["path"], format!("/c/{id}"));
        assert_eq!(offers[0]["next_provider"], "second");
        assert_eq!(world.audited("quality_advised").await, 2);
    }
}

#[actix_rt::test]
async fn the_doctor_takes_the_offer_and_nobody_loses_the_video_without_another() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, id) = meeting(&world).await;
        assert_eq!(code(world.consultations.switch_video(&meta(&patient), id).await), "forbidden");
        assert_eq!(code(world.consultations.switch_video(&meta(&staff(Role::Admin)), id).await), "not_found");
        let now = world.consultations.switch_video(&meta(&world.doctor), id).await.unwrap();
        let serving = now.videos.last().unwrap();
        assert_eq!((serving.provider.as_str(), serving.reason.as_str()), ("second", "reported"));
        world.video.fail("third", "provider_down");
        world.video.fail("first", "provider_down");
        assert_eq!(code(world.consultations.switch_video(&meta(&world.doctor), id).await), "no_other_provider");
        let still = world.state(id).await;
        assert_eq!(still.videos.last().map(|choice| choice.left_at), Some(None));
        world.consultations.end(meta(&world.doctor), id).await.unwrap();
        assert_eq!(code(world.consultations.switch_video(&meta(&world.doctor), id).await), "invalid_transition");
    }
}
