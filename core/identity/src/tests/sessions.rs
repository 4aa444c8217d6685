//! Logging in, refreshing, logging out.

use super::*;
use crate::LogoutScope;

#[actix_rt::test]
async fn a_login_gives_a_token_that_names_its_owner() {
    for bench in both() {
        let account = bench.account("ada@example.org").await;
        let logged_in = bench.login("Ada@Example.org", PASSWORD).await.unwrap();
        assert_eq!((logged_in.expires_in, logged_in.account.id), (900, account.id));
        let user = bench.identity.authenticate(&logged_in.access_token).await.unwrap();
        assert_eq!(user, account.user(logged_in.session_id));
        assert_eq!(user.patient_id, account.patient_id);
        assert!(user.patient_id.is_some() && user.doctor_id.is_none());
        let started = bench.events("session_started");
        assert_eq!(started.len(), 1);
        assert_eq!(started[0]["device"], "Firefox on a borrowed laptop");
    }
}

#[actix_rt::test]
async fn an_address_has_one_account_even_when_two_register_at_once() {
    for bench in both() {
        let new = |n: u128| NewAccount {
            email: "ada@example.org".parse().unwrap(),
            password_hash: "$argon2id$".to_owned(),
            role: Role::Doctor,
            person: Some(uuid::Uuid::from_u128(n)),
            given_name: "Ada".to_owned(),
            family_name: "L".to_owned(),
            time_zone: TimeZone::utc(),
            language: Language::english(),
            email_verified: true,
        };
        let outcomes = futures_util::future::join_all((0..8).map(|n| bench.create(new(n)))).await;
        let mut codes: Vec<String> = outcomes.into_iter().map(code).collect();
        codes.sort();
        assert_eq!(codes[..7], vec!["email_taken"; 7]);
        assert_eq!(codes[7], "ok");
    }
}

#[actix_rt::test]
async fn an_access_token_expires_by_the_injected_clock() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let logged_in = bench.login("ada@example.org", PASSWORD).await.unwrap();
        bench.pass(899);
        assert!(bench.identity.authenticate(&logged_in.access_token).await.is_ok());
        bench.pass(1);
        assert_eq!(code(bench.identity.authenticate(&logged_in.access_token).await), "token_expired");
        assert_eq!(code(bench.identity.authenticate("not.a.token").await), "token_invalid");
    }
}

#[actix_rt::test]
async fn a_logout_is_felt_at_once_here_and_within_seconds_elsewhere() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let elsewhere = Identity::new(bench.test.db.clone(), settings()).unwrap();
        let [one, two] =
            [bench.login("ada@example.org", PASSWORD).await, bench.login("ada@example.org", PASSWORD).await]
                .map(Result::unwrap);
        for identity in [&bench.identity, &elsewhere] {
            assert!(identity.authenticate(&one.access_token).await.is_ok());
        }
        bench.identity.logout(&as_user(&one), LogoutScope::This).await.unwrap();
        assert_eq!(code(bench.identity.authenticate(&one.access_token).await), "session_ended");
        assert!(bench.identity.authenticate(&two.access_token).await.is_ok(), "the other session goes on");
        bench.pass(5);
        assert_eq!(code(elsewhere.authenticate(&one.access_token).await), "session_ended");
        assert_eq!(code(bench.refresh(&one.refresh_token).await), "session_ended");
    }
}

#[actix_rt::test]
async fn logging_out_everywhere_ends_every_session_of_that_account_only() {
    for bench in both() {
        bench.account("ada@example.org").await;
        bench.account("bob@example.org").await;
        let bob = bench.login("bob@example.org", PASSWORD).await.unwrap();
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(bench.login("ada@example.org", PASSWORD).await.unwrap());
        }
        bench.identity.logout(&as_user(&all[0]), LogoutScope::All).await.unwrap();
        for logged_in in &all {
            assert_eq!(code(bench.identity.authenticate(&logged_in.access_token).await), "session_ended");
        }
        assert!(bench.identity.authenticate(&bob.access_token).await.is_ok());
    }
}

#[actix_rt::test]
async fn a_refresh_token_is_exchanged_once_and_its_return_ends_the_session() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        let second = bench.refresh(&first.refresh_token).await.unwrap();
        assert_eq!(second.session_id, first.session_id);
        assert_ne!(second.refresh_token, first.refresh_token);
        let third = bench.refresh(&second.refresh_token).await.unwrap();
        assert!(bench.identity.authenticate(&third.access_token).await.is_ok());
        assert!(bench.events("refresh_token_reused").is_empty());
        assert_eq!(code(bench.refresh(&first.refresh_token).await), "session_ended");
        assert_eq!(bench.events("refresh_token_reused").len(), 1);
        assert_eq!(code(bench.identity.authenticate(&third.access_token).await), "session_ended", "at once");
        assert_eq!(code(bench.refresh(&third.refresh_token).await), "session_ended");
        assert_eq!(bench.events("refresh_token_reused").len(), 1, "said once");
        for wrong in ["", "nonsense", &"A".repeat(43)] {
            assert_eq!(code(bench.refresh(wrong).await), "token_invalid");
        }
    }
}

#[actix_rt::test]
async fn a_session_ends_when_idle_and_after_its_longest_time() {
    const DAY: i64 = 24 * 60 * 60;
    for bench in both() {
        bench.account("ada@example.org").await;
        let idle = bench.login("ada@example.org", PASSWORD).await.unwrap();
        bench.pass(3 * DAY);
        assert_eq!(code(bench.refresh(&idle.refresh_token).await), "token_expired");
        let mut busy = bench.login("ada@example.org", PASSWORD).await.unwrap();
        for _ in 0..14 {
            bench.pass(2 * DAY);
            busy = bench.refresh(&busy.refresh_token).await.unwrap();
        }
        bench.pass(2 * DAY);
        assert_eq!(code(bench.refresh(&busy.refresh_token).await), "token_expired");
    }
}

#[actix_rt::test]
async fn a_refresh_token_logs_out_its_own_session_and_a_spent_one_nothing() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
        let second = bench.refresh(&first.refresh_token).await.unwrap();
        bench.identity.logout_with(&anonymous(), &first.refresh_token, LogoutScope::All).await.unwrap();
        assert!(bench.identity.authenticate(&second.access_token).await.is_ok());
        bench.identity.logout_with(&anonymous(), &second.refresh_token, LogoutScope::This).await.unwrap();
        assert_eq!(code(bench.identity.authenticate(&second.access_token).await), "session_ended");
        bench.identity.logout_with(&anonymous(), "nonsense", LogoutScope::This).await.unwrap();
    }
}

#[actix_rt::test]
async fn people_see_and_end_their_own_sessions_only() {
    for bench in both() {
        bench.account("ada@example.org").await;
        bench.account("bob@example.org").await;
        let (one, two) = (
            bench.login("ada@example.org", PASSWORD).await.unwrap(),
            bench.login("ada@example.org", PASSWORD).await.unwrap(),
        );
        let bob = bench.login("bob@example.org", PASSWORD).await.unwrap();
        let listed = bench.identity.sessions(&as_user(&one)).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed.iter().filter(|session| session.current).count(), 1);
        assert_eq!(listed[0].device.as_deref(), Some("Firefox on a borrowed laptop"));
        assert_eq!(code(bench.identity.end_session(&as_user(&bob), two.session_id).await), "not_found");
        assert!(bench.identity.authenticate(&two.access_token).await.is_ok());
        bench.identity.end_session(&as_user(&one), two.session_id).await.unwrap();
        assert_eq!(code(bench.identity.authenticate(&two.access_token).await), "session_ended");
        assert_eq!(bench.identity.sessions(&as_user(&one)).await.unwrap().len(), 1);
    }
}

#[actix_rt::test]
async fn a_csrf_token_belongs_to_one_refresh_token() {
    let [bench, _] = both();
    bench.account("ada@example.org").await;
    let first = bench.login("ada@example.org", PASSWORD).await.unwrap();
    let second = bench.refresh(&first.refresh_token).await.unwrap();
    assert!(bench.identity.verify_csrf(&first.refresh_token, &first.csrf_token));
    assert!(!bench.identity.verify_csrf(&second.refresh_token, &first.csrf_token));
    assert!(!bench.identity.verify_csrf(&first.refresh_token, ""));
}

#[actix_rt::test]
async fn a_login_renews_a_hash_that_was_made_more_cheaply() {
    for bench in both() {
        let id = bench.account("ada@example.org").await.id;
        let stored = async || {
            let address = bench.test.db.vault().email_index(&"ada@example.org".parse().unwrap());
            let found = bench.test.db.read(move |read| crate::store::account::by_address(read, &address)).await;
            found.unwrap().unwrap().password_hash
        };
        let cheap = stored().await;
        assert!(bench.login("ada@example.org", PASSWORD).await.is_ok());
        assert_eq!(stored().await, cheap, "nothing to renew");
        let hashing = Hashing { iterations: 2, ..Hashing::CHEAP };
        let dearer = Identity::new(bench.test.db.clone(), IdentitySettings { hashing, ..settings() }).unwrap();
        let login =
            Login { email: "ada@example.org".parse().unwrap(), password: PASSWORD.to_owned().into(), device: None };
        assert_eq!(dearer.login(&anonymous(), login).await.unwrap().account.id, id);
        assert!(stored().await.starts_with("$argon2id$v=19$m=8,t=2,p=1$"));
        assert!(bench.login("ada@example.org", PASSWORD).await.is_ok());
    }
}
