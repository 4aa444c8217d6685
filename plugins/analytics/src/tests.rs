//! What is counted, and that nothing is counted twice.

use super::*;
use consilium_plugin_sdk::{
    contract::{Entity, Money, analytics::DoctorDay},
    testing::FakeHost,
};
use serde_json::{Value, json};

fn event(id: &str, kind: &str, data: Value) -> Event {
    Event {
        id: id.to_owned(),
        kind: kind.to_owned(),
        schema: 1,
        entity: Entity { kind: "consultation".to_owned(), id: "c".to_owned() },
        version: 1,
        facility: "f".to_owned(),
        at: "2026-11-20T10:00:00Z".parse().unwrap(),
        data,
    }
}

fn ended(id: &str, patient: &str, ended_at: &str, seconds: i64) -> Event {
    let ended_at: Timestamp = ended_at.parse().unwrap();
    let started_at = Timestamp::from_second(ended_at.as_second() - seconds).unwrap();
    event(
        id,
        "consultation_ended",
        json!({
            "consultation_id": "c", "doctor_id": "d", "patient_id": patient, "started_at": started_at,
            "ended_at": ended_at, "time_zone": "Asia/Dhaka", "fee": {"amount_minor": 100, "currency": "BDT"},
        }),
    )
}

fn rated(id: &str, ended_at: &str, rating: u8) -> Event {
    event(
        id,
        "consultation_rated",
        json!({
            "consultation_id": "c", "doctor_id": "d", "ended_at": ended_at, "time_zone": "Asia/Dhaka",
            "rating": rating,
        }),
    )
}

fn host() -> FakeHost {
    FakeHost::at("2026-11-20T10:00:00Z".parse().unwrap())
}

fn count(host: &FakeHost, events: &[Event]) -> usize {
    let counted = Analytics.on_events(&host.host(), OnEvents { events: events.to_vec() }).unwrap();
    host.commit(&counted.writes).unwrap();
    counted.writes.len()
}

fn report(host: &FakeHost, from: &str, to: &str) -> Result<Vec<DoctorDay>, PluginError> {
    let request = Report { doctor_id: "d".to_owned(), from: from.parse().unwrap(), to: to.parse().unwrap() };
    Analytics.report(&host.host(), request).map(|report| report.days)
}

#[test]
fn ranges_that_are_backwards_or_too_long_are_refused() {
    for (from, to) in [("2026-11-21", "2026-11-20"), ("2026-01-01", "2027-01-03")] {
        assert_eq!(report(&host(), from, to).unwrap_err().code, "range_invalid", "{from} {to}");
    }
}

#[test]
fn events_that_cannot_be_understood_change_nothing() {
    let mut zone = ended("1", "p", "2026-11-20T10:00:00Z", 60);
    zone.data["time_zone"] = json!("Asia/Atlantis");
    let missing = event("2", "consultation_ended", json!({"doctor_id": "d"}));
    for wrong in [zone, missing, rated("3", "2026-11-20T10:00:00Z", 6)] {
        let refused = Analytics.on_events(&host().host(), OnEvents { events: vec![wrong] });
        assert_eq!(refused.unwrap_err().code, "event_invalid");
    }
    let mut newer = ended("1", "p", "2026-11-20T10:00:00Z", 60);
    newer.schema = 2;
    assert_eq!(count(&host(), &[newer, event("2", "message_sent", json!({}))]), 0);
}

#[test]
fn a_day_is_counted_in_the_doctors_time_zone() {
    let host = host();
    // 17:59 and 18:01 UTC are before and after midnight in Dhaka.
    count(
        &host,
        &[
            ended("1", "p", "2026-11-20T17:59:00Z", 600),
            ended("2", "p", "2026-11-20T18:01:00Z", 300),
            ended("3", "q", "2026-11-21T10:00:00Z", 900),
            rated("4", "2026-11-21T10:00:00Z", 4),
            rated("5", "2026-11-20T18:01:00Z", 5),
        ],
    );
    let days = report(&host, "2026-11-20", "2026-11-21").unwrap();
    let money = |amount_minor| vec![Money { amount_minor, currency: "BDT".to_owned() }];
    let day = |date: &str, sessions, average_duration_seconds, average_rating, earnings, patients| DoctorDay {
        date: date.parse().unwrap(),
        sessions,
        average_duration_seconds,
        average_rating,
        earnings,
        patients,
    };
    assert_eq!(
        days,
        [day("2026-11-20", 1, 600, None, money(100), 1), day("2026-11-21", 2, 600, Some(4.5), money(200), 2),]
    );
    assert_eq!(report(&host, "2026-11-22", "2026-11-30").unwrap(), []);
}

#[test]
fn a_replayed_batch_counts_nothing_again() {
    let host = host();
    let batch = [
        ended("1", "p", "2026-11-20T10:00:00Z", 600),
        ended("1", "p", "2026-11-20T10:00:00Z", 600),
        rated("2", "2026-11-20T10:00:00Z", 5),
    ];
    assert_eq!(count(&host, &batch), 1);
    let before = report(&host, "2026-11-20", "2026-11-20").unwrap();
    assert_eq!(count(&host, &batch), 0, "nothing is written either");
    assert_eq!(report(&host, "2026-11-20", "2026-11-20").unwrap(), before);
    assert_eq!(before[0].sessions, 1);
}

#[test]
fn an_answer_that_was_overtaken_cannot_be_committed() {
    let host = host();
    let slow = Analytics
        .on_events(&host.host(), OnEvents { events: vec![ended("1", "p", "2026-11-20T10:00:00Z", 60)] })
        .unwrap();
    count(&host, &[ended("2", "p", "2026-11-20T10:00:00Z", 60)]);
    assert_eq!(host.commit(&slow.writes).unwrap_err().code, "kv_conflict");
    assert_eq!(count(&host, &[ended("1", "p", "2026-11-20T10:00:00Z", 60)]), 1);
    assert_eq!(report(&host, "2026-11-20", "2026-11-20").unwrap()[0].sessions, 2);
}

#[test]
fn reports_go_over_many_pages() {
    let host = host();
    let noon: Timestamp = "2026-01-01T06:00:00Z".parse().unwrap();
    for n in 0..250 {
        let day = Timestamp::from_second(noon.as_second() + n * 86_400).unwrap();
        count(&host, &[ended(&n.to_string(), "p", &day.to_string(), 60)]);
    }
    assert_eq!(report(&host, "2026-01-01", "2026-12-31").unwrap().len(), 250);
    assert_eq!(report(&host, "2026-01-11", "2026-05-10").unwrap().len(), 120);
}
