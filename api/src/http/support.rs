//! Technical issues: reported by whoever takes part, handled by support.

use actix_web::web::Path;
use consilium_consultations::BackupLink;
use consilium_kernel::{Refusal, Timestamp, UserId, not_a_cursor};
use consilium_support::{Entry, Issue, IssueDraft, IssueFilter, IssueReported};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Page, Result},
    command::{Command, Nothing, Query, Shared, path_id},
};

/// What does not work.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IssueDraft)]
pub struct IssueRequest {
    /// `audio`, `video`, `screen_share`, `chat`, `connection`, `device` or `other`.
    #[schema(value_type = String)]
    category: consilium_support::Category,
    /// `low`, `medium` or `high`.
    #[schema(value_type = String)]
    severity: consilium_support::Severity,
    #[schema(min_length = 1, max_length = 2000)]
    description: String,
    /// What the client knows of itself: an object of at most 8 KiB.
    #[schema(value_type = Option<Object>)]
    diagnostics: Option<serde_json::Value>,
}

impl From<IssueRequest> for IssueDraft {
    fn from(request: IssueRequest) -> Self {
        let IssueRequest { category, severity, description, diagnostics } = request;
        Self { category, severity, description, diagnostics }
    }
}

/// An issue, as its reporter and support see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Issue)]
pub struct IssueResponse {
    id: uuid::Uuid,
    consultation_id: uuid::Uuid,
    reporter_id: uuid::Uuid,
    /// As what they take part.
    reporter_role: String,
    category: String,
    severity: String,
    /// `open`, `assigned` or `resolved`.
    status: String,
    assignee_id: Option<uuid::Uuid>,
    description: String,
    #[schema(value_type = Option<Object>)]
    diagnostics: Option<serde_json::Value>,
    #[schema(value_type = String, format = "date-time")]
    reported_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    resolved_at: Option<Timestamp>,
}

impl From<Issue> for IssueResponse {
    fn from(issue: Issue) -> Self {
        Self {
            id: issue.id.uuid(),
            consultation_id: issue.consultation_id.uuid(),
            reporter_id: issue.reporter_id.uuid(),
            reporter_role: issue.reporter_role.to_string(),
            category: issue.category.to_string(),
            severity: issue.severity.to_string(),
            status: issue.status.to_string(),
            assignee_id: issue.assignee_id.map(|id| id.uuid()),
            description: issue.description,
            diagnostics: issue.diagnostics,
            reported_at: issue.reported_at,
            resolved_at: issue.resolved_at,
        }
    }
}

/// Another way to meet.
#[derive(Serialize, ToSchema)]
#[schema(as = BackupLink)]
pub struct BackupResponse {
    /// The lasting link of the consultation on this server: it leads to whatever serves when it is opened.
    path: String,
    /// The video provider that would come next; null when there is no other.
    next_provider: Option<String>,
    /// Whom to call at the facility.
    emergency_contacts: Vec<String>,
}

impl From<BackupLink> for BackupResponse {
    fn from(link: BackupLink) -> Self {
        let BackupLink { path, next_provider, emergency_contacts } = link;
        Self { path, next_provider, emergency_contacts }
    }
}

/// What a report is answered with.
#[derive(Serialize, ToSchema)]
#[schema(as = IssueReported)]
pub struct ReportedResponse {
    issue: IssueResponse,
    /// Null when the consultation is not going on.
    backup: Option<BackupResponse>,
}

impl From<IssueReported> for ReportedResponse {
    fn from(reported: IssueReported) -> Self {
        Self { issue: reported.issue.into(), backup: reported.backup.map(BackupResponse::from) }
    }
}

/// Reports a technical issue. While the consultation goes on, the answer holds another way to meet.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/issues", operation_id = "report_issue", tag = "support",
    params(("id" = uuid::Uuid, Path)), request_body = IssueRequest,
    responses((status = 201, description = "The issue", body = ReportedResponse)))]
pub async fn report(state: Shared, id: Path<String>, command: Command<IssueRequest>) -> Result<ReportedResponse> {
    let reported = state.support.report(command.meta, path_id(&id)?, command.body.into()).await?;
    Ok(Answer::created(format!("/api/v1/support/issues/{}", reported.issue.id), reported.into()))
}

/// Which issues.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IssuesQuery {
    /// `open`, `assigned` or `resolved`.
    status: Option<String>,
    /// `low`, `medium` or `high`.
    severity: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The facility's issues, the newest first.
#[utoipa::path(get, path = "/api/v1/support/issues", operation_id = "list_issues", tag = "support", params(IssuesQuery),
    responses((status = 200, description = "Issues", body = Page<IssueResponse>)))]
pub async fn list(state: Shared, query: Query<IssuesQuery>) -> Result<Page<IssueResponse>> {
    let wrong = |field: &str| Refusal::field(field, "invalid", "is no such word");
    let IssuesQuery { status, severity, limit, cursor } = query.query;
    let filter = IssueFilter {
        status: status.map(|text| text.parse().map_err(|_| wrong("?status"))).transpose()?,
        severity: severity.map(|text| text.parse().map_err(|_| wrong("?severity"))).transpose()?,
        limit,
        cursor: cursor.map(|text| text.parse().map_err(|_| not_a_cursor())).transpose()?,
    };
    let page = state.support.issues(&query.meta, filter).await?;
    Ok(Answer::ok(Page {
        items: page.items.into_iter().map(IssueResponse::from).collect(),
        next_cursor: page.next_cursor.map(|id| id.to_string()),
    }))
}

fn whole(issue: Issue) -> Answer<IssueResponse> {
    let version = issue.version;
    Answer::ok(IssueResponse::from(issue)).versioned(version)
}

/// One issue.
#[utoipa::path(get, path = "/api/v1/support/issues/{id}", operation_id = "get_issue", tag = "support", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The issue", body = IssueResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<IssueResponse> {
    Ok(whole(state.support.issue(&query.meta, path_id(&id)?).await?))
}

/// A line of an issue's history.
#[derive(Serialize, ToSchema)]
#[schema(as = IssueEntry)]
pub struct EntryResponse {
    id: uuid::Uuid,
    /// `reported`, `backup_link_offered`, `provider_switched`, `provider_kept`, `assigned`, `commented` or `resolved`.
    kind: String,
    /// Null for the platform.
    author_id: Option<uuid::Uuid>,
    /// What they wrote; the account that it was given to; the provider, or why there is no other.
    text: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

impl From<Entry> for EntryResponse {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind.to_string(),
            author_id: entry.author_id.map(|id| id.uuid()),
            text: entry.text,
            at: entry.at,
        }
    }
}

/// All that happened to an issue, oldest first.
#[utoipa::path(get, path = "/api/v1/support/issues/{id}/timeline", operation_id = "get_issue_timeline", tag = "support", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Its history", body = Page<EntryResponse>)))]
pub async fn timeline(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<Page<EntryResponse>> {
    let entries = state.support.timeline(&query.meta, path_id(&id)?).await?;
    Ok(Answer::ok(Page { items: entries.into_iter().map(EntryResponse::from).collect(), next_cursor: None }))
}

/// Whom to give an issue to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AssignIssue)]
pub struct AssignRequest {
    /// Somebody of support or an administrator; left out: the caller.
    #[schema(value_type = Option<String>, format = "uuid")]
    assignee_id: Option<UserId>,
}

/// Gives an issue to somebody.
#[utoipa::path(post, path = "/api/v1/support/issues/{id}/assign", operation_id = "assign_issue", tag = "support",
    params(("id" = uuid::Uuid, Path)), request_body = AssignRequest,
    responses((status = 200, description = "The issue", body = IssueResponse)))]
pub async fn assign(state: Shared, id: Path<String>, command: Command<AssignRequest>) -> Result<IssueResponse> {
    Ok(whole(state.support.assign(command.meta, path_id(&id)?, command.body.assignee_id).await?))
}

/// A comment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IssueComment)]
pub struct CommentRequest {
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
}

/// Writes to an issue's history.
#[utoipa::path(post, path = "/api/v1/support/issues/{id}/comments", operation_id = "comment_issue", tag = "support",
    params(("id" = uuid::Uuid, Path)), request_body = CommentRequest,
    responses((status = 201, description = "The issue", body = IssueResponse)))]
pub async fn comment(state: Shared, id: Path<String>, command: Command<CommentRequest>) -> Result<IssueResponse> {
    let issue = state.support.comment(command.meta, path_id(&id)?, &command.body.text).await?;
    let (place, version) = (format!("/api/v1/support/issues/{}/timeline", issue.id), issue.version);
    Ok(Answer::created(place, IssueResponse::from(issue)).versioned(version))
}

/// What helped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResolveIssue)]
pub struct ResolveRequest {
    #[schema(min_length = 1, max_length = 2000)]
    resolution: String,
}

/// Closes an issue.
#[utoipa::path(post, path = "/api/v1/support/issues/{id}/resolve", operation_id = "resolve_issue", tag = "support",
    params(("id" = uuid::Uuid, Path)), request_body = ResolveRequest,
    responses((status = 200, description = "The issue", body = IssueResponse)))]
pub async fn resolve(state: Shared, id: Path<String>, command: Command<ResolveRequest>) -> Result<IssueResponse> {
    Ok(whole(state.support.resolve(command.meta, path_id(&id)?, &command.body.resolution).await?))
}
