//! Who may use a route: stated beside the route, enforced before its handler.

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};
use consilium_kernel::{Principal, Refusal, RefusalKind};

use super::{permissions::Permission, problem::Problem};
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

/// Finds out who calls and refuses whom the route does not admit.
pub async fn enforce(
    access: Access,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let state = request.app_data::<web::Data<State>>().cloned().ok_or(Problem(Refusal::internal()))?;
    let principal = authenticate(&state, &request).await.map_err(Problem)?;
    let remaining = state.limits.count(&request, &principal).map_err(Problem)?;
    match (access, &principal) {
        (Access::Public, _) => {}
        (Access::May(permission), Principal::User(user)) => {
            if !permission.roles().contains(&user.role) {
                return Err(Problem(Refusal::forbidden()).into());
            }
        }
        (Access::May(_), Principal::Anonymous | Principal::System) => return Err(Problem(NO_TOKEN).into()),
    }
    request.extensions_mut().insert(principal);
    let mut response = next.call(request).await?;
    if let Some(remaining) = remaining {
        remaining.write(response.headers_mut());
    }
    Ok(response)
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
