//! The audit log for administrators: searched, and checked.

use consilium_db::{
    Session,
    audit::{self, Entry, Filter, Finding, Mark, Place, Report},
};
use consilium_kernel::{CommandMeta, EntityRef, Refusal, Timestamp, not_a_cursor, page_limit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Page, Result},
    command::{Query, Shared},
    parsed::parsed,
};

/// What was done to what.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditedEntity)]
pub struct EntityResponse {
    /// `appointment`, `account`, `file`, …
    kind: String,
    id: uuid::Uuid,
    /// Afterwards; 0 for what has no versions.
    version: i64,
}

/// A line of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct EntryResponse {
    /// Its number in the log, by which a check names it.
    number: i64,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// `system`, `anonymous`, or the role in which it was done.
    principal: String,
    /// Whose account it was done with.
    user_id: Option<uuid::Uuid>,
    /// An event's type, or what was read.
    action: String,
    entity: EntityResponse,
    /// The request that it came from, as in `X-Request-Id` and the server's log.
    request_id: String,
    /// Ids, names and numbers where the action alone does not tell the story.
    #[schema(value_type = Option<Object>)]
    detail: Option<serde_json::Value>,
}

impl From<Entry> for EntryResponse {
    fn from(entry: Entry) -> Self {
        Self {
            number: entry.id,
            at: entry.at,
            principal: entry.principal_kind,
            user_id: entry.principal_id,
            action: entry.action,
            entity: EntityResponse { kind: entry.entity_kind, id: entry.entity_id, version: entry.entity_version },
            request_id: entry.request_id,
            // Whoever has changed a line may have made it anything.
            detail: entry.detail.map(|text| text.parse().unwrap_or(serde_json::Value::String(text))),
        }
    }
}

/// Which lines: those for which all of it is so.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Done with this account.
    #[param(format = "uuid")]
    user_id: Option<String>,
    /// About this patient, or about something that an event has told to be this patient's.
    #[param(format = "uuid")]
    patient_id: Option<String>,
    /// About this thing.
    #[param(format = "uuid")]
    entity_id: Option<String>,
    /// About things of this kind.
    #[param(pattern = "^[a-z0-9_]{1,64}$")]
    entity_kind: Option<String>,
    /// An event's type, or what was read, such as `read_patient`.
    #[param(pattern = "^[a-z0-9_]{1,64}$")]
    action: Option<String>,
    /// Then or later.
    #[param(format = "date-time")]
    from: Option<String>,
    /// Before then.
    #[param(format = "date-time")]
    to: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The facility's lines, the newest first. That somebody has looked is a line itself.
#[utoipa::path(get, path = "/api/v1/admin/audit", operation_id = "list_audit_entries", tag = "admin",
    params(AuditQuery), responses((status = 200, description = "Lines", body = Page<EntryResponse>)))]
pub async fn list(state: Shared, query: Query<AuditQuery>) -> Result<Page<EntryResponse>> {
    let Query { meta, query } = query;
    let limit = page_limit(query.limit)?;
    let before: Option<Place> = query.cursor.map(|text| text.parse().map_err(|()| not_a_cursor())).transpose()?;
    let filter = Filter {
        user_id: query.user_id.map(|text| id("?user_id", &text)).transpose()?,
        patient_id: query.patient_id.map(|text| id("?patient_id", &text)).transpose()?,
        entity_id: query.entity_id.map(|text| id("?entity_id", &text)).transpose()?,
        entity_kind: query.entity_kind.map(|text| word("?entity_kind", text)).transpose()?,
        action: query.action.map(|text| word("?action", text)).transpose()?,
        from: query.from.map(|text| parsed("?from", &text)).transpose()?,
        to: query.to.map(|text| parsed("?to", &text)).transpose()?,
    };
    let (facility, wanted) = (meta.scope.facility_id, filter.clone());
    let read = move |session: &mut Session<'_>| audit::search(session, facility, &wanted, before, limit + 1);
    let mut entries = state.db.read(read).await.map_err(Refusal::from)?;
    looked(&state, &meta, "read_audit_log", serde_json::json!({ "filter": filter })).await?;
    let more = entries.len() as i64 > limit;
    entries.truncate(usize::try_from(limit).unwrap_or_default());
    let next_cursor = entries.last().filter(|_| more).map(|last| last.place().to_string());
    Ok(Answer::ok(Page { items: entries.into_iter().map(EntryResponse::from).collect(), next_cursor }))
}

/// Something that does not fit.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditFinding)]
pub struct FindingResponse {
    /// `edited`, `deleted` or `inserted` for a line; `missing` or `broken` for a block.
    kind: String,
    /// The line's number.
    entry: Option<i64>,
    /// The block's height; of several that are missing, the first one.
    block: Option<i64>,
    /// In words.
    detail: String,
}

impl From<&Finding> for FindingResponse {
    fn from(finding: &Finding) -> Self {
        let (kind, entry, block) = match *finding {
            Finding::Edited(id) => ("edited", Some(id), None),
            Finding::Deleted(id) => ("deleted", Some(id), None),
            Finding::Inserted(id) => ("inserted", Some(id), None),
            Finding::MissingBlocks(first, _) => ("missing", None, Some(first)),
            Finding::BrokenBlock(height) => ("broken", None, Some(height)),
        };
        Self { kind: kind.to_owned(), entry, block, detail: finding.to_string() }
    }
}

/// How the log stands, and what a part of it was found to be.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditVerification)]
pub struct VerificationResponse {
    /// The newest block.
    sealed_height: i64,
    /// Its hash, to be compared with the one in the server's log and metrics: that the newest blocks were cut off shows
    /// only there.
    head: String,
    /// The last block that this part has checked.
    checked_height: i64,
    /// The lines in blocks that this part has checked.
    checked_entries: u64,
    /// The lines that it has checked and that are in no block yet.
    unsealed_entries: u64,
    /// What this part has found, up to a hundred.
    findings: Vec<FindingResponse>,
    /// How many it has found.
    findings_count: u64,
    /// Pass it as `cursor` to check the next part; null when the log was checked to its end.
    next_cursor: Option<String>,
}

/// Findings that are told of a part; there may be as many as lines.
const TOLD: usize = 100;

/// From where.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerificationQuery {
    /// The `next_cursor` of the part before; left out, the check begins with the oldest block.
    cursor: Option<String>,
}

/// Checks a part of the log, of all facilities: every line against its block, every block against the one before, its
/// hash and its signature. `consilium audit verify` does the same in one go.
#[utoipa::path(get, path = "/api/v1/admin/audit/verification", operation_id = "verify_audit_log", tag = "admin",
    params(VerificationQuery), responses((status = 200, description = "What was found", body = VerificationResponse)))]
pub async fn verification(state: Shared, query: Query<VerificationQuery>) -> Result<VerificationResponse> {
    let Query { meta, query } = query;
    let mark: Option<Mark> = query.cursor.map(|text| text.parse().map_err(|()| not_a_cursor())).transpose()?;
    if mark.is_none() {
        looked(&state, &meta, "verify_audit_log", serde_json::json!({})).await?;
    }
    let read = move |session: &mut Session<'_>| {
        let report = audit::verify_from(session, mark.unwrap_or_default())?;
        Ok((report, audit::head(session)?))
    };
    let (report, head) = state.db.read(read).await.map_err(Refusal::from)?;
    let Report { height, sealed, unsealed, findings, next, .. } = report;
    Ok(Answer::ok(VerificationResponse {
        sealed_height: head.height,
        head: hex::encode(&head.hash),
        checked_height: height,
        checked_entries: sealed,
        unsealed_entries: unsealed,
        findings: findings.iter().take(TOLD).map(FindingResponse::from).collect(),
        findings_count: findings.len() as u64,
        next_cursor: next.map(|mark| mark.to_string()),
    }))
}

fn id(pointer: &str, text: &str) -> std::result::Result<uuid::Uuid, Refusal> {
    text.parse().map_err(|_| Refusal::field(pointer, "invalid", "is no id"))
}

/// A word as kinds and actions are, so that no other text gets into the log.
fn word(pointer: &str, text: String) -> std::result::Result<String, Refusal> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if fits { Ok(text) } else { Err(Refusal::field(pointer, "invalid", "is 1 to 64 of a–z, 0–9 and _")) }
}

async fn looked(
    state: &Shared,
    meta: &CommandMeta,
    action: &'static str,
    detail: serde_json::Value,
) -> std::result::Result<(), Refusal> {
    let facility = EntityRef::new("facility", meta.scope.facility_id.uuid());
    Ok(state.db.write(meta, move |tx| tx.audit_with(action, &facility, 0, &detail)).await?)
}
