//! Real sockets against a real server: the connection, its limits, and two people talking.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix_web::{App, HttpRequest, HttpServer, web};
use async_trait::async_trait;
use consilium_consultations::{
    Consultations, NewMessage, Policy, VideoAccess, VideoGrant, VideoParticipant, VideoRoom,
};
use consilium_db::testing::TestDb;
use consilium_identity::{Hashing, Identity, IdentitySettings};
use consilium_kernel::{
    CommandMeta, ConsultationId, DEFAULT_FACILITY, Id, Principal, Refusal, RefusalKind, Role, Scope, SessionId, User,
};
use consilium_people::{Decision, People, Registration, VerifyDoctor};
use consilium_runtime::{Directory, DirectorySettings, EventBus, InProcessBus, LiveEvent, SingleNode};
use consilium_scheduling::{
    AvailabilityDraft, BookAppointment, Scheduling, SchedulingSettings, VisitType, WeeklyDraft,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use super::{Authenticate, WsContext, WsSettings, connect, outgoing::QueueLimits};

struct NoVideo;

#[async_trait]
impl VideoAccess for NoVideo {
    async fn access(&self, _: &VideoRoom, _: &VideoParticipant) -> Result<VideoGrant, Refusal> {
        Err(Refusal::unavailable())
    }
    async fn end_room(&self, _: &VideoRoom) -> Result<(), Refusal> {
        Ok(())
    }
}

/// A token is its owner's name; `name@2` is a second session of the same account.
struct Names(HashMap<String, User>);

#[async_trait]
impl Authenticate for Names {
    async fn authenticate(&self, token: &str) -> Result<User, Refusal> {
        let (name, session) = token.split_once('@').unwrap_or((token, "1"));
        let known = self.0.get(name).ok_or(Refusal::new(RefusalKind::Unauthenticated, "token_invalid", "No."))?;
        let session = u128::from(session.bytes().next().unwrap_or_default());
        let session_id = SessionId::new(uuid::Uuid::from_u128(known.user_id.uuid().as_u128() ^ session));
        Ok(User { session_id, ..known.clone() })
    }
}

struct World {
    test: TestDb,
    context: WsContext,
    consultations: Consultations,
    users: HashMap<String, User>,
    consultation: ConsultationId,
    address: std::net::SocketAddr,
    handle: actix_web::dev::ServerHandle,
}

impl Drop for World {
    fn drop(&mut self) {
        let _stopping = self.handle.stop(false);
    }
}

fn meta(user: &User) -> CommandMeta {
    CommandMeta {
        principal: Principal::User(user.clone()),
        scope: Scope::of(user.facility_id),
        request_id: "test".to_owned(),
        trace: None,
        idempotency: None,
    }
}

fn quick() -> WsSettings {
    WsSettings {
        login_limit: Duration::from_millis(300),
        ping_every: Duration::from_millis(200),
        grace: Duration::from_millis(300),
        ..WsSettings::default()
    }
}

impl World {
    /// A doctor, two patients, and an accepted appointment of the first; the clock stands ten minutes before it.
    async fn new(test: TestDb, settings: WsSettings) -> Self {
        let bus: Arc<dyn EventBus> = Arc::new(InProcessBus::default());
        let publisher = bus.clone();
        test.db.on_commit(move |effects| {
            effects.topics.into_iter().for_each(|event| publisher.publish(LiveEvent::Event(event)));
        });
        let hashing = IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() };
        let people = People::new(test.db.clone(), Identity::new(test.db.clone(), hashing).unwrap());
        let mut users = HashMap::new();
        for (name, role) in [("doctor", Role::Doctor), ("ada", Role::Patient), ("bob", Role::Patient)] {
            users.insert(name.to_owned(), register(&people, name, role).await);
        }
        let schedules = Directory::new(test.db.clone(), SingleNode::shared(), DirectorySettings::default());
        let rules = SchedulingSettings { require_verified_email: true, no_show_minutes: 30 };
        let scheduling = Scheduling::new(test.db.clone(), schedules, rules);
        let consultation = accepted(&people, &scheduling, &users["doctor"], &users["ada"]).await;
        test.clock.set("2026-06-01T08:50:00Z".parse().unwrap());
        let consultations = Consultations::new(
            test.db.clone(),
            SingleNode::shared(),
            bus.clone(),
            Arc::new(NoVideo),
            DirectorySettings::default(),
            Policy::default(),
        );
        let auth = Arc::new(Names(users.clone()));
        let context = WsContext::new(test.db.clone(), bus, auth, consultations.clone(), settings);
        let shared = context.clone();
        let server = HttpServer::new(move || {
            let context = shared.clone();
            App::new().route(
                "/ws",
                web::get()
                    .to(move |request: HttpRequest, payload: web::Payload| connect(request, payload, context.clone())),
            )
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0];
        let running = server.run();
        let handle = running.handle();
        actix_rt::spawn(running);
        Self { test, context, consultations, users, consultation, address, handle }
    }

    async fn upgrade(&self, protocols: &str) -> Result<Client, tungstenite::Error> {
        let mut request = format!("ws://{}/ws", self.address).into_client_request().unwrap();
        if !protocols.is_empty() {
            request.headers_mut().insert("Sec-WebSocket-Protocol", protocols.parse().unwrap());
        }
        let (socket, answer) = connect_async(request).await?;
        assert_eq!(answer.headers()["Sec-WebSocket-Protocol"], "consilium.v1", "the token does not come back");
        Ok(Client { socket, next_id: 0, aside: Vec::new() })
    }

    async fn client(&self, token: &str) -> Client {
        self.upgrade(&format!("consilium.v1, {token}")).await.unwrap()
    }

    fn topic(&self) -> String {
        format!("consultation:{}", self.consultation)
    }

    async fn refused(&self, protocols: &str) -> (u16, String) {
        match self.upgrade(protocols).await {
            Err(tungstenite::Error::Http(answer)) => {
                let problem: Value = serde_json::from_slice(answer.body().as_ref().unwrap()).unwrap();
                (answer.status().as_u16(), problem["code"].as_str().unwrap().to_owned())
            }
            other => panic!("{:?}", other.map(|_| ())),
        }
    }
}

async fn register(people: &People, name: &str, role: Role) -> User {
    let registration = Registration {
        email: format!("{name}@example.org"),
        password: "correct horse battery staple".to_owned().into(),
        role,
        given_name: name.to_owned(),
        family_name: "Example".to_owned(),
        time_zone: None,
        language: None,
    };
    let account = people.register(&CommandMeta::system(DEFAULT_FACILITY, "test"), registration).await.unwrap();
    account.user(Id::new(account.id.uuid()))
}

async fn accepted(people: &People, scheduling: &Scheduling, doctor: &User, patient: &User) -> ConsultationId {
    let id = doctor.doctor_id.unwrap();
    let admin = User { role: Role::Admin, doctor_id: None, ..doctor.clone() };
    let approved = VerifyDoctor { decision: Decision::Approved, reason: None };
    people.verify_doctor(&meta(&admin), id, approved).await.unwrap();
    let hours = AvailabilityDraft {
        time_zone: "UTC".to_owned(),
        weekly: vec![WeeklyDraft { day: "monday".to_owned(), start: "09:00".to_owned(), end: "17:00".to_owned() }],
        exceptions: Vec::new(),
        slot_minutes: 30,
        buffer_minutes: 0,
        lead_time_minutes: 0,
        max_per_day: None,
    };
    scheduling.put_availability(meta(doctor), id, hours, 0).await.unwrap();
    let book = BookAppointment {
        doctor_id: id,
        starts_at: "2026-06-01T09:00:00Z".parse().unwrap(),
        reason: "cough".to_owned(),
        symptoms: None,
        visit_type: VisitType::Chat,
        is_emergency: false,
    };
    let booked = scheduling.book(meta(patient), book).await.unwrap();
    scheduling.accept(meta(doctor), booked.id).await.unwrap().consultation_id.unwrap()
}

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u32,
    /// Frames that came while an answer was waited for.
    aside: Vec<Value>,
}

impl Client {
    async fn send(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next message that is not a ping.
    async fn message(&mut self) -> Option<Message> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await;
            match next.expect("something in time")?.ok()? {
                Message::Ping(_) | Message::Pong(_) => {}
                other => return Some(other),
            }
        }
    }

    async fn frame(&mut self) -> Value {
        if !self.aside.is_empty() {
            return self.aside.remove(0);
        }
        self.fresh().await
    }

    async fn fresh(&mut self) -> Value {
        match self.message().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?} is no frame"),
        }
    }

    /// The frames until the server closes, and the code it closes with.
    async fn until_closed(&mut self) -> (Vec<Value>, u16) {
        let mut frames = std::mem::take(&mut self.aside);
        loop {
            match self.message().await {
                Some(Message::Text(text)) => frames.push(serde_json::from_str(&text).unwrap()),
                Some(Message::Close(Some(close))) => return (frames, close.code.into()),
                other => panic!("{other:?} is no goodbye"),
            }
        }
    }

    /// Sends a frame and waits for its answer.
    async fn ask(&mut self, mut frame: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id.to_string();
        frame["id"] = json!(id);
        self.send(&frame).await;
        loop {
            let answer = self.fresh().await;
            if answer["id"] == id {
                return answer;
            }
            self.aside.push(answer);
        }
    }

    async fn subscribe(&mut self, topic: &str, after_seq: Option<i64>) -> Value {
        self.ask(json!({"type": "subscribe", "topic": topic, "after_seq": after_seq})).await
    }

    async fn command(&mut self, topic: &str, command: &str, data: Value) -> Value {
        self.ask(json!({"type": "command", "topic": topic, "command": command, "data": data})).await
    }
}

fn code(answer: &Value) -> &str {
    assert_eq!(answer["type"], "error", "{answer}");
    answer["problem"]["code"].as_str().unwrap()
}

#[actix_rt::test]
async fn who_comes_in_and_how() {
    let world = World::new(TestDb::sqlite(), quick()).await;
    assert_eq!(world.refused("chat").await, (400, "subprotocol_required".to_owned()));
    assert_eq!(world.refused("consilium.v1, mallory").await, (401, "token_invalid".to_owned()));

    let mut early = world.upgrade("consilium.v1").await.unwrap();
    let answer = early.ask(json!({"type": "authenticate", "token": "ada"})).await;
    assert_eq!(answer["data"]["user_id"], world.users["ada"].user_id.to_string());
    assert_eq!(early.ask(json!({"type": "ping"})).await["type"], "pong");
    assert_eq!(code(&early.ask(json!({"type": "authenticate", "token": "ada"})).await), "already_authenticated");

    for first in [
        json!({"type": "authenticate", "token": "mallory"}),
        json!({"type": "subscribe", "id": "1", "topic": "user:me"}),
        json!("hello"),
    ] {
        let mut client = world.upgrade("consilium.v1").await.unwrap();
        client.send(&first).await;
        let (frames, close) = client.until_closed().await;
        assert_eq!((frames.len(), close), (1, 4001), "{first}: {frames:?}");
        assert_eq!(frames[0]["type"], "error");
    }
    let mut silent = world.upgrade("consilium.v1").await.unwrap();
    assert_eq!(silent.until_closed().await.1, 4001, "the login limit");
}

#[actix_rt::test]
async fn two_people_talk_and_one_who_was_away_misses_nothing() {
    for test in TestDb::both() {
        let world = World::new(test, quick()).await;
        let topic = world.topic();
        let (mut doctor, mut ada) = (world.client("doctor").await, world.client("ada").await);
        let begin = ada.subscribe(&topic, Some(0)).await;
        assert_eq!(begin["data"]["seq"], 0);
        doctor.subscribe(&topic, Some(0)).await;

        let hello = json!({"client_message_id": "a1", "body": "hello"});
        let sent = ada.command(&topic, "send_message", hello.clone()).await;
        assert_eq!((sent["type"].as_str(), sent["data"]["seq"].as_i64()), (Some("ok"), Some(1)));
        assert_eq!(ada.command(&topic, "send_message", hello).await["data"], sent["data"], "the same again");
        let heard = doctor.frame().await;
        assert_eq!((heard["event"].as_str(), heard["seq"].as_i64()), (Some("message_sent"), Some(1)));
        assert_eq!(heard["data"]["body"], "hello");
        assert_eq!(ada.frame().await["seq"], 1, "one's own messages come back too");

        // Not stored, and not to oneself.
        ada.command(&topic, "typing", json!({"typing": true})).await;
        let typing = doctor.frame().await;
        assert_eq!((typing["type"].as_str(), typing["signal"].as_str()), (Some("signal"), Some("typing")));
        assert_eq!(typing["from"], world.users["ada"].user_id.to_string());

        drop(ada);
        for n in 2..=4 {
            let body = json!({"client_message_id": n.to_string(), "body": format!("message {n}")});
            assert_eq!(doctor.command(&topic, "send_message", body).await["data"]["seq"], n);
        }
        let mut ada = world.client("ada").await;
        let resumed = ada.subscribe(&topic, Some(1)).await;
        assert_eq!(resumed["data"]["seq"], 4);
        assert_eq!(resumed["data"]["epoch"], begin["data"]["epoch"]);
        for n in 2..=4 {
            assert_eq!(ada.frame().await["seq"], n);
        }
        assert_eq!(ada.command(&topic, "mark_read", json!({"seq": 4})).await["data"]["seq"], 4);
        assert_eq!(ada.frame().await["event"], "message_read");

        // The doctor leads, by the same commands as over HTTP; offers pass only inside the room.
        let offer = json!({"kind": "offer", "sdp": "v=0"});
        assert_eq!(code(&ada.command(&topic, "signal", offer.clone()).await), "not_admitted");
        assert_eq!(code(&ada.command(&topic, "start", json!({})).await), "forbidden");
        assert_eq!(doctor.command(&topic, "start", json!({})).await["data"]["status"], "in_progress");
        assert_eq!(ada.frame().await["event"], "consultation_started");
        doctor.command(&topic, "signal", offer.clone()).await;
        let signal = ada.frame().await;
        assert_eq!((signal["signal"].as_str(), &signal["data"]), (Some("signal"), &offer));
        assert_eq!(doctor.command(&topic, "end", json!({})).await["data"]["status"], "completed");
        assert_eq!(code(&doctor.command(&topic, "end", json!({})).await), "invalid_transition");
        assert_eq!(ada.frame().await["event"], "consultation_ended");
    }
}

#[actix_rt::test]
async fn what_is_not_yours_or_not_there_is_refused() {
    let world = World::new(TestDb::sqlite(), quick()).await;
    let topic = world.topic();
    let line = format!("waiting_room:{}", world.users["doctor"].doctor_id.unwrap());
    let mut bob = world.client("bob").await;
    assert_eq!(code(&bob.subscribe(&topic, None).await), "not_found");
    assert_eq!(code(&bob.subscribe(&line, None).await), "not_found");
    let message = json!({"client_message_id": "1", "body": "let me in"});
    assert_eq!(code(&bob.command(&topic, "send_message", message.clone()).await), "not_found");
    for unknown in ["vitals:x", "facility:x:emergency", "user:1"] {
        assert_eq!(code(&bob.subscribe(unknown, None).await), "unknown_topic");
    }
    assert_eq!(code(&bob.command(&topic, "explode", json!({})).await), "unknown_command");
    assert_eq!(code(&bob.command("user:me", "send_message", message).await), "unknown_command");
    assert_eq!(code(&bob.command(&topic, "send_message", json!({"body": 5})).await), "invalid");
    assert_eq!(code(&bob.ask(json!({"type": "unsubscribe", "topic": "user:me"})).await), "not_subscribed");
    assert_eq!(bob.subscribe("user:me", None).await["type"], "ok");
    assert_eq!(code(&bob.subscribe("user:me", None).await), "already_subscribed");
    assert_eq!(bob.ask(json!({"type": "unsubscribe", "topic": "user:me"})).await["type"], "ok");
    assert_eq!(bob.subscribe("user:me", None).await["type"], "ok", "and once more");
    bob.ask(json!({"type": "unsubscribe", "topic": "user:me"})).await;
    assert_eq!(code(&bob.subscribe("user:me", Some(-1)).await), "invalid");
}

#[actix_rt::test]
async fn one_connection_watches_so_many_topics_and_no_more() {
    let world = World::new(TestDb::sqlite(), WsSettings { subscriptions: 2, ..quick() }).await;
    let mut doctor = world.client("doctor").await;
    let line = format!("waiting_room:{}", world.users["doctor"].doctor_id.unwrap());
    assert_eq!(doctor.subscribe("user:me", None).await["type"], "ok");
    assert_eq!(doctor.subscribe(&line, None).await["type"], "ok");
    assert_eq!(code(&doctor.subscribe(&world.topic(), None).await), "too_many_subscriptions");
    // The line is told as it changes.
    world.consultations.join(meta(&world.users["ada"]), world.consultation).await.unwrap();
    let told = doctor.frame().await;
    assert_eq!((told["topic"].as_str(), told["event"].as_str()), (Some(line.as_str()), Some("waiting_line_changed")));
    assert_eq!(told["data"]["waiting"][0]["consultation_id"], world.consultation.to_string());
}

#[actix_rt::test]
async fn a_second_connection_of_the_session_replaces_the_first() {
    let world = World::new(TestDb::sqlite(), quick()).await;
    let (mut first, mut elsewhere) = (world.client("ada").await, world.client("ada@2").await);
    assert_eq!(first.ask(json!({"type": "ping"})).await["type"], "pong");
    let mut second = world.client("ada").await;
    assert_eq!(first.until_closed().await.1, 4009);
    assert_eq!(second.ask(json!({"type": "ping"})).await["type"], "pong");
    assert_eq!(elsewhere.ask(json!({"type": "ping"})).await["type"], "pong", "another session is another device");
    assert_eq!(code(&second.ask(json!({"type": "reauthenticate", "token": "bob"})).await), "another_session");
    assert_eq!(second.until_closed().await.1, 4003);
}

#[actix_rt::test]
async fn an_expired_token_ends_the_connection_unless_it_is_renewed_in_time() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut world = World::new(TestDb::sqlite(), quick()).await;
    // Tokens in the shape of JWTs, so that they have an expiry: at nine, and at ten.
    let token = |expiry: &str| {
        let exp = expiry.parse::<consilium_kernel::Timestamp>().unwrap().as_second();
        format!("t.{}.s", URL_SAFE_NO_PAD.encode(json!({"exp": exp}).to_string()))
    };
    let (nine, ten) = (token("2026-06-01T09:00:00Z"), token("2026-06-01T10:00:00Z"));
    let ada = world.users["ada"].clone();
    let names = HashMap::from([(nine.clone(), ada.clone()), (ten.clone(), ada)]);
    world.context.auth = Arc::new(Names(names));
    let settings = quick();
    let context = WsContext::new(
        world.test.db.clone(),
        world.context.bus.clone(),
        world.context.auth.clone(),
        world.consultations.clone(),
        settings,
    );
    let server = HttpServer::new(move || {
        let context = context.clone();
        let handler = move |request: HttpRequest, payload: web::Payload| connect(request, payload, context.clone());
        App::new().route("/ws", web::get().to(handler))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    world.address = server.addrs()[0];
    actix_rt::spawn(server.run());

    let mut client = world.client(&nine).await;
    let renewed = client.ask(json!({"type": "reauthenticate", "token": ten})).await;
    assert_eq!(renewed["data"]["expires_at"], "2026-06-01T10:00:00Z");
    world.test.clock.set("2026-06-01T09:30:00Z".parse().unwrap());
    assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
    world.test.clock.set("2026-06-01T10:00:00Z".parse().unwrap());
    assert_eq!(client.until_closed().await.1, 4001);
}

#[actix_rt::test]
async fn bad_frames_are_answered_and_bad_clients_sent_away() {
    let settings = WsSettings { burst: 20, per_second: 1, refused_in_a_row: 5, ..quick() };
    let world = World::new(TestDb::sqlite(), settings).await;
    let mut client = world.client("ada").await;
    for (bad, expected) in [("{", "malformed"), ("[1]", "malformed"), (r#"{"type":"x"}"#, "unknown_frame")] {
        client.socket.send(Message::text(bad)).await.unwrap();
        assert_eq!(code(&client.frame().await), expected);
    }
    // A message in parts is put together.
    use tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    for (text, code, last) in [("{\"type\":\"pi", Data::Text, false), ("ng\",\"id\":\"p\"}", Data::Continue, true)] {
        let part = Frame::message(text.as_bytes().to_vec(), OpCode::Data(code), last);
        client.socket.send(Message::Frame(part)).await.unwrap();
    }
    assert_eq!(client.frame().await["id"], "p");
    client.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.until_closed().await.1, 1003);

    let mut large = world.client("ada@2").await;
    let _ = large.socket.send(Message::text("x".repeat(65 * 1024))).await;
    assert_eq!(large.until_closed().await.1, 1009);

    let mut flood = world.client("ada@3").await;
    for _ in 0..30 {
        if flood.socket.send(Message::text(r#"{"type":"ping","id":"f"}"#)).await.is_err() {
            break;
        }
    }
    let (frames, close) = flood.until_closed().await;
    assert_eq!(close, 1008);
    let refused = frames.iter().filter(|frame| frame["type"] == "error").collect::<Vec<_>>();
    assert_eq!((refused.len(), code(refused[0])), (5, "too_many_requests"));
    assert_eq!(refused[0]["id"], "f");
}

#[actix_rt::test]
async fn a_client_that_does_not_read_is_cut_off_and_the_others_are_not() {
    let queue = QueueLimits { frames: 16, bytes: 256 * 1024, patience: Duration::from_millis(400) };
    let world = World::new(TestDb::sqlite(), WsSettings { queue, ..quick() }).await;
    let topic = world.topic();
    let (mut slow, mut doctor) = (world.client("ada").await, world.client("doctor").await);
    slow.subscribe(&topic, Some(0)).await;
    doctor.subscribe(&topic, Some(0)).await;
    let writer = world.users["ada"].clone();
    let (consultations, id) = (world.consultations.clone(), world.consultation);
    // Far more than sockets buffer.
    let writing = actix_rt::spawn(async move {
        for n in 0..1_500 {
            let message = NewMessage { client_message_id: n.to_string(), body: "x".repeat(8_000) };
            consultations.send_message(meta(&writer), id, message).await.unwrap();
        }
    });
    for n in 1..=1_500 {
        assert_eq!(doctor.frame().await["seq"], n, "whoever reads gets everything");
    }
    writing.await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(world.context.connected(), 1, "the slow client is let go before it reads again");
    let (frames, close) = slow.until_closed().await;
    assert_eq!(close, 4008);
    assert!(frames.len() < 1_500, "it got what was on the way and no more");
    // What it got was without a gap, and it can resume there.
    let last = i64::try_from(frames.len()).unwrap();
    assert_eq!(frames.last().unwrap()["seq"], last);
    let mut again = world.client("ada").await;
    again.subscribe(&topic, Some(last)).await;
    assert_eq!(again.frame().await["seq"], last + 1);
}

#[actix_rt::test]
async fn whoever_loses_the_connection_for_long_has_left_and_whoever_comes_back_has_not() {
    for test in TestDb::both() {
        let world = World::new(test, quick()).await;
        let topic = world.topic();
        let ada = world.users["ada"].clone();
        world.consultations.join(meta(&ada), world.consultation).await.unwrap();
        let mut client = world.client("ada").await;
        client.subscribe(&topic, None).await;
        drop(client);
        let mut client = world.client("ada").await;
        client.subscribe(&topic, None).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let present = async || {
            let state = world.consultations.consultation(&meta(&ada), world.consultation).await.unwrap();
            state.participant(ada.user_id).unwrap().present
        };
        assert!(present().await, "came back in time");
        drop(client);
        for _ in 0..100 {
            if !present().await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(!present().await, "stayed away");

        // After a restart nobody watches: whoever is marked as present has the same time to come back.
        world.consultations.join(meta(&ada), world.consultation).await.unwrap();
        world.context.recover().await.unwrap();
        assert!(present().await);
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert!(!present().await);
    }
}
