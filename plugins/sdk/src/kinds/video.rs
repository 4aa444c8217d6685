//! `video/1`.

use super::serves;
use crate::{Host, Plugin};
use consilium_plugin_contract::{PluginError, Reconciled, video as v};

/// Rooms at a video provider.
pub trait VideoProvider: Plugin {
    /// Makes a room, or answers the one made before with the same key.
    ///
    /// # Errors
    /// What the provider says.
    fn create_room(&self, host: &Host<'_>, request: v::CreateRoom) -> Result<v::Room, PluginError>;

    /// Mints one participant's access.
    ///
    /// # Errors
    /// What the provider says.
    fn join(&self, host: &Host<'_>, request: v::Join) -> Result<v::VideoAccess, PluginError>;

    /// Closes a room.
    ///
    /// # Errors
    /// What the provider says.
    fn end_room(&self, host: &Host<'_>, request: v::EndRoom) -> Result<v::RoomEnded, PluginError>;

    /// What became of a `create_room` with this key. Left out, nobody can tell.
    ///
    /// # Errors
    /// What the provider says.
    fn reconcile(&self, host: &Host<'_>, request: v::Reconcile) -> Result<Reconciled<v::Room>, PluginError> {
        let _ = (host, request);
        Ok(Reconciled::unknown())
    }

    /// Lists what the provider recorded. Providers that cannot record leave this out.
    ///
    /// # Errors
    /// `not_supported`, and what the provider says.
    fn recordings(&self, host: &Host<'_>, request: v::Recordings) -> Result<v::RecordingsListed, PluginError> {
        let _ = (host, request);
        Err(PluginError::not_supported("video.recordings"))
    }
}

serves!(video: VideoProvider { create_room, join, end_room, reconcile, recordings });
