//! Staff, changes of an account, tidying up, and what can be read without the keys.

use super::*;
use crate::{
    AccountPatch, NewStaff, SecretText, account, contact, patch_account,
    store::session::{self, NewRefreshToken},
};

pub fn nurse() -> NewStaff {
    NewStaff {
        email: "nurse@example.org".parse().unwrap(),
        password: PASSWORD.to_owned().into(),
        role: Role::Nurse,
        given_name: "Florence".to_owned(),
        family_name: "Nightingale".to_owned(),
        time_zone: "Europe/London".parse().unwrap(),
        language: Language::english(),
    }
}

#[actix_rt::test]
async fn staff_are_created_ready_to_log_in() {
    for bench in both() {
        let meta = CommandMeta::system(DEFAULT_FACILITY, "admin create");
        let created = bench.identity.create_staff(&meta, nurse()).await.unwrap();
        assert!(created.email_verified && created.doctor_id.is_none() && created.patient_id.is_none());
        let logged_in = bench.login("nurse@example.org", PASSWORD).await.unwrap();
        assert_eq!(bench.identity.authenticate(&logged_in.access_token).await.unwrap().role, Role::Nurse);
        assert!(bench.events("email_verification_requested").is_empty());
        assert_eq!(code(bench.identity.create_staff(&meta, nurse()).await), "email_taken");
        let wrong =
            NewStaff { role: Role::Doctor, password: "short".to_owned().into(), family_name: " ".into(), ..nurse() };
        let pointers: Vec<String> = bench
            .identity
            .create_staff(&meta, wrong)
            .await
            .unwrap_err()
            .errors
            .into_iter()
            .map(|e| e.pointer)
            .collect();
        assert_eq!(pointers, ["/role", "/password", "/family_name"]);
    }
}

#[actix_rt::test]
async fn accounts_are_changed_and_read_by_other_modules() {
    for bench in both() {
        let before = bench.account("ada@example.org").await;
        let id = before.id;
        let patch = AccountPatch {
            family_name: Some("King".to_owned()),
            time_zone: Some("Asia/Dhaka".parse().unwrap()),
            ..AccountPatch::default()
        };
        let after = bench.test.db.write(&anonymous(), move |tx| patch_account(tx, id, patch.clone())).await.unwrap();
        assert_eq!(after.version, before.version + 1);
        let read = bench.test.db.read(move |read| Ok((account(read, id)?, contact(read, id)?))).await.unwrap();
        assert_eq!(read.0.as_ref(), Some(&after));
        let contact = read.1.unwrap();
        assert_eq!((contact.given_name.as_str(), contact.family_name.as_str()), ("Adalbertina", "King"));
        assert_eq!((contact.time_zone.name(), contact.email.as_str()), ("Asia/Dhaka", "ada@example.org"));
        let nobody = consilium_kernel::Id::new(uuid::Uuid::nil());
        assert!(bench.test.db.read(move |read| crate::contact(read, nobody)).await.unwrap().is_none());
    }
}

#[actix_rt::test]
async fn what_nobody_needs_is_swept_away_and_the_rest_stays() {
    const DAY: i64 = 24 * 60 * 60;
    for bench in both() {
        bench.account("ada@example.org").await;
        bench.login("ada@example.org", PASSWORD).await.unwrap();
        let _ = bench.login("eve@example.org", "wrong horse battery").await;
        assert_eq!(bench.identity.sweep().await.unwrap(), 0);
        bench.pass(DAY + 1);
        assert_eq!(bench.identity.sweep().await.unwrap(), 1, "the failure");
        bench.pass(DAY);
        assert_eq!(bench.identity.sweep().await.unwrap(), 1, "the verification code");
        bench.pass(32 * DAY);
        let fresh = bench.login("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(bench.identity.sweep().await.unwrap(), 1, "the session with its refresh token");
        assert!(bench.refresh(&fresh.refresh_token).await.is_ok());
    }
}

#[actix_rt::test]
async fn no_address_name_device_or_token_stands_readable_in_the_files() {
    let [bench, _] = both();
    bench.account("canary.bird@example.org").await;
    let logged_in = bench.login("canary.bird@example.org", PASSWORD).await.unwrap();
    bench.identity.request_password_reset(&anonymous(), "canary.bird@example.org".parse().unwrap()).await.unwrap();
    let mut stored = Vec::new();
    for file in std::fs::read_dir(&bench.test.folder).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains("consilium.db") {
            stored.extend(std::fs::read(path).unwrap());
        }
    }
    let holds = |text: &str| stored.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
    assert!(holds("argon2id"), "the files were read");
    let secrets = [
        "canary.bird",
        "Adalbertina",
        "Lovelacescu",
        "borrowed laptop",
        PASSWORD,
        &logged_in.refresh_token,
        &bench.mailed("password_reset_requested"),
        &bench.mailed("email_verification_requested"),
    ];
    for secret in secrets {
        assert!(!holds(secret), "{secret}");
    }
}

#[actix_rt::test]
async fn a_session_that_began_while_the_account_was_deactivated_allows_nothing() {
    for bench in both() {
        let account = bench.account("ada@example.org").await;
        let system = CommandMeta::system(DEFAULT_FACILITY, "test");
        bench.test.db.write(&system, move |tx| crate::deactivate_account(tx, account.id)).await.unwrap();
        // As of a login that was decided before, and committed after.
        let (id, secret) = (consilium_kernel::Id::new(bench.test.db.ids().next()), SecretText::random().unwrap());
        let hash = secret.hash();
        let write = move |tx: &mut consilium_db::Tx<'_>| {
            let (owner, expires_at) = (account.clone(), tx.now() + SignedDuration::from_hours(1));
            session::begin(tx, id, &owner, None, expires_at)?;
            let facility_id = owner.facility_id;
            session::add_refresh_token(
                tx,
                NewRefreshToken { session_id: id, facility_id, hash: &hash, predecessor: None, expires_at },
            )
        };
        bench.test.db.write(&system, write).await.unwrap();
        assert!(bench.identity.standing(id).await.unwrap().is_none());
        assert_eq!(code(bench.refresh(secret.reveal()).await), "session_ended");
        let before = bench.events("password_reset_requested").len();
        bench.identity.request_password_reset(&anonymous(), "ada@example.org".parse().unwrap()).await.unwrap();
        assert_eq!(bench.events("password_reset_requested").len(), before, "no mail leads around it");
    }
}
