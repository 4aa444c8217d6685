//! `video/2`: rooms, and the right of one participant to be in one.

mod access;

pub use access::{IceServer, Media, Signalling, VideoAccess, Way};

use crate::{Call, Permissions, Reconciled, Sensitive, calls};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The contract's name in manifests.
pub const CONTRACT: &str = "video/2";

/// Makes a room, or answers the one already made for this consultation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateRoom {
    /// The same key means the same room.
    pub idempotency_key: String,
    /// The consultation held in it.
    pub consultation_id: String,
    /// When it is expected to begin.
    pub starts_at: Timestamp,
    /// When it is expected to end.
    pub ends_at: Timestamp,
    /// The facility that holds it, for providers that keep rooms per site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<String>,
    /// What the provider may show as the room's title. Never says anything about a patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether the provider's own lobby shall hold people back until the doctor is there. The
    /// platform has a waiting room of its own, so this is a second door.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lobby: bool,
    /// Whether the provider shall be able to record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub record: bool,
}

/// A room at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Room {
    /// The provider's name for it.
    pub room: String,
}

/// Lets one participant in. Asked on every admission, so access is minted, never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Join {
    /// From [`Room`].
    pub room: String,
    /// The consultation held in it.
    pub consultation_id: String,
    /// Who comes in.
    pub participant: Participant,
    /// Access should end no later than this.
    pub expires_at: Timestamp,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Participant {
    /// The platform's id of the person.
    pub id: String,
    /// What they are in this consultation.
    pub role: Role,
    /// As shown to the others.
    pub display_name: String,
    /// Only when the operator lets the provider have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Picture shown while the camera is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

/// A participant's part in the consultation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Leads the consultation; the only moderator.
    Doctor,
    /// The one who is treated, or who speaks for them.
    Patient,
    /// A second doctor or a nurse.
    Clinician,
    /// Translates.
    Interpreter,
}

/// Closes a room for good; closing a closed one is fine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndRoom {
    /// From [`Room`].
    pub room: String,
}

/// The room takes nobody in any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomEnded {
    /// True when the provider also put out those inside; otherwise they stay until access expires.
    pub emptied: bool,
}

/// Asks what became of a [`CreateRoom`] with this key. An optional call; without it the outcome is
/// unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reconcile {
    /// Of [`CreateRoom`].
    pub idempotency_key: String,
}

/// Asks what the provider recorded of a consultation. An optional call: a provider that cannot
/// record answers the error `not_supported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Recordings {
    /// From [`Room`].
    pub room: String,
    /// The consultation held in it.
    pub consultation_id: String,
}

/// What there is, oldest first; those that are not ready yet have no download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordingsListed {
    /// One entry per file.
    pub recordings: Vec<Recording>,
}

/// One recorded file at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Recording {
    /// The provider's name for it, the same whenever it is listed.
    pub id: String,
    /// When recording began.
    pub started_at: Timestamp,
    /// When it ended; none while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Size of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// `video/mp4`, `audio/mp4`, `text/vtt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// How to get it; none while the provider still works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Download>,
}

/// A GET request that answers a file. The host makes it as if the plugin had asked with
/// [`crate::host::HttpFetch`]: same allow-list, and `{{secret:name}}` in a header is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Download {
    /// Absolute; providers put tokens into it.
    pub url: Sensitive,
    /// Request headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Sensitive>,
}

impl Call for Join {
    const METHOD: &'static str = "video.join";
    type Reply = VideoAccess;

    /// A patient is shown to the others as `Patient` where the plugin may not have the name.
    fn restrict(&mut self, permissions: &Permissions) {
        let allowed = |field: &str| permissions.patient_fields.iter().any(|allowed| allowed == field);
        if self.participant.role != Role::Patient {
            return;
        }
        if !allowed("name") {
            "Patient".clone_into(&mut self.participant.display_name);
            self.participant.avatar_url = None;
        }
        if !allowed("email") {
            self.participant.email = None;
        }
    }
}

calls!(
    CreateRoom => "video.create_room" -> Room,
    EndRoom => "video.end_room" -> RoomEnded,
    Reconcile => "video.reconcile" -> Reconciled<Room>,
    Recordings => "video.recordings" -> RecordingsListed,
);

#[cfg(test)]
mod tests {
    use super::*;

    fn restricted(role: Role, allowed: &[&str]) -> Participant {
        let mut join = Join {
            room: "r".to_owned(),
            consultation_id: "7".to_owned(),
            participant: Participant {
                id: "p".to_owned(),
                role,
                display_name: "Ada".to_owned(),
                email: Some("ada@example.org".to_owned()),
                avatar_url: Some("https://example.org/ada.png".to_owned()),
            },
            expires_at: Timestamp::UNIX_EPOCH,
        };
        let patient_fields = allowed.iter().map(|field| (*field).to_owned()).collect();
        join.restrict(&Permissions { patient_fields, ..Permissions::default() });
        join.participant
    }

    #[test]
    fn a_patients_name_and_address_need_the_manifest() {
        let nobody = restricted(Role::Patient, &[]);
        assert_eq!((nobody.display_name.as_str(), nobody.email, nobody.avatar_url), ("Patient", None, None));
        let named = restricted(Role::Patient, &["name"]);
        assert_eq!((named.display_name.as_str(), named.email), ("Ada", None));
        assert!(restricted(Role::Patient, &["email"]).email.is_some());
        assert_eq!(restricted(Role::Doctor, &[]).display_name, "Ada");
    }
}
