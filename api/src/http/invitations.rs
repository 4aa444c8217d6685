//! Who else takes part in a consultation, and who was there when.

use actix_web::web::Path;
use consilium_consultations::{Client, Consultation, Invitation, Invitee, Part, ParticipantSession};
use consilium_kernel::{Id, Refusal, Timestamp, page_limit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Page, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    parsed::parsed,
    routes::BASE,
};

/// Somebody whom the doctor asked to join.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationResponse {
    id: uuid::Uuid,
    consultation_id: uuid::Uuid,
    user_id: uuid::Uuid,
    /// `second_doctor`, `nurse` or `interpreter`.
    role: String,
    /// `invited`, `joined` (has been there) or `withdrawn`.
    status: String,
    #[schema(value_type = String, format = "date-time")]
    invited_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    withdrawn_at: Option<Timestamp>,
}

impl InvitationResponse {
    fn of(consultation: &Consultation, invitation: &Invitation) -> Self {
        let came = consultation.participant(invitation.user_id).and_then(|participant| participant.joined_at);
        let status = match invitation.withdrawn_at {
            Some(_) => "withdrawn",
            None if came.is_some_and(|came| came >= invitation.invited_at) => "joined",
            None => "invited",
        };
        Self {
            id: invitation.id.uuid(),
            consultation_id: consultation.id.uuid(),
            user_id: invitation.user_id.uuid(),
            role: invitation.role.to_string(),
            status: status.to_owned(),
            invited_at: invitation.invited_at,
            withdrawn_at: invitation.withdrawn_at,
        }
    }
}

/// Whom to ask, and as what: `user_id` or `email` of an account of the facility.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Invite)]
pub struct InviteRequest {
    user_id: Option<uuid::Uuid>,
    email: Option<String>,
    /// `second_doctor` (or `doctor`), `nurse` or `interpreter`.
    role: String,
}

/// Asks somebody of the facility to join: they take part in room and chat while the consultation lasts.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/invitations", operation_id = "invite", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    request_body = InviteRequest,
    responses((status = 201, description = "Invited", body = InvitationResponse)))]
pub async fn invite(state: Shared, id: Path<String>, command: Command<InviteRequest>) -> Result<InvitationResponse> {
    let InviteRequest { user_id, email, role } = command.body;
    let invitee = match (user_id, email) {
        (Some(user), None) => Invitee::Account(Id::new(user)),
        (None, Some(email)) => Invitee::Address(parsed("/email", &email)?),
        _ => return Err(Refusal::field("/user_id", "required", "say either user_id or email").into()),
    };
    let role: Part = match role.as_str() {
        "doctor" => Part::SecondDoctor, // whoever is invited is never the doctor who leads
        role => parsed("/role", role)?,
    };
    let id = path_id(&id)?;
    let (consultation, made) = state.consultations.invite(command.meta, id, invitee, role).await?;
    let location = format!("{BASE}/consultations/{id}/invitations");
    Ok(Answer::created(location, InvitationResponse::of(&consultation, &made)))
}

/// Whom the doctor asked, oldest first.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/invitations", operation_id = "list_invitations", tag = "consultations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The invitations", body = Page<InvitationResponse>)))]
pub async fn list(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<Page<InvitationResponse>> {
    let consultation = state.consultations.invitations(&query.meta, path_id(&id)?).await?;
    let items = consultation.invitations.iter().map(|made| InvitationResponse::of(&consultation, made)).collect();
    Ok(Answer::ok(Page { items, next_cursor: None }))
}

/// Takes an invitation back; whoever is there by it has left.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/invitations/{invitation_id}/withdraw", operation_id = "withdraw_invitation", tag = "consultations",
    params(("id" = uuid::Uuid, Path), ("invitation_id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Withdrawn", body = InvitationResponse)))]
pub async fn withdraw(
    state: Shared,
    path: Path<(String, String)>,
    command: Command<Nothing>,
) -> Result<InvitationResponse> {
    let (id, invitation) = path.into_inner();
    let (id, invitation) = (path_id(&id)?, path_id(&invitation)?);
    let (consultation, made) = state.consultations.withdraw_invitation(command.meta, id, invitation).await?;
    Ok(Answer::ok(InvitationResponse::of(&consultation, &made)))
}

/// A device and its network.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Client)]
pub struct ClientBody {
    /// The family of the browser or app, such as `firefox`.
    #[schema(max_length = 64)]
    user_agent: Option<String>,
    /// `desktop`, `phone`, `tablet` or `other`.
    device: Option<String>,
    /// `ethernet`, `wifi`, `cellular` or `other`.
    connection: Option<String>,
}

impl ClientBody {
    /// As it is kept.
    pub fn parse(self) -> std::result::Result<Client, Refusal> {
        let device = self.device.map(|word| parsed("/client/device", &word)).transpose()?;
        let connection = self.connection.map(|word| parsed("/client/connection", &word)).transpose()?;
        Ok(Client { user_agent: self.user_agent, device, connection })
    }
}

impl From<Client> for ClientBody {
    fn from(client: Client) -> Self {
        Self {
            user_agent: client.user_agent,
            device: client.device.map(|device| device.to_string()),
            connection: client.connection.map(|connection| connection.to_string()),
        }
    }
}

/// One time that somebody was there.
#[derive(Serialize, ToSchema)]
#[schema(as = ParticipantSession)]
pub struct SessionResponse {
    id: uuid::Uuid,
    user_id: uuid::Uuid,
    /// As in `participants`.
    role: String,
    /// Whether they had been there before.
    reconnected: bool,
    client: ClientBody,
    #[schema(value_type = String, format = "date-time")]
    joined_at: Timestamp,
    /// Null while they are there.
    #[schema(value_type = Option<String>, format = "date-time")]
    left_at: Option<Timestamp>,
    /// `left`, `dropped` (the connection was lost for good), `ended` or `withdrawn`.
    left_because: Option<String>,
}

impl From<ParticipantSession> for SessionResponse {
    fn from(stay: ParticipantSession) -> Self {
        Self {
            id: stay.id.uuid(),
            user_id: stay.user_id.uuid(),
            role: stay.role.to_string(),
            reconnected: stay.reconnected,
            client: stay.client.into(),
            joined_at: stay.joined_at,
            left_at: stay.left_at,
            left_because: stay.left_because.map(|reason| reason.to_string()),
        }
    }
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SessionsQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Who was there when, with what, and why they went: all for the doctor, support and administrators, their own for others
/// who take part.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/sessions", operation_id = "list_consultation_sessions", tag = "consultations",
    params(("id" = uuid::Uuid, Path), SessionsQuery),
    responses((status = 200, description = "The sessions, oldest first", body = Page<SessionResponse>)))]
pub async fn sessions(state: Shared, id: Path<String>, query: Query<SessionsQuery>) -> Result<Page<SessionResponse>> {
    let SessionsQuery { limit, cursor } = query.query;
    let limit = page_limit(limit)?;
    let page = state.consultations.sessions(&query.meta, path_id(&id)?, cursor.as_deref(), limit).await?;
    let items = page.items.into_iter().map(SessionResponse::from).collect();
    Ok(Answer::ok(Page { items, next_cursor: page.next_cursor }))
}
