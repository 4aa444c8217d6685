//! Messages of `video/2`.

use crate::{Golden, text};
use consilium_plugin_contract::{
    Reconciled, Sensitive,
    video::{
        CreateRoom, Download, EndRoom, IceServer, Join, Media, Participant, Reconcile, Recording, Recordings,
        RecordingsListed, Role, Room, RoomEnded, Signalling, VideoAccess, Way,
    },
};
use serde_json::json;

pub fn video(golden: &mut Golden) {
    let at = "2026-11-20T09:00:00Z".parse().unwrap();
    let room = Room { room: text("consultation-7") };
    golden.call(
        &CreateRoom {
            idempotency_key: text("key"),
            consultation_id: text("7"),
            starts_at: at,
            ends_at: "2026-11-20T09:30:00Z".parse().unwrap(),
            facility_id: Some(text("north")),
            title: Some(text("Consultation")),
            lobby: true,
            record: true,
        },
        &room,
    );
    golden.call(
        &Join {
            room: text("consultation-7"),
            consultation_id: text("7"),
            participant: Participant {
                id: text("anna"),
                role: Role::Doctor,
                display_name: text("Anna"),
                email: Some(text("anna@example.org")),
                avatar_url: Some(text("https://example.org/anna.png")),
            },
            expires_at: at,
        },
        &VideoAccess {
            room: text("consultation-7"),
            ways: vec![
                Way::Page { url: Sensitive::new("https://meet.example.org/7") },
                Way::Sdk { token: Sensitive::new("ey"), server_url: Some(text("wss://meet.example.org")) },
                Way::Peers {
                    ice_servers: vec![IceServer {
                        urls: vec![text("turn:turn.example.org")],
                        username: Some(text("1795165800:anna")),
                        credential: Some(Sensitive::new("c2VjcmV0")),
                    }],
                    signalling: Signalling {
                        exchange: true,
                        publish: vec![Media::Audio, Media::Video, Media::Screen],
                        moderate: true,
                    },
                },
            ],
            expires_at: at,
        },
    );
    golden.call(&EndRoom { room: text("consultation-7") }, &RoomEnded { emptied: false });
    let older = json!({"idempotency_key": "key", "consultation_id": "7", "starts_at": at, "ends_at": at});
    let read: CreateRoom = serde_json::from_value(older.clone()).unwrap();
    assert_eq!(json!(read), older, "what an older host or plugin says stays as it is");
    golden.call(&Reconcile { idempotency_key: text("key") }, &Reconciled::done(Room { room: text("consultation-7") }));
    golden.call(
        &Recordings { room: text("consultation-7"), consultation_id: text("7") },
        &RecordingsListed { recordings: vec![recording()] },
    );
    let roles = [Role::Doctor, Role::Patient, Role::Clinician, Role::Interpreter];
    assert_eq!(json!(roles), json!(["doctor", "patient", "clinician", "interpreter"]));
}

pub fn recording() -> Recording {
    Recording {
        id: text("rec-1"),
        started_at: "2026-11-20T09:01:00Z".parse().unwrap(),
        ended_at: Some("2026-11-20T09:28:00Z".parse().unwrap()),
        size_bytes: Some(48_211_004),
        media_type: Some(text("video/mp4")),
        download: Some(Download {
            url: Sensitive::new("https://files.example.org/rec-1.mp4"),
            headers: [(text("authorization"), Sensitive::new("Bearer {{secret:token}}"))].into(),
        }),
    }
}
