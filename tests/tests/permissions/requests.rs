//! A request for each route that would succeed for whoever may make it.

use consilium_tests::{
    app::BEGINNING,
    client::{Answer, Client, PASSWORD, text},
};
use serde_json::{Value, json};

use crate::world::{SEGMENT, World, consents, issue, prescription, template, webhook_subscription};

/// Tries `route` as `caller` and gives the answer.
pub async fn send(world: &World, route: &str, caller: &str) -> Answer {
    let mut client: Client = match world.person(caller) {
        Some(person) => (**person).clone(),
        None => world.app_client.clone(),
    };
    if route == "POST /auth/logout"
        && let Some(person) = world.person(caller)
    {
        client = (*person.again().await).clone(); // the others' sessions go on
    }
    match route {
        "POST /files" => {
            let purpose =
                [("filename", "a.txt"), ("purpose", "consultation"), ("consultation_id", &world.consultation)];
            return client.begin_upload(9, &purpose).await;
        }
        "POST /auth/csrf" => {
            let login = json!({"email": "patient@example.org", "password": PASSWORD});
            let cookie = world.app_client.post("/auth/login", login).await.header("set-cookie").to_owned();
            let call = client.post("/auth/csrf", json!({})).header("Cookie", &cookie);
            return call.header("Sec-Fetch-Site", "same-origin").await;
        }
        "PATCH /files/{id}" => return client.send_part(&world.uploading().await, 0, b"A lett").await,
        "HEAD /files/{id}" => return client.tus("HEAD", &format!("/files/{}", world.file)).await,
        "GET /files/{id}/content" => return client.get(&world.patient.link(&world.file).await).await,
        "PUT /recordings/{id}/segments/{number}" => {
            let path = format!("/recordings/{}/segments/1", world.recording().await);
            return client.call("PUT".parse().expect("a method"), &path).body("video/webm", SEGMENT).await;
        }
        "GET /recordings/{id}/content" => {
            let link = world.patient.post(&format!("/recordings/{}/playback", world.recording), Value::Null).await;
            return client.get(text(&link.expect(201), "url").trim_start_matches("/api/v1")).await;
        }
        "POST /doctors/{id}/credentials"
        | "DELETE /doctors/{id}/credentials/{file_id}"
        | "POST /doctors/{id}/request-verification" => {
            world.decide("rejected").await;
            let answer = change_credentials(world, &client, route).await;
            world.decide("approved").await;
            return answer;
        }
        "POST /consultations/{id}/files" => {
            return client.share_file(&world.consultation, &world.uploaded(caller).await).await;
        }
        _ => {}
    }
    let (path, body) = request(world, route, caller).await;
    let method = route.split_once(' ').expect("METHOD /path").0.parse().expect("a method");
    let mut call = client.call(method, &path);
    if route.starts_with("PATCH /prescription-templates") {
        call = call.header("If-Match", world.doctor.get(&path).await.header("etag"));
    }
    if route.starts_with("PATCH /webhook-subscriptions") {
        let seen = world.administrator().get(&path).await;
        call = call.header("If-Match", seen.header("etag"));
    }
    if route.starts_with("PATCH /admin/users") {
        let seen = world.administrator().get(&path).await;
        call = call.header("If-Match", seen.header("etag"));
    }
    if path.ends_with("/availability") || path.ends_with("/notes") || route.starts_with("PATCH /doctors") {
        call = call.header("If-Match", world.doctor.get(&path).await.header("etag"));
    }
    if body.is_null() { call.await } else { call.json(&body).await }
}

/// A document of the doctor's submitted, or taken back; or another review asked for.
async fn change_credentials(world: &World, client: &Client, route: &str) -> Answer {
    let doctor = format!("/doctors/{}", world.doctor.doctor_id);
    if route.ends_with("/request-verification") {
        return client.post(&format!("{doctor}/request-verification"), Value::Null).await;
    }
    let (path, file) = (format!("{doctor}/credentials"), world.document().await);
    let document = json!({"kind": "licence", "file_id": file});
    if route.starts_with("POST ") {
        return client.post(&path, document).await;
    }
    world.doctor.post(&path, document).await.expect(201);
    client.call("DELETE".parse().expect("a method"), &format!("{path}/{file}")).await
}

/// Where to send what, with things that are there and in the right state. All are the patient's and the doctor's.
async fn request(world: &World, route: &str, caller: &str) -> (String, Value) {
    let path = route.split_once(' ').expect("METHOD /path").1;
    let at = |id: &str| path.replace("{id}", id);
    let n = world.fresh();
    let doctor = world.doctor.doctor_id.as_str();
    let none = Value::Null;
    match route {
        "POST /auth/register" => {
            let email = format!("fresh-{n}@example.org");
            let names = ("Ada", "Example");
            let body = json!({
                "email": email, "password": PASSWORD, "role": "patient", "given_name": names.0, "family_name": names.1,
            });
            (at(""), body)
        }
        "POST /auth/login" => (at(""), json!({"email": "patient@example.org", "password": PASSWORD})),
        "POST /auth/refresh" | "POST /auth/logout" => {
            (at(""), json!({"refresh_token": world.patient.again().await.refresh_token}))
        }
        "POST /auth/verify-email" => (at(""), json!({"token": "made up"})),
        "POST /auth/verify-email/resend" | "POST /auth/password-reset" => {
            (at(""), json!({"email": format!("nobody-{n}@example.org")}))
        }
        "POST /auth/password-reset/confirm" => (at(""), json!({"token": "made up", "password": PASSWORD})),

        "PATCH /me" => (at(""), json!({"given_name": "Ada"})),
        "POST /me/notifications/{id}/read" => (at(&world.notification), none),
        "POST /me/push-subscriptions" => (at(""), browser(n)),
        "DELETE /me/push-subscriptions/{id}" => {
            let made = world.patient.post("/me/push-subscriptions", browser(n)).await.expect(201);
            (at(text(&made, "id")), none)
        }
        "GET /patients/{id}" => (at(&world.patient.patient_id), none),

        "PATCH /doctors/{id}" => (at(doctor), json!({"display_name": format!("Dr. Ada {n}")})),
        "POST /admin/doctors/{id}/verify" => (at(doctor), json!({"decision": "approved"})),
        "PUT /doctors/{id}/availability" => (at(doctor), world.doctor.get(&at(doctor)).await.expect(200)),

        "POST /appointments" => (at(""), consilium_tests::client::wish(&world.doctor, &world.slot())),
        "GET /appointments/{id}"
        | "POST /appointments/{id}/accept"
        | "POST /appointments/{id}/reject"
        | "POST /appointments/{id}/cancel" => (at(&world.asked().await), none),
        "POST /appointments/{id}/reschedule" => (at(&world.asked().await), json!({"starts_at": world.slot()})),
        // It has not begun, so that nobody can have missed it: 409 for whoever is let in.
        "POST /appointments/{id}/no-show" => (at(&world.asked().await), none),

        "POST /consultations/{id}/join" | "POST /consultations/{id}/leave" | "POST /consultations/{id}/start" => {
            (at(&world.agreed().await), none)
        }
        // A patient waits in one place at a time: each caller brings, or is, somebody who does not wait yet.
        "POST /doctors/{id}/waiting-room" => {
            let brought = match caller {
                "patient" | "foreign patient" => Value::Null,
                _ => json!(world.newcomer().await),
            };
            (at(doctor), json!({"patient_id": brought, "reason": "Fever", "visit_type": "video"}))
        }
        "POST /doctors/{id}/waiting-room/delay" => (at(doctor), json!({"minutes": 10})),
        "POST /doctors/{id}/waiting-room/walk-ins" => (at(doctor), json!({"accept": "always"})),
        "POST /consultations/{id}/device-check" => (at(&world.agreed().await), json!({"camera": "ok"})),
        "POST /consultations/{id}/emergency" => (at(&world.waited().await), none),
        "POST /consultations/{id}/invitations" => {
            (at(&world.agreed().await), json!({"user_id": world.person("nurse").expect("a nurse").id, "role": "nurse"}))
        }
        "POST /consultations/{id}/invitations/{invitation_id}/withdraw" => {
            let (consultation, invitation) = world.invited().await;
            (at(&consultation).replace("{invitation_id}", &invitation), none)
        }
        "POST /consultations/{id}/admit" => (at(&world.waited().await), none),
        "POST /consultations/{id}/end" => (at(&world.begun().await), none),
        "POST /consultations/{id}/messages" => {
            (at(&world.consultation), json!({"body": "Hello", "client_message_id": format!("m{n}")}))
        }
        "POST /consultations/{id}/annotations" => (at(&world.consultation), drawing(n)),
        // The doctor's own message: a patient who is let in is not its sender.
        "PATCH /consultations/{id}/messages/{message_id}" | "DELETE /consultations/{id}/messages/{message_id}" => {
            let said = world.said(&format!("/consultations/{}", world.consultation)).await;
            (at(&world.consultation).replace("{message_id}", &said), edited(route))
        }
        "GET /consultations/{id}/messages/{message_id}/history" => {
            let said = world.said(&format!("/consultations/{}", world.consultation)).await;
            (at(&world.consultation).replace("{message_id}", &said), none)
        }
        "POST /consultations/{id}/read-marks" => (at(&world.consultation), json!({"seq": 0})),
        "POST /threads" => (
            at(""),
            json!({"kind": "care", "patient_id": world.patient.patient_id,
            "subject": format!("Question {n}"), "participants": [{"doctor_id": doctor}]}),
        ),
        "POST /threads/{id}/close" => (at(&world.threaded().await), none),
        // It is not closed: 409 for whoever is let in.
        "POST /threads/{id}/reopen" => (at(&world.threaded().await), none),
        // Somebody who cannot be in it: 422 for whoever is let in.
        "POST /threads/{id}/participants" => {
            (at(&world.threaded().await), json!({"user_id": world.foreign_patient.id}))
        }
        // The doctor is the only one who treats there: 409 for whoever is let in.
        "DELETE /threads/{id}/participants/{user_id}" => {
            (at(&world.threaded().await).replace("{user_id}", &world.doctor.id), none)
        }
        "POST /threads/{id}/messages" => {
            (at(&world.threaded().await), json!({"body": "Hello", "client_message_id": format!("m{n}")}))
        }
        "POST /threads/{id}/read-marks" => (at(&world.threaded().await), json!({"seq": 0})),
        _ if path.starts_with("/threads/{id}/messages/{message_id}") => {
            let thread = world.threaded().await;
            let said = world.said(&format!("/threads/{thread}")).await;
            (at(&thread).replace("{message_id}", &said), edited(route))
        }
        _ if route.starts_with("GET /threads/{id}") => (at(&world.threaded().await), none),
        "PUT /consultations/{id}/notes" => (at(&world.consultation), json!({"plan": format!("Rest {n} days")})),
        "POST /consultations/{id}/notes/sign" => (at(&world.noted().await), none),
        "POST /consultations/{id}/notes/amendments" => {
            let id = world.noted().await;
            world.doctor.post(&format!("/consultations/{id}/notes/sign"), Value::Null).await.expect(200);
            (at(&id), json!({"text": "Five days", "reason": "A slip of the pen"}))
        }
        "POST /consultations/{id}/quality" => {
            let measured = json!({
                "at": BEGINNING, "direction": "inbound", "media": "audio", "bitrate_kbps": 32, "packet_loss_percent": 0.5,
                "jitter_ms": 5, "round_trip_ms": 80,
            });
            (at(&world.consultation), json!({"measurements": [measured]}))
        }
        // Nobody has joined, so that no provider serves it yet: 409 for whoever is let in.
        "POST /consultations/{id}/switch-video" => (at(&world.begun().await), none),
        "POST /consultations/{id}/issues" => (at(&world.begun().await), issue()),
        "POST /support/issues/{id}/assign" => (at(&world.issue().await), none),
        "POST /support/issues/{id}/comments" => (at(&world.issue().await), json!({"text": "Looking into it"})),
        "POST /support/issues/{id}/resolve" => (at(&world.issue().await), json!({"resolution": "Restarted"})),
        _ if route.starts_with("GET /support/issues/{id}") => (at(&world.issue().await), none),
        "POST /follow-ups/{id}/confirm" | "POST /follow-ups/{id}/decline" => (at(&world.kept().await), none),
        "POST /consultations/{id}/rating" => (at(&world.completed().await), json!({"rating": 4, "text": "Good"})),
        "DELETE /files/{id}" => (at(&world.uploading().await), none),
        "GET /files/{id}" | "POST /files/{id}/links" => (at(&world.file), none),
        "OPTIONS /files" => (at(""), none),
        "POST /consultations/{id}/recordings" => (at(&world.met().await), json!({"media": "audio"})),
        "POST /recordings/{id}/consent" => (at(&world.recording().await), consents(true)),
        "POST /recordings/{id}/stop" => (at(&world.recording().await), none),
        "GET /recordings/{id}" | "POST /recordings/{id}/playback" => (at(&world.recording), none),
        "POST /recordings/{id}/hold" | "POST /recordings/{id}/release" => {
            (at(&world.recording), json!({"reason": "A complaint"}))
        }
        // Deleting is for administrators alone: everybody else tries it on the one that is needed.
        "DELETE /recordings/{id}" if caller == "admin" => (at(&world.recorded().await), none),
        "DELETE /recordings/{id}" => (at(&world.recording), none),
        "POST /consultations/{id}/prescriptions" => (at(&world.consultation), prescription()),

        "POST /prescription-templates" => (at(""), template()),
        "PATCH /prescription-templates/{id}" => (at(&world.template().await), json!({"name": format!("Flu {n}")})),
        "GET /prescription-templates/{id}" | "DELETE /prescription-templates/{id}" => {
            (at(&world.template().await), none)
        }
        "GET /prescriptions/{id}" | "GET /prescriptions/{id}/pdf" | "POST /prescriptions/{id}/send" => {
            (at(text(&world.prescription, "id")), none) // no pharmacy is connected: sending is 409
        }
        "POST /prescriptions/{id}/withdraw" => {
            let another = world.prescribe(&world.consultation).await;
            (at(text(&another, "id")), none)
        }
        "GET /verify/{code}" => (path.replace("{code}", text(&world.prescription, "verification_code")), none),

        "POST /admin/users" => {
            let names = ("Ada", "Example");
            let body = json!({
                "email": format!("invited-{n}@example.org"), "role": "nurse", "given_name": names.0,
                "family_name": names.1,
            });
            (at(""), body)
        }
        "PATCH /admin/users/{id}" => (at(&world.invited_staff().await), json!({"role": "support"})),
        _ if path.starts_with("/admin/users/{id}") => (at(&world.invited_staff().await), none),

        // No analytics plugin runs: 503 for whoever is let in.
        "GET /analytics/doctors/{id}" => (at(doctor), none),
        "POST /plugins/{id}/reload" | "POST /plugins/{id}/resume" => (at("nowhere"), none),
        "POST /webhooks/{plugin_id}" => (path.replace("{plugin_id}", "nowhere"), json!({})),
        // Nothing was received: 404 for whoever is let in.
        "POST /admin/received-webhooks/{id}/retry" | "POST /admin/provider-recordings/{id}/retry" => (at(doctor), none),
        "POST /admin/notifications/{id}/retry" => (at(&world.delivery), none), // 409: it is not dead
        "POST /webhook-subscriptions" => (at(""), webhook_subscription()),
        "DELETE /webhook-subscriptions/{id}" => (at(&world.subscribed().await), none),
        "PATCH /webhook-subscriptions/{id}" => (at(&world.subscription), json!({"description": "Changed"})),
        "POST /webhook-subscriptions/{id}/replay" => (at(&world.subscription), json!({"from": "2026-06-01T00:00:00Z"})),
        // There is no such delivery: 404 for whoever is let in.
        "POST /webhook-subscriptions/{id}/deliveries/{delivery_id}/retry" => {
            (at(&world.subscription).replace("{delivery_id}", &world.delivery), none)
        }
        _ if route.contains(" /webhook-subscriptions/{id}") => (at(&world.subscription), none),
        _ if route.starts_with("GET /consultations/{id}") => (at(&world.consultation), none),
        _ if route.starts_with("GET /doctors/{id}") => (at(doctor), none),
        _ if !path.contains('{') && route.starts_with("GET ") => (at(""), none),
        _ => panic!("{route}: requests.rs does not know what to send"),
    }
}

/// A browser whose push service is nowhere; its key is that of RFC 8291, appendix A.
fn browser(n: usize) -> Value {
    let p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    json!({
        "endpoint": format!("https://push.example.invalid/{n}"),
        "keys": {"p256dh": p256dh, "auth": "BTBZMqHH6r4Tts7J_aSIgg"},
    })
}

fn drawing(n: usize) -> Value {
    let stroke = json!({"tool": "pen", "color": "#a3342b", "width": 4, "points": [[0.1, 0.2], [0.3, 0.4]]});
    json!({"client_annotation_id": n.to_string(), "strokes": [stroke]})
}

/// What a message is to say instead, where it is edited.
fn edited(route: &str) -> Value {
    if route.starts_with("PATCH ") { json!({"body": "Hello again"}) } else { Value::Null }
}
