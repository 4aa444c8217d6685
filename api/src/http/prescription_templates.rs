//! A doctor's templates of prescriptions.

use actix_web::{HttpRequest, web::Path};
use consilium_kernel::Timestamp;
use consilium_prescribing::{MedicineDraft, Template, TemplateDraft, TemplateId, TemplatePatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Page, Result},
    command::{Command, Nothing, Query, Shared, if_match, path_id},
    prescriptions::MedicineBody,
};

/// Medicines that a doctor prescribes often.
#[derive(Serialize, ToSchema)]
#[schema(as = PrescriptionTemplate)]
pub struct TemplateResponse {
    id: uuid::Uuid,
    name: String,
    medicines: Vec<MedicineBody>,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

impl From<Template> for TemplateResponse {
    fn from(Template { id, content, updated_at, .. }: Template) -> Self {
        let medicines = content.medicines.into_iter().map(MedicineBody::from).collect();
        Self { id: id.uuid(), name: content.name, medicines, updated_at }
    }
}

fn answer(template: Template) -> Answer<TemplateResponse> {
    let version = template.version;
    Answer::ok(template.into()).versioned(version)
}

fn drafts(medicines: Vec<MedicineBody>) -> Vec<MedicineDraft> {
    medicines.into_iter().map(MedicineDraft::from).collect()
}

/// What is to be kept.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreatePrescriptionTemplate)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(min_items = 1, max_items = 30)]
    medicines: Vec<MedicineBody>,
}

/// Keeps medicines under a name, for the caller alone. At most a hundred templates.
#[utoipa::path(post, path = "/api/v1/prescription-templates", operation_id = "create_prescription_template",
    tag = "prescriptions", request_body = CreateRequest,
    responses((status = 201, description = "The template", body = TemplateResponse)))]
pub async fn create(state: Shared, command: Command<CreateRequest>) -> Result<TemplateResponse> {
    let CreateRequest { name, medicines } = command.body;
    let draft = TemplateDraft { name, medicines: drafts(medicines) };
    let made = state.prescribing.create_template(&command.meta, draft).await?;
    let (location, version) = (format!("/api/v1/prescription-templates/{}", made.id), made.version);
    Ok(Answer::created(location, made.into()).versioned(version))
}

/// One's own templates by name.
#[utoipa::path(get, path = "/api/v1/prescription-templates", operation_id = "list_prescription_templates",
    tag = "prescriptions", responses((status = 200, description = "Templates", body = Page<TemplateResponse>)))]
pub async fn list(state: Shared, query: Query<Nothing>) -> Result<Page<TemplateResponse>> {
    let found = state.prescribing.templates(&query.meta).await?;
    Ok(Answer::ok(Page { items: found.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// One of one's own templates.
#[utoipa::path(get, path = "/api/v1/prescription-templates/{id}", operation_id = "get_prescription_template",
    tag = "prescriptions", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The template", body = TemplateResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<TemplateResponse> {
    Ok(answer(state.prescribing.template(&query.meta, path_id::<TemplateId>(&id)?).await?))
}

/// What changes; a field that is absent stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = PatchPrescriptionTemplate)]
#[serde(deny_unknown_fields)]
pub struct PatchRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[schema(min_items = 1, max_items = 30)]
    medicines: Option<Vec<MedicineBody>>,
}

/// Renames a template, or puts other medicines into it.
#[utoipa::path(patch, path = "/api/v1/prescription-templates/{id}", operation_id = "patch_prescription_template",
    tag = "prescriptions", request_body = PatchRequest,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header, description = "ETag of the template that was seen")),
    responses((status = 200, description = "The template", body = TemplateResponse)))]
pub async fn patch(
    state: Shared,
    id: Path<String>,
    request: HttpRequest,
    command: Command<PatchRequest>,
) -> Result<TemplateResponse> {
    let (id, version) = (path_id::<TemplateId>(&id)?, if_match(&request)?);
    let PatchRequest { name, medicines } = command.body;
    let patch = TemplatePatch { name, medicines: medicines.map(drafts) };
    Ok(answer(state.prescribing.patch_template(&command.meta, id, version, patch).await?))
}

/// Deletes a template. Prescriptions that were made with it stay what they are.
#[utoipa::path(delete, path = "/api/v1/prescription-templates/{id}", operation_id = "delete_prescription_template",
    tag = "prescriptions", params(("id" = uuid::Uuid, Path)), responses((status = 204, description = "It is gone")))]
pub async fn delete(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<()> {
    state.prescribing.delete_template(&command.meta, path_id(&id)?).await?;
    Ok(Answer::nothing())
}
