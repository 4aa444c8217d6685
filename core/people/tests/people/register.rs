//! Becoming a patient or a doctor.

use super::*;
use consilium_people::{doctor, patient};

#[actix_rt::test]
async fn an_account_comes_with_its_patient_or_doctor() {
    for bench in both() {
        let account = bench.patient("p@example.org").await;
        let id = account.patient_id.unwrap();
        let found = bench.test.db.read(move |read| patient(read, id)).await.unwrap().unwrap();
        assert_eq!((found.given_name.as_str(), found.family_name.as_str()), ("Ayeshabanu", "Rahmanova"));
        assert_eq!((found.user_id, found.version), (Some(account.id), 1));
        let (account, _) = bench.doctor("d@example.org", "Khatun").await;
        let id = account.doctor_id.unwrap();
        let found = bench.test.db.read(move |read| doctor(read, id)).await.unwrap().unwrap();
        assert_eq!((found.display_name.as_str(), found.user_id), ("Ayeshabanu Khatun", account.id));
        assert!(!found.verified && found.specialty.is_none());
        assert_eq!((found.time_zone.name(), found.languages[0].as_str()), ("Asia/Dhaka", "bn"));
        assert!(!account.email_verified);
        assert_eq!(bench.events("account_registered").len(), 2);
        assert_eq!(bench.events("email_verification_requested").len(), 2);
    }
}

#[actix_rt::test]
async fn what_consilium_registers_itself_needs_no_confirmation() {
    for bench in both() {
        let seed = registration("seed@example.org", Role::Patient, "Rahman");
        assert!(bench.people.register(&system(), seed).await.unwrap().email_verified);
        assert!(bench.events("email_verification_requested").is_empty());
    }
}

#[actix_rt::test]
async fn every_wrong_field_is_named_and_nothing_is_written() {
    for bench in both() {
        let wrong = Registration {
            email: "not an address".to_owned(),
            password: "short".to_owned().into(),
            role: Role::Admin,
            given_name: " ".to_owned(),
            family_name: "x".repeat(101),
            time_zone: Some("Dhaka".to_owned()),
            language: Some("bangla please".to_owned()),
        };
        let found = errors(bench.people.register(&anonymous(), wrong).await);
        let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/role", "/email", "/given_name", "/family_name", "/time_zone", "/language"]);
        let weak =
            Registration { password: "short".to_owned().into(), ..registration("a@example.org", Role::Patient, "B") };
        let found = errors(bench.people.register(&anonymous(), weak).await);
        assert_eq!(found, [("/password".to_owned(), "weak_password".to_owned())]);
        assert!(bench.events("account_registered").is_empty());
    }
}

#[actix_rt::test]
async fn an_address_is_taken_whatever_its_case() {
    for bench in both() {
        bench.patient("p@example.org").await;
        let again = registration(" P@Example.Org", Role::Doctor, "Rahman");
        assert_eq!(code(bench.people.register(&anonymous(), again).await), "email_taken");
        assert_eq!(bench.events("account_registered").len(), 1);
    }
}

#[actix_rt::test]
async fn nothing_of_a_patient_stands_readable_in_the_files() {
    let bench = sqlite();
    let account = bench.patient("canary.bird@example.org").await;
    let patch = serde_json::from_value(serde_json::json!({ "profile": {
        "birth_date": "1987-03-14", "phone": "+8801712345678", "address": "Canary Lane 7\nDhaka",
        "blood_type": "AB-", "allergies": ["penicillin-canary"], "conditions": ["asthma-canary"],
        "emergency_contact": { "name": "Zebulon Canary", "relationship": "brother", "phone": "+8801812345678" },
    }}));
    bench.people.patch_me(&as_user(&account), patch.unwrap()).await.unwrap();
    bench.people.patient(&staff(Role::Admin), account.patient_id.unwrap(), false).await.unwrap();
    let mut stored = Vec::new();
    for file in std::fs::read_dir(&bench.test.folder).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains("consilium.db") {
            stored.extend(std::fs::read(path).unwrap());
        }
    }
    let holds = |text: &str| stored.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
    assert!(holds("read_patient"), "the files were read");
    for secret in ["canary", "Ayeshabanu", "Rahmanova", "1987-03-14", "8801712345678", "Zebulon", "AB-"] {
        assert!(!holds(secret), "{secret}");
    }
}
