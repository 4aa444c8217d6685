//! Rules by tables and properties.

use proptest::prelude::*;
use strum::IntoEnumIterator;

use super::*;
use crate::model::DispatchStatus::{Accepted, Cancelled, Dispensed, Failed, Preparing, Queued, Ready, Rejected, Sent};

fn today() -> Date {
    "2026-06-01".parse().unwrap()
}

fn medicine() -> MedicineDraft {
    MedicineDraft {
        name: " Amoxicillin 500 mg ".to_owned(),
        dose: "1 capsule".to_owned(),
        route: "oral".to_owned(),
        frequency: "three times a day".to_owned(),
        duration_days: 7,
        quantity: Some(21),
        instructions: Some("  ".to_owned()),
    }
}

fn draft() -> PrescriptionDraft {
    PrescriptionDraft {
        diagnosis: "Pneumonia\n(J18.9)".to_owned(),
        medicines: vec![medicine()],
        advice: None,
        follow_up_on: Some("2026-06-01".to_owned()),
    }
}

/// The code and place of everything that is wrong.
fn wrong(change: impl FnOnce(&mut PrescriptionDraft)) -> Vec<String> {
    let mut draft = draft();
    change(&mut draft);
    match check(&draft, today()) {
        Ok(_) => Vec::new(),
        Err(refusal) => refusal.errors.iter().map(|error| format!("{} {}", error.pointer, error.code)).collect(),
    }
}

#[test]
fn what_may_be_prescribed_is_trimmed_and_empty_is_nothing() {
    let order = check(&draft(), today()).unwrap();
    assert_eq!(order.medicines[0].name, "Amoxicillin 500 mg");
    assert_eq!(order.medicines[0].instructions, None);
    assert_eq!(order.diagnosis, "Pneumonia\n(J18.9)");
    assert_eq!(order.follow_up_on, Some(today()));
}

#[test]
fn every_wrong_field_is_named() {
    type Change = fn(&mut PrescriptionDraft);
    let cases: &[(Change, &str)] = &[
        (|draft| draft.diagnosis = " \n".to_owned(), "/diagnosis required"),
        (|draft| draft.diagnosis = "x".repeat(2_001), "/diagnosis too_long"),
        (|draft| draft.diagnosis = "a\u{0}b".to_owned(), "/diagnosis invalid"),
        (|draft| draft.medicines[0].name = "阿莫西林".to_owned(), "/medicines/0/name unprintable"),
        (|draft| draft.advice = Some("5\u{202E}01 mg".to_owned()), "/advice unprintable"),
        (|draft| draft.medicines.clear(), "/medicines out_of_range"),
        (|draft| draft.medicines = vec![medicine(); 31], "/medicines out_of_range"),
        (|draft| draft.medicines[0].name = String::new(), "/medicines/0/name required"),
        (|draft| draft.medicines[0].dose = "x".repeat(101), "/medicines/0/dose too_long"),
        (|draft| draft.medicines[0].route = "\u{7}".to_owned(), "/medicines/0/route invalid"),
        (|draft| draft.medicines[0].frequency = String::new(), "/medicines/0/frequency required"),
        (|draft| draft.medicines[0].duration_days = 0, "/medicines/0/duration_days out_of_range"),
        (|draft| draft.medicines[0].duration_days = 366, "/medicines/0/duration_days out_of_range"),
        (|draft| draft.medicines[0].duration_days = -1, "/medicines/0/duration_days out_of_range"),
        (|draft| draft.medicines[0].duration_days = i64::MAX, "/medicines/0/duration_days out_of_range"),
        (|draft| draft.medicines[0].quantity = Some(0), "/medicines/0/quantity out_of_range"),
        (|draft| draft.medicines[0].quantity = Some(10_001), "/medicines/0/quantity out_of_range"),
        (|draft| draft.medicines[0].instructions = Some("x".repeat(1_001)), "/medicines/0/instructions too_long"),
        (|draft| draft.advice = Some("x".repeat(4_001)), "/advice too_long"),
        (|draft| draft.follow_up_on = Some("2026-05-31".to_owned()), "/follow_up_on in_the_past"),
        (|draft| draft.follow_up_on = Some("2026-06-31".to_owned()), "/follow_up_on invalid"),
        (|draft| draft.follow_up_on = Some("2026-06-02T10:00".to_owned()), "/follow_up_on invalid"),
        (|draft| draft.follow_up_on = Some("2032-01-01".to_owned()), "/follow_up_on out_of_range"),
    ];
    for (change, expected) in cases {
        assert_eq!(wrong(change), [*expected]);
    }
    let both = wrong(|draft| {
        draft.medicines.push(medicine());
        draft.medicines[1].name = String::new();
        draft.diagnosis = String::new();
    });
    assert_eq!(both, ["/diagnosis required", "/medicines/1/name required"]);
    for (fits, days) in [(30, 365), (1, 1)] {
        let fine = wrong(|draft| {
            draft.medicines = vec![medicine(); fits];
            draft.medicines[0].duration_days = days;
        });
        assert!(fine.is_empty(), "{fine:?}");
    }
}

#[test]
fn prescriptions_are_written_while_and_after_doctor_and_patient_meet() {
    for status in ConsultationStatus::iter() {
        let allowed = matches!(status, ConsultationStatus::InProgress | ConsultationStatus::Completed);
        assert_eq!(may_prescribe_in(status).is_ok(), allowed, "{status}");
    }
}

/// Written down by hand: what each status may become.
#[test]
fn a_dispatch_goes_forwards_only() {
    let arrows: &[(DispatchStatus, &[DispatchStatus])] = &[
        (Queued, &[Sent, Accepted, Preparing, Ready, Dispensed, Rejected, Cancelled, Failed]),
        (Sent, &[Accepted, Preparing, Ready, Dispensed, Rejected, Cancelled]),
        (Accepted, &[Preparing, Ready, Dispensed, Rejected, Cancelled]),
        (Preparing, &[Ready, Dispensed, Rejected, Cancelled]),
        (Ready, &[Dispensed, Rejected, Cancelled]),
        (Dispensed, &[]),
        (Rejected, &[]),
        (Cancelled, &[]),
        (Failed, &[]),
    ];
    assert_eq!(arrows.len(), DispatchStatus::iter().count());
    for (from, to) in arrows {
        for next in DispatchStatus::iter() {
            assert_eq!(from.may_become(next), to.contains(&next), "{from} → {next}");
        }
    }
}

proptest! {
    /// However often, late and out of order a pharmacy reports: a dispatch ends once, and stays there.
    #[test]
    fn reports_in_any_order_end_a_dispatch_once(reports in prop::collection::vec(0usize..9, 0..30)) {
        let all: Vec<_> = DispatchStatus::iter().collect();
        let (mut status, mut steps, mut ends) = (Queued, 0, 0);
        for report in reports {
            if status.may_become(all[report]) {
                prop_assert!(!status.is_final());
                status = all[report];
                steps += 1;
                ends += usize::from(status.is_final());
            }
        }
        prop_assert!(steps <= 6 && ends <= 1);
    }

    /// Whatever is typed: an order that is accepted keeps within its bounds.
    #[test]
    fn an_accepted_order_keeps_within_its_bounds(diagnosis in ".{0,60}", days in any::<i64>(), quantity in any::<Option<i64>>()) {
        let mut draft = draft();
        draft.diagnosis = diagnosis;
        draft.medicines[0].duration_days = days;
        draft.medicines[0].quantity = quantity;
        if let Ok(order) = check(&draft, today()) {
            prop_assert!((1..=365).contains(&order.medicines[0].duration_days));
            prop_assert!(order.medicines[0].quantity.is_none_or(|quantity| (1..=10_000).contains(&quantity)));
            prop_assert!(!order.diagnosis.trim().is_empty());
        }
    }
}
