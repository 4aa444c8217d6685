//! Who comes in, stays, and is sent away.

use std::{collections::HashMap, sync::Arc};

use actix_web::{App, HttpRequest, HttpServer, web};
use consilium_db::testing::TestDb;
use serde_json::json;

use super::{
    client::code,
    world::{Names, World, quick},
};
use crate::ws::{WsContext, connect};

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
    let settings = quick();
    let context = Arc::new(WsContext::new(
        world.test.db.clone(),
        (world.context.bus.clone(), consilium_runtime::SingleNode::shared()),
        Arc::new(Names(names)),
        world.consultations.clone(),
        world.context.messaging.clone(),
        world.context.recordings.clone(),
        settings,
    ));
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
