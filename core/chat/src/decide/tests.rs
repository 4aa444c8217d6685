//! The rules, by tables and properties.

use consilium_kernel::Id;
use proptest::prelude::*;

use super::*;

fn user(number: u128) -> UserId {
    Id::new(uuid::Uuid::from_u128(number))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_300_800 + second).unwrap()
}

fn message(deleted: bool) -> Message {
    Message {
        id: Id::new(uuid::Uuid::from_u128(1)),
        seq: 1,
        sender_id: user(1),
        client_message_id: "1".to_owned(),
        body: if deleted { String::new() } else { "as it was".to_owned() },
        attachments: Vec::new(),
        sent_at: at(0),
        edited_at: None,
        deleted_at: deleted.then(|| at(10)),
    }
}

#[test]
fn who_may_edit_what_until_when() {
    let policy = ChatPolicy::default();
    let hour = 3_600;
    // (deleted, caller, new text, second) → outcome
    let table = [
        (false, 1, "better", 0, Ok(true)),
        (false, 1, "better", hour, Ok(true)),
        (false, 1, "as it was", 5, Ok(false)),
        (false, 1, "better", hour + 1, Err("too_late_to_edit")),
        (false, 2, "better", 5, Err("not_the_sender")),
        (true, 1, "better", 11, Err("message_deleted")),
        (true, 2, "better", 11, Err("not_the_sender")),
        (false, 1, "", 5, Err("invalid")),
    ];
    for (deleted, caller, body, second, expected) in table {
        let outcome = edit(&message(deleted), user(caller), body, &policy, at(second));
        let outcome = outcome.map_err(|refusal| refusal.code.into_owned());
        assert_eq!(outcome, expected.map_err(str::to_owned), "{caller} {body} {second}");
    }
    let none = ChatPolicy { edit_within: Duration::ZERO, ..policy };
    assert!(edit(&message(false), user(1), "better", &none, at(1)).is_err());
}

#[test]
fn only_the_sender_deletes_and_twice_is_once() {
    assert_eq!(delete(&message(false), user(1)), Ok(true));
    assert_eq!(delete(&message(true), user(1)), Ok(false));
    for deleted in [false, true] {
        assert_eq!(delete(&message(deleted), user(2)).unwrap_err().code, "not_the_sender");
    }
}

#[test]
fn messages_have_a_length_and_so_many_attachments() {
    let with = |client: &str, body: &str, attachments| NewMessage {
        client_message_id: client.to_owned(),
        body: body.to_owned(),
        attachments,
    };
    let new = |client: &str, body: &str| with(client, body, Vec::new());
    let files = |count: u128| (0..count).map(|number| Id::new(uuid::Uuid::from_u128(number))).collect::<Vec<_>>();
    let twice = [files(2), files(1)].concat();
    for (message, pointer) in [
        (new("", "x"), Some("/client_message_id")),
        (new(&"x".repeat(65), "x"), Some("/client_message_id")),
        (new("1", ""), Some("/body")),
        (new("1", &"ক".repeat(8_001)), Some("/body")),
        (new(&"x".repeat(64), &"ক".repeat(8_000)), None),
        (with("1", "", files(10)), None),
        (with("1", "x", files(11)), Some("/attachments")),
        (with("1", "x", twice), Some("/attachments")),
        (with("1", &"x".repeat(8_001), files(1)), Some("/body")),
    ] {
        assert_eq!(check(&message).err().map(|refusal| refusal.errors[0].pointer.clone()).as_deref(), pointer);
    }
}

#[test]
fn a_search_folds_case_and_needs_two_characters() {
    for wrong in ["", " a ", &"x".repeat(101)] {
        assert_eq!(Needle::parse(wrong).unwrap_err().errors[0].pointer, "?q");
    }
    let needle = Needle::parse("  FEVER ").unwrap();
    assert!(needle.is_in("High Fever since Friday") && !needle.is_in("a cough"));
    assert!(Needle::parse("জ্বর").unwrap().is_in("কাল থেকে জ্বর"));
}

#[test]
fn one_is_told_after_the_delay_and_not_within_the_quiet_period() {
    let policy = ChatPolicy::default();
    assert_eq!(notice_due(None, &policy, at(0)), at(120));
    assert_eq!(notice_due(Some(at(0)), &policy, at(60)), at(3_600));
    assert_eq!(notice_due(Some(at(0)), &policy, at(3_590)), at(3_710));
}

proptest! {
    /// However messages come, told as the rule says, two notices are never nearer than the quiet period, and no
    /// message waits longer than delay and quiet period together.
    #[test]
    fn notices_keep_their_distance(gaps in proptest::collection::vec(0i64..5_000, 1..60)) {
        let policy = ChatPolicy::default();
        let (mut now, mut told_at, mut due): (i64, Option<Timestamp>, Option<Timestamp>) = (0, None, None);
        for gap in gaps {
            now += gap;
            if let Some(fired) = due.filter(|due| *due <= at(now)) {
                if let Some(before) = told_at {
                    prop_assert!(fired.duration_since(before).as_secs() >= 3_600);
                }
                (told_at, due) = (Some(fired), None);
            }
            let at_latest = at(now) + policy.notice_after + policy.notice_quiet;
            let set = *due.get_or_insert_with(|| notice_due(told_at, &policy, at(now)));
            prop_assert!(set <= at_latest);
        }
    }
}
