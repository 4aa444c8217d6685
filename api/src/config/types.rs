//! The settings as types. Their documentation comments become the comments of `config/default.toml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! section {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[doc = $doc:literal])+ pub $field:ident: $type:ty = $default:expr,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[doc = $doc])+ pub $field: $type),+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }
    };
}

mod outside;

pub use outside::{Plugin, Webhooks};

section! {
    /// Everything a deployment can set.
    pub struct Config {
        /// The HTTP and WebSocket server.
        pub server: Server = Server::default(),
        /// Where the data is kept.
        pub database: Database = Database::default(),
        /// Where the secret keys are kept.
        pub keys: Keys = Keys::default(),
        /// Several nodes that serve together.
        pub nats: Nats = Nats::default(),
        /// What is written to standard error.
        pub log: Log = Log::default(),
        /// Numbers for Prometheus.
        pub metrics: Metrics = Metrics::default(),
        /// Accounts and sessions.
        pub identity: Identity = Identity::default(),
        /// Verification of doctors.
        pub verification: Verification = Verification::default(),
        /// How often one client may ask.
        pub rate_limits: RateLimits = RateLimits::default(),
        /// Appointments.
        pub scheduling: Scheduling = Scheduling::default(),
        /// Consultations.
        pub consultations: Consultations = Consultations::default(),
        /// Messages of consultations and threads.
        pub messages: Messages = Messages::default(),
        /// Video rooms.
        pub video: Video = Video::default(),
        /// Outgoing mail.
        pub smtp: Smtp = Smtp::default(),
        /// Messages to browsers by web push.
        pub push: Push = Push::default(),
        /// What people upload.
        pub files: Files = Files::default(),
        /// Recordings of consultations.
        pub recordings: Recordings = Recordings::default(),
        /// Feature plugins.
        pub plugins: Plugins = Plugins::default(),
        /// Events told to other systems over HTTP.
        pub webhooks: Webhooks = Webhooks::default(),
    }
}

section! {
    /// The HTTP and WebSocket server.
    pub struct Server {
        /// Address to listen on. Put a TLS proxy in front before you listen on anything but loopback.
        pub host: String = "127.0.0.1".to_owned(),
        /// Port to listen on; 0 picks a free one, which is logged.
        pub port: u16 = 8080,
        /// The address that users and mails see, without a slash at the end. Empty: http://host:port.
        pub base_url: String = String::new(),
        /// Threads that serve requests; 0 means one per processor.
        pub workers: usize = 0,
        /// Largest request body in KiB.
        pub body_limit_kib: usize = 1024,
        /// Origins of browsers that may call the API from other sites, such as "https://clinic.example".
        pub cors_origins: Vec<String> = Vec::new(),
        /// Whether X-Forwarded-For of the connecting peer is believed. Only behind a proxy that sets it.
        pub behind_proxy: bool = false,
        /// Seconds that running requests get to finish after SIGTERM.
        pub shutdown_seconds: u64 = 20,
    }
}

section! {
    /// Where the data is kept.
    pub struct Database {
        /// sqlite://path (one machine, nothing to install) or postgres://user:password@host/database. Secret: url_file.
        pub url: String = "sqlite://consilium.db".to_owned(),
        /// Connections at most.
        pub connections: u32 = 16,
    }
}

section! {
    /// Where the secret keys are kept.
    pub struct Keys {
        /// Folder with data.key, index.key, audit.key and the signing keys. Empty: "keys" beside the SQLite file,
        /// where missing keys are made on first start. PostgreSQL needs a folder with all of them.
        pub directory: String = String::new(),
    }
}

section! {
    /// Several nodes that serve together.
    pub struct Nats {
        /// nats://user:password@host:port, several separated by commas. Empty: this node is alone. Needs PostgreSQL, the
        /// same keys on every node, and files on S3 or a folder that all nodes share. Secret: url_file.
        pub url: String = String::new(),
        /// In front of every subject, so that deployments may share a NATS server.
        pub prefix: String = "consilium".to_owned(),
        /// What people call this node. Empty: the host's name.
        pub node: String = String::new(),
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

section! {
    /// What is written to standard error.
    pub struct Log {
        /// "json" or "pretty".
        pub format: LogFormat = LogFormat::Json,
        /// What is logged, in the syntax of tracing's EnvFilter, such as "info,consilium_runtime=debug".
        pub filter: String = "info".to_owned(),
    }
}

section! {
    /// Numbers for Prometheus.
    pub struct Metrics {
        /// Whether GET /metrics is served on a port of its own.
        pub enabled: bool = true,
        /// Address to serve it on.
        pub host: String = "127.0.0.1".to_owned(),
        /// Port to serve it on; 0 picks a free one.
        pub port: u16 = 9464,
    }
}

section! {
    /// Accounts and sessions.
    pub struct Identity {
        /// Whether one must have confirmed one's e-mail address to book or to be booked.
        pub require_verified_email: bool = true,
        /// Minutes that an access token lives.
        pub access_token_minutes: u32 = 15,
        /// Days that a refresh token lives.
        pub refresh_token_days: u32 = 7,
        /// Seconds for which the same client may show a refresh token once more when the answer to it was lost. 0: never.
        pub refresh_grace_seconds: u32 = 30,
        /// Days without use after which a session ends.
        pub idle_days: u32 = 3,
        /// Memory for one argon2id password hash in KiB. Raise it as far as your logins stay fast.
        pub argon2_memory_kib: u32 = 19_456,
        /// Passes of argon2id.
        pub argon2_passes: u32 = 2,
    }
}

section! {
    /// Verification of doctors.
    pub struct Verification {
        /// Whether a doctor is approved only with at least one document.
        pub require_credentials: bool = false,
    }
}

section! {
    /// How often one client may ask.
    pub struct RateLimits {
        /// Off only for tests.
        pub enabled: bool = true,
        /// Requests per minute of one account (or, without one, one address).
        pub requests_per_minute: u32 = 600,
        /// Logins, registrations, resets and other calls below /auth per minute and address.
        pub auth_per_minute: u32 = 30,
    }
}

section! {
    /// Appointments.
    pub struct Scheduling {
        /// Minutes after the end of an accepted appointment when it counts as no-show.
        pub no_show_minutes: u32 = 30,
        /// Hours for which the slot of a follow-up is kept for the patient to confirm.
        pub follow_up_hold_hours: u32 = 72,
    }
}

section! {
    /// Consultations.
    pub struct Consultations {
        /// Minutes before the start from which a patient may join.
        pub early_join_minutes: u32 = 15,
        /// Days after the end during which participants may still write.
        pub chat_open_days: u32 = 7,
        /// Minutes after which a consultation that nobody is in any more counts as abandoned.
        pub abandoned_after_minutes: u32 = 30,
        /// Minutes after the booked end when a consultation that doctor and patient have left is ended.
        pub overrun_minutes: u32 = 15,
        /// Minutes that a patient may wait after the booked start with no doctor there.
        pub waiting_limit_minutes: u32 = 120,
        /// Minutes that a patient who goes, or comes late, keeps the place in the waiting room.
        pub keep_place_minutes: u32 = 10,
        /// Patients who may wait for one doctor without an appointment; five more in emergencies.
        pub max_walk_ins: u32 = 20,
        /// Days after the end during which the patient may rate it.
        pub rating_days: u32 = 30,
        /// Whom to call when a consultation does not work technically, shown beside the backup link, such as
        /// "Front desk: +880 2 555 0100".
        pub emergency_contacts: Vec<String> = Vec::new(),
    }
}

section! {
    /// Messages of consultations and threads.
    pub struct Messages {
        /// Minutes after sending during which one may edit a message.
        pub edit_minutes: u32 = 60,
        /// Seconds that a message waits for a reader who is not connected before they get a mail that something waits.
        pub notify_after_seconds: u32 = 120,
        /// Minutes after such a mail during which there is no other one about the same conversation.
        pub notify_quiet_minutes: u32 = 60,
    }
}

section! {
    /// Video rooms.
    pub struct Video {
        /// Plugins of kind video in the order in which they are asked. A consultation whose provider fails goes on at
        /// the next one.
        pub providers: Vec<String> = vec!["video-webrtc".to_owned()],
        /// Other orders for single facilities, by the facility's id: [video.facilities] id = ["video-jitsi"].
        pub facilities: BTreeMap<String, Vec<String>> = BTreeMap::new(),
    }
}

section! {
    /// Outgoing mail.
    pub struct Smtp {
        /// smtps://user:password@host (TLS from the start) or smtp://user:password@host:587 (STARTTLS required);
        /// "?tls=none" allows plain text to a relay on the same machine. Empty: mail waits. Secret: url_file.
        pub url: String = String::new(),
        /// The sender, such as "City Clinic <no-reply@clinic.example>".
        pub from: String = "Consilium <no-reply@localhost.localdomain>".to_owned(),
        /// Where answers go; empty: nowhere in particular.
        pub reply_to: String = String::new(),
        /// Seconds that one delivery may take.
        pub timeout_seconds: u64 = 20,
        /// Mails handed over at the same time, each over a connection of its own: what the mail server allows.
        pub concurrency: u32 = 4,
        /// PEM file with the certificate of a private authority that signed the mail server's; empty: none.
        pub ca_file: String = String::new(),
        /// Folder with templates that replace the built-in ones; empty: none.
        pub templates: String = String::new(),
    }
}

section! {
    /// Messages to browsers by web push. They need push-signing.key among the keys.
    pub struct Push {
        /// Where push services may write to you, such as "mailto:it@clinic.example". Empty: server.base_url, if that is
        /// https.
        pub contact: String = String::new(),
        /// Whether push services may have private and loopback addresses, and be without TLS.
        pub allow_private_addresses: bool = false,
        /// Seconds that one attempt may take.
        pub timeout_seconds: u64 = 15,
        /// Messages handed over at the same time.
        pub concurrency: u32 = 4,
        /// Browsers that one account may have told; a further one takes the place of the oldest.
        pub max_subscriptions: u32 = 10,
    }
}

section! {
    /// What people upload.
    pub struct Files {
        /// Where files are kept, encrypted: file:///folder or s3://bucket/prefix. Back it up with the database. Empty: the
        /// folder "files" beside the SQLite file, or beside the keys.
        pub url: String = String::new(),
        /// Another S3-compatible server than Amazon's, such as https://minio.example:9000.
        pub s3_endpoint: String = String::new(),
        /// Region of the bucket. Empty: from AWS_REGION.
        pub s3_region: String = String::new(),
        /// Name of the key to the bucket. Empty: from AWS_ACCESS_KEY_ID, or the machine's own role.
        pub s3_access_key_id: String = String::new(),
        /// The key. Empty: from AWS_SECRET_ACCESS_KEY, or the machine's own role. Secret: s3_secret_access_key_file.
        pub s3_secret_access_key: String = String::new(),
        /// Folder for unfinished uploads, encrypted; on this machine. Empty: "uploads" beside the SQLite file, or beside
        /// the keys.
        pub upload_directory: String = String::new(),
        /// Largest file in MiB.
        pub max_file_mib: u32 = 200,
        /// MiB that one account may upload within 24 hours.
        pub max_account_day_mib: u32 = 1000,
        /// Largest part of an upload in MiB.
        pub max_chunk_mib: u32 = 16,
        /// Hours after which an unfinished upload is forgotten.
        pub upload_hours: u32 = 24,
        /// clamd that looks at every file before anybody gets it: tcp://host:3310 or unix:///run/clamav/clamd.ctl. Its
        /// StreamMaxLength must not be less than max_file_mib. Empty: files are not scanned.
        pub antivirus: String = String::new(),
        /// Seconds that clamd may take for each step.
        pub antivirus_seconds: u64 = 120,
    }
}

section! {
    /// Recordings of consultations. Their content lies, encrypted, where files do.
    pub struct Recordings {
        /// Who may ask for one: "doctor", "patient", "second_doctor", "nurse", "interpreter". Nobody: [].
        pub may_ask: Vec<String> = vec!["doctor".to_owned()],
        /// Version of the text below. Change it with the text: each consent names the version that was shown.
        pub consent_version: String = "1".to_owned(),
        /// What participants are shown before they answer. Have it checked by whoever answers for data protection.
        pub consent_text: String = "This consultation is to be recorded. You may refuse, and you may end the recording \
            at any time; your treatment does not depend on it. Whoever takes part may play the recording. It is deleted \
            when its time is over."
            .to_owned(),
        /// Largest segment in MiB.
        pub max_segment_mib: u32 = 16,
        /// Largest recording in MiB.
        pub max_recording_mib: u32 = 4096,
        /// Seconds after an ordinary stop during which segments are taken that were recorded before it. After a consent
        /// was taken back there are none.
        pub late_segments_seconds: u32 = 30,
        /// Minutes that a link to play one lives.
        pub link_minutes: u32 = 5,
        /// Days that a recording is kept, unless it is held.
        pub retention_days: u32 = 365,
        /// Program that finds out how long recordings play and makes pictures of them: a path, or a name on PATH. It is
        /// given content that others made: a path to a program of your own can confine it further. Empty: none.
        pub ffmpeg: String = "ffmpeg".to_owned(),
        /// Seconds that one run of it may take.
        pub ffmpeg_seconds: u64 = 300,
    }
}

section! {
    /// Feature plugins.
    pub struct Plugins {
        /// Folder with the plugins' libraries.
        pub directory: String = "plugins".to_owned(),
        /// Folder for copies of the libraries, named by their hash. Empty: "plugin-cache" beside the SQLite file, or
        /// ".cache" in the directory.
        pub cache_directory: String = String::new(),
        /// Folder for what plugins keep in blobs, encrypted; back it up with the database. Empty: "plugin-blobs" beside
        /// the SQLite file, or ".blobs" in the directory.
        pub blob_directory: String = String::new(),
        /// Program and first arguments of the process that runs a plugin, to confine it further by a program of your
        /// own. Empty: this program with "plugin-host".
        pub child_command: Vec<String> = Vec::new(),
        /// Seconds that one call may take.
        pub call_seconds: u64 = 5,
        /// The plugins to start: one table [plugins.use.<id>] each.
        pub r#use: BTreeMap<String, Plugin> = BTreeMap::new(),
    }
}

/// Where a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// In a supervised child process.
    Process,
    /// In this process. Only for plugins you trust like Consilium itself.
    InProcess,
}
