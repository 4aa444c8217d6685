//! Why the server closes a connection, and the codes clients see.

/// Why the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The client said goodbye, or is gone.
    Normal,
    /// The server ends.
    GoingAway,
    /// A binary or broken frame.
    Unsupported,
    /// Too many frames that are refused.
    Policy,
    /// A message over 64 KiB.
    TooLarge,
    /// A fault of ours; come again.
    Internal,
    /// The token is missing, expired or of an ended session.
    Unauthenticated,
    /// Not heard of for too long.
    Silent,
    /// Not allowed.
    Forbidden,
    /// The client does not read fast enough.
    TooSlow,
    /// The same session connected again.
    Replaced,
}

impl Close {
    /// The code of the close frame (RFC 6455, section 7.4; 4000 and up are ours) and its reason.
    pub fn code(self) -> (u16, &'static str) {
        match self {
            Self::Normal => (1000, "goodbye"),
            Self::GoingAway => (1001, "the server ends"),
            Self::Silent => (1001, "not heard of for too long"),
            Self::Unsupported => (1003, "only text is understood"),
            Self::Policy => (1008, "too many frames"),
            Self::TooLarge => (1009, "message over 64 KiB"),
            Self::Internal => (1011, "something went wrong on our side"),
            Self::Unauthenticated => (4001, "token missing or expired"),
            Self::Forbidden => (4003, "forbidden"),
            Self::TooSlow => (4008, "too slow"),
            Self::Replaced => (4009, "replaced by another connection"),
        }
    }
}
