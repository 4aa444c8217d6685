//! What pharmacists are to dispense.

use consilium_kernel::Refusal;
use consilium_prescribing::DispatchStatus;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    answer::{Answer, Result},
    command::{Query, Shared},
    prescriptions::{PrescriptionPage, PrescriptionResponse},
};

/// Which are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DispenseQuery {
    /// The status of the dispatch: `queued`, `sent`, `accepted`, `preparing`, `ready`, `dispensed`, `rejected`,
    /// `cancelled` or `failed`; the first five when nothing is said.
    status: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// What was sent to be dispensed, for the facility's pharmacists, the longest waiting first. Reads are audited.
#[utoipa::path(get, path = "/api/v1/prescriptions", operation_id = "list_prescriptions_to_dispense", tag = "prescriptions",
    params(DispenseQuery), responses((status = 200, description = "Prescriptions", body = PrescriptionPage)))]
pub async fn list(state: Shared, query: Query<DispenseQuery>) -> Result<PrescriptionPage> {
    let Query { meta, query } = query;
    let wrong = |_| Refusal::field("?status", "invalid", "is no status of a dispatch");
    let status: Option<DispatchStatus> = query.status.as_deref().map(str::parse).transpose().map_err(wrong)?;
    let found = state.prescribing.to_dispense(&meta, status, query.limit, query.cursor.as_deref()).await?;
    let items = found.items.into_iter().map(PrescriptionResponse::from).collect();
    Ok(Answer::ok(PrescriptionPage { items, next_cursor: found.next_cursor }))
}
