//! The rules of identity: what counts, what is told, what expires. Pure.

use consilium_kernel::{Email, FieldError, Timestamp};
use jiff::SignedDuration;

use crate::{
    refusal::IdentityRefusal,
    settings::{IdentitySettings, Lockout},
    store::{mail_token::MailToken, session::RefreshToken},
};

/// Passwords that are long enough and in every list of leaked ones all the same.
const COMMON: &str = include_str!("common_passwords.txt");

/// The length of a password in characters. NIST SP 800-63B asks for length, not for kinds of characters.
const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// Whether `password` may protect the account of `email`.
pub fn check_password(password: &str, email: Option<&Email>) -> Result<(), FieldError> {
    let weak = |detail: &str| {
        Err(FieldError { pointer: "/password".to_owned(), code: "weak_password".into(), detail: detail.to_owned() })
    };
    if !PASSWORD_LENGTH.contains(&password.chars().count()) {
        return weak("must have 12 to 128 characters");
    }
    let folded = password.trim().to_lowercase();
    if COMMON.lines().any(|common| common == folded) {
        return weak("is among the most used passwords");
    }
    let first = folded.chars().next();
    if folded.chars().all(|letter| Some(letter) == first) {
        return weak("must not repeat a single character");
    }
    if let Some(email) = email
        && (folded == email.as_str() || email.as_str().split('@').next() == Some(&folded))
    {
        return weak("must not be your e-mail address");
    }
    Ok(())
}

/// A person's name: 1 to 100 characters without control characters, trimmed.
pub fn check_name(pointer: &str, name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    let wrong = |code: &'static str, detail: &str| {
        Err(FieldError { pointer: pointer.to_owned(), code: code.into(), detail: detail.to_owned() })
    };
    match name.chars().count() {
        0 => wrong("required", "must not be empty"),
        1..=100 if name.chars().any(char::is_control) => wrong("invalid", "must not hold control characters"),
        1..=100 => Ok(name.to_owned()),
        _ => wrong("too_long", "must have at most 100 characters"),
    }
}

/// How many failures count after one more.
pub fn failures_after(before: Option<(i32, Timestamp)>, now: Timestamp, rule: &Lockout) -> i32 {
    let quiet = SignedDuration::from_hours(i64::from(rule.forget_hours));
    match before {
        Some((failures, last)) if now.duration_since(last) < quiet => failures.saturating_add(1),
        _ => 1,
    }
}

/// How long an address waits after its `failures`-th wrong password in a row.
pub fn lock_for(failures: i32, rule: &Lockout) -> Option<SignedDuration> {
    let beyond = u32::try_from(failures).ok()?.checked_sub(rule.failures.max(1))?;
    let doubled = u64::from(rule.first_seconds).saturating_mul(1u64.checked_shl(beyond).unwrap_or(u64::MAX));
    let seconds = doubled.min(u64::from(rule.longest_seconds));
    Some(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// When a session that is refreshed now ends unless it is refreshed again.
pub fn session_end(started_at: Timestamp, now: Timestamp, settings: &IdentitySettings) -> Timestamp {
    let hours = |n: u32| SignedDuration::from_hours(i64::from(n));
    let idle = now + hours(settings.session_idle_hours);
    let token = now + hours(settings.refresh_token_days.saturating_mul(24));
    let longest = started_at + hours(settings.session_max_days.saturating_mul(24));
    idle.min(token).min(longest)
}

/// What a refresh token that came back means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// It is exchanged for the next one.
    Rotate,
    /// It was used before: whoever holds the newer one is as suspect as whoever sent this one.
    Reused,
    /// It is too old.
    Expired,
    /// Its session has ended.
    Ended,
}

/// Judges a refresh token. A spent token is reported even when it has expired since.
pub fn judge_refresh(token: &RefreshToken, now: Timestamp) -> RefreshVerdict {
    match token {
        RefreshToken { ended_at: Some(_), .. } => RefreshVerdict::Ended,
        RefreshToken { used_at: Some(_), .. } => RefreshVerdict::Reused,
        RefreshToken { expires_at, .. } if *expires_at <= now => RefreshVerdict::Expired,
        _ => RefreshVerdict::Rotate,
    }
}

/// Judges a code from a mail.
pub fn judge_mail_token(token: Option<&MailToken>, now: Timestamp) -> Result<(), IdentityRefusal> {
    match token {
        None | Some(MailToken { used_at: Some(_), .. }) => Err(IdentityRefusal::MailTokenInvalid),
        Some(MailToken { expires_at, .. }) if *expires_at <= now => Err(IdentityRefusal::MailTokenExpired),
        Some(_) => Ok(()),
    }
}

/// Seconds until the next mail of a kind may go to an address, `None` when it may go now.
pub fn wait_to_resend(last: Option<Timestamp>, now: Timestamp, settings: &IdentitySettings) -> Option<i64> {
    let next = last? + SignedDuration::from_secs(i64::from(settings.resend_seconds));
    (next > now).then(|| whole_seconds_until(next, now))
}

/// Seconds from `now` to `then`, rounded up.
pub fn whole_seconds_until(then: Timestamp, now: Timestamp) -> i64 {
    let left = then.duration_since(now);
    left.as_secs() + i64::from(left.subsec_nanos() > 0)
}
