//! The facility's accounts, for administrators: listed, invited, given another role, deactivated.

use actix_web::{HttpRequest, web::Path};
use consilium_identity::{Account, AccountFilter, StaffInvitation};
use consilium_kernel::{Language, Refusal, Role, TimeZone, Timestamp, UserId, not_a_cursor, page_limit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Page, Result},
    command::{Command, Nothing, Query, Shared, if_match, path_id},
    parsed::parsed,
};

/// An account as administrators see it.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedUser)]
pub struct UserResponse {
    id: uuid::Uuid,
    email: String,
    given_name: String,
    family_name: String,
    /// `patient`, `doctor`, `nurse`, `pharmacist`, `support` or `admin`.
    role: String,
    doctor_id: Option<uuid::Uuid>,
    patient_id: Option<uuid::Uuid>,
    email_verified: bool,
    /// Whether its owner may log in.
    active: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    deactivated_at: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<Account> for UserResponse {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.uuid(),
            email: account.email.as_str().to_owned(),
            given_name: account.given_name,
            family_name: account.family_name,
            role: account.role.to_string(),
            doctor_id: account.doctor_id.map(|id| id.uuid()),
            patient_id: account.patient_id.map(|id| id.uuid()),
            email_verified: account.email_verified,
            active: account.deactivated_at.is_none(),
            deactivated_at: account.deactivated_at,
            created_at: account.created_at,
        }
    }
}

fn whole(account: Account) -> Answer<UserResponse> {
    let version = account.version;
    Answer::ok(UserResponse::from(account)).versioned(version)
}

/// Which accounts: those for which all of it is so.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// The whole address: it is kept encrypted, and found by a keyed hash.
    email: Option<String>,
    role: Option<String>,
    /// Whether its owner may log in.
    active: Option<bool>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The facility's accounts, the newest first.
#[utoipa::path(get, path = "/api/v1/admin/users", operation_id = "list_users", tag = "admin", params(UserQuery),
    responses((status = 200, description = "Accounts", body = Page<UserResponse>)))]
pub async fn list(state: Shared, query: Query<UserQuery>) -> Result<Page<UserResponse>> {
    let Query { meta, query } = query;
    let filter = AccountFilter {
        email: query.email.map(|text| parsed("?email", &text)).transpose()?,
        role: query.role.map(|text| role("?role", &text)).transpose()?,
        active: query.active,
    };
    let before: Option<UserId> = query.cursor.map(|text| text.parse().map_err(|_| not_a_cursor())).transpose()?;
    let page = state.identity.accounts(&meta, filter, before, page_limit(query.limit)?).await?;
    Ok(Answer::ok(Page {
        items: page.items.into_iter().map(UserResponse::from).collect(),
        next_cursor: page.next_cursor.map(|id| id.to_string()),
    }))
}

/// One account.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}", operation_id = "get_user", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The account", body = UserResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<UserResponse> {
    Ok(whole(state.identity.account_of(&query.meta, path_id(&id)?).await?))
}

/// A new member of staff.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InviteUser)]
pub struct InviteRequest {
    #[schema(format = "email")]
    email: String,
    /// `nurse`, `pharmacist`, `support` or `admin`.
    role: String,
    #[schema(min_length = 1, max_length = 100)]
    given_name: String,
    #[schema(min_length = 1, max_length = 100)]
    family_name: String,
    /// IANA zone; UTC when not said.
    time_zone: Option<String>,
    /// BCP 47 tag; English when not said.
    language: Option<String>,
}

/// Makes an account for a member of staff, who gets a code by mail to choose a password.
#[utoipa::path(post, path = "/api/v1/admin/users", operation_id = "invite_user", tag = "admin",
    request_body = InviteRequest, responses((status = 201, description = "The account", body = UserResponse)))]
pub async fn invite(state: Shared, command: Command<InviteRequest>) -> Result<UserResponse> {
    let body = command.body;
    let staff = StaffInvitation {
        email: parsed("/email", &body.email)?,
        role: role("/role", &body.role)?,
        given_name: body.given_name,
        family_name: body.family_name,
        time_zone: body.time_zone.map(|zone| parsed("/time_zone", &zone)).transpose()?.unwrap_or(TimeZone::utc()),
        language: body.language.map(|tag| parsed("/language", &tag)).transpose()?.unwrap_or(Language::english()),
    };
    let account = state.identity.invite_staff(&command.meta, staff).await?;
    let (place, version) = (format!("/api/v1/admin/users/{}", account.id), account.version);
    Ok(Answer::created(place, UserResponse::from(account)).versioned(version))
}

/// What changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeUser)]
pub struct ChangeRequest {
    /// `nurse`, `pharmacist`, `support` or `admin`.
    role: String,
}

/// Gives a member of staff another role. It ends their sessions.
#[utoipa::path(patch, path = "/api/v1/admin/users/{id}", operation_id = "change_user", tag = "admin",
    request_body = ChangeRequest,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header, description = "ETag of the account that was seen")),
    responses((status = 200, description = "The account", body = UserResponse)))]
pub async fn change(
    state: Shared,
    id: Path<String>,
    request: HttpRequest,
    command: Command<ChangeRequest>,
) -> Result<UserResponse> {
    let (id, version) = (path_id(&id)?, if_match(&request)?);
    let role = role("/role", &command.body.role)?;
    let account = state.identity.change_role(&command.meta, id, version, role).await?;
    state.sockets.log_out(account.id);
    Ok(whole(account))
}

/// Keeps somebody out: ends all sessions at once, and takes a doctor off the list. What they did stays.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/deactivate", operation_id = "deactivate_user", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The account", body = UserResponse)))]
pub async fn deactivate(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<UserResponse> {
    let account = state.people.set_active(&command.meta, path_id(&id)?, false).await?;
    state.sockets.log_out(account.id);
    Ok(whole(account))
}

/// Lets somebody in again.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/reactivate", operation_id = "reactivate_user", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The account", body = UserResponse)))]
pub async fn reactivate(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<UserResponse> {
    Ok(whole(state.people.set_active(&command.meta, path_id(&id)?, true).await?))
}

fn role(pointer: &str, text: &str) -> std::result::Result<Role, Refusal> {
    text.parse().map_err(|_| Refusal::field(pointer, "invalid", "is no role"))
}
