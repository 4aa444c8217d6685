//! The OpenAPI 3.1 document, made from the handlers.

use actix_web::{HttpResponse, web};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{
    appointments, auth, availability, consultations, doctors, me, plugins,
    problem::{ProblemDocument, ProblemField},
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
        auth::register, auth::login, auth::refresh, auth::logout, auth::verify_email, auth::resend,
        auth::request_reset, auth::confirm_reset, auth::sessions,
        me::get, me::patch, me::patient,
        doctors::list, doctors::get, doctors::patch, doctors::verify,
        availability::get, availability::put, availability::slots,
        appointments::book, appointments::list, appointments::get, appointments::accept, appointments::reject,
        appointments::cancel, appointments::reschedule, appointments::no_show,
        consultations::get, consultations::join, consultations::leave, consultations::admit, consultations::start,
        consultations::end, consultations::messages, consultations::send_message, consultations::notes,
        consultations::put_notes, consultations::waiting_room,
        plugins::list, plugins::video_providers,
    ),
    components(schemas(ProblemDocument, ProblemField)),
    modifiers(&AccessToken),
)]
struct Document;

struct AccessToken;

impl Modify for AccessToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        document.components.get_or_insert_default().add_security_scheme("access_token", SecurityScheme::Http(scheme));
    }
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Serves the document and a page to try it out, both from the binary.
pub fn configure(config: &mut web::ServiceConfig) {
    let json = web::Bytes::from(document().to_json().unwrap_or_else(|_| "{}".to_owned()));
    config.route(
        "/api/openapi.json",
        web::get().to(move || {
            let json = json.clone();
            async move { HttpResponse::Ok().content_type("application/json").body(json) }
        }),
    );
    let page = utoipa_swagger_ui::SwaggerUi::new("/api/docs/{_:.*}")
        .config(utoipa_swagger_ui::Config::new(["/api/openapi.json"]).try_it_out_enabled(true));
    config.service(page);
}
