//! What a video provider recorded: kept once, and only where everybody had agreed.

use std::time::Duration;

use consilium_tests::{
    app::Backend,
    client::text,
    providers::{Answer, Fault},
};
use ring::digest;
use serde_json::{Value, json};

use crate::{
    provider_stage::{World, mp4, on_both, time},
    stage::link,
};

const LENGTH: usize = 300_000;

#[actix_rt::test]
async fn what_everybody_agreed_to_is_fetched_once_and_played() {
    on_both(mp4(LENGTH), async |world| {
        let agreed = world.agree().await;
        world.record();
        world.finish().await;
        // The bucket fails at first, then sends half of it.
        world.bucket.fault("/recordings", Fault::Instead(Answer::empty(503)));
        world.bucket.fault("/recordings", Fault::Truncated);
        for delivery in ["EV_1", "EV_1", "EV_2", "EV_3"] {
            world.tell(delivery).await;
        }
        let file = world.until("kept").await;
        assert_eq!(file["attempts"], 2, "tried again after each failure");
        assert_eq!(world.bucket.requests("/recordings").len(), 3);
        world.tell("EV_4").await;
        world.bucket.finish();

        let [kept] = world.kept().await.try_into().expect("one recording");
        let id = text(&kept, "id");
        assert_eq!((id, text(&file, "recording_id")), (text(&file, "id"), id));
        assert_eq!((text(&kept, "status"), text(&kept, "media_type")), ("ready", "video/mp4"));
        let content = mp4(LENGTH);
        let sha256 = hex::encode(digest::digest(&digest::SHA256, &content));
        assert_eq!((text(&kept, "sha256"), kept["size_bytes"].as_u64()), (sha256.as_str(), Some(LENGTH as u64)));
        assert_eq!(
            kept["consents"],
            world.stage.doctor.get(&format!("/recordings/{agreed}")).await.expect(200)["consents"]
        );
        assert!(
            time(&kept, "started_at") < time(&kept, "stopped_at")
                && time(&kept, "expires_at") > time(&kept, "ready_at")
        );

        for whoever in [&world.stage.doctor, &world.stage.patient] {
            let link = link(whoever, id).await;
            let part = whoever.get(&link).header("Range", "bytes=1000-1099").await;
            assert_eq!(
                (part.status, part.header("content-range")),
                (206, format!("bytes 1000-1099/{LENGTH}").as_str())
            );
            assert_eq!(part.body.as_str().expect("text").as_bytes(), &content[1000..1100]);
        }
        assert_eq!(world.deployment.audited(&["play_recording"]).await.len(), 2);
        world.admin.post(&format!("/recordings/{id}/playback"), Value::Null).await.problem(403, "forbidden");
        let stored = world.deployment.folder().join("files").join(id);
        let sealed = std::fs::read(stored).expect("its object");
        assert!(!sealed.windows(8).any(|window| window == b"ftypisom"), "nothing in clear");
        let hold = json!({"reason": "A complaint"});
        assert_eq!(world.admin.post(&format!("/recordings/{id}/hold"), hold).await.expect(200)["held"], true);
    })
    .await;
}

#[actix_rt::test]
async fn what_nobody_agreed_to_is_not_even_asked_for() {
    on_both(mp4(LENGTH), async |world| {
        world.record();
        world.finish().await;
        world.tell("EV_1").await;
        world.is_refused("consent_missing").await;
        assert_eq!(world.bucket.requests("/").len(), 0);
        let dead = format!("/admin/provider-recordings/{}/retry", text(&world.file().await, "id"));
        world.admin.post(&dead, Value::Null).await.problem(409, "not_dead");
    })
    .await;
}

#[actix_rt::test]
async fn what_began_before_the_consent_is_refused() {
    on_both(mp4(LENGTH), async |world| {
        world.record();
        tokio::time::sleep(Duration::from_secs(7)).await;
        world.agree().await;
        world.finish().await;
        world.tell("EV_1").await;
        world.is_refused("consent_missing").await;
    })
    .await;
}

#[actix_rt::test]
async fn a_consent_that_is_taken_back_in_the_middle_ends_it() {
    on_both(mp4(LENGTH), async |world| {
        let agreed = world.agree().await;
        world.record();
        world.take_back(&agreed).await;
        world.finish().await;
        world.tell("EV_1").await;
        world.is_refused("consent_missing").await;
        assert_eq!(world.bucket.requests("/").len(), 0);
    })
    .await;
}

#[actix_rt::test]
async fn a_consent_that_is_taken_back_while_it_is_fetched_counts_too() {
    on_both(mp4(3_000), async |world| {
        let agreed = world.agree().await;
        world.record();
        world.finish().await;
        world.bucket.fault("/recordings", Fault::Slow(Duration::from_millis(1)));
        world.tell("EV_1").await;
        while world.bucket.requests("/recordings").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        world.take_back(&agreed).await;
        world.is_refused("consent_missing").await;
        assert_eq!(world.bucket.requests("/recordings").len(), 1);
        world.bucket.finish();
    })
    .await;
}

#[actix_rt::test]
async fn what_is_too_large_or_no_recording_is_refused() {
    for (content, says_length, because) in [
        (mp4(2 * 1024 * 1024), true, "recording_too_large"),
        (mp4(2 * 1024 * 1024), false, "recording_too_large"),
        (b"<html>Log in to see this file</html>".to_vec(), true, "unsupported_recording"),
    ] {
        for backend in [Backend::Sqlite, Backend::Postgres] {
            let mut world = World::new(backend, content.clone(), says_length).await;
            world.agree().await;
            world.record();
            world.finish().await;
            world.tell("EV_1").await;
            world.is_refused(because).await;
            world.kill().await;
        }
    }
}

#[actix_rt::test]
async fn a_kill_while_it_is_fetched_costs_nothing() {
    on_both(mp4(4_000), async |world| {
        world.agree().await;
        world.record();
        world.finish().await;
        world.bucket.fault("/recordings", Fault::Slow(Duration::from_millis(2)));
        world.tell("EV_1").await;
        while world.bucket.requests("/recordings").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        world.kill().await;
        world.serve().await;
        world.until("kept").await;
        let [kept] = world.kept().await.try_into().expect("one recording");
        let sha256 = hex::encode(digest::digest(&digest::SHA256, &mp4(4_000)));
        assert_eq!((text(&kept, "sha256"), world.bucket.requests("/recordings").len()), (sha256.as_str(), 2));
        assert_eq!(world.lying(), 1);
    })
    .await;
}

#[actix_rt::test]
async fn rooms_that_no_consultation_was_held_in_are_nobodys_business() {
    on_both(mp4(LENGTH), async |world| {
        world.agree().await;
        world.tell_of("somewhere-else").await;
        for _ in 0..200 {
            if !world.deployment.audited(&["provider_recording_ignored"]).await.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let ignored = world.deployment.audited(&["provider_recording_ignored"]).await;
        assert_eq!((ignored.len(), text(&ignored[0].1, "reason")), (1, "unknown_room"));
        assert_eq!((world.file().await, world.lying()), (Value::Null, 0));
        assert_eq!(world.bucket.requests("/").len(), 0);
    })
    .await;
}

#[actix_rt::test]
async fn what_the_provider_only_lists_is_found_after_the_end() {
    on_both(mp4(LENGTH), async |world| {
        world.agree().await;
        world.record();
        world.finish().await;
        world
            .stage
            .doctor
            .post(&format!("/consultations/{}/end", world.stage.consultation), Value::Null)
            .await
            .expect(200);
        assert_eq!(world.file().await, Value::Null, "nobody has told");
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.look_now().await;
        world.until("kept").await;
        assert_eq!(world.kept().await.len(), 1);
        // The webhook was only late.
        world.tell("EV_1").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((text(&world.file().await, "status"), world.kept().await.len()), ("kept", 1));
    })
    .await;
}
