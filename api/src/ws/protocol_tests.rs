//! Frames as clients write and read them.

use serde_json::json;

use super::*;

/// What clients write. A change here breaks clients.
#[test]
fn client_frames_are_read_as_documented() {
    for (text, frame) in [
        (r#"{"type":"authenticate","token":"t"}"#, ClientFrame::Authenticate { id: None, token: "t".to_owned() }),
        (
            r#"{"type":"reauthenticate","id":"9","token":"t"}"#,
            ClientFrame::Reauthenticate { id: Some("9".to_owned()), token: "t".to_owned() },
        ),
        (
            r#"{"type":"subscribe","id":"1","topic":"consultation:x","after_seq":41}"#,
            ClientFrame::Subscribe {
                id: "1".to_owned(),
                topic: "consultation:x".to_owned(),
                after_seq: Some(41),
                epoch: None,
            },
        ),
        (
            r#"{"type":"unsubscribe","id":"1","topic":"user:me"}"#,
            ClientFrame::Unsubscribe { id: "1".to_owned(), topic: "user:me".to_owned() },
        ),
        (
            r#"{"type":"command","id":"2","topic":"t","command":"send_message","data":{"body":"hi"},"new":1}"#,
            ClientFrame::Command {
                id: "2".to_owned(),
                topic: "t".to_owned(),
                command: "send_message".to_owned(),
                data: json!({"body": "hi"}),
            },
        ),
        (r#"{"type":"ping"}"#, ClientFrame::Ping { id: None }),
    ] {
        assert!(ClientFrame::parse(text).is_ok_and(|read| read == frame), "{text}");
    }
}

#[test]
fn what_is_no_frame_is_refused_under_its_id() {
    let long = format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(65));
    for (text, id, code) in [
        ("", None, "malformed"),
        ("[]", None, "malformed"),
        ("{\"type\":\"ping\"", None, "malformed"),
        ("{}", None, "unknown_frame"),
        (r#"{"type":"explode","id":"7"}"#, Some("7"), "unknown_frame"),
        (r#"{"type":5,"id":"7"}"#, Some("7"), "unknown_frame"),
        (r#"{"type":"subscribe","id":"7"}"#, Some("7"), "invalid"),
        (r#"{"type":"subscribe","id":"7","topic":"t","after_seq":"x"}"#, Some("7"), "invalid"),
        (r#"{"type":"command","topic":"t","command":"c"}"#, None, "invalid"),
        (long.as_str(), None, "invalid"),
    ] {
        let Err((under, refusal)) = ClientFrame::parse(text) else { panic!("{text}") };
        assert_eq!((under.as_deref(), refusal.code.as_ref()), (id, code), "{text}");
    }
    // Deep nesting is refused, not followed.
    assert!(ClientFrame::parse(&"[".repeat(60_000)).is_err());
}

/// What clients read. A change here breaks clients.
#[test]
fn server_frames_are_written_as_documented() {
    let id = Uuid::from_u128(7);
    for (frame, text) in [
        (
            ServerFrame::Ok { id: Some("1".to_owned()), data: json!({"seq": 3}) },
            r#"{"type":"ok","id":"1","data":{"seq":3}}"#.to_owned(),
        ),
        (
            ServerFrame::Event {
                topic: "user:me".to_owned(),
                seq: 42,
                event: "message_sent".to_owned(),
                at: "2026-06-01T09:00:00Z".parse().unwrap(),
                data: json!({}),
            },
            r#"{"type":"event","topic":"user:me","seq":42,"event":"message_sent","at":"2026-06-01T09:00:00Z","data":{}}"#
                .to_owned(),
        ),
        (
            ServerFrame::Signal { topic: "t".to_owned(), signal: "typing".to_owned(), from: Some(id), data: json!(1) },
            format!(r#"{{"type":"signal","topic":"t","signal":"typing","from":"{id}","data":1}}"#),
        ),
        (ServerFrame::Pong { id: None }, r#"{"type":"pong"}"#.to_owned()),
        (
            ServerFrame::Gap { topic: "t".to_owned(), seq: 5, epoch: id },
            format!(r#"{{"type":"gap","topic":"t","seq":5,"epoch":"{id}"}}"#),
        ),
    ] {
        assert_eq!(frame.text(), text);
    }
}

#[test]
fn a_refusal_is_the_problem_document_that_http_would_answer() {
    let refusal = Refusal { retry_after: Some(2), ..Refusal::unavailable() };
    let ServerFrame::Error { id, problem } = ServerFrame::refused(Some("1".to_owned()), &refusal, "r") else {
        panic!("an error")
    };
    assert_eq!(id.as_deref(), Some("1"));
    assert_eq!(problem["code"], "unavailable");
    assert_eq!(problem["status"], 503);
    assert_eq!(problem["request_id"], "r");
    assert_eq!(problem["retry_after"], 2);
}
