//! What a plugin of each kind implements. Every call may run on several threads at once.

use crate::{Host, HostApi};
use consilium_plugin_contract::{
    Call, Health, HealthCheck, PluginError, analytics, pharmacy, video as v, webhook as w,
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// What every plugin implements.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// Its configuration. The JSON Schema is derived from it and checked by the host, so doc
    /// comments on the fields are what operators read.
    type Config: DeserializeOwned + JsonSchema;

    /// Makes the plugin. It must not wait for its provider here.
    ///
    /// # Errors
    /// Why this configuration cannot work. Retryable errors are tried again later.
    fn create(config: Self::Config, host: &Host<'_>) -> Result<Self, PluginError>;

    /// How the plugin and its provider are doing, within two seconds.
    ///
    /// # Errors
    /// Counts as not healthy.
    fn health(&self, host: &Host<'_>) -> Result<Health, PluginError> {
        let _ = host;
        Ok(Health::ok())
    }

    /// Nobody waits for `call_id` any more. Most plugins look at [`Host::is_cancelled`] instead.
    fn on_cancel(&self, call_id: u64) {
        let _ = call_id;
    }
}

/// `video/1`.
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

    /// Lists what the provider recorded. Providers that cannot record leave this out.
    ///
    /// # Errors
    /// `not_supported`, and what the provider says.
    fn recordings(&self, host: &Host<'_>, request: v::Recordings) -> Result<v::RecordingsListed, PluginError> {
        let _ = (host, request);
        Err(PluginError::not_supported("video.recordings"))
    }
}

/// `webhook/1`: what the provider posts to the platform. Any plugin may add it to its kinds.
pub trait Webhooks: Plugin {
    /// Says whether a request is the provider's, and which delivery it is. Quick and without any
    /// effect: the provider waits for it.
    ///
    /// # Errors
    /// `webhook_forged`, `webhook_stale`, `webhook_malformed`.
    fn verify(&self, host: &Host<'_>, request: w::Verify) -> Result<w::Verified, PluginError>;

    /// Says what a verified delivery means. Called later, and possibly more than once.
    ///
    /// # Errors
    /// Retryable ones are tried again; after any other the delivery is set aside.
    fn read(&self, host: &Host<'_>, request: w::Read) -> Result<w::WebhookFacts, PluginError>;
}

/// `pharmacy/1`.
pub trait PharmacyGateway: Plugin {
    /// Sends a prescription; the same key is dispensed once.
    ///
    /// # Errors
    /// What the pharmacy says.
    fn submit(&self, host: &Host<'_>, request: pharmacy::Submit) -> Result<pharmacy::Dispatch, PluginError>;

    /// Where a prescription stands.
    ///
    /// # Errors
    /// What the pharmacy says.
    fn status(&self, host: &Host<'_>, request: pharmacy::Status) -> Result<pharmacy::Dispatch, PluginError>;

    /// Withdraws a prescription.
    ///
    /// # Errors
    /// What the pharmacy says.
    fn cancel(&self, host: &Host<'_>, request: pharmacy::Cancel) -> Result<pharmacy::Dispatch, PluginError>;
}

/// `analytics/1`.
pub trait AnalyticsSink: Plugin {
    /// Counts a batch; what it answers is committed by the host together with its cursor.
    ///
    /// # Errors
    /// The batch comes again.
    fn on_events(&self, host: &Host<'_>, request: analytics::OnEvents)
    -> Result<analytics::EventsCounted, PluginError>;

    /// Answers what was counted.
    ///
    /// # Errors
    /// `range_too_long`, and what the store says.
    fn report(&self, host: &Host<'_>, request: analytics::Report) -> Result<analytics::DoctorReport, PluginError>;
}

/// Why a call has no reply.
#[doc(hidden)]
pub enum Failure {
    /// The plugin said no.
    Refused(PluginError),
    /// The request does not parse, or its method is unknown.
    Invalid(PluginError),
}

/// A call on its way to the method that serves it.
#[doc(hidden)]
pub struct Incoming<'a> {
    pub api: &'a dyn HostApi,
    pub call_id: u64,
    pub method: &'a str,
    pub request: &'a [u8],
}

impl Incoming<'_> {
    /// Serves the call if it is a `C`.
    fn serve<C: Call>(
        &self,
        handler: impl FnOnce(&Host<'_>, C) -> Result<C::Reply, PluginError>,
    ) -> Option<Result<Vec<u8>, Failure>> {
        (self.method == C::METHOD).then(|| {
            let request = serde_json::from_slice(self.request).map_err(|e| self.invalid(&e))?;
            let host = Host::new(self.api, self.call_id);
            let reply = handler(&host, request).map_err(Failure::Refused)?;
            serde_json::to_vec(&reply).map_err(|e| self.invalid(&e))
        })
    }

    fn invalid(&self, error: &serde_json::Error) -> Failure {
        Failure::Invalid(PluginError::permanent("malformed", format!("{}: {error}", self.method)))
    }
}

type Served = Option<Result<Vec<u8>, Failure>>;

/// Serves the calls that every plugin answers.
#[doc(hidden)]
pub fn plugin<P: Plugin>(plugin: &P, incoming: &Incoming<'_>) -> Served {
    incoming.serve(|host, _: HealthCheck| plugin.health(host))
}

/// Serves `video/1`.
#[doc(hidden)]
pub fn video<P: VideoProvider>(plugin: &P, incoming: &Incoming<'_>) -> Served {
    incoming
        .serve(|host, request| plugin.create_room(host, request))
        .or_else(|| incoming.serve(|host, request| plugin.join(host, request)))
        .or_else(|| incoming.serve(|host, request| plugin.end_room(host, request)))
        .or_else(|| incoming.serve(|host, request| plugin.recordings(host, request)))
}

/// Serves `webhook/1`.
#[doc(hidden)]
pub fn webhook<P: Webhooks>(plugin: &P, incoming: &Incoming<'_>) -> Served {
    incoming
        .serve(|host, request| plugin.verify(host, request))
        .or_else(|| incoming.serve(|host, request| plugin.read(host, request)))
}

/// Serves `pharmacy/1`.
#[doc(hidden)]
pub fn pharmacy<P: PharmacyGateway>(plugin: &P, incoming: &Incoming<'_>) -> Served {
    incoming
        .serve(|host, request| plugin.submit(host, request))
        .or_else(|| incoming.serve(|host, request| plugin.status(host, request)))
        .or_else(|| incoming.serve(|host, request| plugin.cancel(host, request)))
}

/// Serves `analytics/1`.
#[doc(hidden)]
pub fn analytics<P: AnalyticsSink>(plugin: &P, incoming: &Incoming<'_>) -> Served {
    incoming
        .serve(|host, request| plugin.on_events(host, request))
        .or_else(|| incoming.serve(|host, request| plugin.report(host, request)))
}
