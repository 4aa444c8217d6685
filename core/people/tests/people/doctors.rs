//! A doctor's profile and verification.

use serde_json::json;

use super::*;
use consilium_people::{DoctorFilter, PageRequest, Verification};

fn patch(value: serde_json::Value) -> DoctorPatch {
    serde_json::from_value(value).unwrap()
}

#[actix_rt::test]
async fn a_doctor_is_visible_once_verified_and_no_longer_once_rejected() {
    for bench in both() {
        let (account, doctor) = bench.doctor("d@example.org", "Khatun").await;
        let seen = async |meta: &CommandMeta| code(bench.people.doctor(meta, doctor.id).await);
        let listed = async || {
            let page = bench.people.list_doctors(&anonymous(), DoctorFilter::default(), PageRequest::default()).await;
            page.unwrap().items.len()
        };
        let patient = as_user(&bench.patient("p@example.org").await);
        assert_eq!((seen(&anonymous()).await.as_str(), seen(&patient).await.as_str()), ("not_found", "not_found"));
        assert_eq!((seen(&as_user(&account)).await.as_str(), seen(&staff(Role::Admin)).await.as_str()), ("ok", "ok"));
        assert_eq!(listed().await, 0);
        let approved = bench.decide(&doctor, Decision::Approved).await.unwrap();
        assert!(approved.verified && approved.version == 2);
        assert_eq!((seen(&anonymous()).await.as_str(), listed().await), ("ok", 1));
        let public = bench.people.doctor(&patient, doctor.id).await.unwrap();
        assert!(public.verified && public.verification_reason.is_none(), "the reason is not for everybody");
        let own = bench.people.doctor(&as_user(&account), doctor.id).await.unwrap();
        assert_eq!(own.verification_reason.as_deref(), Some("The register says so."));
        bench.decide(&doctor, Decision::Rejected).await.unwrap();
        assert_eq!((seen(&anonymous()).await.as_str(), listed().await), ("not_found", 0));
        let events = bench.events("doctor_verified");
        assert_eq!(events.iter().map(|event| event["decision"].clone()).collect::<Vec<_>>(), ["approved", "rejected"]);
        assert_eq!(events[0]["user_id"], json!(account.id));
    }
}

#[actix_rt::test]
async fn only_administrators_decide_and_a_rejection_needs_a_reason() {
    for bench in both() {
        let (account, doctor) = bench.doctor("d@example.org", "Khatun").await;
        let approve = || VerifyDoctor { decision: Decision::Approved, reason: None };
        let nurse = staff(Role::Nurse);
        for meta in [&anonymous(), &as_user(&account), &nurse] {
            assert_eq!(code(bench.people.verify_doctor(meta, doctor.id, approve()).await), "forbidden");
        }
        let reject = VerifyDoctor { decision: Decision::Rejected, reason: Some("  ".to_owned()) };
        let refused = errors(bench.people.verify_doctor(&staff(Role::Admin), doctor.id, reject).await);
        assert_eq!(refused, [("/reason".to_owned(), "required".to_owned())]);
        let nobody = Id::new(uuid::Uuid::from_u128(404));
        let outcome = bench.people.verify_doctor(&staff(Role::Admin), nobody, approve()).await;
        assert_eq!(code(outcome), "not_found");
        assert!(bench.events("doctor_verified").is_empty());
    }
}

#[actix_rt::test]
async fn administrators_list_doctors_by_how_far_their_review_has_come() {
    for bench in both() {
        let (account, first) = bench.doctor("a@example.org", "Ahmed").await;
        let (_, second) = bench.doctor("b@example.org", "Begum").await;
        let (_, third) = bench.doctor("c@example.org", "Chowdhury").await;
        let list = async |meta: &CommandMeta, verification, q: Option<&str>, page| {
            let filter = DoctorFilter { q: q.map(str::to_owned), ..DoctorFilter::default() };
            bench.people.doctors_by_verification(meta, verification, filter, page).await
        };
        let admin = staff(Role::Admin);
        let ids = async |verification, q| {
            let page = list(&admin, verification, q, PageRequest::default()).await.unwrap();
            page.items.into_iter().map(|doctor| doctor.id).collect::<Vec<_>>()
        };
        bench.decide(&second, Decision::Approved).await.unwrap();
        assert_eq!(ids(Verification::Pending, None).await, [first.id, third.id]);
        assert_eq!(ids(Verification::Pending, Some("chow")).await, [third.id]);
        assert_eq!(ids(Verification::Approved, None).await, [second.id]);
        bench.decide(&third, Decision::Rejected).await.unwrap();
        let rejected = list(&admin, Verification::Rejected, None, PageRequest::default()).await.unwrap();
        assert!(rejected.items[0].verification_reason.is_some(), "the reason is for administrators");
        bench.decide(&third, Decision::Approved).await.unwrap();
        let one = PageRequest { limit: Some(1), cursor: None };
        let page = list(&admin, Verification::Approved, None, one.clone()).await.unwrap();
        let rest = PageRequest { cursor: page.next_cursor, ..one };
        let rest = list(&admin, Verification::Approved, None, rest).await.unwrap();
        assert_eq!((page.items[0].id, rest.items[0].id, rest.next_cursor), (second.id, third.id, None));
        for nobody in [&anonymous(), &as_user(&account), &staff(Role::Nurse), &staff(Role::Pharmacist)] {
            assert_eq!(code(list(nobody, Verification::Pending, None, PageRequest::default()).await), "forbidden");
        }
    }
}

#[actix_rt::test]
async fn a_repeated_decision_is_answered_and_not_done_again() {
    for bench in both() {
        let (_, doctor) = bench.doctor("d@example.org", "Khatun").await;
        let approve = || VerifyDoctor { decision: Decision::Approved, reason: None };
        let admin = as_user(&bench.patient("stands-in-for-an-admin@example.org").await);
        let Principal::User(user) = admin.principal.clone() else { panic!("a user") };
        let admin = CommandMeta { principal: Principal::User(User { role: Role::Admin, ..user }), ..admin };
        let first = bench.people.verify_doctor(&keyed(admin.clone(), "k"), doctor.id, approve()).await.unwrap();
        bench.decide(&doctor, Decision::Rejected).await.unwrap();
        let replayed = bench.people.verify_doctor(&keyed(admin, "k"), doctor.id, approve()).await.unwrap();
        assert_eq!(replayed, first);
        let now = bench.people.doctor(&system(), doctor.id).await.unwrap();
        assert_eq!(now.verification, Verification::Rejected);
        let again = bench.decide(&doctor, Decision::Rejected).await.unwrap();
        assert_eq!(again.version, now.version, "deciding the same changes nothing");
        assert_eq!(bench.events("doctor_verified").len(), 2);
    }
}

#[actix_rt::test]
async fn a_profile_is_filled_in_and_emptied_field_by_field() {
    for bench in both() {
        let (account, doctor) = bench.doctor("d@example.org", "Khatun").await;
        let me = as_user(&account);
        let full = patch(json!({
            "display_name": " Dr. Ayesha Khatun ", "specialty": "Cardiology", "qualifications": ["MBBS", "FCPS", "MBBS"],
            "licence_number": "A-12345", "years_of_experience": 12, "languages": ["BN", "en-gb"],
            "consultation_fee": { "amount_minor": 150000, "currency": "BDT" }, "time_zone": "asia/dhaka",
            "photo_url": "https://example.org/ayesha.jpg",
        }));
        let filled = bench.people.patch_doctor(&me, doctor.id, 1, full).await.unwrap();
        assert_eq!(filled, bench.people.doctor(&me, doctor.id).await.unwrap(), "what is answered is what is stored");
        assert_eq!((filled.version, filled.display_name.as_str()), (2, "Dr. Ayesha Khatun"));
        assert_eq!(filled.qualifications, ["MBBS", "FCPS"]);
        assert_eq!(filled.languages.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["bn", "en-GB"]);
        assert_eq!(filled.consultation_fee.as_ref().unwrap().amount_minor, 150_000);
        assert_eq!((filled.years_of_experience, filled.time_zone.name()), (Some(12), "Asia/Dhaka"));
        let emptied = patch(json!({
            "specialty": null, "licence_number": null, "years_of_experience": null, "consultation_fee": null,
            "photo_url": null, "qualifications": [],
        }));
        let emptied = bench.people.patch_doctor(&me, doctor.id, 2, emptied).await.unwrap();
        assert_eq!(emptied, bench.people.doctor(&me, doctor.id).await.unwrap());
        assert!(emptied.specialty.is_none() && emptied.consultation_fee.is_none() && emptied.licence_number.is_none());
        assert_eq!(emptied.display_name, "Dr. Ayesha Khatun", "what is absent stays");
        let same = bench.people.patch_doctor(&me, doctor.id, 3, DoctorPatch::default()).await.unwrap();
        assert_eq!(same.version, 3);
        assert_eq!(bench.events("doctor_updated").len(), 2);
    }
}

#[actix_rt::test]
async fn every_wrong_field_of_a_profile_is_named() {
    for bench in both() {
        let (account, doctor) = bench.doctor("d@example.org", "Khatun").await;
        let wrong = patch(json!({
            "display_name": "", "specialty": "x".repeat(81), "qualifications": ["MBBS", "a\u{0}b"],
            "licence_number": " ", "years_of_experience": 81, "languages": ["bn", "no tag"],
            "consultation_fee": { "amount_minor": -1, "currency": "BDT" }, "time_zone": "Mars/Olympus",
            "photo_url": "javascript:alert(1)",
        }));
        let found = errors(bench.people.patch_doctor(&as_user(&account), doctor.id, 1, wrong).await);
        let expected = [
            ("/display_name", "required"),
            ("/specialty", "too_long"),
            ("/qualifications/1", "invalid"),
            ("/licence_number", "required"),
            ("/years_of_experience", "out_of_range"),
            ("/languages/1", "invalid"),
            ("/consultation_fee/amount_minor", "out_of_range"),
            ("/time_zone", "invalid"),
            ("/photo_url", "invalid"),
        ];
        assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
        assert_eq!(bench.people.doctor(&as_user(&account), doctor.id).await.unwrap(), doctor);
    }
}

#[actix_rt::test]
async fn a_profile_is_changed_by_its_doctor_or_an_administrator_from_its_present_version() {
    for bench in both() {
        let (account, doctor) = bench.doctor("d@example.org", "Khatun").await;
        let (stranger, _) = bench.doctor("e@example.org", "Begum").await;
        let rename = |name: &str| patch(json!({ "display_name": name }));
        let change = async |meta: &CommandMeta, version, name: &str| {
            code(bench.people.patch_doctor(meta, doctor.id, version, rename(name)).await)
        };
        assert_eq!(change(&as_user(&stranger), 1, "Dr. Evil").await, "not_found");
        bench.decide(&doctor, Decision::Approved).await.unwrap();
        assert_eq!(change(&as_user(&stranger), 2, "Dr. Evil").await, "forbidden");
        assert_eq!(change(&anonymous(), 2, "Dr. Evil").await, "forbidden");
        assert_eq!(change(&as_user(&account), 1, "Dr. Late").await, "stale");
        assert_eq!(change(&as_user(&account), 2, "Dr. Ayesha").await, "ok");
        assert_eq!(change(&staff(Role::Admin), 3, "Dr. Ayesha Khatun").await, "ok");
        let me = as_user(&account);
        let twins = (0..4).map(|n| change(&me, 4, ["Dr. A", "Dr. B", "Dr. C", "Dr. D"][n]));
        let mut codes = Vec::new();
        for twin in twins {
            codes.push(twin.await);
        }
        assert_eq!(codes, ["ok", "stale", "stale", "stale"]);
    }
}

#[actix_rt::test]
async fn a_verified_licence_number_is_changed_by_an_administrator_only() {
    for bench in both() {
        let (account, doctor) = bench.doctor("d@example.org", "Khatun").await;
        let me = as_user(&account);
        let licence = |number: &str| patch(json!({ "licence_number": number }));
        bench.people.patch_doctor(&me, doctor.id, 1, licence("A-1")).await.unwrap();
        bench.people.patch_doctor(&me, doctor.id, 2, licence("A-2")).await.unwrap();
        bench.decide(&doctor, Decision::Approved).await.unwrap();
        let outcome = bench.people.patch_doctor(&me, doctor.id, 4, licence("A-3")).await;
        assert_eq!(code(outcome), "licence_verified");
        bench.people.patch_doctor(&me, doctor.id, 4, licence("A-2")).await.unwrap();
        bench.people.patch_doctor(&staff(Role::Admin), doctor.id, 4, licence("A-3")).await.unwrap();
    }
}
