//! Which provider serves, and what happens when it fails: asked for, watched over, and with none left.

use std::sync::{Arc, Mutex};

use consilium_consultations::{Capability, Client, Joined, NewMessage, VideoWatch};
use consilium_db::{testing::TestDb, timers};
use consilium_kernel::{ConsultationId, User};
use consilium_people::DoctorPatch;
use consilium_runtime::{EventBus, LiveEvent, Signal};
use futures_util::future::join_all;
use jiff::SignedDuration;

use crate::world::{World, code, eventually, meta, nine};

/// What was signalled on a topic since.
struct Heard(Arc<Mutex<Vec<Signal>>>);

impl Heard {
    async fn on(world: &World, id: ConsultationId) -> Self {
        let (mut live, heard) = (world.bus.subscribe(&format!("consultation:{id}")).await, Self(Arc::default()));
        let into = heard.0.clone();
        actix_rt::spawn(async move {
            while let Some(Ok(event)) = live.next().await {
                if let LiveEvent::Signal(signal) = event.as_ref() {
                    into.lock().unwrap().push(signal.clone());
                }
            }
        });
        heard
    }

    /// Waits for the way in that is sent to `user` and to nobody else.
    async fn way_in(&self, user: &User, version: i64, token: &str) {
        let found = async || {
            self.0.lock().unwrap().iter().any(|signal| {
                let mine = signal.signal == "video_access" && signal.to == Some(user.user_id.uuid());
                mine && signal.data["video"]["version"] == version && signal.data["video"]["token"] == token
            })
        };
        eventually(&format!("{token} is sent version {version}"), found).await;
        let foreign = self
            .0
            .lock()
            .unwrap()
            .iter()
            .any(|signal| signal.to != Some(user.user_id.uuid()) && signal.data["video"]["token"] == token);
        assert!(!foreign, "a way in reached somebody else");
    }
}

async fn meeting(world: &World) -> (User, ConsultationId) {
    let patient = world.patient("ada").await;
    let (_, id) = world.accepted(&patient, nine(), false).await;
    world.consultations.start(meta(&world.doctor), id).await.unwrap();
    (patient, id)
}

async fn join(world: &World, who: &User, id: ConsultationId) -> (String, i64) {
    served(world.consultations.join(meta(who), id).await.unwrap())
}

fn served(joined: Joined) -> (String, i64) {
    let video = joined.video.unwrap();
    (video.provider, video.version)
}

fn is(provider: &str, version: i64) -> (String, i64) {
    (provider.to_owned(), version)
}

async fn named(world: &World, id: ConsultationId, name: &str) -> Vec<serde_json::Value> {
    let events = world.events(&format!("consultation:{id}")).await;
    events.into_iter().filter(|(event, _)| event == name).map(|(_, data)| data).collect()
}

#[actix_rt::test]
async fn whoever_is_not_let_in_moves_everybody_on_and_nobody_goes_back() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, id) = meeting(&world).await;
        assert_eq!(join(&world, &world.doctor, id).await, is("first", 1));
        assert_eq!(join(&world, &patient, id).await, is("first", 1));
        assert_eq!(world.audited("video_provider_chosen").await, 1);
        let heard = Heard::on(&world, id).await;

        world.video.fail("first", "plugin_timeout");
        world.video.fail("second", "provider_down");
        assert_eq!(join(&world, &patient, id).await, is("third", 2), "the next one that lets the patient in");
        heard.way_in(&world.doctor, 2, "doctor:doctor Example").await;
        let told = named(&world, id, "video_provider_switched").await;
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0]["from"], &told[0]["to"]), (&"first".into(), &"third".into()));
        assert_eq!((&told[0]["reason"], &told[0]["version"]), (&"plugin_timeout".into(), &2.into()));
        let all = serde_json::to_string(&told).unwrap();
        assert!(!all.contains("Example") && !all.contains("third-"), "the event holds nobody's access: {all}");
        assert_eq!(world.audited("video_provider_switched").await, 1);

        world.video.heal("first");
        world.video.heal("second");
        assert_eq!(join(&world, &world.doctor, id).await, is("third", 2), "not back");
        let history = world.state(id).await.videos;
        assert_eq!(history[0].left_because.as_deref(), Some("plugin_timeout"));
        let joined = world.reopened().join(meta(&patient), id).await.unwrap();
        assert_eq!(served(joined), is("third", 2), "it is stored");

        world.consultations.end(meta(&world.doctor), id).await.unwrap();
        assert_eq!(world.state(id).await.videos[1].left_because.as_deref(), Some("ended"));
    }
}

/// Timers that would be due after `hours` more.
async fn due_after(world: &World, hours: i64) -> usize {
    world.test.clock.advance(SignedDuration::from_hours(hours));
    world.test.db.read(|session| timers::due(session, 100)).await.unwrap().len()
}

#[actix_rt::test]
async fn a_room_is_closed_when_it_is_over_also_by_a_provider_that_is_away_at_that_moment() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, id) = meeting(&world).await;
        assert_eq!(join(&world, &patient, id).await, is("first", 1));
        world.video.fail("first", "provider_down");
        assert_eq!(join(&world, &patient, id).await, is("second", 2));
        let closed = || world.video.closed.lock().unwrap().clone();
        world.consultations.end(meta(&world.doctor), id).await.unwrap();
        let worker = world.timers();
        assert_eq!(worker.fire_due().await.unwrap(), 1);
        eventually("the room that can be is closed", async || closed() == [format!("second/second-{id}")]).await;
        assert_eq!(worker.fire_due().await.unwrap(), 0, "providers have a rest in between");

        // Whoever takes over tries again.
        world.video.heal("first");
        world.test.clock.advance(SignedDuration::from_secs(20));
        assert_eq!(world.timers().fire_due().await.unwrap(), 1);
        let both = [format!("first/first-{id}"), format!("second/second-{id}")];
        eventually("both rooms are closed", async || both.iter().all(|room| closed().contains(room))).await;
        due_after(&world, 5).await;
        eventually("nothing is left to do", async || due_after(&world, 0).await == 0).await;
    }
}

#[actix_rt::test]
async fn a_room_that_cannot_be_closed_is_left_to_its_provider() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, id) = meeting(&world).await;
        assert_eq!(join(&world, &patient, id).await, is("first", 1));
        world.video.fail("first", "provider_down");
        world.consultations.end(meta(&world.doctor), id).await.unwrap();
        assert_eq!(world.timers().fire_due().await.unwrap(), 1);
        assert_eq!(due_after(&world, 1).await, 1, "not yet");
        assert_eq!(world.timers().fire_due().await.unwrap(), 1);
        assert_eq!(due_after(&world, 2).await, 1);
        assert_eq!(world.timers().fire_due().await.unwrap(), 1, "for the last time");
        due_after(&world, 24).await;
        eventually("nothing is left to do", async || due_after(&world, 0).await == 0).await;
        assert_eq!(world.video.closed.lock().unwrap().len(), 0);
    }
}

#[actix_rt::test]
async fn a_provider_in_trouble_is_left_although_nobody_asks() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, id) = meeting(&world).await;
        join(&world, &world.doctor, id).await;
        join(&world, &patient, id).await;
        let heard = Heard::on(&world, id).await;
        let mut watch = VideoWatch::new(world.consultations.clone());
        watch.look().await.unwrap();
        world.video.troubled.lock().unwrap().insert("first", "breaker_open");
        watch.look().await.unwrap();
        assert_eq!(world.state(id).await.video().unwrap().provider, "first", "one look is none");
        watch.look().await.unwrap();
        heard.way_in(&world.doctor, 2, "doctor:doctor Example").await;
        heard.way_in(&patient, 2, "patient:ada Example").await;
        let told = named(&world, id, "video_provider_switched").await;
        assert_eq!((told.len(), &told[0]["reason"]), (1, &"breaker_open".into()));
        for _ in 0..10 {
            watch.look().await.unwrap();
        }
        assert_eq!(world.state(id).await.videos.len(), 2, "moved once");
    }
}

#[actix_rt::test]
async fn a_provider_that_says_nothing_is_found_out_by_asking_it() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (_, id) = meeting(&world).await;
        join(&world, &world.doctor, id).await;
        let mut watch = VideoWatch::new(world.consultations.clone());
        world.video.fail("first", "plugin_timeout");
        for _ in 0..7 {
            watch.look().await.unwrap();
        }
        let choice = world.state(id).await.video().cloned().unwrap();
        assert_eq!((choice.provider.as_str(), choice.reason.as_str()), ("second", "plugin_timeout"));
        // Nobody is there: nothing is moved until somebody comes.
        world.consultations.leave(meta(&world.doctor), id).await.unwrap();
        world.video.fail("second", "provider_down");
        for _ in 0..7 {
            watch.look().await.unwrap();
        }
        assert_eq!(world.state(id).await.videos.len(), 2);
        assert_eq!(join(&world, &world.doctor, id).await, is("third", 3));
    }
}

#[actix_rt::test]
async fn with_none_left_the_chat_goes_on_and_video_comes_back() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, id) = meeting(&world).await;
        join(&world, &world.doctor, id).await;
        join(&world, &patient, id).await;
        world.video.fail_all();
        assert_eq!(code(world.consultations.join(meta(&patient), id).await), "video_unavailable");
        let told = named(&world, id, "video_unavailable").await;
        assert_eq!(
            (told.len(), &told[0]["reason"], &told[0]["provider"]),
            (1, &"provider_down".into(), &"first".into())
        );
        assert!(world.state(id).await.video().is_none());
        assert_eq!(code(world.consultations.join(meta(&world.doctor), id).await), "video_unavailable");
        assert_eq!(named(&world, id, "video_unavailable").await.len(), 1, "told once");
        let message = NewMessage {
            client_message_id: "1".to_owned(),
            body: "Can you hear me?".to_owned(),
            attachments: Vec::new(),
        };
        world.consultations.send_message(meta(&patient), id, message).await.unwrap();

        let heard = Heard::on(&world, id).await;
        let mut watch = VideoWatch::new(world.consultations.clone());
        watch.look().await.unwrap();
        assert!(world.state(id).await.video().is_none());
        world.video.heal("first");
        watch.look().await.unwrap();
        heard.way_in(&world.doctor, 2, "doctor:doctor Example").await;
        heard.way_in(&patient, 2, "patient:ada Example").await;
        let told = named(&world, id, "video_restored").await;
        assert_eq!((told.len(), &told[0]["provider"], &told[0]["version"]), (1, &"first".into(), &2.into()));
        assert_eq!(join(&world, &patient, id).await, is("first", 2));
    }
}

#[actix_rt::test]
async fn the_doctors_favourite_comes_first_and_everybodys_client_must_be_able() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let doctor = world.people.doctor(&meta(&world.doctor), world.doctor_id()).await.unwrap();
        let favourite = DoctorPatch { video_provider: Some(Some("second".to_owned())), ..DoctorPatch::default() };
        let doctor =
            world.people.patch_doctor(&meta(&world.doctor), doctor.id, doctor.version, favourite).await.unwrap();
        assert_eq!(doctor.video_provider.as_deref(), Some("second"));
        let (patient, id) = meeting(&world).await;
        assert_eq!(join(&world, &world.doctor, id).await, is("second", 1));
        assert!(world.people.doctor(&meta(&patient), doctor.id).await.unwrap().video_provider.is_none());

        // Only `first` is of use to this client.
        let able = |way| Some([way].into());
        let joined = world
            .consultations
            .join_with(meta(&patient), id, able(Capability::Webrtc), Client::default())
            .await
            .unwrap();
        assert_eq!(served(joined), is("first", 2));
        let told = named(&world, id, "video_provider_switched").await;
        assert_eq!(told[0]["reason"], "capability");
        assert_eq!(join(&world, &world.doctor, id).await, is("first", 2));
        // Of no use to anybody: refused, and the others keep what they have.
        let refused = world.consultations.join_with(meta(&patient), id, able(Capability::Sdk), Client::default()).await;
        assert_eq!(code(refused), "video_unavailable");
        assert_eq!(world.state(id).await.video().unwrap().provider, "first");
        let joined = world
            .consultations
            .join_with(meta(&patient), id, able(Capability::Webrtc), Client::default())
            .await
            .unwrap();
        assert_eq!(served(joined), is("first", 2));
    }
}

#[actix_rt::test]
async fn many_who_find_it_failing_at_once_move_it_once() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (patient, id) = meeting(&world).await;
        join(&world, &world.doctor, id).await;
        world.video.fail("first", "plugin_crashed");
        let (here, there) = (world.consultations.clone(), world.reopened());
        let joins = (0..12).map(|n| {
            let who = if n % 2 == 0 { &world.doctor } else { &patient };
            let at = if n % 3 == 0 { &there } else { &here };
            at.join(meta(who), id)
        });
        for joined in join_all(joins).await {
            assert_eq!(served(joined.unwrap()), is("second", 2));
        }
        assert_eq!(named(&world, id, "video_provider_switched").await.len(), 1);
    }
}
