//! The active provider of a running consultation begins to fail, and nobody asks anything of it.

use std::time::Instant;

use consilium_tests::client::{Person, text};
use serde_json::{Value, json};

use crate::{
    deployment::{Deployment, eventually, on_both},
    socket::Socket,
};

async fn join(who: &Person, id: &str) -> Value {
    who.post(&format!("/consultations/{id}/join"), json!({"capabilities": ["redirect"]})).await.expect(200)
}

/// The provider and its version, whose page belongs to `guest` alone.
fn served(video: &Value, guest: &Person) -> (String, i64) {
    let page = text(video, "join_url");
    assert!(page.ends_with(&format!("guest={}", guest.id)), "{page} is not for {}", guest.name);
    (text(video, "provider").to_owned(), video["version"].as_i64().expect("a version"))
}

/// The link in the mail is this server's own, and opens.
async fn link_opens(deployment: &Deployment, id: &str) {
    let page = deployment.client.get(&format!("//c/{id}")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
}

#[actix_rt::test]
async fn both_sides_get_a_new_way_in_and_the_link_still_works() {
    on_both(async |deployment| {
        let (doctor, patient) = deployment.people().await;
        let (_, id) = deployment.agree(&doctor, &patient).await;
        link_opens(deployment, &id).await;
        let verb = |verb: &str| format!("/consultations/{id}/{verb}");
        doctor.post(&verb("start"), Value::Null).await.expect(200);
        for who in [&doctor, &patient] {
            assert_eq!(served(&join(who, &id).await["video"], who), ("rest-one".to_owned(), 1));
        }
        let seen = patient.get(&format!("/consultations/{id}")).await.expect(200);
        let choice = (&seen["video"]["provider"], &seen["video"]["available"], &seen["video"]["reason"]);
        assert_eq!(choice, (&json!("rest-one"), &json!(true), &json!("first_choice")));
        let (address, topic) = (deployment.address().to_owned(), format!("consultation:{id}"));
        let mut sockets = [
            (&doctor, Socket::open(&address, &doctor, &topic).await),
            (&patient, Socket::open(&address, &patient, &topic).await),
        ];

        deployment.one.fail(true);
        let since = Instant::now();
        for (who, socket) in &mut sockets {
            // The stored event and the participant's own way in, in this order.
            let event = socket.until("switch", |frame| frame["event"] == "video_provider_switched").await;
            let (data, seq) = (&event["data"], event["seq"].as_i64());
            assert_eq!(
                (&data["from"], &data["to"], &data["version"]),
                (&json!("rest-one"), &json!("rest-two"), &json!(2))
            );
            assert!(seq.is_some() && !text(data, "reason").is_empty(), "{event}");
            assert!(!event.to_string().contains("guest="), "the event holds somebody's access: {event}");
            let signal = socket.until("way in", |frame| frame["signal"] == "video_access").await;
            assert_eq!(served(&signal["data"]["video"], who), ("rest-two".to_owned(), 2));
        }
        eprintln!("both sides were moved after {:.1} s; a breaker stays open for 30 s", since.elapsed().as_secs_f64());
        for who in [&doctor, &patient] {
            assert_eq!(served(&join(who, &id).await["video"], who), ("rest-two".to_owned(), 2));
        }
        link_opens(deployment, &id).await;
        assert_eq!(
            (deployment.audited("video_provider_chosen").await, deployment.audited("video_provider_switched").await),
            (1, 1)
        );

        // Well again: those who were moved stay, and who comes later begins there.
        deployment.one.fail(false);
        assert_eq!(served(&join(&patient, &id).await["video"], &patient), ("rest-two".to_owned(), 2));
        let (appointment, later) = deployment.agree(&doctor, &patient).await;
        let slot = patient.slots(&doctor).await.pop().expect("a free slot");
        let moved = doctor.post(&format!("/appointments/{appointment}/reschedule"), json!({"starts_at": slot})).await;
        assert_eq!(text(&moved.expect(200), "consultation_id"), later, "the link survives a move");
        link_opens(deployment, &later).await;
        eventually("the first provider is asked again", async || {
            let all = doctor.get("/video-providers").await.expect(200);
            all["items"][0]["id"] == "rest-one" && all["items"][0]["available"] == true
        })
        .await;
        doctor.post(&format!("/consultations/{later}/start"), Value::Null).await.expect(200);
        assert_eq!(served(&join(&doctor, &later).await["video"], &doctor), ("rest-one".to_owned(), 1));

        doctor.post(&verb("end"), Value::Null).await.expect(200);
        let close = format!("DELETE /rooms/{id}");
        eventually("both of its rooms are closed", async || {
            deployment.one.granted(&close) && deployment.two.granted(&close)
        })
        .await;
        doctor.post(&format!("/consultations/{later}/end"), Value::Null).await.expect(200);
        eventually("its room is closed", async || deployment.one.granted(&format!("DELETE /rooms/{later}"))).await;
        assert!(
            !deployment.two.granted(&format!("DELETE /rooms/{later}")),
            "a provider that never served is left alone"
        );
        eventually("the audit log is whole", async || deployment.audit_is_whole()).await;
    })
    .await;
}

#[actix_rt::test]
async fn with_no_provider_left_the_chat_goes_on() {
    on_both(async |deployment| {
        let (doctor, patient) = deployment.people().await;
        let (_, id) = deployment.agree(&doctor, &patient).await;
        doctor.post(&format!("/consultations/{id}/start"), Value::Null).await.expect(200);
        for who in [&doctor, &patient] {
            join(who, &id).await;
        }
        let topic = format!("consultation:{id}");
        let mut socket = Socket::open(deployment.address(), &patient, &topic).await;
        deployment.one.fail(true);
        deployment.two.fail(true);
        let lost = socket.until("video lost", |frame| frame["event"] == "video_unavailable").await;
        assert_eq!((&lost["data"]["provider"], &lost["data"]["version"]), (&json!("rest-one"), &json!(1)));
        let refused = patient.post(&format!("/consultations/{id}/join"), Value::Null).await;
        refused.problem(503, "video_unavailable");
        assert!(!refused.header("retry-after").is_empty());
        let seen = patient.get(&format!("/consultations/{id}")).await.expect(200);
        assert_eq!((&seen["status"], &seen["video"]["available"]), (&json!("in_progress"), &json!(false)));
        let message = json!({"client_message_id": "1", "body": "Can you hear me?"});
        patient.post(&format!("/consultations/{id}/messages"), message).await.expect(201);
        socket.until("the message", |frame| frame["event"] == "message_sent").await;

        deployment.two.fail(false);
        let back = socket.until("way in", |frame| frame["signal"] == "video_access").await;
        assert_eq!(served(&back["data"]["video"], &patient), ("rest-two".to_owned(), 2));
    })
    .await;
}
