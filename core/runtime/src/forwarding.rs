//! Commands on their way to the node that owns their entity, and answers on their way back. JSON, so that nodes of
//! neighbouring versions understand each other: unknown fields are passed over, and a command that the other side does
//! not know yet is refused as `unavailable` until it is upgraded.

use std::sync::Arc;

use async_trait::async_trait;
use consilium_kernel::{CommandMeta, Refusal};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    directory::{Directory, WeakDirectory},
    entity::Entity,
    placement::Receive,
};

/// The shape of what is sent; a node refuses a higher one.
const VERSION: u16 = 1;

/// A command for an entity of another node.
#[derive(Serialize)]
struct Sent<'a, I, C> {
    version: u16,
    id: I,
    meta: &'a CommandMeta,
    command: &'a C,
}

/// The same, as it arrives.
#[derive(Deserialize)]
struct Received<I, C> {
    version: u16,
    id: I,
    meta: CommandMeta,
    command: C,
}

/// What the other node says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer<R> {
    /// It is done.
    Done(R),
    /// It is refused.
    Refused(Refusal),
    /// The entity is not that node's: nothing has happened.
    NotHere,
}

pub(crate) fn write<E: Entity>(id: E::Id, meta: &CommandMeta, command: &E::Command) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(&Sent { version: VERSION, id, meta, command }).map_err(|error| {
        tracing::error!(kind = E::KIND, %error, "a command cannot be written for another node");
        Refusal::internal()
    })
}

pub(crate) fn read<R: DeserializeOwned>(answer: &[u8]) -> Result<Answer<R>, Refusal> {
    serde_json::from_slice(answer).map_err(|error| {
        tracing::warn!(%error, "another node's answer is not understood");
        Refusal::unavailable()
    })
}

/// Does what other nodes send to a directory.
pub(crate) struct Receiver<E: Entity>(WeakDirectory<E>);

impl<E: Entity> Receiver<E> {
    pub(crate) fn of(directory: &Directory<E>) -> Arc<dyn Receive> {
        Arc::new(Self(directory.downgrade()))
    }

    async fn answer(&self, command: &[u8]) -> Answer<E::Reply> {
        let Some(directory) = self.0.upgrade() else { return Answer::NotHere };
        let received: Received<E::Id, E::Command> = match serde_json::from_slice(command) {
            Ok(Received { version, .. }) if version > VERSION => {
                tracing::warn!(kind = E::KIND, version, "another node speaks a newer version");
                return Answer::Refused(Refusal::unavailable());
            }
            Ok(received) => received,
            Err(error) => {
                tracing::warn!(kind = E::KIND, %error, "another node's command is not understood");
                return Answer::Refused(Refusal::unavailable());
            }
        };
        let Received { id, meta, command, .. } = received;
        if !directory.owns(id) {
            return Answer::NotHere;
        }
        match directory.send_here(&id.to_string(), id, meta, command).await {
            Ok(reply) => Answer::Done(reply),
            Err(refusal) => Answer::Refused(refusal),
        }
    }
}

#[async_trait]
impl<E: Entity> Receive for Receiver<E> {
    async fn receive(&self, command: Vec<u8>) -> Vec<u8> {
        let answer = self.answer(&command).await;
        serde_json::to_vec(&answer).unwrap_or_else(|error| {
            tracing::error!(kind = E::KIND, %error, "an answer cannot be written for another node");
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first version that speaks to other nodes writes them; never to be changed.
    const RECORDED: &str = r#"{"version":1,"id":7,"meta":{"principal":{"kind":"system"},"scope":{"facility_id":
        "00000000-0000-7000-8000-000000000001"},"request_id":"r-1","trace":null,"idempotency":null},"command":"open"}"#;
    const ANSWERS: [&str; 3] = [
        r#"{"done":"opened"}"#,
        r#"{"refused":{"kind":"conflict","code":"slot_taken","detail":"Somebody else holds this time."}}"#,
        r#""not_here""#,
    ];

    #[test]
    fn what_the_first_version_says_is_understood_and_what_later_ones_add_is_passed_over() {
        let later = RECORDED.replace(r#""version":1"#, r#""version":1,"urgency":"high""#);
        for sent in [RECORDED, &later] {
            let received: Received<u64, String> = serde_json::from_str(sent).unwrap();
            assert_eq!((received.version, received.id, received.command.as_str()), (1, 7, "open"));
            assert_eq!(received.meta.request_id, "r-1");
        }
        let read: Vec<Answer<String>> = ANSWERS.iter().map(|answer| read(answer.as_bytes()).unwrap()).collect();
        assert_eq!(read[0], Answer::Done("opened".to_owned()));
        assert!(matches!(&read[1], Answer::Refused(refusal) if refusal.code == "slot_taken"));
        assert_eq!(read[2], Answer::NotHere);
    }

    #[test]
    fn this_version_is_understood_by_the_first() {
        let received: Received<u64, String> = serde_json::from_str(RECORDED).unwrap();
        let sent = Sent { version: VERSION, id: 7, meta: &received.meta, command: &"open" };
        let recorded: serde_json::Value = serde_json::from_str(RECORDED).unwrap();
        assert_eq!(serde_json::to_value(&sent).unwrap(), recorded);
        let answer = serde_json::to_string(&Answer::Done("opened")).unwrap();
        assert_eq!(answer, ANSWERS[0]);
        assert_eq!(serde_json::to_string(&Answer::<String>::NotHere).unwrap(), ANSWERS[2]);
    }

    #[test]
    fn what_is_not_understood_may_be_tried_again() {
        assert_eq!(read::<String>(b"{}").unwrap_err().code, "unavailable");
        assert_eq!(read::<String>(b"").unwrap_err().code, "unavailable");
    }
}
