//! Accounts and login sessions: register, confirm the address, log in, refresh, log out, reset the password.

mod handing;

use actix_web::{HttpRequest, HttpResponse};
use consilium_identity::{Account, Login, LogoutScope};
use consilium_kernel::{Email, Role};
use consilium_people::Registration;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::handing::{device, forget, hand_over, refresh_token};
use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Shared},
    parsed::parsed,
    problem::Problem,
};

/// Who somebody is, as told to that person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserResponse {
    /// The account.
    pub id: uuid::Uuid,
    /// Its address.
    pub email: String,
    /// `patient`, `doctor`, `nurse`, `pharmacist`, `support` or `admin`.
    pub role: String,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// IANA zone in which times are told.
    pub time_zone: String,
    /// BCP 47 tag of the language in which this person is written to.
    pub language: String,
    /// Set for doctors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doctor_id: Option<uuid::Uuid>,
    /// Set for patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<uuid::Uuid>,
}

impl From<Account> for UserResponse {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.uuid(),
            email: account.email.into(),
            role: account.role.to_string(),
            email_verified: account.email_verified,
            given_name: account.given_name,
            family_name: account.family_name,
            time_zone: account.time_zone.into(),
            language: account.language.into(),
            doctor_id: account.doctor_id.map(|id| id.uuid()),
            patient_id: account.patient_id.map(|id| id.uuid()),
        }
    }
}

/// Who may register without an invitation.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegisterRole {
    /// To be treated.
    Patient,
    /// To treat; unlisted until an admin has verified the licence.
    Doctor,
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// 12 to 128 characters; no other rules, but not a common password.
    #[schema(min_length = 12, max_length = 128, format = "password")]
    password: String,
    role: RegisterRole,
    #[schema(min_length = 1, max_length = 100)]
    given_name: String,
    #[schema(min_length = 1, max_length = 100)]
    family_name: String,
    /// IANA name; UTC when not said.
    time_zone: Option<String>,
    /// BCP 47 tag; `en` when not said.
    language: Option<String>,
}

/// Makes an account. The address must be confirmed with the code that is mailed to it.
#[utoipa::path(post, path = "/api/v1/auth/register", operation_id = "register", tag = "auth", request_body = RegisterRequest,
    responses((status = 201, description = "Registered", body = UserResponse)))]
pub async fn register(state: Shared, command: Command<RegisterRequest>) -> Result<UserResponse> {
    let body = command.body;
    let registration = Registration {
        email: body.email,
        password: SecretString::from(body.password),
        role: match body.role {
            RegisterRole::Patient => Role::Patient,
            RegisterRole::Doctor => Role::Doctor,
        },
        given_name: body.given_name,
        family_name: body.family_name,
        time_zone: body.time_zone,
        language: body.language,
    };
    let account = state.people.register(&command.meta, registration).await?;
    Ok(Answer::created("/api/v1/me".to_owned(), account.into()))
}

/// How the refresh token is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenDelivery {
    /// In an HttpOnly cookie, for browsers.
    #[default]
    Cookie,
    /// In the answer, for native clients.
    Body,
}

/// Credentials.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(format = "password", max_length = 128)]
    password: String,
    #[serde(default)]
    token_delivery: TokenDelivery,
}

/// What a client needs to go on.
#[derive(Serialize, ToSchema)]
pub struct TokenResponse {
    /// A JWT for `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: u32,
    /// Only with `token_delivery: "body"`. Valid once.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Only with the cookie: to be sent as `X-CSRF-Token` beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    user: UserResponse,
}

/// Logs in.
#[utoipa::path(post, path = "/api/v1/auth/login", operation_id = "login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, description = "Logged in", body = TokenResponse)))]
pub async fn login(
    state: Shared,
    request: HttpRequest,
    command: Command<LoginRequest>,
) -> std::result::Result<HttpResponse, Problem> {
    let device = device(&request).map(str::to_owned);
    let email = parsed("/email", &command.body.email)?;
    let login = Login { email, password: SecretString::from(command.body.password), device };
    let session = state.identity.login(&command.meta, login).await?;
    Ok(hand_over(&state, session, command.body.token_delivery))
}

/// A refresh token, from clients that asked for it in the body.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Exchanges a refresh token for a new pair. The old one is worth nothing afterwards, but that the same client may show
/// it once more within seconds when the answer was lost, as long as the new one has not been used.
#[utoipa::path(post, path = "/api/v1/auth/refresh", operation_id = "refresh", tag = "auth", request_body = RefreshRequest,
    responses((status = 200, description = "Refreshed", body = TokenResponse)))]
pub async fn refresh(
    state: Shared,
    request: HttpRequest,
    command: Command<RefreshRequest>,
) -> std::result::Result<HttpResponse, Problem> {
    let (token, delivery) = refresh_token(&state, &request, command.body.refresh_token)?;
    let session = state.identity.refresh(&command.meta, &token, device(&request)).await?;
    Ok(hand_over(&state, session, delivery))
}

/// The CSRF token of the cookie.
#[derive(Serialize, ToSchema)]
pub struct CsrfResponse {
    /// To be sent as `X-CSRF-Token` beside the cookie.
    csrf_token: String,
}

/// Gives a page of this server the CSRF token of its cookie again: the page before it may have been closed between
/// getting the cookie and keeping the token.
#[utoipa::path(post, path = "/api/v1/auth/csrf", operation_id = "get_csrf_token", tag = "auth",
    responses((status = 200, description = "The token", body = CsrfResponse)))]
pub async fn csrf(state: Shared, request: HttpRequest) -> std::result::Result<HttpResponse, Problem> {
    let csrf_token = handing::csrf_token(&state, &request)?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(CsrfResponse { csrf_token }))
}

/// Which sessions to end, and whose.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogoutRequest {
    #[serde(default)]
    refresh_token: Option<String>,
    /// All of the account's sessions rather than this one.
    #[serde(default)]
    all: bool,
}

/// Ends the session of the access token or of the refresh token.
#[utoipa::path(post, path = "/api/v1/auth/logout", operation_id = "logout", tag = "auth", request_body = LogoutRequest,
    responses((status = 204, description = "Logged out")))]
pub async fn logout(
    state: Shared,
    request: HttpRequest,
    command: Command<LogoutRequest>,
) -> std::result::Result<HttpResponse, Problem> {
    let scope = if command.body.all { LogoutScope::All } else { LogoutScope::This };
    if command.meta.principal.user().is_some() {
        state.identity.logout(&command.meta, scope).await?;
    } else {
        let (token, _) = refresh_token(&state, &request, command.body.refresh_token)?;
        state.identity.logout_with(&command.meta, &token, scope).await?;
    }
    Ok(forget())
}

/// A code from a mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailRequest {
    token: String,
}

/// Confirms an e-mail address.
#[utoipa::path(post, path = "/api/v1/auth/verify-email", operation_id = "verify_email", tag = "auth", request_body = VerifyEmailRequest,
    responses((status = 200, description = "Confirmed", body = UserResponse)))]
pub async fn verify_email(state: Shared, command: Command<VerifyEmailRequest>) -> Result<UserResponse> {
    Ok(Answer::ok(state.identity.verify_email(&command.meta, &command.body.token).await?.into()))
}

/// An address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailRequest {
    #[schema(format = "email", max_length = 254)]
    email: String,
}

/// An address, or nothing for the one that is logged in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendRequest {
    #[serde(default)]
    email: Option<String>,
}

/// Says that a mail may be under way, whether or not there is such an account.
#[derive(Serialize, ToSchema)]
pub struct MaySentResponse {
    detail: &'static str,
}

const MAY_BE_SENT: MaySentResponse =
    MaySentResponse { detail: "If there is such an account and it needs one, a mail is on its way." };

/// Mails another code to confirm the address. The answer is the same for unknown addresses.
#[utoipa::path(post, path = "/api/v1/auth/verify-email/resend", operation_id = "resend_verification", tag = "auth", request_body = ResendRequest,
    responses((status = 202, description = "Accepted", body = MaySentResponse)))]
pub async fn resend(state: Shared, command: Command<ResendRequest>) -> Result<MaySentResponse> {
    let email = command.body.email.map(|email| parsed::<Email>("/email", &email)).transpose()?;
    state.identity.resend_verification(&command.meta, email).await?;
    Ok(Answer::accepted(MAY_BE_SENT))
}

/// Mails a code to set a new password. The answer is the same for unknown addresses.
#[utoipa::path(post, path = "/api/v1/auth/password-reset", operation_id = "request_password_reset", tag = "auth", request_body = EmailRequest,
    responses((status = 202, description = "Accepted", body = MaySentResponse)))]
pub async fn request_reset(state: Shared, command: Command<EmailRequest>) -> Result<MaySentResponse> {
    let email = parsed::<Email>("/email", &command.body.email)?;
    state.identity.request_password_reset(&command.meta, email).await?;
    Ok(Answer::accepted(MAY_BE_SENT))
}

/// A code from a mail and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    token: String,
    #[schema(min_length = 12, max_length = 128, format = "password")]
    password: String,
}

/// Sets a new password and ends all sessions.
#[utoipa::path(post, path = "/api/v1/auth/password-reset/confirm", operation_id = "confirm_password_reset", tag = "auth", request_body = ResetRequest,
    responses((status = 204, description = "Password set")))]
pub async fn confirm_reset(state: Shared, command: Command<ResetRequest>) -> Result<()> {
    let password = SecretString::from(command.body.password);
    state.identity.reset_password(&command.meta, &command.body.token, password).await?;
    Ok(Answer::nothing())
}

/// One of a person's sessions.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionResponse {
    id: uuid::Uuid,
    /// What the client called itself.
    device: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    started_at: consilium_kernel::Timestamp,
    #[schema(value_type = String, format = "date-time")]
    refreshed_at: consilium_kernel::Timestamp,
    #[schema(value_type = String, format = "date-time")]
    expires_at: consilium_kernel::Timestamp,
    /// Whether it is the one asking.
    current: bool,
}

/// One's own sessions.
#[derive(Serialize, ToSchema)]
pub struct SessionsResponse {
    items: Vec<SessionResponse>,
    next_cursor: Option<String>,
}

/// Where one is logged in.
#[utoipa::path(get, path = "/api/v1/me/sessions", operation_id = "list_my_sessions", tag = "auth",
    responses((status = 200, description = "Own sessions", body = SessionsResponse)))]
pub async fn sessions(state: Shared, query: super::command::Query<Nothing>) -> Result<SessionsResponse> {
    let items = state.identity.sessions(&query.meta).await?;
    let items = items
        .into_iter()
        .map(|session| SessionResponse {
            id: session.id.uuid(),
            device: session.device,
            started_at: session.started_at,
            refreshed_at: session.refreshed_at,
            expires_at: session.expires_at,
            current: session.current,
        })
        .collect();
    Ok(Answer::ok(SessionsResponse { items, next_cursor: None }))
}

/// The keys that check access tokens (RFC 7517).
pub async fn jwks(state: Shared) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=300")).json(state.identity.jwks())
}
