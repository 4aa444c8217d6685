//! A refresh token that comes back: an answer that was lost, or a token that was stolen.

use super::*;

/// The grace that is not said otherwise, in seconds.
const GRACE: i64 = 30;

impl Bench {
    /// Nothing of the session is worth anything any more, and its owner is told once.
    async fn ended(&self, logged_in: &LoggedIn) {
        assert_eq!(code(self.identity.authenticate(&logged_in.access_token).await), "session_ended");
        assert_eq!(code(self.refresh(&logged_in.refresh_token).await), "session_ended");
        assert_eq!(self.events("refresh_token_reused").len(), 1);
    }
}

#[actix_rt::test]
async fn whoever_lost_the_answer_asks_again_and_goes_on() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        bench.refresh(&first.refresh_token).await.unwrap();
        bench.pass(GRACE / 2);
        bench.refresh(&first.refresh_token).await.unwrap();
        bench.pass(GRACE / 2 - 1);
        let third = bench.refresh(&first.refresh_token).await.unwrap();
        assert_eq!(third.session_id, first.session_id);
        let next = bench.refresh(&third.refresh_token).await.unwrap();
        assert!(bench.identity.authenticate(&next.access_token).await.is_ok());
        assert!(bench.events("refresh_token_reused").is_empty());
    }
}

#[actix_rt::test]
async fn of_the_tokens_given_for_one_a_single_one_counts() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        let one = bench.refresh(&first.refresh_token).await.unwrap();
        let other = bench.refresh(&first.refresh_token).await.unwrap();
        let next = bench.refresh(&one.refresh_token).await.unwrap();
        assert_eq!(code(bench.refresh(&other.refresh_token).await), "session_ended", "within the grace of either");
        bench.ended(&next).await;
    }
}

#[actix_rt::test]
async fn a_token_that_comes_back_late_ends_the_session() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        let second = bench.refresh(&first.refresh_token).await.unwrap();
        bench.pass(GRACE);
        assert_eq!(code(bench.refresh(&first.refresh_token).await), "session_ended");
        bench.ended(&second).await;
    }
}

#[actix_rt::test]
async fn asking_again_does_not_make_the_grace_longer() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        bench.refresh(&first.refresh_token).await.unwrap();
        bench.pass(GRACE - 1);
        let again = bench.refresh(&first.refresh_token).await.unwrap();
        bench.pass(1);
        assert_eq!(code(bench.refresh(&first.refresh_token).await), "session_ended");
        bench.ended(&again).await;
    }
}

#[actix_rt::test]
async fn a_token_that_comes_back_after_its_successor_was_used_ends_the_session() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        let second = bench.refresh(&first.refresh_token).await.unwrap();
        let third = bench.refresh(&second.refresh_token).await.unwrap();
        assert_eq!(code(bench.refresh(&first.refresh_token).await), "session_ended");
        bench.ended(&third).await;
    }
}

#[actix_rt::test]
async fn another_client_has_no_grace() {
    for bench in both() {
        bench.account("ada@example.org").await;
        for device in [Some("curl/8.5.0"), None] {
            let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
            let second = bench.refresh(&first.refresh_token).await.unwrap();
            let stolen = bench.identity.refresh(&anonymous(), &first.refresh_token, device).await;
            assert_eq!(code(stolen), "session_ended");
            assert_eq!(code(bench.identity.authenticate(&second.access_token).await), "session_ended");
        }
        assert_eq!(bench.events("refresh_token_reused").len(), 2);
    }
}

#[actix_rt::test]
async fn without_a_grace_a_token_works_once() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let strict = IdentitySettings { refresh_grace_seconds: 0, ..settings() };
        let identity = Identity::new(bench.test.db.clone(), strict).unwrap();
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        identity.refresh(&anonymous(), &first.refresh_token, Some(DEVICE)).await.unwrap();
        let again = identity.refresh(&anonymous(), &first.refresh_token, Some(DEVICE)).await;
        assert_eq!(code(again), "session_ended");
    }
}

/// However they cross, of those who showed one token at once a single one goes on.
#[actix_rt::test]
async fn of_several_who_refresh_at_once_one_goes_on() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        let twins = futures_util::future::join_all((0..4).map(|_| bench.refresh(&first.refresh_token))).await;
        let twins: Vec<LoggedIn> = twins.into_iter().map(Result::unwrap).collect();
        let next = futures_util::future::join_all(twins.iter().map(|twin| bench.refresh(&twin.refresh_token))).await;
        assert_eq!(next.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        bench.ended(&next.into_iter().find_map(Result::ok).unwrap()).await;
    }
}
