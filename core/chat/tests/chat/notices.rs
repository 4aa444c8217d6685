//! Who is told that something waits, when, and when no more.

use consilium_db::testing::TestDb;

use crate::world::World;

#[actix_rt::test]
async fn whoever_is_away_is_told_after_the_delay_and_once_per_quiet_period() {
    for test in TestDb::both() {
        let world = World::new(test);
        world.send(world.ada, "1", "hello").await;
        world.wait(60);
        world.send(world.ada, "2", "still there?").await;
        assert!(world.told().await.is_empty(), "not before the delay");
        world.wait(60);
        let mut told = world.told().await;
        told.sort();
        assert_eq!(told, ["+bob 2", "+eve 2"], "the sender is not told, the others once of both");

        // Within the hour nothing more; after it, of what came meanwhile.
        world.send(world.ada, "3", "hello?").await;
        world.wait(3_500);
        assert_eq!(world.told().await.len(), 2);
        world.wait(100);
        let mut told = world.told().await;
        told.sort();
        assert_eq!(told, ["+bob 2", "+bob 3", "+eve 2", "+eve 3"]);
        world.wait(10_000);
        assert_eq!(world.told().await.len(), 4, "nothing new, nothing told");
    }
}

#[actix_rt::test]
async fn whoever_reads_first_is_not_told() {
    for test in TestDb::both() {
        let world = World::new(test);
        let sent = world.send(world.ada, "1", "hello").await;
        world.read(world.bob, sent.seq).await;
        let newer = world.send(world.ada, "2", "and this").await;
        world.read(world.eve, sent.seq).await;
        world.wait(200);
        let mut told = world.told().await;
        told.sort();
        assert_eq!(told, [format!("+bob {}", newer.seq), format!("+eve {}", newer.seq)], "an older mark is not enough");
    }
}

#[actix_rt::test]
async fn what_was_told_is_taken_back_when_it_is_read() {
    for test in TestDb::both() {
        let world = World::new(test);
        let sent = world.send(world.ada, "1", "hello").await;
        world.read(world.eve, sent.seq).await;
        world.wait(200);
        assert_eq!(world.told().await, ["+bob 1"]);
        world.read(world.bob, sent.seq).await;
        assert_eq!(world.told().await, ["+bob 1", "-bob 1"]);
        world.read(world.bob, sent.seq + 1).await;
        assert_eq!(world.told().await.len(), 2, "once");
    }
}

#[actix_rt::test]
async fn whoever_is_connected_is_told_only_when_they_go_without_reading() {
    for test in TestDb::both() {
        let world = World::new(test);
        world.lines.0.lock().unwrap().extend([world.bob, world.eve]);
        let sent = world.send(world.ada, "1", "hello").await;
        for _ in 0..3 {
            world.wait(121);
            assert!(world.told().await.is_empty());
        }
        world.read(world.eve, sent.seq).await;
        world.lines.0.lock().unwrap().clear();
        world.wait(121);
        assert_eq!(world.told().await, ["+bob 1"]);
    }
}

#[actix_rt::test]
async fn nothing_waits_for_whoever_was_taken_out() {
    for test in TestDb::both() {
        let world = World::new(test);
        world.send(world.ada, "1", "hello").await;
        let bob = world.bob;
        world.tx(move |tx, conversation, _| consilium_chat::forget_reader(tx, conversation, bob)).await.unwrap();
        world.wait(200);
        assert_eq!(world.told().await, ["+eve 1"]);
    }
}
