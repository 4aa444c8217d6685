//! What lets one participant into a room.

use crate::Sensitive;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a client needs to be in the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VideoAccess {
    /// The room's name for the client.
    pub room: String,
    /// The ways into it: at least one, and no two of a kind. A client goes the one that it can.
    pub ways: Vec<Way>,
    /// When addresses, tokens and credentials stop working.
    pub expires_at: Timestamp,
}

impl VideoAccess {
    /// Access by a page that lets in whoever has its address.
    #[must_use]
    pub fn by_link(room: String, url: String, expires_at: Timestamp) -> Self {
        Self { room, ways: vec![Way::Page { url: Sensitive::new(url) }], expires_at }
    }

    /// The page to open, if that is a way in.
    #[must_use]
    pub fn page(&self) -> Option<&Sensitive> {
        self.ways.iter().find_map(|way| if let Way::Page { url } = way { Some(url) } else { None })
    }

    /// The token for the provider's SDK and where that connects to, if that is a way in.
    #[must_use]
    pub fn sdk(&self) -> Option<(&Sensitive, Option<&str>)> {
        self.ways.iter().find_map(|way| match way {
            Way::Sdk { token, server_url } => Some((token, server_url.as_deref())),
            _ => None,
        })
    }

    /// The servers and rights of a meeting among browsers, if that is a way in.
    #[must_use]
    pub fn peers(&self) -> Option<(&[IceServer], &Signalling)> {
        self.ways.iter().find_map(|way| match way {
            Way::Peers { ice_servers, signalling } => Some((ice_servers.as_slice(), signalling)),
            _ => None,
        })
    }
}

/// A way into a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "way", rename_all = "snake_case")]
pub enum Way {
    /// A page that a browser opens.
    Page {
        /// `https`, or `http`.
        url: Sensitive,
    },
    /// The provider's SDK, in a client that has it.
    Sdk {
        /// Lets one participant in.
        token: Sensitive,
        /// Where the SDK connects to, for providers that have more than one address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server_url: Option<String>,
    },
    /// Media flows between the participants' own browsers; the platform carries offers and answers.
    Peers {
        /// For `RTCPeerConnection`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ice_servers: Vec<IceServer>,
        /// What the platform's signalling channel shall let them do.
        signalling: Signalling,
    },
}

/// A STUN or TURN server, shaped like the `RTCIceServer` of the W3C WebRTC specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IceServer {
    /// `stun:` and `turn:` URLs.
    pub urls: Vec<String>,
    /// TURN only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// TURN only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Sensitive>,
}

/// Rights on the platform's signalling channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signalling {
    /// May exchange offers, answers and candidates.
    pub exchange: bool,
    /// Media they may send.
    pub publish: Vec<Media>,
    /// May mute and remove others.
    pub moderate: bool,
}

/// A kind of media track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// Microphone.
    Audio,
    /// Camera.
    Video,
    /// Shared screen.
    Screen,
}
