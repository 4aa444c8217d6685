//! The content of files, by a link.

use actix_web::{HttpRequest, HttpResponse, body::SizedStream, web::Path};
use consilium_files::{FileId, FileRefusal, Link};
use consilium_kernel::{CommandMeta, Principal, Refusal, Scope};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::{
    command::{Query, Shared, path_id},
    permissions::Permission,
    problem::Problem,
    ranges::{Asked, Stored},
};

/// The link.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// As it was given by the call that made the link.
    pub token: Option<String>,
}

/// The content, for whoever has the link, which is good for the session that asked for it.
#[utoipa::path(get, path = "/api/v1/files/{id}/content", operation_id = "get_file_content", tag = "files",
    params(("id" = uuid::Uuid, Path), ContentQuery, ("Range" = Option<String>, Header, description = "One range of bytes")),
    responses((status = 200, description = "The content", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "A range of it", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "It is what If-None-Match says")))]
pub async fn get(
    state: Shared,
    request: HttpRequest,
    id: Path<String>,
    query: Query<ContentQuery>,
) -> Result<HttpResponse, Problem> {
    let id: FileId = path_id(&id)?;
    let link = state.files.check_link(id, query.query.token.as_deref().unwrap_or_default())?;
    let meta = reader(&state, query.meta, link, Permission::SeeFiles).await?;
    let opened = state.files.open(&meta, id).await?;
    let file = opened.file.clone();
    let stored = Stored {
        name: &file.name,
        media_type: file.media_type.map_or("application/octet-stream", |media| media.essence()),
        sha256: file.sha256.as_deref().unwrap_or_default(),
        length: file.length,
    };
    Ok(match stored.asked(&request) {
        Asked::For(mut response, range) => {
            let size = range.end - range.start;
            response.body(SizedStream::new(size, state.files.read(&meta, opened, range).await?))
        }
        Asked::Answered(answer) => answer,
    })
}

/// Whoever the link was given to, as they stand now, if they still may.
pub async fn reader(
    state: &Shared,
    asking: CommandMeta,
    link: Link,
    permission: Permission,
) -> Result<CommandMeta, Refusal> {
    let user = state.identity.standing(link.session).await?.ok_or(FileRefusal::LinkExpired)?;
    let other = asking.principal.user_id().is_some_and(|asking| asking != link.user);
    if other || user.user_id != link.user || !permission.roles().contains(&user.role) {
        return Err(FileRefusal::LinkInvalid.refusal());
    }
    Ok(CommandMeta { scope: Scope::of(user.facility_id), principal: Principal::User(user), ..asking })
}
