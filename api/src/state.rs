//! What handlers and background work share: the modules of the product, wired together.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use std::time::Duration;

use consilium_chat::{ChatPolicy, NoticeTimer};
use consilium_cluster::Cluster;
use consilium_consultations::{AbandonmentTimer, AppointmentFollower, Consultations, Policy, RoomClosingTimer};
use consilium_credentials::Credentials;
use consilium_db::Db;
use consilium_files::{ExpiryTimer, Files};
use consilium_identity::{Hashing, Identity, IdentitySettings};
use consilium_insights::Insights;
use consilium_messaging::Messaging;
use consilium_notifications::Notifications;
use consilium_people::People;
use consilium_plugin_host::PluginHost;
use consilium_prescribing::{PharmacyDispatcher, Prescribing, PrescribingSettings};
use consilium_recordings::{RecordingTimer, Recordings, RoomFollower};
use consilium_runtime::{Directory, DirectorySettings, EventBus, Placement, Subscriber, TimerHandler};
use consilium_scheduling::{
    FollowUpSubscriber, FollowUpTimer, NoShowTimer, RequestExpiryTimer, Scheduling, SchedulingSettings,
};
use consilium_support::Support;
use consilium_webhooks::Webhooks;

use tokio::sync::Notify;

use crate::{
    config::Config,
    files,
    http::limits::Limits,
    pharmacy::PluginPharmacy,
    recordings,
    video::PluginVideo,
    webhooks,
    ws::{WsContext, WsSettings},
};

/// Everything a handler may need. Cheap to share; one per server.
pub struct State {
    /// The settings.
    pub config: Config,
    /// Where users and mails find this server, without a slash at the end.
    pub base_url: String,
    /// The database.
    pub db: Db,
    /// Live events.
    pub bus: Arc<dyn EventBus>,
    /// The other nodes, if there may be any.
    pub cluster: Option<Arc<Cluster>>,
    /// How often one client may ask.
    pub limits: Limits,
    /// Accounts and sessions.
    pub identity: Identity,
    /// Doctors and patients.
    pub people: People,
    /// Appointments.
    pub scheduling: Scheduling,
    /// Consultations.
    pub consultations: Consultations,
    /// Threads outside visits.
    pub messaging: Messaging,
    /// What people upload.
    pub files: Files,
    /// Documents by which doctors are verified.
    pub credentials: Credentials,
    /// Recordings of consultations.
    pub recordings: Recordings,
    /// Prescriptions.
    pub prescribing: Prescribing,
    /// Technical issues.
    pub support: Support,
    /// Figures.
    pub insights: Insights,
    /// Mail, reminders and inboxes.
    pub notifications: Notifications,
    /// Subscriptions of other systems.
    pub webhooks: Webhooks,
    /// WebSocket connections.
    pub sockets: Arc<WsContext>,
    /// Wakes whoever reads what providers posted.
    pub inbox_wake: Arc<Notify>,
    /// Feature plugins.
    pub plugins: PluginHost,
    /// Those that give video rooms.
    pub video: Arc<PluginVideo>,
    draining: AtomicBool,
}

impl State {
    /// Wires the modules. Must run inside an actor system.
    pub fn build(
        config: Config,
        db: Db,
        address: SocketAddr,
        bus: Arc<dyn EventBus>,
        placement: Arc<dyn Placement>,
        cluster: Option<Arc<Cluster>>,
        plugins: PluginHost,
    ) -> anyhow::Result<Self> {
        let base_url = match config.server.base_url.as_str() {
            "" => format!("http://{address}"),
            set => set.to_owned(),
        };
        let identity = Identity::new(db.clone(), identity_settings(&config, &config.server.base_url))?;
        let people = People::new(db.clone(), identity.clone());
        let credentials = Credentials::new(db.clone(), people.clone(), config.verification.require_credentials);
        let schedules = Directory::new(db.clone(), placement.clone(), DirectorySettings::default());
        let rules = SchedulingSettings {
            require_verified_email: config.identity.require_verified_email,
            no_show_minutes: config.scheduling.no_show_minutes,
            follow_up_hold_hours: config.scheduling.follow_up_hold_hours,
        };
        let scheduling = Scheduling::new(db.clone(), schedules, rules);
        let video = PluginVideo::new(plugins.clone(), &config.video, db.clone());
        let consultations = Consultations::new(
            db.clone(),
            placement.clone(),
            bus.clone(),
            video.clone(),
            DirectorySettings::default(),
            policy(&config),
        );
        let messaging = Messaging::new(db.clone(), bus.clone(), chat_policy(&config));
        let files = files::files(&config, &db, &consultations, &messaging, &scheduling)?;
        let recordings = recordings::recordings(&config, &db, &files)?;
        let printed = PrescribingSettings { base_url: base_url.clone(), ..PrescribingSettings::default() };
        let prescribing = Prescribing::new(db.clone(), PluginPharmacy::new(plugins.clone()), printed);
        let support = Support::new(db.clone(), consultations.clone());
        let insights = Insights::new(db.clone(), Arc::new(plugins.clone()));
        let notifications = Notifications::new(db.clone(), &base_url.parse()?);
        let webhooks = Webhooks::new(db.clone(), webhooks::settings(&config));
        let auth = Arc::new(identity.clone());
        let sockets = Arc::new(WsContext::new(
            db.clone(),
            (bus.clone(), placement.clone()),
            auth,
            consultations.clone(),
            messaging.clone(),
            recordings.clone(),
            WsSettings::default(),
        ));
        let limits = Limits::new(&config.rate_limits, config.server.behind_proxy);
        let draining = AtomicBool::new(false);
        Ok(Self {
            config,
            base_url,
            db,
            bus,
            cluster,
            limits,
            identity,
            people,
            scheduling,
            consultations,
            messaging,
            files,
            credentials,
            recordings,
            prescribing,
            support,
            insights,
            notifications,
            webhooks,
            sockets,
            inbox_wake: Arc::default(),
            plugins,
            video,
            draining,
        })
    }

    /// Who hears of every committed event.
    pub fn subscribers(&self) -> Vec<Arc<dyn Subscriber>> {
        vec![
            Arc::new(AppointmentFollower::new(policy(&self.config))),
            Arc::new(FollowUpSubscriber),
            Arc::new(RoomFollower::new(self.recordings.settings())),
            self.notifications.subscriber(),
            self.webhooks.subscriber(),
        ]
    }

    /// Who is woken when a timer is due.
    pub fn timer_handlers(&self) -> Vec<Arc<dyn TimerHandler>> {
        vec![
            Arc::new(NoShowTimer::new(self.db.clone())),
            Arc::new(RequestExpiryTimer::new(self.db.clone())),
            Arc::new(FollowUpTimer::new(self.scheduling.clone())),
            Arc::new(AbandonmentTimer::new(self.consultations.clone())),
            Arc::new(RoomClosingTimer::new(self.consultations.clone())),
            Arc::new(NoticeTimer::new(self.db.clone(), chat_policy(&self.config), self.sockets.clone())),
            Arc::new(ExpiryTimer::new(self.files.clone())),
            Arc::new(RecordingTimer::new(self.recordings.clone())),
            Arc::new(PharmacyDispatcher::new(&self.prescribing)),
            self.notifications.reminders(),
        ]
    }

    /// Whether the server is shutting down.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// From now on `ready` says no.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

fn chat_policy(config: &Config) -> ChatPolicy {
    let set = &config.messages;
    let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
    ChatPolicy {
        edit_within: minutes(set.edit_minutes),
        notice_after: Duration::from_secs(u64::from(set.notify_after_seconds)),
        notice_quiet: minutes(set.notify_quiet_minutes),
    }
}

fn policy(config: &Config) -> Policy {
    let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
    Policy {
        early_join: minutes(config.consultations.early_join_minutes),
        chat_after: minutes(config.consultations.chat_open_days * 24 * 60),
        waiting_limit: minutes(config.consultations.waiting_limit_minutes),
        empty_limit: minutes(config.consultations.abandoned_after_minutes),
        keep_place: minutes(config.consultations.keep_place_minutes),
        overrun: minutes(config.consultations.overrun_minutes),
        no_show_after: minutes(config.scheduling.no_show_minutes),
        most_walk_ins: config.consultations.max_walk_ins,
        require_verified_email: config.identity.require_verified_email,
        chat: chat_policy(config),
        rating_for: minutes(config.consultations.rating_days * 24 * 60),
        emergency_contacts: config.consultations.emergency_contacts.clone(),
    }
}

/// The settings of identity, out of the configuration.
pub fn identity_settings(config: &Config, issuer: &str) -> IdentitySettings {
    let set = &config.identity;
    // The default is a constant and not the address: with port 0 that changes at every start.
    IdentitySettings {
        issuer: if issuer.is_empty() { "consilium".to_owned() } else { issuer.to_owned() },
        access_token_minutes: set.access_token_minutes,
        refresh_token_days: set.refresh_token_days,
        refresh_grace_seconds: set.refresh_grace_seconds,
        session_idle_hours: set.idle_days * 24,
        require_verified_email: set.require_verified_email,
        hashing: Hashing { memory_kib: set.argon2_memory_kib, iterations: set.argon2_passes, ..Hashing::default() },
        ..IdentitySettings::default()
    }
}
