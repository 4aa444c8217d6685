//! A request for each route that would succeed for whoever may make it.

use consilium_tests::client::{Answer, Client, PASSWORD, text};
use serde_json::{Value, json};

use crate::world::{World, prescription, webhook_subscription};

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
    let (path, body) = request(world, route).await;
    let method = route.split_once(' ').expect("METHOD /path").0.parse().expect("a method");
    let mut call = client.call(method, &path);
    if route.starts_with("PATCH /webhook-subscriptions") {
        let seen = world.administrator().get(&path).await;
        call = call.header("If-Match", seen.header("etag"));
    }
    if path.ends_with("/availability") || path.ends_with("/notes") || route.starts_with("PATCH /doctors") {
        call = call.header("If-Match", world.doctor.get(&path).await.header("etag"));
    }
    if body.is_null() { call.await } else { call.json(&body).await }
}

/// Where to send what, with things that are there and in the right state. All are the patient's and the doctor's.
async fn request(world: &World, route: &str) -> (String, Value) {
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
        "POST /consultations/{id}/admit" => (at(&world.waited().await), none),
        "POST /consultations/{id}/end" => (at(&world.begun().await), none),
        "POST /consultations/{id}/messages" => {
            (at(&world.consultation), json!({"body": "Hello", "client_message_id": format!("m{n}")}))
        }
        "POST /consultations/{id}/annotations" => (at(&world.consultation), drawing(n)),
        "PUT /consultations/{id}/notes" => (at(&world.consultation), json!({"plan": format!("Rest {n} days")})),
        "POST /consultations/{id}/prescriptions" => (at(&world.consultation), prescription()),

        "GET /prescriptions/{id}" | "GET /prescriptions/{id}/pdf" | "POST /prescriptions/{id}/send" => {
            (at(text(&world.prescription, "id")), none) // no pharmacy is connected: sending is 409
        }
        "POST /prescriptions/{id}/withdraw" => {
            let another = world.prescribe(&world.consultation).await;
            (at(text(&another, "id")), none)
        }
        "GET /verify/{code}" => (path.replace("{code}", text(&world.prescription, "verification_code")), none),

        // No analytics plugin runs: 503 for whoever is let in.
        "GET /analytics/doctors/{id}" => (at(doctor), none),
        "POST /plugins/{id}/reload" | "POST /plugins/{id}/resume" => (at("nowhere"), none),
        "POST /webhooks/{plugin_id}" => (path.replace("{plugin_id}", "nowhere"), json!({})),
        // Nothing was received: 404 for whoever is let in.
        "POST /admin/received-webhooks/{id}/retry" => (at(doctor), none),
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

fn drawing(n: usize) -> Value {
    let stroke = json!({"tool": "pen", "color": "#a3342b", "width": 4, "points": [[0.1, 0.2], [0.3, 0.4]]});
    json!({"client_annotation_id": n.to_string(), "strokes": [stroke]})
}
