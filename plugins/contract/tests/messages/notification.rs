//! Messages of `notification/1`.

use crate::{Golden, text};
use consilium_plugin_contract::{
    Reconciled, Sensitive,
    fhir::Priority,
    notification::{DeliveryState, Recipient, Reconcile, Send, Sent},
};
use serde_json::json;

pub fn notification(golden: &mut Golden) {
    let sent = Sent { reference: text("msg-1"), status: DeliveryState::Accepted };
    golden.call(
        &Send {
            idempotency_key: text("key"),
            to: Recipient::Email { address: text("ada@example.org"), name: Some(text("Ada")) },
            subject: Some(text("Your appointment")),
            text: text("Dr. K expects you on 20 November at 15:00."),
            html: Some(text("<p>Dr. K expects you on 20 November at 15:00.</p>")),
            category: text("appointment_accepted"),
            language: text("en"),
            priority: Priority::Urgent,
            expires_at: Some("2026-11-20T09:00:00Z".parse().unwrap()),
        },
        &sent,
    );
    golden.call(&Reconcile { idempotency_key: text("key") }, &Reconciled::done(sent));
    let phone = text("+8801700000000");
    assert_eq!(
        json!([
            Recipient::Sms { phone: phone.clone() },
            Recipient::Voice { phone },
            Recipient::Push { endpoint: Sensitive::new("https://p"), p256dh: text("k"), auth: Sensitive::new("a") },
        ]),
        json!([
            {"channel": "sms", "phone": "+8801700000000"},
            {"channel": "voice", "phone": "+8801700000000"},
            {"channel": "push", "endpoint": "https://p", "p256dh": "k", "auth": "a"},
        ])
    );
    let priorities = [Priority::Routine, Priority::Urgent, Priority::Asap, Priority::Stat];
    assert_eq!(json!(priorities), json!(["routine", "urgent", "asap", "stat"]));
}
