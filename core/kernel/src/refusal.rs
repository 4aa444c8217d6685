//! Why something was refused, in a form that can cross a node, a socket and an HTTP answer.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// The sort of refusal; the API maps each to one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// Not readable at all (400).
    Malformed,
    /// No valid credentials (401).
    Unauthenticated,
    /// Known, but not allowed (403).
    Forbidden,
    /// Not there, or not yours to know of (404).
    NotFound,
    /// Against the present state (409).
    Conflict,
    /// `If-Match` names an older version (412).
    Stale,
    /// Larger than allowed (413).
    TooLarge,
    /// A media type that is not understood (415).
    Unsupported,
    /// Well formed but wrong (422).
    Invalid,
    /// `If-Match` is missing (428).
    PreconditionRequired,
    /// Too often (429).
    TooMany,
    /// A fault of ours; carries no cause (500).
    Internal,
    /// A passing fault or overload; safe to try again (503).
    Unavailable,
}

/// One wrong field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the field.
    pub pointer: String,
    /// Stable code, such as `out_of_range`.
    pub code: Cow<'static, str>,
    /// For people.
    pub detail: String,
}

/// A refusal with its stable machine code. Holds nothing that its reader may not see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The sort.
    pub kind: RefusalKind,
    /// Stable, snake case: `slot_taken`.
    pub code: Cow<'static, str>,
    /// For people, one sentence.
    pub detail: Cow<'static, str>,
    /// Wrong fields, for `Invalid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds to wait, for `TooMany` and `Unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Refusal {
    /// A refusal without fields.
    pub const fn new(kind: RefusalKind, code: &'static str, detail: &'static str) -> Self {
        Self { kind, code: Cow::Borrowed(code), detail: Cow::Borrowed(detail), errors: Vec::new(), retry_after: None }
    }

    /// Wrong fields of a request.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(RefusalKind::Invalid, "invalid", "The request has fields that are wrong.") }
    }

    /// One wrong field.
    pub fn field(pointer: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.to_owned(), code: code.into(), detail: detail.into() }])
    }

    /// Not there, or not yours to know of.
    pub const fn not_found() -> Self {
        Self::new(RefusalKind::NotFound, "not_found", "There is no such thing here, or it is not yours to see.")
    }

    /// Known, but not allowed.
    pub const fn forbidden() -> Self {
        Self::new(RefusalKind::Forbidden, "forbidden", "You are not allowed to do this.")
    }

    /// Overload or a passing fault.
    pub fn unavailable() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(RefusalKind::Unavailable, "unavailable", "Too busy at the moment. Please try again shortly.")
        }
    }

    /// A fault of ours. The cause belongs in the log, under the request id.
    pub const fn internal() -> Self {
        Self::new(RefusalKind::Internal, "internal", "Something went wrong on our side.")
    }

    /// The same refusal with a sentence that fits the case better.
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Cow::Owned(detail.into());
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}
impl std::error::Error for Refusal {}

/// Declares the refusals of one module as an enum with stable codes and a catalogue for the docs.
///
/// ```
/// consilium_kernel::refusals! {
///     /// Why a booking is refused.
///     pub enum BookingRefusal {
///         SlotTaken: Conflict, "slot_taken", "Somebody else holds this time.";
///     }
/// }
/// assert_eq!(BookingRefusal::SlotTaken.refusal().code, "slot_taken");
/// ```
#[macro_export]
macro_rules! refusals {
    ($(#[$meta:meta])* pub enum $name:ident { $($variant:ident: $kind:ident, $code:literal, $detail:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $(#[doc = $detail] $variant),+ }

        impl $name {
            /// Every refusal of this module: code, sort, sentence.
            pub const CATALOGUE: &'static [(&'static str, $crate::RefusalKind, &'static str)] =
                &[$(($code, $crate::RefusalKind::$kind, $detail)),+];

            /// The refusal as it is answered.
            pub const fn refusal(self) -> $crate::Refusal {
                match self {
                    $(Self::$variant => $crate::Refusal::new($crate::RefusalKind::$kind, $code, $detail)),+
                }
            }
        }

        impl From<$name> for $crate::Refusal {
            fn from(refusal: $name) -> $crate::Refusal {
                refusal.refusal()
            }
        }
    };
}
