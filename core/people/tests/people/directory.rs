//! The public list of doctors.

use serde_json::json;

use super::*;
use consilium_people::{DoctorFilter, Page, PageRequest};

fn profile(name: &str, specialty: &str, languages: &[&str]) -> DoctorPatch {
    serde_json::from_value(json!({ "display_name": name, "specialty": specialty, "languages": languages })).unwrap()
}

async fn names(bench: &Bench, filter: DoctorFilter) -> Vec<String> {
    let page = bench.people.list_doctors(&anonymous(), filter, PageRequest::default()).await.unwrap();
    page.items.into_iter().map(|doctor| doctor.display_name).collect()
}

fn q(text: &str) -> DoctorFilter {
    DoctorFilter { q: Some(text.to_owned()), ..DoctorFilter::default() }
}

fn specialty(text: &str) -> DoctorFilter {
    DoctorFilter { specialty: Some(text.to_owned()), ..DoctorFilter::default() }
}

fn language(tag: &str) -> DoctorFilter {
    DoctorFilter { language: Some(tag.to_owned()), ..DoctorFilter::default() }
}

#[actix_rt::test]
async fn verified_doctors_are_found_by_field_language_words_and_id() {
    for bench in both() {
        bench.listed("a@example.org", profile("Dr. Ångström", "Cardiology", &["sv", "en-GB"])).await;
        let b = bench.listed("b@example.org", profile("Dr. Begum", "cardiology", &["bn", "enm"])).await;
        bench.listed("c@example.org", profile("Dr. Chowdhury 100%", "General practice", &["bn-Beng"])).await;
        bench.doctor("d@example.org", "Unlisted").await;
        let everybody = ["Dr. Begum", "Dr. Chowdhury 100%", "Dr. Ångström"];
        assert_eq!(names(&bench, DoctorFilter::default()).await, everybody);
        assert_eq!(names(&bench, specialty("CARDIOLOGY ")).await, ["Dr. Begum", "Dr. Ångström"]);
        assert_eq!(names(&bench, specialty("cardio")).await, [""; 0], "the whole field is meant");
        assert_eq!(names(&bench, language("EN")).await, ["Dr. Ångström"], "en-GB, but not enm");
        assert_eq!(names(&bench, language("en-gb")).await, ["Dr. Ångström"]);
        assert_eq!(names(&bench, language("bn")).await, ["Dr. Begum", "Dr. Chowdhury 100%"]);
        assert_eq!(names(&bench, q("ÅNGSTRÖM")).await, ["Dr. Ångström"]);
        assert_eq!(names(&bench, q("cardio beg")).await, ["Dr. Begum"], "all words, in any order");
        assert_eq!(names(&bench, q("  ")).await, everybody);
        assert_eq!(names(&bench, q("%")).await, ["Dr. Chowdhury 100%"], "taken literally");
        for pattern in ["_r.", "B%m", "\\", "' OR 1=1 --"] {
            assert_eq!(names(&bench, q(pattern)).await, [""; 0], "{pattern}");
        }
        let only = |ids| DoctorFilter { ids: Some(ids), ..DoctorFilter::default() };
        assert_eq!(names(&bench, only(vec![b.id])).await, ["Dr. Begum"]);
        assert_eq!(names(&bench, only(vec![])).await, [""; 0]);
    }
}

#[actix_rt::test]
async fn filters_that_cannot_be_meant_are_named() {
    for bench in both() {
        let list = async |filter, page| errors(bench.people.list_doctors(&anonymous(), filter, page).await);
        let wrong = DoctorFilter {
            specialty: Some("a\0b".to_owned()),
            language: Some("not a tag".to_owned()),
            q: Some("x".repeat(101)),
            ids: None,
        };
        let pointers: Vec<String> =
            list(wrong, PageRequest::default()).await.into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/specialty", "/language", "/q"]);
        let page = PageRequest { limit: Some(0), cursor: None };
        assert_eq!(list(DoctorFilter::default(), page).await[0].0, "?limit");
    }
}

#[actix_rt::test]
async fn pages_follow_each_other_without_gap_or_repetition_even_among_namesakes() {
    for bench in both() {
        let mut expected = Vec::new();
        for n in 0..7 {
            // Four of seven have the same name, so that only the id tells them apart.
            let name = if n < 4 { "Dr. Khan".to_owned() } else { format!("Dr. {}", ["Aziz", "Noor", "Zaman"][n - 4]) };
            expected.push(bench.listed(&format!("d{n}@example.org"), profile(&name, "Surgery", &["en"])).await);
        }
        expected.sort_by_key(|doctor| (doctor.display_name.to_lowercase(), doctor.id));
        let mut seen: Vec<Doctor> = Vec::new();
        let mut page = PageRequest { limit: Some(2), cursor: None };
        for part in [2, 2, 2, 1] {
            let Page { items, next_cursor } =
                bench.people.list_doctors(&anonymous(), specialty("surgery"), page).await.unwrap();
            assert_eq!((items.len(), next_cursor.is_some()), (part, seen.len() < 6));
            seen.extend(items);
            page = PageRequest { limit: Some(2), cursor: next_cursor };
        }
        let ids = |doctors: &[Doctor]| doctors.iter().map(|doctor| doctor.id).collect::<Vec<_>>();
        assert_eq!(ids(&seen), ids(&expected));
    }
}
