//! What goes wrong, where in the conversation, in the order a test wrote it down.

use std::{collections::VecDeque, sync::Mutex};

/// A point at which the server answers the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before the greeting.
    Connect,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// The DATA command.
    Data,
    /// The whole message has arrived.
    Message,
}

/// What the server does there instead of agreeing.
///
/// [`Action::Drop`] and [`Action::Hang`] at [`Stage::Message`] come after the mail was taken:
/// the client cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Answers with this code, such as 451 (try again) or 550 (never).
    Refuse(u16),
    /// Closes the connection without an answer.
    Drop,
    /// Never answers.
    Hang,
}

/// Faults still to come.
#[derive(Debug, Default)]
pub(super) struct Script(Mutex<VecDeque<(Stage, Action)>>);

impl Script {
    pub fn push(&self, stage: Stage, action: Action) {
        self.0.lock().unwrap().push_back((stage, action));
    }

    /// The next fault, if it is meant for `stage`.
    pub fn take(&self, stage: Stage) -> Option<Action> {
        let mut faults = self.0.lock().unwrap();
        faults.pop_front_if(|(at, _)| *at == stage).map(|(_, action)| action)
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}
