//! One's own profile, and who else may read it.

use serde_json::json;

use super::*;
use consilium_people::{MePatch, PatientRecord};

fn patch(value: serde_json::Value) -> MePatch {
    serde_json::from_value(value).unwrap()
}

fn full() -> MePatch {
    patch(json!({
        "given_name": "Farida", "time_zone": "Europe/Berlin", "language": "DE-at",
        "profile": {
            "birth_date": "1990-02-28", "gender": "female", "phone": "+880 1712-345678", "address": "Road 7\nDhaka",
            "blood_type": "O-", "allergies": ["penicillin"], "conditions": ["asthma"],
            "emergency_contact": { "name": "Karim", "relationship": "brother", "phone": "+8801812345678" },
        },
    }))
}

#[actix_rt::test]
async fn a_patient_fills_in_and_empties_the_own_profile() {
    for bench in both() {
        let account = bench.patient("p@example.org").await;
        let meta = as_user(&account);
        let me = bench.people.patch_me(&meta, full()).await.unwrap();
        assert!(me == bench.people.me(&meta).await.unwrap(), "what is answered is what is stored");
        let patient = me.patient.unwrap();
        assert_eq!((patient.given_name.as_str(), me.account.given_name.as_str()), ("Farida", "Farida"));
        assert_eq!((me.account.time_zone.name(), me.account.language.as_str()), ("Europe/Berlin", "de-AT"));
        assert_eq!(patient.phone.as_deref(), Some("+8801712345678"));
        assert_eq!(patient.birth_date.unwrap().to_string(), "1990-02-28");
        assert_eq!((patient.allergies, patient.version), (vec!["penicillin".to_owned()], 2));
        let emptied = patch(json!({ "profile": { "phone": null, "allergies": [], "emergency_contact": null } }));
        let patient = bench.people.patch_me(&meta, emptied).await.unwrap().patient.unwrap();
        assert!(patient.phone.is_none() && patient.allergies.is_empty() && patient.emergency_contact.is_none());
        assert_eq!(patient.conditions, ["asthma"], "what is absent stays");
        let same = bench.people.patch_me(&meta, patch(json!({}))).await.unwrap();
        assert_eq!(same.patient.unwrap().version, 3);
        assert_eq!(bench.events("patient_updated").len(), 2);
    }
}

#[actix_rt::test]
async fn every_wrong_field_is_named_and_nothing_is_changed() {
    for bench in both() {
        let account = bench.patient("p@example.org").await;
        let wrong = patch(json!({
            "given_name": "", "time_zone": "Nowhere", "language": "?",
            "profile": {
                "birth_date": "2026-06-03", "gender": "f", "phone": "01712345678", "address": "x".repeat(501),
                "blood_type": "C+", "allergies": ["ok", ""], "conditions": vec!["x"; 101],
                "emergency_contact": { "name": "", "relationship": "", "phone": "911" },
            },
        }));
        let found = errors(bench.people.patch_me(&as_user(&account), wrong).await);
        let expected = [
            ("/given_name", "required"),
            ("/time_zone", "invalid"),
            ("/language", "invalid"),
            ("/profile/birth_date", "out_of_range"),
            ("/profile/gender", "invalid"),
            ("/profile/phone", "invalid"),
            ("/profile/address", "too_long"),
            ("/profile/blood_type", "invalid"),
            ("/profile/allergies/1", "required"),
            ("/profile/conditions", "too_long"),
            ("/profile/emergency_contact/name", "required"),
            ("/profile/emergency_contact/relationship", "required"),
            ("/profile/emergency_contact/phone", "invalid"),
        ];
        assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
        let me = bench.people.me(&as_user(&account)).await.unwrap();
        assert_eq!((me.account.version, me.patient.unwrap().version), (1, 1));
    }
}

#[actix_rt::test]
async fn a_doctor_has_names_to_change_but_no_patient_profile() {
    for bench in both() {
        let (account, doctor) = bench.doctor("d@example.org", "Khatun").await;
        let me = bench.people.patch_me(&as_user(&account), patch(json!({ "family_name": "Begum" }))).await.unwrap();
        assert_eq!(me.account.family_name, "Begum");
        assert_eq!(me.doctor.unwrap().display_name, doctor.display_name, "patients know the doctor by another name");
        assert!(me.patient.is_none());
        let refused = errors(bench.people.patch_me(&as_user(&account), full()).await);
        assert_eq!(refused, [("/profile".to_owned(), "invalid".to_owned())]);
    }
}

/// Audit lines of foreign reads of patients.
async fn reads(bench: &Bench) -> i64 {
    use diesel::{prelude::*, sql_query, sql_types::BigInt};
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let count = bench.test.db.read(|read| {
        let statement = "SELECT count(*) AS n FROM audit_entry WHERE action = 'read_patient'";
        Ok(sql_query(statement).get_result::<Count>(read.connection())?.n)
    });
    count.await.unwrap()
}

#[actix_rt::test]
async fn a_record_is_read_by_its_patient_by_who_treats_and_in_part_by_administrators() {
    for bench in both() {
        let account = bench.patient("p@example.org").await;
        let id = account.patient_id.unwrap();
        bench.people.patch_me(&as_user(&account), full()).await.unwrap();
        let read = async |meta: &CommandMeta, treats| bench.people.patient(meta, id, treats).await;
        let own = read(&as_user(&account), false).await.unwrap();
        assert!(own.medical && own.patient.allergies == ["penicillin"]);
        assert_eq!(reads(&bench).await, 0, "reading about oneself needs no line of its own");
        let (doctor, _) = bench.doctor("d@example.org", "Khatun").await;
        assert_eq!(code(read(&as_user(&doctor), false).await), "not_found");
        assert_eq!(reads(&bench).await, 0);
        let treating = read(&as_user(&doctor), true).await.unwrap();
        assert!(treating.medical && treating.patient.blood_type.is_some());
        assert_eq!(reads(&bench).await, 1);
        let PatientRecord { patient, medical } = read(&staff(Role::Admin), false).await.unwrap();
        assert!(!medical && patient.blood_type.is_none());
        assert!(patient.allergies.is_empty() && patient.conditions.is_empty());
        assert_eq!(patient.phone.as_deref(), Some("+8801712345678"));
        assert_eq!(reads(&bench).await, 2);
        let other = bench.patient("q@example.org").await;
        for meta in [as_user(&other), staff(Role::Support), staff(Role::Nurse), anonymous()] {
            assert_eq!(code(read(&meta, false).await), "not_found");
        }
        assert_eq!(code(read(&as_user(&other), true).await), "not_found", "patients treat nobody");
        assert_eq!(
            code(bench.people.patient(&staff(Role::Admin), Id::new(uuid::Uuid::nil()), false).await),
            "not_found"
        );
        assert_eq!(reads(&bench).await, 2);
    }
}

#[actix_rt::test]
async fn another_facility_knows_nobody_here() {
    for bench in both() {
        let account = bench.patient("p@example.org").await;
        let (_, doctor) = bench.doctor("d@example.org", "Khatun").await;
        let doctor = bench.decide(&doctor, Decision::Approved).await.unwrap();
        let elsewhere = Scope::of(Id::new(uuid::Uuid::from_u128(99)));
        let admin = CommandMeta { scope: elsewhere, ..staff(Role::Admin) };
        assert_eq!(code(bench.people.patient(&admin, account.patient_id.unwrap(), true).await), "not_found");
        assert_eq!(code(bench.people.doctor(&admin, doctor.id).await), "not_found");
        let nothing = bench.people.list_doctors(&admin, Default::default(), Default::default()).await.unwrap();
        assert!(nothing.items.is_empty());
    }
}

#[actix_rt::test]
async fn staff_find_patients_by_how_their_names_begin_and_every_find_is_audited() {
    for bench in both() {
        let account = bench.patient("p@example.org").await;
        bench.patient("q@example.org").await;
        bench.people.patch_me(&as_user(&account), full()).await.unwrap();
        let find = async |q: &str| bench.people.search_patients(&staff(Role::Nurse), q).await.unwrap();
        assert_eq!(find("RAHMANOVA").await.len(), 2);
        let farida = find("far rahm").await;
        assert_eq!(farida.iter().map(|found| found.patient.id).collect::<Vec<_>>(), [account.patient_id.unwrap()]);
        assert!(!farida[0].medical && farida[0].patient.allergies.is_empty());
        assert_eq!(reads(&bench).await, 3);
        assert_eq!(find("ayesh").await.len(), 1, "the old name of the other one is forgotten");
        assert!(find("hmanova").await.is_empty(), "from the beginning only");
        assert_eq!(code(bench.people.search_patients(&staff(Role::Nurse), "f").await), "invalid");
        for role in [Role::Patient, Role::Doctor, Role::Pharmacist] {
            assert_eq!(code(bench.people.search_patients(&staff(role), "farida").await), "forbidden");
        }
    }
}
