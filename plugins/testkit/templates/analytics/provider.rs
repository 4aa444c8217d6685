//! The plugin over a host in memory.

use acme_video::{AcmeVideo, Config};

use consilium_plugin_sdk::{
    AnalyticsSink, Plugin,
    contract::analytics::{OnEvents, Report},
    testing::FakeHost,
};
use serde_json::json;

fn batch() -> OnEvents {
    serde_json::from_value(json!({"events": [{
        "id": "e-1", "type": "consultation_ended", "schema": 1, "version": 1, "facility": "f",
        "entity": {"kind": "consultation", "id": "c"}, "at": "2026-11-20T20:00:00Z",
        "data": {
            "consultation_id": "c", "doctor_id": "d", "patient_id": "p", "time_zone": "Asia/Dhaka",
            "started_at": "2026-11-20T19:40:00Z", "ended_at": "2026-11-20T20:00:00Z",
        },
    }]}))
    .unwrap()
}

#[test]
fn a_batch_that_comes_again_is_counted_once_on_the_doctors_day() {
    let host = FakeHost::at("2026-11-20T21:00:00Z".parse().unwrap());
    let plugin = AcmeVideo::create(Config {}, &host.host()).unwrap();
    for _ in 0..2 {
        let counted = plugin.on_events(&host.host(), batch()).unwrap();
        host.commit(&counted.writes).unwrap();
    }
    let report =
        Report { doctor_id: "d".into(), from: "2026-11-20".parse().unwrap(), to: "2026-11-22".parse().unwrap() };
    let days = plugin.report(&host.host(), report).unwrap().days;
    assert_eq!(days.len(), 1);
    assert_eq!((days[0].date.to_string().as_str(), days[0].sessions), ("2026-11-21", 1));
    assert_eq!(days[0].average_duration_seconds, 1200);
}
