//! The OpenAPI 3.1 document, made from the handlers.

use actix_web::{HttpResponse, web};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, Required, ResponseBuilder, Schema,
        path::{Operation, PathItem},
        request_body::RequestBody,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{
    access::Access,
    analytics, appointments, audit, auth, availability, chat, consultations, credentials, dispensing, doctors,
    files::{self, content, tus},
    follow_ups, invitations, me, media, notes, notifications, plugins, prescription_templates, prescriptions,
    problem::{ProblemDocument, ProblemField},
    provider_recordings, push, quality, ratings, recordings,
    routes::{BASE, routes},
    settings, shared_files, subscriptions, summary, support, threads, users, waiting_room, webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Consilium",
        description = "Appointments, consultations and prescriptions. Errors are problem documents (RFC 9457) \
                       with a stable `code`. Times are RFC 3339 in UTC.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        auth::register, auth::login, auth::refresh, auth::csrf, auth::logout, auth::verify_email, auth::resend,
        auth::request_reset, auth::confirm_reset, auth::sessions,
        me::get, me::patch, me::patient,
        doctors::list, doctors::get, doctors::patch, doctors::to_verify, doctors::verify,
        credentials::list, credentials::submit, credentials::withdraw, credentials::request,
        availability::get, availability::put, availability::slots,
        appointments::book, appointments::list, appointments::get, appointments::accept, appointments::reject,
        appointments::cancel, appointments::reschedule, appointments::no_show,
        follow_ups::list, follow_ups::confirm, follow_ups::decline,
        consultations::get, consultations::join, consultations::leave, consultations::admit, consultations::start,
        consultations::end, consultations::raise_emergency, waiting_room::get, waiting_room::walk_in,
        waiting_room::delay, waiting_room::take_walk_ins, waiting_room::check_device,
        invitations::invite, invitations::list, invitations::withdraw, invitations::sessions,
        chat::messages, chat::send_message, chat::edit_message, chat::delete_message,
        chat::history, chat::read_marks, chat::mark_read, media::list, media::annotations, media::save_annotations,
        notes::get, notes::put, notes::sign, notes::amend, summary::get, ratings::rate, ratings::list,
        quality::report, quality::get, quality::switch, support::report, support::list, support::get,
        support::timeline, support::assign, support::comment, support::resolve,
        shared_files::list, shared_files::share, tus::options, tus::create, tus::progress, tus::append, tus::delete,
        files::get, files::link, content::get,
        recordings::request, recordings::list, recordings::get, recordings::delete, recordings::consent,
        recordings::stop, recordings::segment, recordings::playback, recordings::content, recordings::hold,
        recordings::release, provider_recordings::list, provider_recordings::retry,
        prescriptions::issue, prescriptions::list, dispensing::list, prescriptions::get, prescriptions::pdf, prescriptions::send,
        prescriptions::withdraw, prescriptions::verify, prescription_templates::create, prescription_templates::list,
        prescription_templates::get, prescription_templates::patch, prescription_templates::delete, analytics::doctor,
        threads::open, threads::list, threads::get, threads::close, threads::reopen, threads::add, threads::remove,
        threads::messages, threads::send_message, threads::edit_message, threads::delete_message, threads::history,
        threads::read_marks, threads::mark_read,
        notifications::inbox, notifications::read, notifications::deliveries, notifications::retry,
        push::key, push::subscribe, push::subscriptions, push::unsubscribe,
        subscriptions::create, subscriptions::list, subscriptions::get, subscriptions::patch, subscriptions::delete,
        subscriptions::rotate, subscriptions::test, subscriptions::replay, subscriptions::deliveries,
        subscriptions::retry,
        plugins::list, plugins::reload, plugins::resume, plugins::video_providers, webhooks::receive, webhooks::received,
        webhooks::retry, audit::list, audit::verification,
        users::list, users::invite, users::get, users::change, users::deactivate, users::reactivate,
        settings::list,
    ),
    components(schemas(ProblemDocument, ProblemField)),
    modifiers(&AccessToken, &FromRoutes),
)]
struct Document;

struct AccessToken;

impl Modify for AccessToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        document.components.get_or_insert_default().add_security_scheme("access_token", SecurityScheme::Http(scheme));
    }
}

/// What the route table says of each operation: the token it needs, the roles that may use it, and how it refuses.
struct FromRoutes;

impl Modify for FromRoutes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let refusal = ResponseBuilder::new()
            .description("Refused; `code` says why")
            .content("application/problem+json", problem)
            .build();
        // An empty body is read as `{}`, which fits every body without required fields.
        let schemas = document.components.iter().flat_map(|components| &components.schemas);
        let optional: Vec<String> = schemas
            .filter(|(_, schema)| matches!(schema, RefOr::T(Schema::Object(object)) if object.required.is_empty()))
            .map(|(name, _)| format!("#/components/schemas/{name}"))
            .collect();
        for route in routes() {
            let Some(item) = document.paths.paths.get_mut(&format!("{BASE}{}", route.path)) else { continue };
            let Some(operation) = operation(item, route.method.as_str()) else { continue };
            for statuses in ["4XX", "5XX"] {
                operation.responses.responses.insert(statuses.to_owned(), refusal.clone().into());
            }
            if let Some(RefOr::T(body)) = &mut operation.request_body
                && optional.contains(&schema_of(body))
            {
                body.required = Some(Required::False);
            }
            if let Access::May(permission) = route.access {
                operation.security = Some(vec![SecurityRequirement::new("access_token", Vec::<String>::new())]);
                let roles: Vec<&str> = permission.roles().iter().map(Into::into).collect();
                let text = operation.description.get_or_insert_default();
                text.push_str(&format!("\n\nFor: {}.", roles.join(", ")));
            }
        }
    }
}

/// Where the schema of a JSON body stands.
fn schema_of(body: &RequestBody) -> String {
    let Some(RefOr::T(content)) = body.content.get("application/json") else { return String::new() };
    match &content.schema {
        Some(RefOr::Ref(reference)) => reference.ref_location.clone(),
        _ => String::new(),
    }
}

/// The operation of a path for a method in capital letters.
fn operation<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        "HEAD" => item.head.as_mut(),
        "OPTIONS" => item.options.as_mut(),
        _ => None,
    }
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Serves the document, that of the WebSocket, and a page to try it out, all from the binary.
pub fn configure(config: &mut web::ServiceConfig) {
    let json = web::Bytes::from(document().to_json().unwrap_or_else(|_| "{}".to_owned()));
    config.route(
        "/api/openapi.json",
        web::get().to(move || {
            let json = json.clone();
            async move { HttpResponse::Ok().content_type("application/json").body(json) }
        }),
    );
    let live = web::Bytes::from(crate::ws::asyncapi::document().to_string());
    config.route(
        "/api/asyncapi.json",
        web::get().to(move || {
            let live = live.clone();
            async move { HttpResponse::Ok().content_type("application/json").body(live) }
        }),
    );
    let page = utoipa_swagger_ui::SwaggerUi::new("/api/docs/{_:.*}")
        .config(utoipa_swagger_ui::Config::new(["/api/openapi.json"]).try_it_out_enabled(true));
    config.service(page);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_and_the_route_table_name_the_same_operations() {
        let mut document = document();
        let mut described = BTreeSet::new();
        for (path, item) in &mut document.paths.paths {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
                if operation(item, method).is_some() {
                    described.insert(format!("{method} {path}"));
                }
            }
        }
        let routed: BTreeSet<String> =
            routes().iter().map(|route| format!("{} {BASE}{}", route.method, route.path)).collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let mut document = document();
        let mut names = BTreeSet::new();
        for route in routes() {
            let item = document.paths.paths.get_mut(&format!("{BASE}{}", route.path)).unwrap();
            let name = operation(item, route.method.as_str()).unwrap().operation_id.clone().unwrap();
            assert!(names.insert(name.clone()), "{name} stands twice");
        }
    }

    #[test]
    fn every_operation_that_is_not_public_asks_for_a_token() {
        let mut document = document();
        for route in routes() {
            let item = document.paths.paths.get_mut(&format!("{BASE}{}", route.path)).unwrap();
            let secured = operation(item, route.method.as_str()).unwrap().security.is_some();
            assert_eq!(secured, route.access != Access::Public, "{} {}", route.method, route.path);
        }
    }
}
