//! A video provider with one fault at a time. Without a fault it passes every check, so each check
//! that fails does so for the fault. Never shipped.

use consilium_plugin_sdk::{
    Health, HealthStatus, Host, Plugin, PluginError, Sensitive, VideoProvider, Webhooks,
    contract::{
        host::{HttpFetch, LogLevel},
        video::{CreateRoom, EndRoom, Join, Room, RoomEnded, VideoAccess, Way},
        webhook::{Read, Verified, Verify, WebhookFacts},
    },
    export_plugin,
};
use ring::hmac;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the provider is.
    base_url: String,
    /// What is wrong with it.
    #[serde(default)]
    fault: Fault,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Fault {
    #[default]
    None,
    NeverStarts,
    IsDown,
    HangsAtTheEnd,
    LogsASecret,
    AnswersWithASecret,
    NewRoomEachTime,
    ForgetsWhenRestarted,
    OneRoomForAll,
    MixesUpCallers,
    AcceptsForgeries,
    RefusesWithTheWrongCode,
    LeaksMemory,
    HidesFailures,
    FailsForGood,
    IgnoresCancelling,
    PanicsOnEmptyNames,
    ChokesOnLongNames,
    GoesElsewhere,
    DiesNowAndThen,
    GivesNoWayIn,
    LastsTooLong,
    WantsToBeAlone,
    BelievesAnEmptyKey,
    DownloadsFromElsewhere,
}

/// The plugin.
pub struct Wrong {
    config: Config,
    count: AtomicU64,
    last: Mutex<String>,
}

impl Plugin for Wrong {
    type Config = Config;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, PluginError> {
        if config.fault == Fault::NeverStarts {
            return Err(PluginError::permanent("no", "this configuration cannot work"));
        }
        if config.fault == Fault::WantsToBeAlone {
            host.kv_put("here", json!(true), Some(0))?;
        }
        Ok(Self { config, count: AtomicU64::new(0), last: Mutex::default() })
    }

    fn health(&self, _: &Host<'_>) -> Result<Health, PluginError> {
        match self.config.fault {
            Fault::IsDown => Ok(Health { status: HealthStatus::Down, detail: Some("no reason".into()) }),
            _ => Ok(Health::ok()),
        }
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        if self.config.fault == Fault::HangsAtTheEnd {
            thread::sleep(Duration::from_secs(3_600));
        }
    }
}

impl VideoProvider for Wrong {
    fn create_room(&self, host: &Host<'_>, request: CreateRoom) -> Result<Room, PluginError> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let name = request.consultation_id;
        match self.config.fault {
            Fault::PanicsOnEmptyNames if name.is_empty() => panic!("an empty name"),
            Fault::ChokesOnLongNames if name.len() > 1_000_000 => panic!("a long name"),
            Fault::DiesNowAndThen if count % 40 == 39 => std::process::exit(3),
            Fault::LeaksMemory => Box::leak(vec![1_u8; 16 * 1024].into_boxed_slice()).iter().for_each(|_| {}),
            Fault::LogsASecret => host.log(LogLevel::Info, &format!("key {}", host.secret("signing_key")?.expose())),
            _ => {}
        }
        if self.config.fault == Fault::DownloadsFromElsewhere {
            let url = "https://elsewhere.example/film".to_owned();
            let film = HttpFetch { method: "GET".to_owned(), url, headers: [].into(), body: None, timeout_ms: None };
            let _ = host.fetch_to_blob(&film, None);
        }
        self.ask(
            host,
            "PUT",
            if self.config.fault == Fault::GoesElsewhere { "https://elsewhere.example/" } else { "" },
        )?;
        let room = match self.config.fault {
            Fault::NewRoomEachTime => {
                // Different also after a restart: the store is real.
                let made = host.kv_get("made")?.and_then(|entry| entry.value.as_u64()).unwrap_or_default() + 1;
                host.kv_put("made", json!(made), None)?;
                format!("room-{made}")
            }
            Fault::ForgetsWhenRestarted => format!("room-{name}-{}", std::process::id()),
            Fault::OneRoomForAll => "the-room".to_owned(),
            Fault::MixesUpCallers => {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = name;
                thread::sleep(Duration::from_millis(5));
                self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
            _ => format!("room-{name}"),
        };
        Ok(Room { room })
    }

    fn join(&self, host: &Host<'_>, request: Join) -> Result<VideoAccess, PluginError> {
        let fault = self.config.fault;
        let token = match fault {
            Fault::AnswersWithASecret => host.secret("signing_key")?,
            _ => Sensitive::new("a-token"),
        };
        let longer = if fault == Fault::LastsTooLong { Duration::from_secs(60) } else { Duration::ZERO };
        let way = (fault != Fault::GivesNoWayIn).then_some(Way::Sdk { token, server_url: None });
        Ok(VideoAccess {
            room: request.room,
            ways: way.into_iter().collect(),
            expires_at: request.expires_at.saturating_add(longer).unwrap_or(request.expires_at),
        })
    }

    fn end_room(&self, host: &Host<'_>, _: EndRoom) -> Result<RoomEnded, PluginError> {
        self.ask(host, "DELETE", "")?;
        Ok(RoomEnded { emptied: true })
    }
}

impl Webhooks for Wrong {
    fn verify(&self, host: &Host<'_>, request: Verify) -> Result<Verified, PluginError> {
        let key = host.secret("signing_key")?;
        match self.config.fault {
            Fault::AcceptsForgeries => Ok(Verified { delivery_id: "1".to_owned(), reply: None }),
            Fault::BelievesAnEmptyKey => {
                let nothing = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b""), &request.body.0);
                let sent = request.headers.get("x-hub-signature-256").and_then(|sent| sent.strip_prefix("sha256="));
                if sent != Some(hex::encode(nothing).as_str()) {
                    return Err(PluginError::permanent("webhook_forged", "no or a wrong signature"));
                }
                Ok(Verified { delivery_id: "1".to_owned(), reply: None })
            }
            Fault::RefusesWithTheWrongCode => Err(PluginError::retryable("oops", "something")),
            _ if request.headers.get("x-key").is_some_and(|sent| sent == key.expose()) => {
                Ok(Verified { delivery_id: "1".to_owned(), reply: None })
            }
            _ => Err(PluginError::permanent("webhook_forged", "no or a wrong signature")),
        }
    }

    fn read(&self, _: &Host<'_>, _: Read) -> Result<WebhookFacts, PluginError> {
        Ok(WebhookFacts { events: Vec::new() })
    }
}

impl Wrong {
    fn ask(&self, host: &Host<'_>, method: &str, elsewhere: &str) -> Result<(), PluginError> {
        let url = if elsewhere.is_empty() { &self.config.base_url } else { elsewhere };
        let response = host.fetch(&HttpFetch {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: [].into(),
            body: None,
            timeout_ms: None,
        });
        match (self.config.fault, response) {
            (Fault::HidesFailures, _) => Ok(()),
            (Fault::IgnoresCancelling, Err(_)) => loop {
                thread::sleep(Duration::from_secs(1));
            },
            (Fault::FailsForGood, Err(error)) => Err(PluginError::permanent(error.code, error.message)),
            (_, Err(error)) => Err(error),
            (_, Ok(response)) if response.status < 300 => Ok(()),
            (Fault::FailsForGood, Ok(_)) => Err(PluginError::permanent("refused", "the provider refused")),
            (_, Ok(_)) => Err(PluginError::retryable("refused", "the provider refused")),
        }
    }
}

export_plugin!(Wrong, kinds: [video, webhook], manifest: "plugin.toml");
