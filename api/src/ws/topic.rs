//! Topics, as clients name them, and who may watch which.

use consilium_consultations::Consultations;
use consilium_kernel::{CommandMeta, ConsultationId, DoctorId, Refusal, RefusalKind, ThreadId, UserId};
use consilium_messaging::Messaging;

/// A topic that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// `user:me`: what concerns the caller.
    Me,
    /// `consultation:<id>`.
    Consultation(ConsultationId),
    /// `thread:<id>`.
    Thread(ThreadId),
    /// `waiting_room:<doctor_id>`.
    WaitingRoom(DoctorId),
}

const UNKNOWN: Refusal = Refusal::new(RefusalKind::NotFound, "unknown_topic", "There is no such topic.");

impl Topic {
    /// The topic that a client names. `unknown_topic` otherwise.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let parsed = match text.split_once(':') {
            Some(("user", "me")) => Some(Self::Me),
            Some(("consultation", id)) => canonical(id).map(|id| Self::Consultation(ConsultationId::new(id))),
            Some(("thread", id)) => canonical(id).map(|id| Self::Thread(ThreadId::new(id))),
            Some(("waiting_room", id)) => canonical(id).map(|id| Self::WaitingRoom(DoctorId::new(id))),
            _ => None,
        };
        parsed.ok_or(UNKNOWN)
    }

    /// What it is called in the database and on the bus.
    pub fn stored(self, me: UserId) -> String {
        match self {
            Self::Me => format!("user:{me}"),
            Self::Consultation(id) => consilium_consultations::topic(id),
            Self::Thread(id) => consilium_messaging::topic(id),
            Self::WaitingRoom(doctor) => consilium_consultations::waiting_room_topic(doctor),
        }
    }

    /// Whether the caller may watch it; what is not theirs does not exist. Watching somebody else's record is
    /// audited before anything of it is sent.
    pub async fn permit(
        self,
        meta: &CommandMeta,
        consultations: &Consultations,
        messaging: &Messaging,
    ) -> Result<(), Refusal> {
        match self {
            Self::Me => Ok(()),
            Self::Consultation(id) => consultations.as_participant(meta, id, "watch_consultation").await.map(|_| ()),
            Self::Thread(id) => messaging.as_participant(meta, id, "watch_thread").await.map(|_| ()),
            Self::WaitingRoom(doctor) => consultations.may_see_line(meta, doctor),
        }
    }
}

/// A UUID in the one spelling that topics have.
fn canonical(text: &str) -> Option<uuid::Uuid> {
    text.parse().ok().filter(|id: &uuid::Uuid| id.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_one_spelling() {
        let id = "0197f3a0-0000-7000-8000-000000000001";
        assert_eq!(Topic::parse("user:me"), Ok(Topic::Me));
        assert_eq!(
            Topic::parse(&format!("consultation:{id}")),
            Ok(Topic::Consultation(ConsultationId::new(id.parse().unwrap())))
        );
        assert_eq!(
            Topic::parse(&format!("waiting_room:{id}")),
            Ok(Topic::WaitingRoom(DoctorId::new(id.parse().unwrap())))
        );
        assert_eq!(Topic::parse(&format!("thread:{id}")), Ok(Topic::Thread(ThreadId::new(id.parse().unwrap()))));
        for unknown in [
            "",
            "thread:",
            "user",
            "user:",
            &format!("user:{id}"),
            "consultation:",
            "consultation:1",
            &format!("consultation:{}", id.to_uppercase()),
            &format!("consultation:{}", id.replace('-', "")),
            &format!("facility:{id}:emergency"),
            &format!("vitals:{id}"),
        ] {
            assert_eq!(
                Topic::parse(unknown).map_err(|refusal| refusal.code.into_owned()),
                Err("unknown_topic".to_owned())
            );
        }
    }

    #[test]
    fn everybody_has_a_topic_of_their_own() {
        let me = UserId::new(uuid::Uuid::from_u128(5));
        assert_eq!(Topic::Me.stored(me), format!("user:{me}"));
    }
}
