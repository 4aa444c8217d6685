//! The two meet, write, reload and part.

use consilium_tests::app::Backend;

use crate::world::{BOTH, World};

#[actix_rt::test]
async fn two_browsers_see_each_other_through_the_relay() {
    let mut world = World::new(Backend::Sqlite, "127.0.0.1").await;
    world.meet(&[]).await;
    for who in BOTH {
        let pair = "stats('candidate-pair').then(async (pairs) => { \
                    const pair = pairs.find((one) => one.nominated && one.state === 'succeeded'); \
                    const ends = await newest().getStats(); \
                    return [ends.get(pair.localCandidateId).candidateType, ends.get(pair.remoteCandidateId).candidateType]; })";
        assert_eq!(world.browsers.evaluate(who, pair).await, serde_json::json!(["relay", "relay"]), "{who}");
    }
    world.write("doctor", "Good morning").await;
    world.both_read(&["Good morning"]).await;
    world.write("patient", "Good morning, doctor").await;
    world.both_read(&["Good morning", "Good morning, doctor"]).await;
    world.photograph("call").await;

    // A page that is loaded again is another connection, which both find by themselves, whoever it is.
    for who in ["patient", "doctor"] {
        world.browsers.evaluate(who, "void setTimeout(() => location.reload())").await;
        world.browsers.until(who, "window.connections && connections.length > 0").await;
        world.both_see().await;
    }
    world.both_read(&["Good morning", "Good morning, doctor"]).await;

    world.browsers.click("doctor", "#end").await;
    for who in BOTH {
        world.says(who, "The consultation is over.").await;
        world.browsers.until(who, "connections.every((one) => one.connectionState === 'closed')").await;
        world
            .browsers
            .until(
                who,
                "document.querySelector('#own').srcObject.getTracks().every((one) => one.readyState === 'ended')",
            )
            .await;
    }
    world.write("patient", "Thank you").await;
    world.both_read(&["Good morning", "Good morning, doctor", "Thank you"]).await;
}
