//! What a client says of itself: the device and the network that somebody comes with, and what a check of camera,
//! microphone and bandwidth found. Words that are not known are errors of the request, not free text.

use consilium_kernel::{Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

/// What somebody comes with, as far as their client says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Client {
    /// The family of the browser or app, such as `firefox`. At most 64 characters.
    pub user_agent: Option<String>,
    /// What it runs on.
    pub device: Option<Device>,
    /// What it is connected by.
    pub connection: Option<Connection>,
}

/// What a client runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Device {
    /// A computer.
    Desktop,
    /// A phone.
    Phone,
    /// A tablet.
    Tablet,
    /// Something else.
    Other,
}

/// What a client is connected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Connection {
    /// A cable.
    Ethernet,
    /// Wireless LAN.
    Wifi,
    /// A mobile network.
    Cellular,
    /// Something else.
    Other,
}

/// How a camera or microphone was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeviceState {
    /// It works.
    Ok,
    /// The person or the system does not let it be used.
    Blocked,
    /// There is none.
    Missing,
    /// It is there and does not work.
    Failed,
    /// It was not looked at.
    Unchecked,
}

/// What a check before the visit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCheck {
    /// The camera.
    pub camera: DeviceState,
    /// The microphone.
    pub microphone: DeviceState,
    /// What the network carries in the slower direction, 0 to 10,000,000 kbit/s.
    pub bandwidth_kbps: Option<i32>,
    /// The browser or app and its version, at most 64 characters.
    pub browser: Option<String>,
    /// When.
    pub checked_at: Timestamp,
}

/// Characters of a browser's name at most.
const LONGEST_NAME: usize = 64;
/// Ten gigabits.
const MOST_KBPS: i32 = 10_000_000;

fn name(pointer: &str, text: Option<&String>) -> Result<(), Refusal> {
    match text {
        Some(text) if text.chars().count() > LONGEST_NAME => {
            Err(Refusal::field(pointer, "too_long", format!("at most {LONGEST_NAME} characters")))
        }
        _ => Ok(()),
    }
}

impl Client {
    /// Whether it can be kept.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        name("/client/user_agent", self.user_agent.as_ref())
    }
}

impl DeviceCheck {
    /// Whether it can be kept.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        name("/browser", self.browser.as_ref())?;
        match self.bandwidth_kbps {
            Some(kbps) if !(0..=MOST_KBPS).contains(&kbps) => {
                Err(Refusal::field("/bandwidth_kbps", "out_of_range", format!("is not within 0 to {MOST_KBPS}")))
            }
            _ => Ok(()),
        }
    }
}
