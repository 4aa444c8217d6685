//! Reads the settings from their sources and checks them.

use std::{fmt, path::Path};

use config::{Environment, File, FileFormat, Value, ValueKind};
use serde::de::DeserializeOwned;

use super::types::Config;

/// Everything that is wrong with the settings, one sentence each: key, value, reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
impl std::error::Error for ConfigErrors {}

/// Keys whose value may stand in a file of its own, named by `<key>_file`.
const SECRETS: [&str; 4] = ["database.url", "smtp.url", "nats.url", "files.s3_secret_access_key"];

/// Loads the settings: defaults, then `file`, then `CONSILIUM__SECTION__KEY` from `environment`, then secret files.
pub fn load(file: Option<&Path>, environment: Option<config::Map<String, String>>) -> Result<Config, ConfigErrors> {
    let fail = |error: config::ConfigError| ConfigErrors(vec![error.to_string()]);
    let mut builder = config::Config::builder();
    if let Some(file) = file {
        builder = builder.add_source(File::from(file).format(FileFormat::Toml).required(true));
    }
    let lists = ["server.cors_origins", "video.providers", "recordings.may_ask"];
    let mut variables = Environment::with_prefix("CONSILIUM").prefix_separator("__").separator("__").try_parsing(true);
    variables = variables.list_separator(",").source(environment);
    for list in lists {
        variables = variables.with_list_parse_key(list);
    }
    let mut merged = builder.add_source(variables).build().map_err(fail)?;
    let mut errors = Vec::new();
    read_secret_files(&mut merged, &mut errors);
    let config = parse(&merged, &mut errors);
    check(&config, &mut errors);
    if errors.is_empty() { Ok(config) } else { Err(ConfigErrors(errors)) }
}

/// Replaces `<key>_file` by what the file holds.
fn read_secret_files(merged: &mut config::Config, errors: &mut Vec<String>) {
    for key in SECRETS {
        let Ok(path) = merged.get_string(&format!("{key}_file")) else { continue };
        match std::fs::read_to_string(&path) {
            Ok(secret) => {
                let Some((section, name)) = key.split_once('.') else { continue };
                if let ValueKind::Table(tables) = &mut merged.cache.kind
                    && let Some(Value { kind: ValueKind::Table(table), .. }) = tables.get_mut(section)
                {
                    table.remove(&format!("{name}_file"));
                    table.insert(name.to_owned(), Value::new(None, secret.trim_end().to_owned()));
                }
            }
            Err(error) => errors.push(format!("{key}_file = \"{path}\": {error}")),
        }
    }
}

/// Reads each section by itself, so that one wrong section does not hide what is wrong with the others.
fn parse(merged: &config::Config, errors: &mut Vec<String>) -> Config {
    macro_rules! sections {
        ($($name:ident),+) => {{
            const KNOWN: &[&str] = &[$(stringify!($name)),+];
            if let ValueKind::Table(tables) = &merged.cache.kind {
                for unknown in tables.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
                    errors.push(format!("{unknown}: there is no such section; there are {}", KNOWN.join(", ")));
                }
            }
            Config { $($name: section(merged, stringify!($name), errors)),+ }
        }};
    }
    sections!(
        server,
        database,
        keys,
        nats,
        log,
        metrics,
        identity,
        verification,
        rate_limits,
        scheduling,
        consultations,
        messages,
        video,
        smtp,
        push,
        files,
        plugins,
        recordings,
        webhooks
    )
}

fn section<T: DeserializeOwned + Default>(merged: &config::Config, name: &str, errors: &mut Vec<String>) -> T {
    let value = match merged.get::<Value>(name) {
        Ok(value) => value,
        Err(config::ConfigError::NotFound(_)) => return T::default(),
        Err(error) => {
            errors.push(format!("{name}: {error}"));
            return T::default();
        }
    };
    serde_path_to_error::deserialize(value).unwrap_or_else(|error| {
        let path = error.path().to_string();
        let place = if path == "." { name.to_owned() } else { format!("{name}.{path}") };
        errors.push(format!("{place}: {}", error.inner()));
        T::default()
    })
}

/// What types alone cannot say.
fn check(config: &Config, errors: &mut Vec<String>) {
    let mut wrong = |key: &str, value: &dyn fmt::Display, reason: &str| {
        errors.push(format!("{key} = {value}: {reason}"));
    };
    if let Err(error) = config.database.url.parse::<consilium_db::DatabaseUrl>() {
        // Not the value: it may hold a password.
        wrong("database.url", &"…", &error.to_string());
    }
    let nats = &config.nats;
    if !nats.url.is_empty() && config.database.url.starts_with("sqlite:") {
        wrong("nats.url", &"…", "several nodes need PostgreSQL; database.url names a SQLite file");
    }
    for (key, value) in [("files.url", &config.files.url), ("files.upload_directory", &config.files.upload_directory)] {
        if !nats.url.is_empty() && value.is_empty() {
            wrong(key, value, "several nodes need a place that all of them share");
        }
    }
    if nats.prefix.is_empty() || !nats.prefix.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        wrong("nats.prefix", &nats.prefix, "is not made of letters, digits, - and _");
    }
    if config.database.connections < 2 {
        wrong("database.connections", &config.database.connections, "at least 2 are needed");
    }
    if config.server.host.parse::<std::net::IpAddr>().is_err() && config.server.host != "localhost" {
        wrong("server.host", &config.server.host, "is not an IP address");
    }
    let base = &config.server.base_url;
    if !base.is_empty() && (base.ends_with('/') || !url::Url::parse(base).is_ok_and(|url| url.has_host())) {
        wrong("server.base_url", base, "is not an address such as https://clinic.example (without a slash at the end)");
    }
    for origin in &config.server.cors_origins {
        let plain = url::Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
        if !plain {
            wrong("server.cors_origins", origin, "is not an origin such as https://clinic.example");
        }
    }
    if !(1..=65_536).contains(&config.server.body_limit_kib) {
        wrong("server.body_limit_kib", &config.server.body_limit_kib, "is not between 1 and 65536");
    }
    if !(1..=60).contains(&config.identity.access_token_minutes) {
        wrong("identity.access_token_minutes", &config.identity.access_token_minutes, "is not between 1 and 60");
    }
    if !(1..=90).contains(&config.identity.refresh_token_days) {
        wrong("identity.refresh_token_days", &config.identity.refresh_token_days, "is not between 1 and 90");
    }
    if config.identity.refresh_grace_seconds > 300 {
        wrong("identity.refresh_grace_seconds", &config.identity.refresh_grace_seconds, "is more than 300");
    }
    if config.identity.argon2_memory_kib < 8 || config.identity.argon2_passes < 1 {
        wrong(
            "identity.argon2_memory_kib",
            &config.identity.argon2_memory_kib,
            "argon2id needs at least 8 KiB, 1 pass",
        );
    }
    if config.rate_limits.requests_per_minute == 0 || config.rate_limits.auth_per_minute == 0 {
        wrong("rate_limits", &0, "a limit is at least 1; set enabled = false for none");
    }
    for facility in config.video.facilities.keys() {
        if facility.parse::<consilium_kernel::FacilityId>().is_err() {
            wrong("video.facilities", facility, "is not the id of a facility");
        }
    }
    let files = &config.files;
    if !files.url.is_empty() && !["file:///", "s3://"].iter().any(|scheme| files.url.starts_with(scheme)) {
        wrong("files.url", &files.url, "is neither file:///folder nor s3://bucket/prefix");
    }
    if let Err(error) = crate::files::antivirus(config) {
        wrong("files.antivirus", &files.antivirus, &error.to_string());
    }
    let largest = files.max_file_mib;
    for (key, value, least, most) in [
        ("files.max_file_mib", largest, 1, 65_536),
        ("files.max_account_day_mib", files.max_account_day_mib, largest, 1_048_576),
        ("files.max_chunk_mib", files.max_chunk_mib, 1, 1_024),
        ("files.upload_hours", files.upload_hours, 1, 24 * 30),
    ] {
        if !(least..=most).contains(&value) {
            wrong(key, &value, &format!("is not between {least} and {most}"));
        }
    }
    let recordings = &config.recordings;
    if let Err(error) = crate::recordings::settings(config) {
        wrong("recordings.may_ask", &recordings.may_ask.join(", "), &error.to_string());
    }
    if recordings.consent_text.trim().is_empty() || !(1..=100).contains(&recordings.consent_version.chars().count()) {
        wrong("recordings.consent_version", &recordings.consent_version, "the text and its version must not be empty");
    }
    for (key, value, least, most) in [
        ("recordings.max_segment_mib", recordings.max_segment_mib, 1, 1_024),
        ("recordings.max_recording_mib", recordings.max_recording_mib, 1, 1_048_576),
        ("recordings.late_segments_seconds", recordings.late_segments_seconds, 0, 3_600),
        ("recordings.link_minutes", recordings.link_minutes, 1, 60),
        ("recordings.retention_days", recordings.retention_days, 1, 36_500),
    ] {
        if !(least..=most).contains(&value) {
            wrong(key, &value, &format!("is not between {least} and {most}"));
        }
    }
    if !(1..=86_400).contains(&recordings.ffmpeg_seconds) {
        wrong("recordings.ffmpeg_seconds", &recordings.ffmpeg_seconds, "is not between 1 and 86400");
    }
    let (webhooks, push) = (&config.webhooks, &config.push);
    if !push.contact.is_empty() && !crate::push::is_contact(&push.contact) {
        wrong("push.contact", &push.contact, "is neither mailto:name@host nor an https address");
    }
    for (key, value, least, most) in [
        ("consultations.rating_days", config.consultations.rating_days.into(), 1, 3_650),
        ("scheduling.follow_up_hold_hours", config.scheduling.follow_up_hold_hours.into(), 1, 24 * 90),
        ("smtp.concurrency", config.smtp.concurrency.into(), 1, 256),
        ("push.concurrency", push.concurrency.into(), 1, 256),
        ("push.timeout_seconds", push.timeout_seconds, 1, 60),
        ("push.max_subscriptions", push.max_subscriptions.into(), 1, 100),
        ("webhooks.timeout_seconds", webhooks.timeout_seconds, 1, 60),
        ("webhooks.concurrency", webhooks.concurrency.into(), 1, 256),
        // Each delivery is tried for a day: less would disable what is about to be tried again.
        ("webhooks.disable_after_days", webhooks.disable_after_days.into(), 2, 30),
        ("webhooks.keep_days", webhooks.keep_days.into(), 2, 365),
        ("webhooks.max_subscriptions", webhooks.max_subscriptions.into(), 1, 1_000),
    ] {
        if !(least..=most).contains(&value) {
            wrong(key, &value, &format!("is not between {least} and {most}"));
        }
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.log.filter) {
        wrong("log.filter", &config.log.filter, &error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        load(None, Some(variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()))
    }

    #[test]
    fn nothing_set_is_a_working_configuration() {
        assert_eq!(with(&[]).unwrap().server.port, 8080);
    }

    #[test]
    fn the_environment_wins_over_the_file_and_a_secret_file_over_both() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("consilium.toml");
        std::fs::write(&file, "[server]\nport = 1\nhost = \"127.0.0.2\"\n[smtp]\nurl = \"smtp://a\"").unwrap();
        let secret = folder.path().join("smtp");
        std::fs::write(&secret, "smtps://user:secret@mail.example\n").unwrap();
        let variables = [
            ("CONSILIUM__SERVER__PORT".to_owned(), "2".to_owned()),
            ("CONSILIUM__SMTP__URL_FILE".to_owned(), secret.display().to_string()),
            ("CONSILIUM__SERVER__CORS_ORIGINS".to_owned(), "https://a.example,https://b.example".to_owned()),
        ];
        let config = load(Some(&file), Some(variables.into_iter().collect())).unwrap();
        assert_eq!((config.server.port, config.server.host.as_str()), (2, "127.0.0.2"));
        assert_eq!(config.smtp.url, "smtps://user:secret@mail.example");
        assert_eq!(config.server.cors_origins, ["https://a.example", "https://b.example"]);
    }

    #[test]
    fn every_mistake_is_named_with_key_and_reason() {
        let errors = with(&[
            ("CONSILIUM__SERVER__PORT", "many"),
            ("CONSILIUM__DATABASE__URL", "mysql://root:secret@db"),
            ("CONSILIUM__IDENTITY__ACCESS_TOKEN_MINUTES", "0"),
            ("CONSILIUM__LOG__FORMTA", "json"),
            ("CONSILIUM__SMPT__URL", "x"),
            ("CONSILIUM__WEBHOOKS__DISABLE_AFTER_DAYS", "1"),
            ("CONSILIUM__WEBHOOKS__TIMEOUT_SECONDS", "0"),
        ])
        .unwrap_err();
        let text = errors.to_string();
        let webhooks = ["webhooks.disable_after_days = 1", "webhooks.timeout_seconds = 0"];
        let others = ["server.port", "database.url", "identity.access_token_minutes = 0", "formta", "smpt"];
        for expected in others.into_iter().chain(webhooks) {
            assert!(text.contains(expected), "{expected} is not in:\n{text}");
        }
        assert!(!text.contains("secret"), "{text}");
    }
}
