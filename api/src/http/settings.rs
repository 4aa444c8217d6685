//! The settings in force, for administrators to read. They are changed where the server runs.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Page, Result},
    command::{Nothing, Query, Shared},
};
use crate::config::{Section, Setting, effective};

/// One setting.
#[derive(Serialize, ToSchema)]
#[schema(as = Setting)]
pub struct SettingResponse {
    key: String,
    /// What it means, in English.
    description: String,
    /// Null for what is secret; of a table, the names in it.
    #[schema(value_type = Option<Value>)]
    value: Option<serde_json::Value>,
    /// Whether it says anything: all that is told of a secret.
    is_set: bool,
    /// `default`, `file`, `environment` or `secret_file`.
    source: String,
}

impl From<Setting> for SettingResponse {
    fn from(setting: Setting) -> Self {
        let Setting { key, description, value, is_set, source } = setting;
        Self { key, description, value, is_set, source: source.to_string() }
    }
}

/// Settings that belong together.
#[derive(Serialize, ToSchema)]
#[schema(as = SettingSection)]
pub struct SectionResponse {
    name: String,
    /// What it is about, in English.
    description: String,
    settings: Vec<SettingResponse>,
}

impl From<Section> for SectionResponse {
    fn from(section: Section) -> Self {
        let settings = section.settings.into_iter().map(SettingResponse::from).collect();
        Self { name: section.name, description: section.description, settings }
    }
}

/// Every setting in force. No secret is in it.
#[utoipa::path(get, path = "/api/v1/admin/settings", operation_id = "list_settings", tag = "admin",
    responses((status = 200, description = "Sections", body = Page<SectionResponse>)))]
pub async fn list(state: Shared, _query: Query<Nothing>) -> Result<Page<SectionResponse>> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let variables: BTreeSet<String> = names.map(|name| name.to_uppercase()).collect();
    let items = effective(&state.config, &variables).into_iter().map(SectionResponse::from).collect();
    Ok(Answer::ok(Page { items, next_cursor: None }))
}
