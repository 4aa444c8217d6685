//! Reports: what the first analytics plugin counted of one doctor.

use std::time::Duration;

use consilium_kernel::{CommandMeta, DoctorId, Refusal, Role, TimeZone};
use consilium_people::Doctor;
use consilium_plugin_host::contract::analytics::{DoctorDay, Report};
use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{Insights, refusal::InsightsRefusal};

/// Days of a report, both ends included, at most.
const LONGEST_RANGE: i32 = 366;
/// Days of a report when nobody says.
const USUAL_RANGE: i64 = 30;
/// How long a reader waits for what was just committed to be counted.
const PATIENCE: Duration = Duration::from_secs(2);

/// A doctor's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoctorFigures {
    /// Whose.
    pub doctor_id: DoctorId,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The zone of the days.
    pub time_zone: TimeZone,
    /// The days on which something happened, in order.
    pub days: Vec<DoctorDay>,
}

impl Insights {
    /// A doctor's figures per day, for that doctor and the facility's administrators; not there for anybody else.
    /// Without dates the last 30 days. What was committed before is counted, if the plugin keeps up.
    pub async fn doctor(
        &self,
        meta: &CommandMeta,
        id: DoctorId,
        from: Option<Date>,
        to: Option<Date>,
    ) -> Result<DoctorFigures, Refusal> {
        let doctor = self.allowed(meta, id).await?;
        let today = self.db.clock().now().to_zoned(doctor.time_zone.rules().clone()).date();
        let (from, to) = range(from, to, today)?;
        let unavailable = || Refusal { retry_after: Some(5), ..InsightsRefusal::Unavailable.refusal() };
        let sink = self.analytics.sinks().into_iter().next().ok_or_else(unavailable)?;
        // Older figures are better than none.
        if !matches!(tokio::time::timeout(PATIENCE, self.catch_up()).await, Ok(Ok(_))) {
            tracing::warn!(plugin = sink.plugin, "a report lacks the newest events");
        }
        let request = Report { doctor_id: id.to_string(), from, to };
        let report = self.analytics.report(&sink.plugin, request).await.map_err(|error| {
            tracing::warn!(plugin = sink.plugin, code = error.code(), "no report");
            unavailable()
        })?;
        Ok(DoctorFigures { doctor_id: id, from, to, time_zone: doctor.time_zone, days: report.days })
    }

    async fn allowed(&self, meta: &CommandMeta, id: DoctorId) -> Result<Doctor, Refusal> {
        let scope = meta.scope;
        let user = meta.principal.user().filter(|user| user.facility_id == scope.facility_id);
        let user = user.ok_or_else(Refusal::not_found)?;
        if user.doctor_id != Some(id) && user.role != Role::Admin {
            return Err(Refusal::not_found());
        }
        let doctor = self.db.read(move |read| consilium_people::doctor(read, id)).await?;
        doctor.filter(|doctor| doctor.facility_id == scope.facility_id).ok_or_else(Refusal::not_found)
    }
}

/// The days of a report, or why they make none.
fn range(from: Option<Date>, to: Option<Date>, today: Date) -> Result<(Date, Date), Refusal> {
    let to = to.or_else(|| from.map(|from| from.max(today))).unwrap_or(today);
    let from = from.unwrap_or_else(|| to.saturating_sub((USUAL_RANGE - 1).days()));
    let days = to.since(from).map_or(i32::MAX, |span| span.get_days());
    if days < 0 {
        return Err(Refusal::field("?from", "out_of_range", "must not lie after to"));
    }
    if days >= LONGEST_RANGE {
        return Err(Refusal::field("?to", "out_of_range", "must lie within 366 days of from"));
    }
    Ok((from, to))
}

#[cfg(test)]
mod range_tests {
    use super::*;

    #[test]
    fn a_report_has_an_end_and_a_beginning() {
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        let today = day("2026-06-15").unwrap();
        let of = |from, to| range(from, to, today).map(|(from, to)| format!("{from} {to}"));
        assert_eq!(of(None, None).unwrap(), "2026-05-17 2026-06-15");
        assert_eq!(of(day("2026-06-01"), None).unwrap(), "2026-06-01 2026-06-15");
        assert_eq!(of(day("2026-07-01"), None).unwrap(), "2026-07-01 2026-07-01");
        assert_eq!(of(None, day("2026-01-31")).unwrap(), "2026-01-02 2026-01-31");
        assert_eq!(of(day("2024-01-01"), day("2024-12-31")).unwrap(), "2024-01-01 2024-12-31");
        assert_eq!(of(day("2024-01-01"), day("2025-01-01")).unwrap_err().errors[0].pointer, "?to");
        assert_eq!(of(day("2026-06-02"), day("2026-06-01")).unwrap_err().errors[0].pointer, "?from");
        assert!(of(day("-009999-01-01"), day("9999-12-31")).is_err());
    }
}
