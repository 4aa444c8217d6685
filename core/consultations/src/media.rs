//! What participants let the others hear and see: microphone, camera, a shared screen, a raised hand. Each changes their
//! own only, so nothing here needs the consultation's actor.

use consilium_db::Tx;
use consilium_kernel::{CommandMeta, ConsultationId, Refusal, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{model::Consultation, service::Consultations, store, topic};

/// What one participant lets the others hear and see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// The account.
    pub user_id: UserId,
    /// Whether they can be heard.
    pub microphone: bool,
    /// Whether they can be seen.
    pub camera: bool,
    /// Whether they share their screen.
    pub screen: bool,
    /// Since when they want to say something.
    pub hand_raised_at: Option<Timestamp>,
    /// When any of it last changed.
    pub changed_at: Timestamp,
}

/// What a participant changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum MediaChange {
    /// Microphone or camera on or off; `None` leaves it as it is.
    Devices {
        /// The microphone.
        microphone: Option<bool>,
        /// The camera.
        camera: Option<bool>,
    },
    /// Begins or stops to share the screen.
    Screen {
        /// Whether it is shared from now on.
        sharing: bool,
    },
    /// Raises or lowers the hand.
    Hand {
        /// Whether it is up from now on.
        raised: bool,
    },
}

impl Media {
    /// Of somebody who has just come: heard and seen, as calls begin.
    fn of_a_newcomer(user_id: UserId, changed_at: Timestamp) -> Self {
        Self { user_id, microphone: true, camera: true, screen: false, hand_raised_at: None, changed_at }
    }

    /// What follows from a change, and what the others are told; nothing when nothing changes.
    fn after(self, change: MediaChange, now: Timestamp) -> Option<(Self, &'static str, Value)> {
        let mut after = Self { changed_at: now, ..self };
        let (event, data) = match change {
            MediaChange::Devices { microphone, camera } => {
                after.microphone = microphone.unwrap_or(self.microphone);
                after.camera = camera.unwrap_or(self.camera);
                let data = json!({
                    "user_id": self.user_id, "microphone": after.microphone, "camera": after.camera,
                });
                ("media_changed", data)
            }
            MediaChange::Screen { sharing } => {
                after.screen = sharing;
                let event = if sharing { "screen_share_started" } else { "screen_share_stopped" };
                (event, json!({"user_id": self.user_id}))
            }
            MediaChange::Hand { raised } => {
                after.hand_raised_at = raised.then(|| self.hand_raised_at.unwrap_or(now));
                let event = if raised { "hand_raised" } else { "hand_lowered" };
                (event, json!({"user_id": self.user_id}))
            }
        };
        (Self { changed_at: self.changed_at, ..after } != self).then_some((after, event, data))
    }
}

impl Consultations {
    /// Changes the caller's own media, in the room: 409 `not_admitted` outside it. What does not change is told nobody.
    pub async fn change_media(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        change: MediaChange,
    ) -> Result<Media, Refusal> {
        let consultation = self.visible(&meta, id).await?;
        consultation.part_of(&meta.principal).ok_or(Refusal::not_found())?;
        let user = meta.principal.user_id().ok_or(Refusal::not_found())?;
        consultation.room_is_open()?;
        let changed = self.db.write(&meta, move |tx: &mut Tx<'_>| {
            let now = tx.now();
            let known = store::media(tx, id)?.into_iter().find(|media| media.user_id == user);
            let before = current(&consultation, known, user).unwrap_or(Media::of_a_newcomer(user, now));
            let Some((after, event, data)) = before.after(change, now) else { return Ok(before) };
            store::save_media(tx, &consultation, &after)?;
            tx.publish(&topic(id), event, consultation.patient_id.uuid(), &data)?;
            Ok(after)
        });
        Ok(changed.await?)
    }

    /// What everybody who is there lets the others hear and see, for participants.
    pub async fn media(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Vec<Media>, Refusal> {
        let consultation = self.visible(meta, id).await?;
        consultation.part_of(&meta.principal).ok_or(Refusal::not_found())?;
        let known = self.db.read(move |session| store::media(session, id)).await?;
        let there = consultation.participants.iter().filter(|participant| participant.present);
        Ok(there
            .map(|participant| {
                let user = participant.user_id;
                let media = known.iter().find(|media| media.user_id == user).copied();
                let since = participant.joined_at.unwrap_or(consultation.starts_at);
                current(&consultation, media, user).unwrap_or(Media::of_a_newcomer(user, since))
            })
            .collect())
    }
}

/// What is known of somebody, unless it is from before they last came: whoever comes back begins anew.
fn current(consultation: &Consultation, known: Option<Media>, user: UserId) -> Option<Media> {
    let since = consultation.participant(user).and_then(|participant| participant.joined_at);
    known.filter(|media| since.is_none_or(|since| media.changed_at >= since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_told_once() {
        let (begin, later): (Timestamp, Timestamp) =
            ("2026-06-01T09:00:00Z".parse().unwrap(), "2026-06-01T09:01:00Z".parse().unwrap());
        let ada = Media::of_a_newcomer(UserId::new(uuid::Uuid::from_u128(5)), begin);
        let muted = MediaChange::Devices { microphone: Some(false), camera: None };
        for (change, event) in [
            (muted, "media_changed"),
            (MediaChange::Screen { sharing: true }, "screen_share_started"),
            (MediaChange::Hand { raised: true }, "hand_raised"),
        ] {
            let (after, told, _) = ada.after(change, later).unwrap();
            assert_eq!((told, after.changed_at), (event, later));
            assert_eq!(after.after(change, later), None, "the same again");
        }
        assert_eq!(ada.after(MediaChange::Screen { sharing: false }, later), None);
        assert_eq!(ada.after(MediaChange::Hand { raised: false }, later), None);
        assert_eq!(ada.after(MediaChange::Devices { microphone: None, camera: None }, later), None);
        let (muted, _, data) = ada.after(muted, later).unwrap();
        assert!(!muted.microphone && muted.camera);
        assert_eq!(data, json!({"user_id": ada.user_id, "microphone": false, "camera": true}));
    }
}
