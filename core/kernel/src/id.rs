//! Typed ids: a `DoctorId` cannot be passed where a `PatientId` is meant.

use std::{fmt, hash::Hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of one `T`: a UUIDv7, written as its hyphenated string.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id<T>(Uuid, #[serde(skip)] PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// Wraps a UUID that is known to name a `T`.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The bare UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<T> FromStr for Id<T> {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::new)
    }
}

/// The markers behind the ids and the ids themselves.
pub mod ids {
    use super::{Id, Uuid};

    macro_rules! markers {
        ($($marker:ident => $id:ident),+ $(,)?) => {$(
            #[doc = concat!("Marks the id of a `", stringify!($marker), "`; has no values.")]
            pub enum $marker {}
            #[doc = concat!("Names one `", stringify!($marker), "`.")]
            pub type $id = Id<$marker>;
        )+};
    }

    markers! {
        Account => UserId,
        Doctor => DoctorId,
        Patient => PatientId,
        Facility => FacilityId,
        Session => SessionId,
        Appointment => AppointmentId,
        Consultation => ConsultationId,
        Message => MessageId,
        Thread => ThreadId,
        Prescription => PrescriptionId,
        Delivery => DeliveryId,
        Event => EventId,
        Timer => TimerId,
    }

    /// The facility that the first migration creates; a deployment with one site needs no other.
    pub const DEFAULT_FACILITY: FacilityId = Id::new(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));
}

/// Where new ids come from; injected, so that tests can repeat a run.
pub trait Ids: Send + Sync {
    /// A UUID that has not been given out before.
    fn next(&self) -> Uuid;
}

/// Time-ordered random ids (RFC 9562, version 7).
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[allow(clippy::disallowed_methods, reason = "the one place where ids are born")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
