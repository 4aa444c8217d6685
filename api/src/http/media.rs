//! What participants let the others hear and see, and the drawings on shared screens that were kept.

use actix_web::web::Path;
use consilium_consultations::{Annotations, Media, NewAnnotations, Stroke, Tool};
use consilium_kernel::{ConsultationId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, path_id},
};

/// What one participant lets the others hear and see.
#[derive(Serialize, ToSchema)]
#[schema(as = Media)]
pub struct MediaResponse {
    user_id: uuid::Uuid,
    microphone: bool,
    camera: bool,
    screen: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    hand_raised_at: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    changed_at: Timestamp,
}

impl From<Media> for MediaResponse {
    fn from(media: Media) -> Self {
        let Media { user_id, microphone, camera, screen, hand_raised_at, changed_at } = media;
        Self { user_id: user_id.uuid(), microphone, camera, screen, hand_raised_at, changed_at }
    }
}

/// Everybody who is there.
#[derive(Serialize, ToSchema)]
pub struct MediaList {
    items: Vec<MediaResponse>,
    /// Always null: the list comes whole.
    next_cursor: Option<String>,
}

/// What everybody who is there lets the others hear and see, for participants. It is changed over the WebSocket.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/media", operation_id = "list_media", tag = "consultations",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Everybody who is there", body = MediaList)))]
pub async fn list(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<MediaList> {
    let media = state.consultations.media(&query.meta, path_id(&id)?).await?;
    Ok(Answer::ok(MediaList { items: media.into_iter().map(MediaResponse::from).collect(), next_cursor: None }))
}

/// What a stroke is drawn with.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Tool)]
pub enum ToolBody {
    Pen,
    Marker,
    Arrow,
    Rectangle,
    Ellipse,
    Text,
}

/// One stroke on a shared screen.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Stroke)]
pub struct StrokeBody {
    tool: ToolBody,
    /// `#rrggbb`.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    color: String,
    /// Thousandths of the picture's width.
    #[schema(minimum = 1, maximum = 100)]
    width: u8,
    /// Pairs of x and y, from the upper left corner (0, 0) to the lower right one (1, 1).
    #[schema(value_type = Vec<Vec<f64>>, min_items = 1, max_items = 2000)]
    points: Vec<(f64, f64)>,
    /// For the tool `text`, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    text: Option<String>,
}

impl From<StrokeBody> for Stroke {
    fn from(stroke: StrokeBody) -> Self {
        let StrokeBody { tool, color, width, points, text } = stroke;
        let tool = match tool {
            ToolBody::Pen => Tool::Pen,
            ToolBody::Marker => Tool::Marker,
            ToolBody::Arrow => Tool::Arrow,
            ToolBody::Rectangle => Tool::Rectangle,
            ToolBody::Ellipse => Tool::Ellipse,
            ToolBody::Text => Tool::Text,
        };
        Self { tool, color, width, points, text }
    }
}

impl From<Stroke> for StrokeBody {
    fn from(stroke: Stroke) -> Self {
        let Stroke { tool, color, width, points, text } = stroke;
        let tool = match tool {
            Tool::Pen => ToolBody::Pen,
            Tool::Marker => ToolBody::Marker,
            Tool::Arrow => ToolBody::Arrow,
            Tool::Rectangle => ToolBody::Rectangle,
            Tool::Ellipse => ToolBody::Ellipse,
            Tool::Text => ToolBody::Text,
        };
        Self { tool, color, width, points, text }
    }
}

/// A drawing to keep.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveAnnotationsRequest {
    /// The client's own id of it: the same one again is answered with what is stored already.
    #[schema(min_length = 1, max_length = 64)]
    client_annotation_id: String,
    /// At most 40 KiB as JSON.
    #[schema(min_items = 1, max_items = 500)]
    strokes: Vec<StrokeBody>,
}

impl From<SaveAnnotationsRequest> for NewAnnotations {
    fn from(request: SaveAnnotationsRequest) -> Self {
        let strokes = request.strokes.into_iter().map(Stroke::from).collect();
        Self { client_annotation_id: request.client_annotation_id, strokes }
    }
}

/// A drawing that was kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Annotations)]
pub struct AnnotationsResponse {
    id: uuid::Uuid,
    author_id: uuid::Uuid,
    strokes: Vec<StrokeBody>,
    #[schema(value_type = String, format = "date-time")]
    saved_at: Timestamp,
}

impl From<Annotations> for AnnotationsResponse {
    fn from(kept: Annotations) -> Self {
        let strokes = kept.strokes.into_iter().map(StrokeBody::from).collect();
        Self { id: kept.id.uuid(), author_id: kept.author_id.uuid(), strokes, saved_at: kept.saved_at }
    }
}

/// The drawings of a consultation.
#[derive(Serialize, ToSchema)]
pub struct AnnotationsList {
    items: Vec<AnnotationsResponse>,
    /// Always null: the list comes whole.
    next_cursor: Option<String>,
}

/// The drawings that were kept, the oldest first, for participants.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/annotations", operation_id = "list_annotations",
    tag = "consultations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Drawings", body = AnnotationsList)))]
pub async fn annotations(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<AnnotationsList> {
    let kept = state.consultations.annotations(&query.meta, path_id(&id)?).await?;
    Ok(Answer::ok(AnnotationsList {
        items: kept.into_iter().map(AnnotationsResponse::from).collect(),
        next_cursor: None,
    }))
}

/// Keeps a drawing, while doctor and patient are in the room.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/annotations", operation_id = "save_annotations",
    tag = "consultations", params(("id" = uuid::Uuid, Path)), request_body = SaveAnnotationsRequest,
    responses((status = 201, description = "Kept", body = AnnotationsResponse)))]
pub async fn save_annotations(
    state: Shared,
    id: Path<String>,
    command: Command<SaveAnnotationsRequest>,
) -> Result<AnnotationsResponse> {
    let id = path_id::<ConsultationId>(&id)?;
    let kept = state.consultations.save_annotations(command.meta, id, command.body.into()).await?;
    Ok(Answer::created(format!("/api/v1/consultations/{id}/annotations"), kept.into()))
}
