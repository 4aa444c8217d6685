//! A server of the demo's own, and what it needs around it: a mailbox, a pharmacy, secrets, keys, an administrator.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use consilium_db::Keys;
use consilium_identity::NewStaff;
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Language, Role, TimeZone};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{mailbox::Mailbox, pharmacy::Pharmacy, wire::Person};
use crate::{
    config::{Config, Plugin},
    server::{self, Server},
};

/// The plugins that the demo plays with, each in a child process.
pub(super) const PLUGINS: [&str; 3] = ["video-webrtc", "pharmacy-rest", "analytics"];

/// A running server with everything around it.
pub(super) struct Own {
    pub server: Server,
    pub mailbox: Mailbox,
    pub pharmacy: Pharmacy,
    pub admin: Person,
    /// `SQLite` or `PostgreSQL`.
    pub database: &'static str,
    /// Secrets, copies of plugins and, unless settings say otherwise, database and keys.
    _folder: TempDir,
}

impl Own {
    /// Starts it on the database that the settings name, or on a SQLite file that is deleted afterwards.
    pub(super) async fn start(mut config: Config) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("consilium-demo-").tempdir()?;
        config.plugins.directory = libraries(&config)?.display().to_string();
        config.plugins.cache_directory = folder.path().join("plugin-cache").display().to_string();
        place_data(&mut config, folder.path())?;
        let database = if config.database.url.starts_with("sqlite:") { "SQLite" } else { "PostgreSQL" };
        only_into_an_empty_database(&config)?;

        let [api_token, webhook_secret, turn_secret, password] = [random()?, random()?, random()?, random()?];
        let secret = |name: &str, value: &str| -> Result<String> {
            let file = folder.path().join(name);
            fs::write(&file, value)?;
            Ok(file.display().to_string())
        };
        let mailbox = Mailbox::open().await?;
        let pharmacy = Pharmacy::open(&api_token, &webhook_secret)?;
        let webrtc = plugin(
            json!({"turn_urls": ["turn:turn.demo.example:3478"]}),
            &[("turn_secret", secret("turn_secret", &turn_secret)?)],
        );
        let mut rest = plugin(
            json!({"base_url": pharmacy.base_url()}),
            &[
                ("api_token", secret("api_token", &api_token)?),
                ("webhook_secret", secret("webhook_secret", &webhook_secret)?),
            ],
        );
        rest.allow_private_addresses = true;
        config.plugins.r#use = PLUGINS.map(str::to_owned).into_iter().zip([webrtc, rest, Plugin::default()]).collect();
        config.video.providers = vec!["video-webrtc".to_owned()];
        config.smtp.url = format!("smtp://{}?tls=none", mailbox.address);
        (config.server.host, config.server.port) = ("127.0.0.1".to_owned(), 0);
        config.server.base_url = String::new();
        config.server.shutdown_seconds = config.server.shutdown_seconds.min(10);
        config.metrics.enabled = false;
        config.rate_limits.enabled = false;
        config.identity.require_verified_email = true;

        let server = server::start(config, server::system_clock()).await?;
        let admin = Person { name: "Ada", email: "ada@demo.example".to_owned(), password, ..Person::default() };
        let own = Self { server, mailbox, pharmacy, admin, database, _folder: folder };
        if let Err(error) = own.hire().await {
            own.stop().await;
            return Err(error);
        }
        Ok(own)
    }

    /// Creates the administrator, as `consilium admin create` does.
    async fn hire(&self) -> Result<()> {
        let staff = NewStaff {
            email: self.admin.email.parse().context("an address")?,
            password: SecretString::from(self.admin.password.clone()),
            role: Role::Admin,
            given_name: self.admin.name.to_owned(),
            family_name: "Demo".to_owned(),
            time_zone: TimeZone::utc(),
            language: Language::english(),
        };
        let meta = CommandMeta::system(DEFAULT_FACILITY, "demo");
        self.server.state.identity.create_staff(&meta, staff).await?;
        Ok(())
    }

    /// Stops everything in order.
    pub(super) async fn stop(self) {
        self.server.stop().await;
        self.pharmacy.close().await;
    }
}

/// 32 hex digits that nobody can guess.
pub(super) fn random() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    Ok(hex::encode(bytes))
}

fn plugin(config: Value, secret_files: &[(&str, String)]) -> Plugin {
    let config = match config {
        Value::Object(settings) => settings.into_iter().collect(),
        _ => Default::default(),
    };
    let secret_files = secret_files.iter().map(|(name, file)| ((*name).to_owned(), file.clone())).collect();
    Plugin { config, secret_files, ..Plugin::default() }
}

/// The folder with the plugins' libraries: as set, else where `scripts/build` puts them, beside the program's folder.
fn libraries(config: &Config) -> Result<PathBuf> {
    let lacking = |folder: &Path| {
        let files = PLUGINS.map(|id| folder.join(format!("{id}.so")));
        files.into_iter().filter(|file| !file.exists()).map(|file| file.display().to_string()).collect::<Vec<_>>()
    };
    let set = PathBuf::from(&config.plugins.directory);
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.parent()?.join("plugins")));
    let folders = std::iter::once(set.clone()).chain(beside);
    match folders.into_iter().find(|folder| lacking(folder).is_empty()) {
        Some(found) => Ok(fs::canonicalize(found)?),
        None => bail!(
            "plugins are missing: {}\nBuild them with `make build`, or name their folder with \
             CONSILIUM__PLUGINS__DIRECTORY.",
            lacking(&set).join(", ")
        ),
    }
}

/// A SQLite file of the demo's own unless the settings name a database, and keys for an empty PostgreSQL database.
fn place_data(config: &mut Config, folder: &Path) -> Result<()> {
    if config.database.url == Config::default().database.url {
        config.database.url = format!("sqlite://{}", folder.join("demo.db").display());
        config.keys.directory = String::new();
    } else if config.keys.directory.is_empty() && !config.database.url.starts_with("sqlite:") {
        let keys = folder.join("keys");
        Keys::create_missing(&keys)?;
        config.keys.directory = keys.display().to_string();
    }
    Ok(())
}

/// In a database with data, the demo's server would deliver other people's mails to its own mailbox.
fn only_into_an_empty_database(config: &Config) -> Result<()> {
    let migrated = server::open_database(config, server::system_clock())?.migrate()?;
    if migrated.is_empty() {
        bail!(
            "the database that database.url names is in use. The demo plays in an empty one (in a SQLite file of its \
             own, if none is named), or with --url against a running server."
        );
    }
    Ok(())
}
