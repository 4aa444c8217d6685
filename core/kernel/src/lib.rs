//! The words every crate shares: ids, time, money, roles, refusals and the event envelope.
//! Knows no I/O, no actor framework and no database.

mod access;
mod clock;
mod event;
mod id;
mod list;
mod meta;
mod money;
mod refusal;
mod text;
mod zone;

pub use access::{Principal, Role, Scope, User};
pub use clock::{Clock, ManualClock, SteadyClock, SystemClock};
pub use event::{EntityRef, EventEnvelope};
pub use id::{Id, Ids, RandomIds, ids};
pub use list::{not_a_cursor, page_limit};
pub use meta::{CommandMeta, IdempotencyKey};
pub use money::Money;
pub use refusal::{FieldError, Refusal, RefusalKind};
pub use text::{Email, Language, ParseTextError};
pub use zone::TimeZone;

pub use ids::*;
pub use jiff::Timestamp;
