//! Somebody who was invited hears what is said while they take part, and nothing afterwards.

use consilium_consultations::{Invitee, Part};
use consilium_db::testing::TestDb;
use serde_json::json;

use super::{
    client::code,
    world::{World, meta, quick},
};

#[actix_rt::test]
async fn a_subscription_ends_with_the_invitation_and_with_the_consultation() {
    for test in TestDb::both() {
        let world = World::new(test, quick()).await;
        let (topic, id) = (world.topic(), world.consultation);
        let (doctor, colleague) = (meta(&world.users["doctor"]), &world.users["colleague"]);
        let (mut ada, mut invited) = (world.client("ada").await, world.client("colleague").await);
        ada.subscribe(&topic, Some(0)).await;
        assert_eq!(code(&invited.subscribe(&topic, Some(0)).await), "not_found");
        for (seq, withdraws) in [(1, true), (4, false)] {
            let whom = Invitee::Account(colleague.user_id);
            let (_, made) = world.consultations.invite(doctor.clone(), id, whom, Part::SecondDoctor).await.unwrap();
            ada.event("participant_invited").await;
            ada.set_aside(); // what was typed before
            assert_eq!(invited.subscribe(&topic, Some(seq)).await["type"], "ok");
            let word = json!({"client_message_id": seq.to_string(), "body": "for those who take part"});
            ada.command(&topic, "send_message", word).await;
            assert_eq!(invited.frame().await["event"], "message_sent");
            assert_eq!(ada.frame().await["event"], "message_sent");
            invited.command(&topic, "typing", json!({})).await;
            assert_eq!(ada.frame().await["from"], json!(colleague.user_id));
            let last = if withdraws {
                world.consultations.withdraw_invitation(doctor.clone(), id, made.id).await.unwrap();
                "invitation_withdrawn"
            } else {
                world.consultations.start(doctor.clone(), id).await.unwrap();
                assert_eq!(invited.frame().await["event"], "consultation_started");
                assert_eq!(ada.frame().await["event"], "consultation_started");
                world.consultations.end(doctor.clone(), id).await.unwrap();
                "consultation_ended"
            };
            assert_eq!(invited.frame().await["event"], last, "the last that they hear");
            assert_eq!(ada.frame().await["event"], last);
            if !withdraws {
                let word = json!({"client_message_id": "after", "body": "for the two of us"});
                ada.command(&topic, "send_message", word).await;
                assert_eq!(ada.frame().await["event"], "message_sent");
                invited.send(&json!({"type": "ping", "id": "p"})).await;
                assert_eq!(invited.frame().await["type"], "pong", "and not what was said");
            }
            assert_eq!(code(&invited.types_no_more(&topic).await), "not_found");
            assert_eq!(invited.ask(json!({"type": "unsubscribe", "topic": topic})).await["type"], "ok");
            assert_eq!(code(&invited.subscribe(&topic, Some(0)).await), "not_found");
            assert_eq!(code(&invited.types_no_more(&topic).await), "not_found");
        }
    }
}
