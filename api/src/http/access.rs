//! Who may use a route: stated beside the route, enforced before its handler.

use actix_web::{
    Error, HttpMessage, ResponseError,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};
use consilium_kernel::{Principal, Refusal, RefusalKind};

use super::{limits::Remaining, permissions::Permission, problem::Problem};
use crate::state::State;

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing. A token that is sent is checked all the same.
    Public,
    /// A role that has the permission.
    May(Permission),
}

const NO_TOKEN: Refusal =
    Refusal::new(RefusalKind::Unauthenticated, "unauthenticated", "Please log in and send the access token.");

/// Finds out who calls and refuses whom the route does not admit. A refusal is an answer like any other, so that
/// it gets the headers that all answers get.
pub async fn enforce(
    access: Access,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let remaining = match admit(access, &request).await {
        Ok((principal, remaining)) => {
            request.extensions_mut().insert(principal);
            remaining
        }
        Err(refusal) => return Ok(request.into_response(Problem(refusal).error_response())),
    };
    let mut response = next.call(request).await?;
    if let Some(remaining) = remaining {
        remaining.write(response.headers_mut());
    }
    Ok(response)
}

async fn admit(access: Access, request: &ServiceRequest) -> Result<(Principal, Option<Remaining>), Refusal> {
    let state = request.app_data::<web::Data<State>>().cloned().ok_or(Refusal::internal())?;
    let principal = match authenticate(&state, request).await {
        Ok(principal) => principal,
        Err(_) if access == Access::Public && sends_other_tokens(request.path()) => Principal::Anonymous,
        Err(refusal) => return Err(refusal),
    };
    let remaining = state.limits.count(request, &principal)?;
    match (access, &principal) {
        (Access::Public, _) => {}
        (Access::May(permission), Principal::User(user)) if permission.roles().contains(&user.role) => {}
        (Access::May(_), Principal::User(_)) => return Err(Refusal::forbidden()),
        (Access::May(_), Principal::Anonymous | Principal::System) => return Err(NO_TOKEN),
    }
    Ok((principal, remaining))
}

/// Whoever logs in, refreshes or logs out may well still send the token that has expired. Providers sign their webhooks
/// in this header too, as LiveKit does: what that is worth is for their plugin to say.
fn sends_other_tokens(path: &str) -> bool {
    path.contains("/auth/") || path.contains("/v1/webhooks/")
}

async fn authenticate(state: &State, request: &ServiceRequest) -> Result<Principal, Refusal> {
    let Some(header) = request.headers().get("Authorization") else { return Ok(Principal::Anonymous) };
    let token = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim().to_owned())
        .ok_or(NO_TOKEN)?;
    state.identity.authenticate(&token).await.map(Principal::User)
}
