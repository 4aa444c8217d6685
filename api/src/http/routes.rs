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
    analytics, appointments, audit, auth, availability, chat, consultations, credentials, dispensing, doctors,
    files::{self, content, tus},
    follow_ups, invitations, me, media, notes, notifications,
    permissions::Permission,
    plugins, prescription_templates, prescriptions, problem, provider_recordings, push, quality, ratings, recordings,
    settings, shared_files, subscriptions, summary, support, threads, users, waiting_room, webhooks,
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
        post("/auth/csrf", Public, web::to(auth::csrf)),
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
        get("/admin/doctors", May(P::VerifyDoctor), web::to(doctors::to_verify)),
        post("/admin/doctors/{id}/verify", May(P::VerifyDoctor), web::to(doctors::verify)),
        get("/doctors/{id}/credentials", May(P::SeeCredentials), web::to(credentials::list)),
        post("/doctors/{id}/credentials", May(P::SubmitCredentials), web::to(credentials::submit)),
        delete("/doctors/{id}/credentials/{file_id}", May(P::SubmitCredentials), web::to(credentials::withdraw)),
        post("/doctors/{id}/request-verification", May(P::SubmitCredentials), web::to(credentials::request)),
        get("/doctors/{id}/availability", Public, web::to(availability::get)),
        put("/doctors/{id}/availability", May(P::SetAvailability), web::to(availability::put)),
        get("/doctors/{id}/slots", Public, web::to(availability::slots)),
        get("/doctors/{id}/waiting-room", May(P::SeeWaitingRoom), web::to(waiting_room::get)),
        post("/doctors/{id}/waiting-room", May(P::WalkIn), web::to(waiting_room::walk_in)),
        post("/doctors/{id}/waiting-room/delay", May(P::RunWaitingRoom), web::to(waiting_room::delay)),
        post("/doctors/{id}/waiting-room/walk-ins", May(P::RunWaitingRoom), web::to(waiting_room::take_walk_ins)),
        post("/appointments", May(P::BookAppointment), web::to(appointments::book)),
        get("/appointments", May(P::SeeAppointments), web::to(appointments::list)),
        get("/appointments/{id}", May(P::SeeAppointments), web::to(appointments::get)),
        post("/appointments/{id}/accept", May(P::AnswerAppointment), web::to(appointments::accept)),
        post("/appointments/{id}/reject", May(P::AnswerAppointment), web::to(appointments::reject)),
        post("/appointments/{id}/cancel", May(P::ChangeAppointment), web::to(appointments::cancel)),
        post("/appointments/{id}/reschedule", May(P::ChangeAppointment), web::to(appointments::reschedule)),
        post("/appointments/{id}/no-show", May(P::AnswerAppointment), web::to(appointments::no_show)),
        get("/me/follow-ups", May(P::AnswerFollowUp), web::to(follow_ups::list)),
        post("/follow-ups/{id}/confirm", May(P::AnswerFollowUp), web::to(follow_ups::confirm)),
        post("/follow-ups/{id}/decline", May(P::AnswerFollowUp), web::to(follow_ups::decline)),
        get("/consultations/{id}", May(P::SeeConsultation), web::to(consultations::get)),
        post("/consultations/{id}/join", May(P::JoinConsultation), web::to(consultations::join)),
        post("/consultations/{id}/leave", May(P::JoinConsultation), web::to(consultations::leave)),
        post("/consultations/{id}/admit", May(P::LeadConsultation), web::to(consultations::admit)),
        post("/consultations/{id}/start", May(P::LeadConsultation), web::to(consultations::start)),
        post("/consultations/{id}/end", May(P::LeadConsultation), web::to(consultations::end)),
        post("/consultations/{id}/device-check", May(P::JoinConsultation), web::to(waiting_room::check_device)),
        post("/consultations/{id}/emergency", May(P::JoinConsultation), web::to(consultations::raise_emergency)),
        get("/consultations/{id}/sessions", May(P::SeeSessions), web::to(invitations::sessions)),
        post("/consultations/{id}/invitations", May(P::LeadConsultation), web::to(invitations::invite)),
        get("/consultations/{id}/invitations", May(P::LeadConsultation), web::to(invitations::list)),
        post(
            "/consultations/{id}/invitations/{invitation_id}/withdraw",
            May(P::LeadConsultation),
            web::to(invitations::withdraw),
        ),
        get("/consultations/{id}/messages", May(P::JoinConsultation), web::to(chat::messages)),
        post("/consultations/{id}/messages", May(P::JoinConsultation), web::to(chat::send_message)),
        get("/consultations/{id}/media", May(P::JoinConsultation), web::to(media::list)),
        get("/consultations/{id}/annotations", May(P::JoinConsultation), web::to(media::annotations)),
        post("/consultations/{id}/annotations", May(P::JoinConsultation), web::to(media::save_annotations)),
        patch("/consultations/{id}/messages/{message_id}", May(P::JoinConsultation), web::to(chat::edit_message)),
        delete("/consultations/{id}/messages/{message_id}", May(P::JoinConsultation), web::to(chat::delete_message)),
        get("/consultations/{id}/messages/{message_id}/history", May(P::JoinConsultation), web::to(chat::history)),
        get("/consultations/{id}/read-marks", May(P::JoinConsultation), web::to(chat::read_marks)),
        post("/consultations/{id}/read-marks", May(P::JoinConsultation), web::to(chat::mark_read)),
        get("/consultations/{id}/notes", May(P::KeepNotes), web::to(notes::get)),
        put("/consultations/{id}/notes", May(P::KeepNotes), web::to(notes::put)),
        post("/consultations/{id}/notes/sign", May(P::KeepNotes), web::to(notes::sign)),
        post("/consultations/{id}/notes/amendments", May(P::KeepNotes), web::to(notes::amend)),
        get("/consultations/{id}/summary", May(P::SeeSummary), web::to(summary::get)),
        post("/consultations/{id}/quality", May(P::JoinConsultation), web::to(quality::report)),
        get("/consultations/{id}/quality", May(P::SeeQuality), web::to(quality::get)),
        post("/consultations/{id}/switch-video", May(P::LeadConsultation), web::to(quality::switch)),
        post("/consultations/{id}/issues", May(P::JoinConsultation), web::to(support::report)),
        get("/support/issues", May(P::HandleIssues), web::to(support::list)),
        get("/support/issues/{id}", May(P::HandleIssues), web::to(support::get)),
        get("/support/issues/{id}/timeline", May(P::HandleIssues), web::to(support::timeline)),
        post("/support/issues/{id}/assign", May(P::HandleIssues), web::to(support::assign)),
        post("/support/issues/{id}/comments", May(P::HandleIssues), web::to(support::comment)),
        post("/support/issues/{id}/resolve", May(P::HandleIssues), web::to(support::resolve)),
        post("/consultations/{id}/rating", May(P::RateConsultation), web::to(ratings::rate)),
        get("/doctors/{id}/ratings", May(P::SeeRatings), web::to(ratings::list)),
        get("/consultations/{id}/files", May(P::JoinConsultation), web::to(shared_files::list)),
        post("/consultations/{id}/files", May(P::JoinConsultation), web::to(shared_files::share)),
        post("/consultations/{id}/prescriptions", May(P::Prescribe), web::to(prescriptions::issue)),
        get("/consultations/{id}/prescriptions", May(P::SeePrescription), web::to(prescriptions::list)),
        get("/prescriptions", May(P::Dispense), web::to(dispensing::list)),
        get("/prescriptions/{id}", May(P::SeePrescription), web::to(prescriptions::get)),
        get("/prescriptions/{id}/pdf", May(P::SeePrescription), web::to(prescriptions::pdf)),
        post("/prescriptions/{id}/send", May(P::SendPrescription), web::to(prescriptions::send)),
        post("/prescriptions/{id}/withdraw", May(P::Prescribe), web::to(prescriptions::withdraw)),
        post("/prescription-templates", May(P::Prescribe), web::to(prescription_templates::create)),
        get("/prescription-templates", May(P::Prescribe), web::to(prescription_templates::list)),
        get("/prescription-templates/{id}", May(P::Prescribe), web::to(prescription_templates::get)),
        patch("/prescription-templates/{id}", May(P::Prescribe), web::to(prescription_templates::patch)),
        delete("/prescription-templates/{id}", May(P::Prescribe), web::to(prescription_templates::delete)),
        post("/threads", May(P::UseThreads), web::to(threads::open)),
        get("/threads", May(P::UseThreads), web::to(threads::list)),
        get("/threads/{id}", May(P::UseThreads), web::to(threads::get)),
        post("/threads/{id}/close", May(P::UseThreads), web::to(threads::close)),
        post("/threads/{id}/reopen", May(P::UseThreads), web::to(threads::reopen)),
        post("/threads/{id}/participants", May(P::UseThreads), web::to(threads::add)),
        delete("/threads/{id}/participants/{user_id}", May(P::UseThreads), web::to(threads::remove)),
        get("/threads/{id}/messages", May(P::UseThreads), web::to(threads::messages)),
        post("/threads/{id}/messages", May(P::UseThreads), web::to(threads::send_message)),
        patch("/threads/{id}/messages/{message_id}", May(P::UseThreads), web::to(threads::edit_message)),
        delete("/threads/{id}/messages/{message_id}", May(P::UseThreads), web::to(threads::delete_message)),
        get("/threads/{id}/messages/{message_id}/history", May(P::UseThreads), web::to(threads::history)),
        get("/threads/{id}/read-marks", May(P::UseThreads), web::to(threads::read_marks)),
        post("/threads/{id}/read-marks", May(P::UseThreads), web::to(threads::mark_read)),
        options("/files", Public, web::to(tus::options)),
        post("/files", May(P::KeepFiles), web::to(tus::create)),
        head("/files/{id}", May(P::KeepFiles), web::to(tus::progress)),
        patch("/files/{id}", May(P::KeepFiles), web::to(tus::append)),
        delete("/files/{id}", May(P::KeepFiles), web::to(tus::delete)),
        get("/files/{id}", May(P::SeeFiles), web::to(files::get)),
        post("/files/{id}/links", May(P::SeeFiles), web::to(files::link)),
        get("/files/{id}/content", Public, web::to(content::get)),
        post("/consultations/{id}/recordings", May(P::JoinConsultation), web::to(recordings::request)),
        get("/consultations/{id}/recordings", May(P::SeeRecordings), web::to(recordings::list)),
        get("/recordings/{id}", May(P::SeeRecordings), web::to(recordings::get)),
        delete("/recordings/{id}", May(P::ManageRecordings), web::to(recordings::delete)),
        post("/recordings/{id}/consent", May(P::JoinConsultation), web::to(recordings::consent)),
        post("/recordings/{id}/stop", May(P::JoinConsultation), web::to(recordings::stop)),
        put("/recordings/{id}/segments/{number}", May(P::JoinConsultation), web::to(recordings::segment)),
        post("/recordings/{id}/playback", May(P::PlayRecording), web::to(recordings::playback)),
        get("/recordings/{id}/content", Public, web::to(recordings::content)),
        post("/recordings/{id}/hold", May(P::ManageRecordings), web::to(recordings::hold)),
        post("/recordings/{id}/release", May(P::ManageRecordings), web::to(recordings::release)),
        get("/verify/{code}", Public, web::to(prescriptions::verify)),
        get("/analytics/doctors/{id}", May(P::SeeAnalytics), web::to(analytics::doctor)),
        get("/me/notifications", May(P::OwnAccount), web::to(notifications::inbox)),
        post("/me/notifications/{id}/read", May(P::OwnAccount), web::to(notifications::read)),
        get("/push/key", Public, web::to(push::key)),
        post("/me/push-subscriptions", May(P::OwnAccount), web::to(push::subscribe)),
        get("/me/push-subscriptions", May(P::OwnAccount), web::to(push::subscriptions)),
        delete("/me/push-subscriptions/{id}", May(P::OwnAccount), web::to(push::unsubscribe)),
        get("/admin/notifications", May(P::RunDeliveries), web::to(notifications::deliveries)),
        post("/admin/notifications/{id}/retry", May(P::RunDeliveries), web::to(notifications::retry)),
        post("/webhooks/{plugin_id}", Public, web::to(webhooks::receive)),
        get("/admin/audit", May(P::SeeAudit), web::to(audit::list)),
        get("/admin/audit/verification", May(P::SeeAudit), web::to(audit::verification)),
        get("/admin/users", May(P::ManageUsers), web::to(users::list)),
        post("/admin/users", May(P::ManageUsers), web::to(users::invite)),
        get("/admin/users/{id}", May(P::ManageUsers), web::to(users::get)),
        patch("/admin/users/{id}", May(P::ManageUsers), web::to(users::change)),
        post("/admin/users/{id}/deactivate", May(P::ManageUsers), web::to(users::deactivate)),
        post("/admin/users/{id}/reactivate", May(P::ManageUsers), web::to(users::reactivate)),
        get("/admin/settings", May(P::SeeSettings), web::to(settings::list)),
        get("/admin/received-webhooks", May(P::RunDeliveries), web::to(webhooks::received)),
        post("/admin/received-webhooks/{id}/retry", May(P::RunDeliveries), web::to(webhooks::retry)),
        get("/admin/provider-recordings", May(P::RunDeliveries), web::to(provider_recordings::list)),
        post("/admin/provider-recordings/{id}/retry", May(P::RunDeliveries), web::to(provider_recordings::retry)),
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

fn head(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::HEAD, path, access, handler: handler.method(Method::HEAD) }
}

fn options(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::OPTIONS, path, access, handler: handler.method(Method::OPTIONS) }
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
