//! What the API calls. Every method answers kernel refusals.

use std::{sync::Arc, time::Duration};

use consilium_chat::ChatPolicy;
use consilium_db::Db;
use consilium_runtime::{Directory, DirectorySettings, EventBus, Placement};
use serde::{Deserialize, Serialize};

use crate::{line::WaitingLines, model::Consultation, video::VideoAccess};

/// The rules that an operator may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long before the booked start a patient may come.
    pub early_join: Duration,
    /// How long after the end the chat stays open.
    pub chat_after: Duration,
    /// Editing messages, and telling those who are away.
    pub chat: ChatPolicy,
    /// A patient who waits this long after the booked start, with no doctor there, waits in vain.
    pub waiting_limit: Duration,
    /// A consultation in progress with nobody in it is given up after this.
    pub empty_limit: Duration,
    /// How long a patient who goes, or comes late, keeps the place in the line.
    pub keep_place: Duration,
    /// A consultation in which doctor and patient have met, and nobody is any more, ends this long after the booked end.
    pub overrun: Duration,
    /// A patient who went before it began, and is not back this long after the booked end, has not come.
    pub no_show_after: Duration,
    /// How many may wait for one doctor without an appointment.
    pub most_walk_ins: u32,
    /// Whether patients and doctors must have confirmed their e-mail address before they meet without an appointment.
    pub require_verified_email: bool,
    /// How long after its end a patient may rate a consultation.
    pub rating_for: Duration,
    /// Whom to call at the facility when a consultation does not work technically.
    pub emergency_contacts: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            early_join: Duration::from_secs(15 * 60),
            chat_after: Duration::from_secs(7 * 24 * 3600),
            chat: ChatPolicy::default(),
            waiting_limit: Duration::from_secs(2 * 3600),
            empty_limit: Duration::from_secs(30 * 60),
            keep_place: Duration::from_secs(10 * 60),
            overrun: Duration::from_secs(15 * 60),
            no_show_after: Duration::from_secs(30 * 60),
            most_walk_ins: 20,
            require_verified_email: true,
            rating_for: Duration::from_secs(30 * 24 * 3600),
            emergency_contacts: Vec::new(),
        }
    }
}

/// Consultations, for everybody above.
#[derive(Clone)]
pub struct Consultations {
    pub(crate) db: Db,
    pub(crate) directory: Directory<Consultation>,
    pub(crate) lines: WaitingLines,
    pub(crate) bus: Arc<dyn EventBus>,
    pub(crate) video: Arc<dyn VideoAccess>,
    pub(crate) policy: Arc<Policy>,
}

impl Consultations {
    /// Must be made inside an actor system.
    pub fn new(
        db: Db,
        placement: Arc<dyn Placement>,
        bus: Arc<dyn EventBus>,
        video: Arc<dyn VideoAccess>,
        settings: DirectorySettings,
        policy: Policy,
    ) -> Self {
        let directory = Directory::new(db.clone(), placement, settings);
        let lines = WaitingLines::new(db.clone());
        Self { db, directory, lines, bus, video, policy: Arc::new(policy) }
    }
}
