//! The rules as tables, and what holds whatever happens.

use consilium_consultations::Part;
use consilium_kernel::{Id, Timestamp};
use proptest::prelude::*;
use ring::digest;

use super::*;
use crate::model::Media;

const WEBM: &[u8] =
    b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm";

fn settings() -> RecordingSettings {
    RecordingSettings {
        may_ask: vec![Part::Doctor],
        text_version: "1".to_owned(),
        text: "To be recorded.".to_owned(),
        max_segment: 100,
        max_recording: 250,
        late: std::time::Duration::from_secs(30),
        retention: std::time::Duration::from_secs(3600),
        link: std::time::Duration::from_secs(300),
    }
}

fn id<T>(number: u128) -> Id<T> {
    Id::new(uuid::Uuid::from_u128(number))
}

fn recording(status: Status) -> Recording {
    let of = (id(1), id(3), id(4));
    Recording { status, ..Recording::requested(id(2), of, id(10), Media::Video, "1", Timestamp::UNIX_EPOCH) }
}

fn said(user: u128, decision: Decision) -> Consent {
    let (user_id, text_version) = (id(user), "1".to_owned());
    Consent { user_id, role: Part::Patient, decision, text_version, decided_at: Timestamp::UNIX_EPOCH }
}

fn room(there: &[u128]) -> Room {
    let (doctor, patient) = (there.contains(&10), there.contains(&11));
    Room { there: there.iter().map(|user| id(*user)).collect(), together: doctor && patient, over: false }
}

fn agreed(status: Status, users: &[u128]) -> Recording {
    let consents = users.iter().map(|user| said(*user, Decision::Given)).collect();
    Recording { consents, ..recording(status) }
}

fn told(changes: &[Change]) -> Vec<String> {
    let name = |change: &Change| match change {
        Change::Said(consent) => consent.decision.to_string(),
        Change::Stopped { because, late } => format!("stopped {because}{}", if *late { " late" } else { "" }),
        Change::Started => "start".to_owned(),
        Change::Refused => "refuse".to_owned(),
        Change::Lapsed => "lapse".to_owned(),
    };
    changes.iter().map(name).collect()
}

#[test]
fn only_those_may_ask_whom_the_settings_name_and_only_when_both_are_there() {
    let codes = |part, there: &[u128]| {
        request(part, &room(there), &settings()).err().map(|no| no.code.into_owned()).unwrap_or_default()
    };
    assert_eq!(codes(Part::Doctor, &[10, 11]), "");
    assert_eq!(codes(Part::Doctor, &[10]), "not_admitted");
    for part in [Part::Patient, Part::Nurse, Part::SecondDoctor, Part::Interpreter] {
        assert_eq!(codes(part, &[10, 11]), "forbidden", "{part}");
    }
}

/// Where it stands, who has consented, who is there, who says what, and what follows.
type Row = (Status, &'static [u128], &'static [u128], (u128, Decision), &'static [&'static str]);

#[test]
fn what_follows_from_an_answer() {
    use Decision::{Given, Refused};
    use Status::{Deleted, Failed, Lapsed, Processing, Ready, Recording, Requested, Stopped};
    let table: &[Row] = &[
        (Requested, &[10], &[10, 11], (11, Given), &["given", "start"]),
        (Requested, &[], &[10, 11], (10, Given), &["given"]),
        (Requested, &[10], &[10, 11, 12], (11, Given), &["given"]),
        (Requested, &[10, 11], &[10, 11, 12], (12, Given), &["given", "start"]),
        (Requested, &[10], &[10, 11, 12], (12, Refused), &["refused", "refuse"]),
        (Requested, &[10], &[10], (11, Given), &["given"]),
        (Requested, &[10], &[10, 11], (10, Given), &[]),
        (Requested, &[10], &[10, 11], (10, Refused), &["refused", "refuse"]),
        (Recording, &[10, 11], &[10, 11], (11, Given), &[]),
        (Recording, &[10, 11], &[10, 11], (12, Given), &["given"]),
        (Recording, &[10, 11], &[10, 11], (11, Refused), &["withdrawn", "stopped consent_withdrawn"]),
        (Recording, &[10, 11], &[10, 11], (12, Refused), &["refused", "stopped consent_refused"]),
        (Stopped, &[10, 11], &[10, 11], (11, Refused), &["withdrawn", "stopped consent_withdrawn"]),
        (Stopped, &[10, 11], &[10, 11], (12, Given), &["invalid_transition"]),
        (Status::Refused, &[10], &[10, 11], (12, Refused), &[]),
        (Status::Refused, &[10], &[10, 11], (11, Given), &["invalid_transition"]),
        (Lapsed, &[10], &[10, 11], (11, Given), &["invalid_transition"]),
        (Processing, &[10, 11], &[10, 11], (11, Refused), &["invalid_transition"]),
        (Ready, &[10, 11], &[10, 11], (11, Refused), &["invalid_transition"]),
        (Failed, &[10, 11], &[10, 11], (11, Refused), &["invalid_transition"]),
        (Deleted, &[10, 11], &[10, 11], (11, Refused), &["invalid_transition"]),
    ];
    for (status, consented, there, (user, decision), expected) in table {
        let answered = answer(&agreed(*status, consented), &room(there), said(*user, *decision));
        let found = answered.map_or_else(|no| vec![no.code.into_owned()], |changes| told(&changes));
        assert_eq!(found, *expected, "{status} {consented:?} {there:?} {user} {decision}");
    }
}

#[test]
fn who_comes_and_goes_decides_too() {
    let over = Room { over: true, ..Room::default() };
    let settled = |recording: &Recording, room: &Room| told(settle(recording, room).as_slice());
    assert_eq!(settled(&agreed(Status::Recording, &[10, 11]), &room(&[10, 11, 12])), ["stopped consent_missing"]);
    assert_eq!(settled(&agreed(Status::Recording, &[10, 11, 12]), &room(&[10, 11, 12])), [""; 0]);
    assert_eq!(settled(&agreed(Status::Recording, &[10, 11]), &room(&[10])), [""; 0]);
    assert_eq!(settled(&agreed(Status::Recording, &[10, 11]), &over), ["stopped consultation_ended late"]);
    // The one who had not answered has gone.
    assert_eq!(settled(&agreed(Status::Requested, &[10, 11]), &room(&[10, 11])), ["start"]);
    // Nobody is recorded alone from the beginning.
    assert_eq!(settled(&agreed(Status::Requested, &[10]), &room(&[10])), [""; 0]);
    assert_eq!(settled(&recording(Status::Requested), &over), ["lapse"]);
    assert_eq!(settled(&recording(Status::Ready), &over), [""; 0]);
}

#[test]
fn stopping_ends_what_goes_on() {
    let stopped = |status| stop(&recording(status)).map_or_else(|no| vec![no.code.into_owned()], |it| told(&it));
    assert_eq!(stopped(Status::Requested), ["lapse"]);
    assert_eq!(stopped(Status::Recording), ["stopped stopped late"]);
    assert_eq!(stopped(Status::Stopped), [""; 0]);
    for over in [Status::Refused, Status::Lapsed, Status::Failed, Status::Deleted] {
        assert_eq!(stopped(over), ["invalid_transition"]);
    }
}

fn kept(recording: &Recording, room: &Room, number: i64, bytes: &'static [u8], open: bool) -> String {
    let new = NewSegment { number, bytes: bytes::Bytes::from_static(bytes) };
    let known = (1..=recording.segments).contains(&number).then(|| Segment {
        number,
        length: 1,
        sha256: digest::digest(&digest::SHA256, b"kept").as_ref().to_vec(),
    });
    let hash = digest::digest(&digest::SHA256, bytes);
    match keep(recording, room, &new, (known.as_ref(), hash.as_ref(), open), &settings()) {
        Ok(Verdict::Known) => "known".to_owned(),
        Ok(Verdict::Next(media)) => media.essence().to_owned(),
        Err(no) => no.code.into_owned(),
    }
}

#[test]
fn a_segment_is_kept_only_while_everybody_consents() {
    let both = room(&[10, 11]);
    let going = agreed(Status::Recording, &[10, 11]);
    assert_eq!(kept(&going, &both, 1, WEBM, false), "video/webm");
    assert_eq!(kept(&going, &room(&[10, 11, 12]), 1, WEBM, true), "consent_missing");
    assert_eq!(kept(&agreed(Status::Requested, &[10]), &both, 1, WEBM, true), "recording_not_started");
    assert_eq!(kept(&recording(Status::Refused), &both, 1, WEBM, true), "recording_refused");
    assert_eq!(kept(&agreed(Status::Stopped, &[10, 11]), &both, 1, WEBM, true), "video/webm");
    for over in [Status::Stopped, Status::Processing, Status::Ready, Status::Failed, Status::Lapsed, Status::Deleted] {
        assert_eq!(kept(&agreed(over, &[10, 11]), &both, 1, WEBM, false), "recording_stopped", "{over}");
    }
}

#[test]
fn segments_come_in_order_and_in_bounds() {
    let both = room(&[10, 11]);
    let mut going = agreed(Status::Recording, &[10, 11]);
    for number in [0, -1, i64::MIN] {
        assert_eq!(kept(&going, &both, number, WEBM, false), "not_found");
    }
    assert_eq!(kept(&going, &both, 2, WEBM, false), "segment_missing");
    assert_eq!(kept(&going, &both, 1, b"", false), "invalid");
    assert_eq!(kept(&going, &both, 1, &[b'x'; 101], false), "segment_too_large");
    assert_eq!(kept(&going, &both, 1, b"just words", false), "unsupported_recording");
    assert_eq!(kept(&going, &both, 1, b"<html>", false), "active_content");
    assert_eq!(kept(&going, &both, 1, b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2mp41", false), "video/mp4");
    (going.segments, going.received, going.media_type) = (2, 200, MediaType::named("video/webm"));
    assert_eq!(kept(&going, &both, 2, b"kept", false), "known");
    assert_eq!(kept(&going, &both, 2, b"another", false), "segment_differs");
    // What follows a beginning need not begin like one.
    assert_eq!(kept(&going, &both, 3, b"\xa3more", false), "video/webm");
    assert_eq!(kept(&going, &both, 3, &[b'x'; 51], false), "recording_too_large");
    assert_eq!(kept(&Recording { segments: i64::MAX, ..going }, &both, i64::MAX, b"kept", false), "known");
}

#[derive(Debug, Clone)]
enum Happens {
    Says(u128, bool),
    Comes(u128),
    Goes(u128),
    Stops,
    Ends,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => (10..14_u128, any::<bool>()).prop_map(|(user, given)| Happens::Says(user, given)),
        2 => (10..14_u128).prop_map(Happens::Comes),
        2 => (10..14_u128).prop_map(Happens::Goes),
        1 => Just(Happens::Stops),
        1 => Just(Happens::Ends),
    ]
}

proptest! {
    /// Whatever is said by whom, and whoever comes and goes: nothing is recorded or kept of anybody who is there and
    /// does not consent, a refusal before the beginning is final, and what is over stays over.
    #[test]
    fn nobody_is_recorded_who_does_not_consent(all in prop::collection::vec(happens(), 0..40)) {
        let (mut recording, mut there, mut over) = (recording(Status::Requested), vec![10, 11], false);
        for one in all {
            let room_now = |there: &[u128], over| Room { over, ..room(there) };
            let before = recording.clone();
            let changes = match one {
                Happens::Says(user, given) => {
                    let decision = if given { Decision::Given } else { Decision::Refused };
                    answer(&recording, &room_now(&there, over), said(user, decision)).unwrap_or_default()
                }
                Happens::Comes(user) => {
                    if !there.contains(&user) {
                        there.push(user);
                    }
                    // Before anybody is told that somebody came, nothing is kept any more.
                    let known = room_now(&there, over);
                    if !recording.has_consent(&known) && recording.status == Status::Recording {
                        prop_assert_eq!(kept(&recording, &known, 1, WEBM, true), "consent_missing");
                    }
                    settle(&recording, &known).into_iter().collect()
                }
                Happens::Goes(user) => {
                    there.retain(|known| *known != user);
                    settle(&recording, &room_now(&there, over)).into_iter().collect()
                }
                Happens::Stops => stop(&recording).unwrap_or_default(),
                Happens::Ends => {
                    over = true;
                    settle(&recording, &room_now(&there, over)).into_iter().collect()
                }
            };
            changes.iter().for_each(|change| recording.take(change));
            let known = room_now(&there, over);
            if recording.status == Status::Recording {
                prop_assert!(recording.has_consent(&known));
            } else {
                prop_assert!(kept(&recording, &known, 1, WEBM, false) != "video/webm");
            }
            if recording.status == Status::Recording && before.status != Status::Recording {
                prop_assert!(known.together);
            }
            if matches!(before.status, Status::Refused | Status::Lapsed) {
                prop_assert_eq!(recording.status, before.status);
            }
            if before.status == Status::Stopped {
                prop_assert_eq!(recording.status, Status::Stopped);
            }
        }
    }
}
