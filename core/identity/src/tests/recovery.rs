//! Confirming an address and resetting a password.

use super::*;

#[actix_rt::test]
async fn a_confirmed_address_counts_at_once_and_its_code_works_once() {
    for bench in both() {
        let account = bench.account("ada@example.org").await;
        let logged_in = bench.login("ada@example.org", PASSWORD).await.unwrap();
        let before = bench.identity.authenticate(&logged_in.access_token).await.unwrap();
        assert_eq!(code(bench.identity.require_verified(&before)), "email_not_verified");
        let token = bench.mailed("email_verification_requested");
        let confirmed = bench.identity.verify_email(&anonymous(), &token).await.unwrap();
        assert!(confirmed.email_verified && confirmed.id == account.id);
        let after = bench.identity.authenticate(&logged_in.access_token).await.unwrap();
        assert_eq!(code(bench.identity.require_verified(&after)), "ok", "with the token issued before");
        let again = bench.identity.verify_email(&anonymous(), &token).await.unwrap_err();
        assert_eq!((again.code.as_ref(), again.errors[0].pointer.as_str()), ("token_invalid", "/token"));
        assert_eq!(bench.events("email_verified").len(), 1);
        for wrong in ["", "nonsense", &"A".repeat(43), &logged_in.refresh_token] {
            assert_eq!(code(bench.identity.verify_email(&anonymous(), wrong).await), "token_invalid");
        }
    }
}

#[actix_rt::test]
async fn a_verification_code_lasts_a_day() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let token = bench.mailed("email_verification_requested");
        bench.pass(24 * 60 * 60);
        assert_eq!(code(bench.identity.verify_email(&anonymous(), &token).await), "token_expired");
        bench.identity.resend_verification(&anonymous(), Some("ada@example.org".parse().unwrap())).await.unwrap();
        let fresh = bench.mailed("email_verification_requested");
        assert_ne!(fresh, token);
        assert_eq!(code(bench.identity.verify_email(&anonymous(), &fresh).await), "ok");
    }
}

#[actix_rt::test]
async fn asking_again_too_soon_is_refused_alike_for_everybody() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let resend =
            async |email: &str| bench.identity.resend_verification(&anonymous(), Some(email.parse().unwrap())).await;
        assert_eq!(resend("ada@example.org").await.unwrap_err().retry_after, Some(60), "one was sent at registration");
        bench.pass(60);
        for email in ["ada@example.org", "nobody@example.org"] {
            assert_eq!(code(resend(email).await), "ok");
            bench.pass(10);
            let refusal = resend(email).await.unwrap_err();
            assert_eq!((refusal.code.as_ref(), refusal.retry_after), ("too_many_attempts", Some(50)), "{email}");
        }
        assert_eq!(bench.events("email_verification_requested").len(), 2, "nothing for nobody");
    }
}

#[actix_rt::test]
async fn who_is_logged_in_need_not_name_the_address_and_a_confirmed_one_gets_no_mail() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let logged_in = bench.login("ada@example.org", PASSWORD).await.unwrap();
        bench.pass(60);
        bench.identity.resend_verification(&as_user(&logged_in), None).await.unwrap();
        let token = bench.mailed("email_verification_requested");
        bench.identity.verify_email(&anonymous(), &token).await.unwrap();
        bench.pass(60);
        bench.identity.resend_verification(&as_user(&logged_in), None).await.unwrap();
        assert_eq!(bench.events("email_verification_requested").len(), 2);
        assert_eq!(code(bench.identity.resend_verification(&anonymous(), None).await), "token_invalid");
    }
}

#[actix_rt::test]
async fn a_reset_answers_alike_and_writes_alike_for_known_and_unknown_addresses() {
    for bench in both() {
        bench.account("ada@example.org").await;
        for email in ["ada@example.org", "nobody@example.org"] {
            for _ in 0..3 {
                bench.identity.request_password_reset(&anonymous(), email.parse().unwrap()).await.unwrap();
            }
        }
        assert_eq!(bench.events("password_reset_requested").len(), 1, "one mail a minute, none to nobody");
        let later = "2027-01-01T00:00:00Z".parse().unwrap();
        let meta = anonymous();
        let rows = bench.test.db.write(&meta, move |tx| crate::store::mail_token::sweep(tx, later));
        assert_eq!(rows.await.unwrap(), 3, "a verification code and a reset code for each address");
    }
}

#[actix_rt::test]
async fn a_reset_sets_the_password_ends_every_session_and_lifts_the_lock() {
    for bench in both() {
        bench.account("ada@example.org").await;
        let logged_in = bench.login("ada@example.org", PASSWORD).await.unwrap();
        assert!(bench.identity.authenticate(&logged_in.access_token).await.is_ok());
        for _ in 0..5 {
            let _ = bench.login("ada@example.org", "wrong horse battery").await;
        }
        bench.identity.request_password_reset(&anonymous(), "ada@example.org".parse().unwrap()).await.unwrap();
        let token = bench.mailed("password_reset_requested");
        let reset = async |token: &str, password: &str| {
            bench.identity.reset_password(&anonymous(), token, password.to_owned().into()).await
        };
        let weak = reset(&token, "too short").await.unwrap_err();
        assert_eq!((weak.errors[0].pointer.as_str(), weak.errors[0].code.as_ref()), ("/password", "weak_password"));
        assert_eq!(code(reset(&token, "ada@example.org").await), "invalid", "nor may it be the address");
        assert_eq!(code(reset(&token, "a staple for the battery").await), "ok", "a weak one did not use the code up");
        assert_eq!(code(reset(&token, "a staple for the battery").await), "token_invalid");
        assert_eq!(code(bench.identity.authenticate(&logged_in.access_token).await), "session_ended");
        assert_eq!(code(bench.refresh(&logged_in.refresh_token).await), "session_ended");
        assert_eq!(code(bench.login("ada@example.org", PASSWORD).await), "invalid_credentials");
        let back = bench.login("ada@example.org", "a staple for the battery").await.unwrap();
        assert!(back.account.email_verified, "whoever reads the mail owns the address");
        assert_eq!(bench.events("password_changed").len(), 1);
    }
}

#[actix_rt::test]
async fn a_reset_code_lasts_an_hour_and_cannot_confirm_an_address_by_the_other_door() {
    for bench in both() {
        bench.account("ada@example.org").await;
        bench.identity.request_password_reset(&anonymous(), "ada@example.org".parse().unwrap()).await.unwrap();
        let token = bench.mailed("password_reset_requested");
        assert_eq!(code(bench.identity.verify_email(&anonymous(), &token).await), "token_invalid");
        let verification = bench.mailed("email_verification_requested");
        let password = || "a staple for the battery".to_owned().into();
        let crossed = bench.identity.reset_password(&anonymous(), &verification, password()).await;
        assert_eq!(code(crossed), "token_invalid");
        bench.pass(60 * 60);
        assert_eq!(code(bench.identity.reset_password(&anonymous(), &token, password()).await), "token_expired");
    }
}
