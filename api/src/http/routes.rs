//! Every route below `/api/v1` with what it asks of its caller. A route cannot be written down without that.

use actix_web::{
    Route as Handler,
    body::BoxBody,
    http::Method,
    middleware::{Next, from_fn},
    web::{self, ServiceConfig},
};

use super::{
    access::{self, Access},
    analytics, appointments, auth, availability, chat, consultations, doctors, me, media, notifications,
    permissions::Permission,
    plugins, prescriptions, problem, subscriptions, webhooks,
};

/// The prefix of all of them.
pub const BASE: &str = "/api/v1";

/// One route.
pub struct Route {
    /// `GET`, …
    pub method: Method,
    /// Below [`BASE`], with parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    handler: Handler,
}

/// The table. Handlers live in the module named after the first word of the path.
pub fn routes() -> Vec<Route> {
    use Access::{May, Public};
    use Permission as P;
    vec![
        post("/auth/register", Public, web::to(auth::register)),
        post("/auth/login", Public, web::to(auth::login)),
        post("/auth/refresh", Public, web::to(auth::refresh)),
        post("/auth/logout", Public, web::to(auth::logout)),
        post("/auth/verify-email", Public, web::to(auth::verify_email)),
        post("/auth/verify-email/resend", Public, web::to(auth::resend)),
        post("/auth/password-reset", Public, web::to(auth::request_reset)),
        post("/auth/password-reset/confirm", Public, web::to(auth::confirm_reset)),
        get("/me", May(P::OwnAccount), web::to(me::get)),
        patch("/me", May(P::OwnAccount), web::to(me::patch)),
        get("/me/sessions", May(P::OwnAccount), web::to(auth::sessions)),
        get("/patients/{id}", May(P::SeePatient), web::to(me::patient)),
        get("/doctors", Public, web::to(doctors::list)),
        get("/doctors/{id}", Public, web::to(doctors::get)),
        patch("/doctors/{id}", May(P::ChangeDoctor), web::to(doctors::patch)),
        post("/admin/doctors/{id}/verify", May(P::VerifyDoctor), web::to(doctors::verify)),
        get("/doctors/{id}/availability", Public, web::to(availability::get)),
        put("/doctors/{id}/availability", May(P::SetAvailability), web::to(availability::put)),
        get("/doctors/{id}/slots", Public, web::to(availability::slots)),
        get("/doctors/{id}/waiting-room", May(P::SeeWaitingRoom), web::to(consultations::waiting_room)),
        post("/appointments", May(P::BookAppointment), web::to(appointments::book)),
        get("/appointments", May(P::SeeAppointments), web::to(appointments::list)),
        get("/appointments/{id}", May(P::SeeAppointments), web::to(appointments::get)),
        post("/appointments/{id}/accept", May(P::AnswerAppointment), web::to(appointments::accept)),
        post("/appointments/{id}/reject", May(P::AnswerAppointment), web::to(appointments::reject)),
        post("/appointments/{id}/cancel", May(P::ChangeAppointment), web::to(appointments::cancel)),
        post("/appointments/{id}/reschedule", May(P::ChangeAppointment), web::to(appointments::reschedule)),
        post("/appointments/{id}/no-show", May(P::AnswerAppointment), web::to(appointments::no_show)),
        get("/consultations/{id}", May(P::SeeConsultation), web::to(consultations::get)),
        post("/consultations/{id}/join", May(P::JoinConsultation), web::to(consultations::join)),
        post("/consultations/{id}/leave", May(P::JoinConsultation), web::to(consultations::leave)),
        post("/consultations/{id}/admit", May(P::LeadConsultation), web::to(consultations::admit)),
        post("/consultations/{id}/start", May(P::LeadConsultation), web::to(consultations::start)),
        post("/consultations/{id}/end", May(P::LeadConsultation), web::to(consultations::end)),
        get("/consultations/{id}/messages", May(P::JoinConsultation), web::to(chat::messages)),
        post("/consultations/{id}/messages", May(P::JoinConsultation), web::to(chat::send_message)),
        get("/consultations/{id}/media", May(P::JoinConsultation), web::to(media::list)),
        get("/consultations/{id}/annotations", May(P::JoinConsultation), web::to(media::annotations)),
        post("/consultations/{id}/annotations", May(P::JoinConsultation), web::to(media::save_annotations)),
        get("/consultations/{id}/notes", May(P::KeepNotes), web::to(consultations::notes)),
        put("/consultations/{id}/notes", May(P::KeepNotes), web::to(consultations::put_notes)),
        post("/consultations/{id}/prescriptions", May(P::Prescribe), web::to(prescriptions::issue)),
        get("/consultations/{id}/prescriptions", May(P::SeePrescription), web::to(prescriptions::list)),
        get("/prescriptions/{id}", May(P::SeePrescription), web::to(prescriptions::get)),
        get("/prescriptions/{id}/pdf", May(P::SeePrescription), web::to(prescriptions::pdf)),
        post("/prescriptions/{id}/send", May(P::SendPrescription), web::to(prescriptions::send)),
        post("/prescriptions/{id}/withdraw", May(P::Prescribe), web::to(prescriptions::withdraw)),
        get("/verify/{code}", Public, web::to(prescriptions::verify)),
        get("/analytics/doctors/{id}", May(P::SeeAnalytics), web::to(analytics::doctor)),
        get("/me/notifications", May(P::OwnAccount), web::to(notifications::inbox)),
        post("/me/notifications/{id}/read", May(P::OwnAccount), web::to(notifications::read)),
        get("/admin/notifications", May(P::RunDeliveries), web::to(notifications::deliveries)),
        post("/admin/notifications/{id}/retry", May(P::RunDeliveries), web::to(notifications::retry)),
        post("/webhooks/{plugin_id}", Public, web::to(webhooks::receive)),
        get("/admin/received-webhooks", May(P::RunDeliveries), web::to(webhooks::received)),
        post("/admin/received-webhooks/{id}/retry", May(P::RunDeliveries), web::to(webhooks::retry)),
        post("/webhook-subscriptions", May(P::ManageWebhooks), web::to(subscriptions::create)),
        get("/webhook-subscriptions", May(P::ManageWebhooks), web::to(subscriptions::list)),
        get("/webhook-subscriptions/{id}", May(P::ManageWebhooks), web::to(subscriptions::get)),
        patch("/webhook-subscriptions/{id}", May(P::ManageWebhooks), web::to(subscriptions::patch)),
        delete("/webhook-subscriptions/{id}", May(P::ManageWebhooks), web::to(subscriptions::delete)),
        post("/webhook-subscriptions/{id}/rotate-secret", May(P::ManageWebhooks), web::to(subscriptions::rotate)),
        post("/webhook-subscriptions/{id}/test", May(P::ManageWebhooks), web::to(subscriptions::test)),
        post("/webhook-subscriptions/{id}/replay", May(P::ManageWebhooks), web::to(subscriptions::replay)),
        get("/webhook-subscriptions/{id}/deliveries", May(P::ManageWebhooks), web::to(subscriptions::deliveries)),
        post(
            "/webhook-subscriptions/{id}/deliveries/{delivery_id}/retry",
            May(P::ManageWebhooks),
            web::to(subscriptions::retry),
        ),
        get("/plugins", May(P::SeePlugins), web::to(plugins::list)),
        post("/plugins/{id}/reload", May(P::RunPlugins), web::to(plugins::reload)),
        post("/plugins/{id}/resume", May(P::RunPlugins), web::to(plugins::resume)),
        get("/video-providers", May(P::SeePlugins), web::to(plugins::video_providers)),
    ]
}

fn get(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::GET, path, access, handler: handler.method(Method::GET) }
}

fn post(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::POST, path, access, handler: handler.method(Method::POST) }
}

fn put(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::PUT, path, access, handler: handler.method(Method::PUT) }
}

fn patch(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::PATCH, path, access, handler: handler.method(Method::PATCH) }
}

fn delete(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::DELETE, path, access, handler: handler.method(Method::DELETE) }
}

/// Registers the table: one resource per path, 405 with `Allow` for methods that it does not know.
pub fn configure(config: &mut ServiceConfig) {
    let mut by_path: Vec<(&'static str, Vec<Route>)> = Vec::new();
    for route in routes() {
        match by_path.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, same)) => same.push(route),
            None => by_path.push((route.path, vec![route])),
        }
    }
    for (path, routes) in by_path {
        let allowed: Vec<String> = routes.iter().map(|route| route.method.to_string()).collect();
        let allowed = allowed.join(", ");
        let mut resource = web::resource(format!("{BASE}{path}"));
        for Route { access, handler, .. } in routes {
            resource = resource.route(
                handler.wrap(from_fn(move |request, next: Next<BoxBody>| access::enforce(access, request, next))),
            );
        }
        config.service(resource.default_service(web::to(move || {
            let allowed = allowed.clone();
            async move { problem::method_not_allowed(&allowed) }
        })));
    }
}
