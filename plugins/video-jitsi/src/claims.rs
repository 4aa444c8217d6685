//! What a token says.
//!
//! | claim | from |
//! |---|---|
//! | `aud`, `iss`, `sub`, `room`, `exp`, `context.user` | "JWT token authentication Prosody plugin", `doc/tokens.md`, <https://github.com/jitsi/lib-jitsi-meet> |
//! | `context.user.moderator`, `context.features`, and that their values are texts | "The Jitsi JSON Web Token (JWT)", <https://developer.8x8.com/jaas/docs/api-keys-jwt> |
//! | `context.user.affiliation`, `context.user.lobby_bypass`, `context.room.lobby_autostart` | modules `token_affiliation`, `token_lobby_bypass`, `token_lobby_autostart`, <https://github.com/jitsi-contrib/prosody-plugins> |

use crate::config::{Config, RoomClaim, Who};
use consilium_plugin_sdk::contract::video::{Participant, Role};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a token is made from.
pub(crate) struct Entry<'a> {
    pub(crate) participant: &'a Participant,
    /// Without tenant.
    pub(crate) room: &'a str,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) lobby: bool,
    pub(crate) now: i64,
    pub(crate) expiry: i64,
}

pub(crate) fn claims(config: &Config, entry: &Entry<'_>) -> Value {
    let moderator = entry.participant.role == Role::Doctor;
    let subject = config.subject.clone().or_else(|| entry.tenant.map(str::to_lowercase));
    let mut context = json!({"user": user(config, entry), "features": features(config, moderator)});
    if entry.lobby
        && let Some(context) = context.as_object_mut()
    {
        context.insert("room".to_owned(), json!({"lobby_autostart": true}));
    }
    json!({
        "aud": config.audience,
        "iss": config.app_id,
        "sub": subject.as_deref().unwrap_or("*"),
        "room": match config.room_claim {
            RoomClaim::Own => entry.room,
            RoomClaim::Any => "*",
        },
        "nbf": entry.now - i64::from(config.not_before_leeway_seconds),
        "exp": entry.expiry + i64::from(config.expiry_leeway_seconds),
        "context": context,
    })
}

/// Fields that are not known are left out: Jitsi fails on null.
fn user(config: &Config, entry: &Entry<'_>) -> Value {
    let Participant { id, role, display_name, email, avatar_url } = entry.participant;
    let moderator = *role == Role::Doctor;
    let mut user = Map::from_iter([
        ("id".to_owned(), json!(id)),
        ("name".to_owned(), json!(display_name)),
        ("moderator".to_owned(), flag(config, moderator)),
    ]);
    for (name, value) in [("email", email), ("avatar", avatar_url)] {
        if let Some(value) = value {
            user.insert(name.to_owned(), json!(value));
        }
    }
    if config.jaas.is_none() {
        user.insert("affiliation".to_owned(), json!(if moderator { "owner" } else { "member" }));
    }
    if entry.lobby {
        // Who admits must not be waiting for somebody to admit them.
        user.insert("lobby_bypass".to_owned(), json!(moderator));
    }
    Value::Object(user)
}

fn features(config: &Config, moderator: bool) -> Value {
    let recording = if config.recording { Who::Doctor } else { Who::Nobody };
    let usual = [
        ("screen-sharing", Who::Everybody),
        ("recording", recording),
        ("livestreaming", Who::Nobody),
        ("transcription", Who::Nobody),
        ("outbound-call", Who::Nobody),
    ];
    let mut who: BTreeMap<&str, Who> = usual.into();
    who.extend(config.features.iter().map(|(name, who)| (name.as_str(), *who)));
    let may = |who: Who| match who {
        Who::Everybody => true,
        Who::Doctor => moderator,
        Who::Nobody => false,
    };
    who.into_iter().map(|(name, who)| (name.to_owned(), flag(config, may(who)))).collect::<Map<_, _>>().into()
}

/// JaaS documents texts, Jitsi truth values.
fn flag(config: &Config, value: bool) -> Value {
    if config.jaas.is_some() { json!(value.to_string()) } else { json!(value) }
}
