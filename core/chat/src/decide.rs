//! The rules of messages: how long they are, who may change them until when, what a search finds, and when somebody
//! who is away is told. Pure.

use std::time::Duration;

use consilium_files::FileId;
use consilium_kernel::{Refusal, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    model::{Message, NewMessage},
    refusal::ChatRefusal::{MessageDeleted, NotTheSender, TooLateToEdit},
};

/// The rules that an operator may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatPolicy {
    /// How long after it was sent a message may be edited.
    pub edit_within: Duration,
    /// How long a message waits for its reader before somebody who is away is told.
    pub notice_after: Duration,
    /// How long after that nothing more is told of the same conversation.
    pub notice_quiet: Duration,
}

impl Default for ChatPolicy {
    fn default() -> Self {
        Self {
            edit_within: Duration::from_secs(60 * 60),
            notice_after: Duration::from_secs(2 * 60),
            notice_quiet: Duration::from_secs(60 * 60),
        }
    }
}

/// Characters of a message at most.
const LONGEST_MESSAGE: usize = 8_000;
/// Characters of a client's message id at most.
const LONGEST_CLIENT_ID: usize = 64;
/// Files of a message at most.
const MOST_ATTACHMENTS: usize = 10;
/// Characters that a search needs, and takes at most.
const NEEDLE: std::ops::RangeInclusive<usize> = 2..=100;

/// Whether a message may be written like this.
pub fn check(message: &NewMessage) -> Result<(), Refusal> {
    length("/client_message_id", &message.client_message_id, LONGEST_CLIENT_ID)?;
    check_attachments(&message.attachments)?;
    if message.body.is_empty() && !message.attachments.is_empty() { Ok(()) } else { check_body(&message.body) }
}

fn check_attachments(files: &[FileId]) -> Result<(), Refusal> {
    let wrong = |code, detail| Err(Refusal::field("/attachments", code, detail));
    if files.len() > MOST_ATTACHMENTS {
        return wrong("too_long", "has more than 10 files");
    }
    let twice = files.iter().enumerate().any(|(place, file)| files.iter().take(place).any(|before| before == file));
    if twice { wrong("not_unique", "names a file twice") } else { Ok(()) }
}

pub(crate) fn check_body(body: &str) -> Result<(), Refusal> {
    length("/body", body, LONGEST_MESSAGE)
}

fn length(pointer: &str, text: &str, longest: usize) -> Result<(), Refusal> {
    match text.chars().count() {
        0 => Err(Refusal::field(pointer, "too_short", "must not be empty")),
        count if count > longest => {
            Err(Refusal::field(pointer, "too_long", format!("has {count} characters; at most {longest} are allowed")))
        }
        _ => Ok(()),
    }
}

/// Whether editing `message` to `body` changes anything, or why it must not be.
pub(crate) fn edit(
    message: &Message,
    caller: UserId,
    body: &str,
    policy: &ChatPolicy,
    now: Timestamp,
) -> Result<bool, Refusal> {
    check_body(body)?;
    if message.sender_id != caller {
        return Err(NotTheSender.refusal());
    }
    if message.deleted_at.is_some() {
        return Err(MessageDeleted.refusal());
    }
    if now > message.sent_at.saturating_add(policy.edit_within).unwrap_or(Timestamp::MAX) {
        return Err(TooLateToEdit.refusal());
    }
    Ok(message.body != body)
}

/// Whether deleting `message` changes anything: deleted twice is deleted.
pub(crate) fn delete(message: &Message, caller: UserId) -> Result<bool, Refusal> {
    if message.sender_id != caller { Err(NotTheSender.refusal()) } else { Ok(message.deleted_at.is_none()) }
}

/// When somebody is told of a message that comes `now`: not before the delay, nor within the quiet period after
/// they were told before.
pub(crate) fn notice_due(told_at: Option<Timestamp>, policy: &ChatPolicy, now: Timestamp) -> Timestamp {
    let after = |from: Timestamp, wait| from.saturating_add(wait).unwrap_or(Timestamp::MAX);
    let soonest = after(now, policy.notice_after);
    told_at.map_or(soonest, |told_at| soonest.max(after(told_at, policy.notice_quiet)))
}

/// What is searched for, with case folded.
#[derive(Clone, PartialEq, Eq)]
pub struct Needle(String);

impl Needle {
    /// 2 to 100 characters, without spaces around them.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let folded = text.trim().to_lowercase();
        if NEEDLE.contains(&folded.chars().count()) {
            Ok(Self(folded))
        } else {
            Err(Refusal::field("?q", "out_of_range", "must have 2 to 100 characters"))
        }
    }

    /// Whether a text contains it.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.0)
    }
}

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Needle(…)")
    }
}

#[cfg(test)]
mod tests;
