//! The server is killed in the middle of a call.

use consilium_tests::app::Backend;

use crate::world::{BOTH, World};

#[actix_rt::test]
async fn media_goes_on_while_the_server_is_away_and_nothing_that_was_written_is_lost_or_doubled() {
    let mut world = World::new(Backend::Postgres, "127.0.0.1").await;
    world.meet(&[]).await;
    world.write("doctor", "before").await;
    world.both_read(&["before"]).await;
    world.server.take().expect("it runs").kill().await;
    for who in BOTH {
        world.says(who, "The connection is interrupted.").await;
    }
    world.write("patient", "meanwhile").await;
    world.both_see().await;
    world.server = Some(world.deployment.serve().await);
    world.both_read(&["before", "meanwhile"]).await;
    world.write("doctor", "after").await;
    world.both_read(&["before", "meanwhile", "after"]).await;
    let before = world.decoded().await;
    world.both_see().await;
    let after = world.decoded().await;
    assert!(before.iter().zip(after).all(|(before, after)| *before < after), "{before:?}, {after:?}");
    for who in BOTH {
        let states = world.browsers.evaluate(who, "[connections.length, ...states]").await;
        assert_eq!(states, serde_json::json!([1, "connecting", "connected"]), "{who}: one connection, never broken");
    }
}
