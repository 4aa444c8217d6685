//! Jitsi Meet: the room is a name, the right to be in it a JSON Web Token.

mod claims;
mod config;

pub use config::{Algorithm, Config, Jaas, RoomClaim, Site, Who};

use claims::{Entry, claims};
use consilium_plugin_sdk::{
    Host, Plugin, PluginError, Sensitive, VideoProvider,
    contract::video::{CreateRoom, EndRoom, Join, Room, RoomEnded, VideoAccess, Way},
    export_plugin,
};
use consilium_provider::{jwt::Signer, rooms};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The plugin.
pub struct Jitsi {
    config: Config,
    signer: Signer,
}

/// What is kept of a consultation whose room is not like all others.
#[derive(Default, PartialEq, Serialize, Deserialize)]
struct Special {
    #[serde(default)]
    lobby: bool,
    #[serde(default)]
    facility: Option<String>,
}

impl Plugin for Jitsi {
    type Config = Config;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, PluginError> {
        let config = config.complete()?;
        let signer = match config.algorithm {
            Algorithm::Hs256 => Signer::hs256(host.secret("app_secret")?.expose()),
            Algorithm::Rs256 => Signer::rs256(host.secret("private_key")?.expose())?,
        };
        Ok(Self { config, signer })
    }
}

impl VideoProvider for Jitsi {
    fn create_room(&self, host: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        // A Jitsi room exists while somebody is in it; only its name is agreed on beforehand.
        let name: String = request.consultation_id.chars().filter(char::is_ascii_alphanumeric).collect();
        if name.is_empty() {
            return Err(PluginError::permanent("room_invalid", "the consultation's id has no letter or digit"));
        }
        let room = format!("consultation{}", name.to_ascii_lowercase());
        let facility = request.facility_id.filter(|id| self.config.facilities.contains_key(id));
        let special = Special { lobby: request.lobby, facility };
        if special != kept(host, &request.consultation_id)? {
            host.kv_put(&rooms::key(&request.consultation_id), json!(special), None)?;
            rooms::remember(host, &room, &request.consultation_id, request.ends_at)?;
        }
        Ok(Room { room })
    }

    fn join(&self, host: &Host<'_>, request: Join) -> Result<VideoAccess, PluginError> {
        let now = host.now()?.as_second();
        let expiry = (now + i64::from(self.config.token_lifetime_seconds)).min(request.expires_at.as_second());
        if expiry <= now {
            return Err(PluginError::permanent("access_expired", "access would already be over"));
        }
        let special = kept(host, &request.consultation_id)?;
        let site = special.facility.as_ref().and_then(|id| self.config.facilities.get(id));
        let own = |field: fn(&Site) -> Option<&String>| site.and_then(field);
        let tenant = own(|site| site.tenant.as_ref()).or(self.config.tenant.as_ref()).map(String::as_str);
        let base = own(|site| site.base_url.as_ref()).or(self.config.base_url.as_ref());
        let base = base.map_or("", |base| base.trim_end_matches('/'));
        let entry = Entry {
            participant: &request.participant,
            room: &request.room,
            tenant,
            lobby: special.lobby || self.config.lobby,
            now,
            expiry,
        };
        let token = self.signer.sign(self.config.key_id.as_deref(), &claims(&self.config, &entry))?;
        let path = tenant.map(|tenant| format!("/{tenant}")).unwrap_or_default();
        let join_url = format!("{base}{path}/{}?jwt={token}", request.room);
        let expires_at =
            jiff::Timestamp::from_second(expiry).map_err(|e| PluginError::permanent("time", e.to_string()))?;
        let ways = vec![
            Way::Page { url: Sensitive::new(join_url) },
            Way::Sdk { token: Sensitive::new(token), server_url: Some(base.to_owned()) },
        ];
        Ok(VideoAccess { room: request.room, ways, expires_at })
    }

    fn end_room(&self, _: &Host<'_>, _: EndRoom) -> Result<RoomEnded, PluginError> {
        // Jitsi has no call for it; nobody gets another token, and present ones run out.
        Ok(RoomEnded { emptied: false })
    }
}

/// What was asked for when the room was made.
fn kept(host: &Host<'_>, consultation: &str) -> Result<Special, PluginError> {
    let entry = host.kv_get(&rooms::key(consultation))?;
    Ok(entry.and_then(|entry| serde_json::from_value(entry.value).ok()).unwrap_or_default())
}

export_plugin!(Jitsi, kinds: [video], manifest: "../plugin.toml");

#[cfg(test)]
mod tests;
