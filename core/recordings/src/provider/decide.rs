//! Whether what a provider recorded may be kept. Pure.
//!
//! A provider's file is one piece, of which nothing can be left out: it is kept whole or not at all.

use std::time::Duration;

use consilium_kernel::{Timestamp, UserId};

use super::Unkept;
use crate::model::{Decision, Recording, Status, StopReason};

/// Clocks of a provider and of this server may differ by so much.
const CLOCKS: Duration = Duration::from_secs(5);

/// The recording of the consultation under whose consents a provider recorded from `from` to `until`: one that everybody
/// who was there (`there`) had agreed to, that began before and did not end until after. `closing` is how long a
/// provider's room may outlive the consultation. Whoever took their consent back, or came without one, ended their
/// recording and with it all that is not kept yet.
pub fn agreement<'a>(
    recordings: &'a [Recording],
    (from, until): (Timestamp, Timestamp),
    there: &[UserId],
    closing: Duration,
) -> Result<&'a Recording, Unkept> {
    let covers = |recording: &&Recording| {
        let began = recording.started_at.is_some_and(|started| started <= from + CLOCKS);
        let goes_on = match (recording.stopped_at, recording.stopped_because) {
            (None, None) => recording.status == Status::Recording,
            (Some(stopped), Some(StopReason::Stopped)) => until <= stopped + CLOCKS,
            (Some(stopped), Some(StopReason::ConsultationEnded)) => until <= stopped + closing.max(CLOCKS),
            _ => false,
        };
        let agreed = there.iter().all(|user| recording.consent_of(*user) == Some(Decision::Given));
        recording.agreed_in.is_none() && recording.status != Status::Deleted && began && goes_on && agreed
    };
    recordings.iter().find(covers).filter(|_| from <= until).ok_or(Unkept::ConsentMissing)
}

#[cfg(test)]
mod tests {
    use consilium_consultations::Part;
    use consilium_kernel::Id;

    use super::*;
    use crate::model::{Consent, Media};

    fn second(at: i64) -> Timestamp {
        Timestamp::from_second(at).unwrap()
    }

    fn user(number: u128) -> UserId {
        Id::new(uuid::Uuid::from_u128(number))
    }

    /// Begun at second 100 by users 1 and 2, ended as `stopped` says.
    fn agreed(stopped: Option<(i64, StopReason)>) -> Recording {
        let of = (Id::new(uuid::Uuid::nil()), Id::new(uuid::Uuid::nil()), Id::new(uuid::Uuid::nil()));
        let asked = Recording::requested(Id::new(uuid::Uuid::nil()), of, user(1), Media::Video, "1", second(90));
        let said = |number| Consent {
            user_id: user(number),
            role: Part::Patient,
            decision: Decision::Given,
            text_version: "1".to_owned(),
            decided_at: second(95),
        };
        Recording {
            status: if stopped.is_some() { Status::Failed } else { Status::Recording },
            started_at: Some(second(100)),
            stopped_at: stopped.map(|(at, _)| second(at)),
            stopped_because: stopped.map(|(_, because)| because),
            consents: vec![said(1), said(2)],
            ..asked
        }
    }

    fn kept(recording: &Recording, from: i64, until: i64, there: &[u128]) -> bool {
        let there: Vec<UserId> = there.iter().map(|number| user(*number)).collect();
        let closing = Duration::from_secs(60);
        agreement(std::slice::from_ref(recording), (second(from), second(until)), &there, closing).is_ok()
    }

    #[test]
    fn only_what_one_agreement_covers_from_end_to_end_is_kept() {
        let stopped = agreed(Some((200, StopReason::Stopped)));
        for (from, until, good) in [
            (100, 200, true),
            (95, 205, true),
            (150, 160, true),
            (94, 200, false),
            (100, 206, false),
            (10, 20, false),
            (300, 400, false),
            (160, 150, false),
        ] {
            assert_eq!(kept(&stopped, from, until, &[1, 2]), good, "{from} to {until}");
        }
        assert!(kept(&agreed(None), 100, 1_000, &[1, 2]), "it still goes on");
        let ended = agreed(Some((200, StopReason::ConsultationEnded)));
        assert!(kept(&ended, 100, 260, &[1, 2]) && !kept(&ended, 100, 261, &[1, 2]));
    }

    #[test]
    fn whoever_takes_it_back_or_never_gave_it_ends_it_for_all() {
        use StopReason::{ConsentMissing, ConsentRefused, ConsentWithdrawn};
        for because in [ConsentMissing, ConsentRefused, ConsentWithdrawn] {
            assert!(!kept(&agreed(Some((200, because))), 100, 150, &[1, 2]), "{because}");
        }
        assert!(!kept(&agreed(None), 100, 150, &[1, 2, 3]), "somebody was there who had not consented");
        let mut taken_back = agreed(None);
        let last = taken_back.consents[1].clone();
        taken_back.consents.push(Consent { decision: Decision::Withdrawn, ..last });
        assert!(!kept(&taken_back, 100, 150, &[1, 2]));
    }

    #[test]
    fn what_never_began_is_gone_or_is_a_copy_itself_covers_nothing() {
        let before = Recording { status: Status::Requested, started_at: None, ..agreed(None) };
        let gone = Recording { status: Status::Deleted, ..agreed(Some((200, StopReason::Stopped))) };
        let copy = Recording { agreed_in: Some(Id::new(uuid::Uuid::nil())), ..agreed(None) };
        for recording in [before, gone, copy] {
            assert!(!kept(&recording, 120, 130, &[1, 2]), "{:?}", recording.status);
        }
    }
}
