//! Wrong passwords.

use super::*;

#[actix_rt::test]
async fn five_wrong_passwords_lock_an_address_whether_or_not_it_has_an_account() {
    for bench in both() {
        bench.account("ada@example.org").await;
        for email in ["ada@example.org", "nobody@example.org"] {
            for attempt in 1..=5 {
                let refusal = bench.login(email, "wrong horse battery").await.unwrap_err();
                assert_eq!((refusal.code.as_ref(), refusal.retry_after), ("invalid_credentials", None), "{attempt}");
            }
            let refusal = bench.login(email, PASSWORD).await.unwrap_err();
            assert_eq!((refusal.code.as_ref(), refusal.retry_after), ("too_many_attempts", Some(30)), "{email}");
        }
        bench.pass(29);
        assert_eq!(code(bench.login("ada@example.org", PASSWORD).await), "too_many_attempts");
        bench.pass(1);
        assert_eq!(code(bench.login("ada@example.org", "wrong horse battery").await), "invalid_credentials");
        let refusal = bench.login("ada@example.org", PASSWORD).await.unwrap_err();
        assert_eq!(refusal.retry_after, Some(60), "the wait has doubled");
        bench.pass(60);
        assert!(bench.login("ada@example.org", PASSWORD).await.is_ok());
        for _ in 0..4 {
            assert_eq!(code(bench.login("ada@example.org", "wrong horse battery").await), "invalid_credentials");
        }
        assert!(bench.login("ada@example.org", PASSWORD).await.is_ok(), "a login starts the count anew");
    }
}

#[actix_rt::test]
async fn one_locked_address_does_not_lock_another() {
    for bench in both() {
        bench.account("ada@example.org").await;
        for _ in 0..6 {
            let _ = bench.login("eve@example.org", "wrong horse battery").await;
        }
        assert!(bench.login("ada@example.org", PASSWORD).await.is_ok());
    }
}

#[actix_rt::test]
async fn many_guesses_at_the_same_moment_count_one_by_one() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let guesses = (0..20).map(|_| bench.login("ada@example.org", "wrong horse battery"));
        let outcomes = futures_util::future::join_all(guesses).await;
        let compared = outcomes
            .into_iter()
            .filter(|outcome| outcome.as_ref().is_err_and(|refusal| refusal.code == "invalid_credentials"));
        assert_eq!(compared.count(), 5);
    }
}

#[actix_rt::test]
async fn logins_of_one_account_at_the_same_moment_all_succeed() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let logins = (0..10).map(|_| bench.login("ada@example.org", PASSWORD));
        assert!(futures_util::future::join_all(logins).await.iter().all(Result::is_ok));
    }
}
