//! Messages of `webhook/1`.

use crate::{Golden, text, video::recording};
use consilium_plugin_contract::{
    Bytes, Money,
    notification::{DeliveryState, DeliveryStatus},
    payment::{PaymentState, PaymentStatus},
    pharmacy::{Dispatch, DispatchStatus},
    webhook::{Attendance, Read, RoomChange, Verified, Verify, WebhookEvent, WebhookFacts, WebhookReply},
};
use serde_json::json;
use std::collections::BTreeMap;

pub fn webhook(golden: &mut Golden) {
    let at = "2026-11-20T09:00:00Z".parse().unwrap();
    let headers: BTreeMap<_, _> = [(text("x-signature"), text("t=1,v1=00"))].into();
    let body = Bytes(b"{}".to_vec());
    golden.call(
        &Verify { headers: headers.clone(), query: Some(text("tenant=7")), body: body.clone(), received_at: at },
        &Verified {
            delivery_id: text("evt-1"),
            reply: Some(WebhookReply {
                status: 200,
                headers: [(text("content-type"), text("application/json"))].into(),
                body: body.clone(),
            }),
        },
    );
    let attendance = Attendance { room: text("consultation-7"), participant: Some(text("anna")), at };
    let room = RoomChange { room: text("consultation-7"), at };
    golden.call(
        &Read { delivery_id: text("evt-1"), headers, body, received_at: at },
        &WebhookFacts {
            events: vec![
                WebhookEvent::RoomStarted(room.clone()),
                WebhookEvent::ParticipantJoined(attendance.clone()),
                WebhookEvent::ParticipantLeft(attendance),
                WebhookEvent::RoomEnded(room),
                WebhookEvent::RecordingReady { room: text("consultation-7"), recording: recording() },
                WebhookEvent::PrescriptionStatus(Dispatch {
                    reference: text("rx-1"),
                    status: DispatchStatus::Dispensed,
                    updated_at: Some(at),
                }),
                WebhookEvent::PaymentStatus(PaymentStatus {
                    reference: text("pay-1"),
                    refund: Some(text("refund-1")),
                    status: PaymentState::Succeeded,
                    amount: Some(Money { amount_minor: 150_000, currency: text("BDT") }),
                    at,
                }),
                WebhookEvent::DeliveryStatus(DeliveryStatus {
                    reference: text("sms-1"),
                    status: DeliveryState::Failed,
                    at,
                    reason: Some(text("unknown_number")),
                }),
                WebhookEvent::Other { kind: text("meeting.deleted") },
            ],
        },
    );
    let later = json!({"event": "of_a_later_minor", "room": "consultation-7"});
    assert_eq!(serde_json::from_value::<WebhookEvent>(later).unwrap(), WebhookEvent::Unrecognised);
    use DeliveryState::{Accepted, AddressInvalid, Delivered, Failed, Read as Opened, Sent, Unsubscribed};
    assert_eq!(
        json!([Accepted, Sent, Delivered, Opened, Failed, AddressInvalid, Unsubscribed]),
        json!(["accepted", "sent", "delivered", "read", "failed", "address_invalid", "unsubscribed"])
    );
    use PaymentState::{Cancelled, Expired, Failed as Unpaid, Pending, Succeeded};
    assert_eq!(
        json!([Pending, Succeeded, Unpaid, Cancelled, Expired]),
        json!(["pending", "succeeded", "failed", "cancelled", "expired"])
    );
}
