//! Which provider serves the consultation. Of several choices made at once one is heard.

use consilium_kernel::Timestamp;

use super::Event;
use crate::model::Consultation;

/// Taken only if the newest choice is still the one that the chooser knew of.
pub(super) fn choose(
    consultation: &Consultation,
    after: i64,
    provider: &str,
    room: &str,
    reason: &str,
    at: Timestamp,
) -> Vec<Event> {
    let (provider, room, reason) = (provider.to_owned(), room.to_owned(), reason.to_owned());
    let wanted = !consultation.status.is_over() && consultation.video_number() == after;
    wanted.then_some(Event::VideoChosen { provider, room, reason, at }).into_iter().collect()
}

/// Taken only if that choice still serves.
pub(super) fn lose(consultation: &Consultation, number: i64, reason: &str, at: Timestamp) -> Vec<Event> {
    let served = consultation.video().is_some_and(|choice| choice.number == number);
    served.then_some(Event::VideoLost { reason: reason.to_owned(), at }).into_iter().collect()
}
