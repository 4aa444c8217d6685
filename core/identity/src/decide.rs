//! The rules of identity: what counts, what is told, what expires. Pure.

use consilium_kernel::{Email, FieldError, Principal, Role, Timestamp};
use jiff::SignedDuration;

use crate::{
    model::Account,
    refusal::IdentityRefusal,
    settings::{IdentitySettings, Lockout},
    store::{
        mail_token::MailToken,
        session::{RefreshToken, Successors},
    },
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

/// Whether `by` runs the facility, or is Consilium itself.
pub fn administers(by: &Principal) -> bool {
    match by {
        Principal::System => true,
        Principal::Anonymous => false,
        Principal::User(user) => user.role == Role::Admin,
    }
}

/// Whether the role belongs to staff: whoever has it has no profile of their own.
pub fn is_staff(role: Role) -> bool {
    !matches!(role, Role::Patient | Role::Doctor)
}

/// Whether `by` may keep `account` out, or take its role, where this many other administrators can log in.
pub fn may_take_away(account: &Account, by: &Principal, other_admins: i64) -> Result<(), IdentityRefusal> {
    if by.user_id() == Some(account.id) {
        return Err(IdentityRefusal::OwnAccount);
    }
    match account.role == Role::Admin && account.deactivated_at.is_none() && other_admins == 0 {
        true => Err(IdentityRefusal::LastAdministrator),
        false => Ok(()),
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
    /// It was exchanged a moment ago by the same client, and nobody has used what was given for it: the answer was
    /// lost, and another one is given.
    Repeat,
    /// It was used before: whoever holds the newer one is as suspect as whoever sent this one.
    Reused,
    /// It is too old.
    Expired,
    /// Its session has ended.
    Ended,
}

/// Judges a refresh token that `client` shows. A spent token is reported even when it has expired since.
pub fn judge_refresh(token: &RefreshToken, client: &[u8], now: Timestamp, grace: SignedDuration) -> RefreshVerdict {
    match token {
        RefreshToken { ended_at: Some(_), .. } => RefreshVerdict::Ended,
        RefreshToken { used_at: Some(used_at), used_by: Some(used_by), successors: Successors::Unused, .. }
            if now.duration_since(*used_at) < grace && used_by == client =>
        {
            RefreshVerdict::Repeat
        }
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

#[cfg(test)]
mod tests {
    use consilium_kernel::{Id, User};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn passwords_are_judged_by_length_and_by_how_often_others_use_them() {
        let email: Email = "ada.lovelace@example.org".parse().unwrap();
        let longest = "ab".repeat(64);
        for fine in ["correct horse battery", "zwölf Zeichen", "пароль из слов", "1 2 3 4 5 6 7", &longest]
        {
            assert!(check_password(fine, Some(&email)).is_ok(), "{fine}");
        }
        let too_long = format!("{longest}c");
        for weak in [
            "",
            "eleven char",
            "zwölf Zeich",
            &too_long,
            "Password1234",
            "aaaaaaaaaaaaaaa",
            "Ada.Lovelace@example.org",
            "ada.lovelace",
        ] {
            let error = check_password(weak, Some(&email)).unwrap_err();
            assert_eq!((error.pointer.as_str(), error.code.as_ref()), ("/password", "weak_password"), "{weak}");
            assert!(!error.detail.contains("ada"));
        }
    }

    #[test]
    fn every_common_password_is_long_enough_to_matter_and_in_lower_case() {
        for common in COMMON.lines() {
            assert!(PASSWORD_LENGTH.contains(&common.chars().count()), "{common}");
            assert_eq!(common, common.to_lowercase());
        }
    }

    #[test]
    fn nobody_takes_their_own_access_away_nor_that_of_the_last_administrator() {
        use IdentityRefusal::{LastAdministrator, OwnAccount};
        let account = |role, deactivated: bool| Account {
            id: Id::new(uuid::Uuid::from_u128(1)),
            facility_id: Id::new(uuid::Uuid::nil()),
            email: "ada@example.org".parse().unwrap(),
            role,
            doctor_id: None,
            patient_id: None,
            given_name: "Ada".to_owned(),
            family_name: "Lovelace".to_owned(),
            time_zone: consilium_kernel::TimeZone::utc(),
            language: consilium_kernel::Language::english(),
            email_verified: true,
            created_at: at("2026-06-01T08:00:00Z"),
            deactivated_at: deactivated.then(|| at("2026-06-01T09:00:00Z")),
            version: 1,
        };
        let by = |id| {
            let user = account(Role::Admin, false).user(Id::new(uuid::Uuid::nil()));
            Principal::User(User { user_id: Id::new(uuid::Uuid::from_u128(id)), ..user })
        };
        for (role, deactivated, who, others, expected) in [
            (Role::Nurse, false, 2, 0, Ok(())),
            (Role::Nurse, false, 1, 1, Err(OwnAccount)),
            (Role::Admin, false, 2, 1, Ok(())),
            (Role::Admin, false, 2, 0, Err(LastAdministrator)),
            (Role::Admin, false, 1, 3, Err(OwnAccount)),
            (Role::Admin, true, 2, 0, Ok(())),
        ] {
            let found = may_take_away(&account(role, deactivated), &by(who), others);
            assert_eq!(found.map_err(|why| why.refusal().code), expected.map_err(|why| why.refusal().code));
        }
        let last = may_take_away(&account(Role::Admin, false), &Principal::System, 0);
        assert!(last.is_err(), "nor does Consilium itself");
    }

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(check_name("/given_name", "  আয়েশা ").unwrap(), "আয়েশা");
        for (name, code) in [("", "required"), ("   ", "required"), ("a\0b", "invalid"), (&"x".repeat(101), "too_long")]
        {
            let error = check_name("/given_name", name).unwrap_err();
            assert_eq!((error.pointer.as_str(), error.code.as_ref()), ("/given_name", code));
        }
    }

    #[test]
    fn waits_double_from_the_fifth_failure_on() {
        let rule = Lockout::default();
        let waits = [(0, None), (1, None), (4, None), (5, Some(30)), (6, Some(60)), (7, Some(120)), (9, Some(480))];
        for (failures, seconds) in waits {
            assert_eq!(lock_for(failures, &rule).map(|wait| wait.as_secs()), seconds, "{failures}");
        }
    }

    #[test]
    fn failures_count_in_a_row_and_are_forgotten_after_a_quiet_day() {
        let (rule, now) = (Lockout::default(), at("2026-06-02T08:00:00Z"));
        assert_eq!(failures_after(None, now, &rule), 1);
        assert_eq!(failures_after(Some((3, at("2026-06-01T08:00:01Z"))), now, &rule), 4);
        assert_eq!(failures_after(Some((3, at("2026-06-01T08:00:00Z"))), now, &rule), 1);
        assert_eq!(failures_after(Some((i32::MAX, now)), now, &rule), i32::MAX);
    }

    proptest! {
        #[test]
        fn a_wait_never_shrinks_and_never_passes_the_longest(failures in 0..i32::MAX - 1, first in 0u32..100_000,
            longest in 0u32..1_000_000, allowed in 0u32..100) {
            let rule = Lockout { failures: allowed, first_seconds: first, longest_seconds: longest, forget_hours: 24 };
            let (wait, next) = (lock_for(failures, &rule), lock_for(failures + 1, &rule));
            prop_assert!(wait <= next);
            prop_assert!(wait.is_none_or(|wait| wait.as_secs() <= i64::from(longest)));
        }

        #[test]
        fn a_session_never_outlives_its_longest(days in 0i64..60) {
            let (settings, start) = (IdentitySettings::default(), at("2026-06-01T08:00:00Z"));
            let now = start + SignedDuration::from_hours(24 * days);
            let end = session_end(start, now, &settings);
            prop_assert!(end <= start + SignedDuration::from_hours(24 * 30));
            prop_assert!(end <= now + SignedDuration::from_hours(72));
        }
    }

    const GRACE: SignedDuration = SignedDuration::from_secs(30);

    /// A token of a session that goes on, valid for another hour.
    fn token(used_at: Option<Timestamp>, successors: Successors) -> RefreshToken {
        let before = at("2026-06-01T07:00:00Z");
        RefreshToken {
            session_id: Id::new(uuid::Uuid::nil()),
            account_id: Id::new(uuid::Uuid::nil()),
            expires_at: at("2026-06-01T09:00:00Z"),
            used_at,
            used_by: used_at.map(|_| b"phone".to_vec()),
            predecessor: None,
            successors,
            started_at: before,
            ended_at: None,
        }
    }

    #[test]
    fn a_token_whose_answer_was_lost_is_taken_once_more_from_the_same_client_within_the_grace() {
        let now = at("2026-06-01T08:00:00Z");
        let spent = |seconds| Some(now - SignedDuration::from_secs(seconds));
        let judge = |token: &RefreshToken, client: &[u8]| judge_refresh(token, client, now, GRACE);
        assert_eq!(judge(&token(spent(29), Successors::Unused), b"phone"), RefreshVerdict::Repeat);
        assert_eq!(judge(&token(spent(30), Successors::Unused), b"phone"), RefreshVerdict::Reused);
        assert_eq!(judge(&token(spent(1), Successors::Unused), b"laptop"), RefreshVerdict::Reused);
        assert_eq!(judge(&token(spent(1), Successors::Used), b"phone"), RefreshVerdict::Reused);
        assert_eq!(judge(&token(spent(1), Successors::None), b"phone"), RefreshVerdict::Reused, "it was withdrawn");
        let never = judge_refresh(&token(spent(0), Successors::Unused), b"phone", now, SignedDuration::ZERO);
        assert_eq!(never, RefreshVerdict::Reused);
        let unknown = RefreshToken { used_by: None, ..token(spent(1), Successors::Unused) };
        assert_eq!(judge(&unknown, b"phone"), RefreshVerdict::Reused, "from before clients were noted");
        let ended = RefreshToken { ended_at: Some(now), ..token(spent(1), Successors::Unused) };
        assert_eq!(judge(&ended, b"phone"), RefreshVerdict::Ended);
    }

    #[test]
    fn refresh_tokens_are_judged_by_session_then_use_then_age() {
        let now = at("2026-06-01T08:00:00Z");
        let (before, after) = (at("2026-06-01T07:00:00Z"), at("2026-06-01T09:00:00Z"));
        let judge = |ended_at, used_at, expires_at| {
            let token = RefreshToken { ended_at, expires_at, ..token(used_at, Successors::Unused) };
            judge_refresh(&token, b"phone", now, GRACE)
        };
        assert_eq!(judge(None, None, after), RefreshVerdict::Rotate);
        assert_eq!(judge(None, None, now), RefreshVerdict::Expired);
        assert_eq!(judge(None, Some(before), after), RefreshVerdict::Reused);
        assert_eq!(judge(None, Some(before), before), RefreshVerdict::Reused);
        assert_eq!(judge(Some(before), Some(before), after), RefreshVerdict::Ended);
    }

    #[test]
    fn codes_work_once_and_in_time() {
        let now = at("2026-06-01T08:00:00Z");
        let code = |expires_at, used_at| MailToken { account_id: Id::new(uuid::Uuid::nil()), expires_at, used_at };
        let later = at("2026-06-01T09:00:00Z");
        assert_eq!(judge_mail_token(None, now), Err(IdentityRefusal::MailTokenInvalid));
        assert_eq!(judge_mail_token(Some(&code(later, None)), now), Ok(()));
        assert_eq!(judge_mail_token(Some(&code(now, None)), now), Err(IdentityRefusal::MailTokenExpired));
        assert_eq!(judge_mail_token(Some(&code(later, Some(now))), now), Err(IdentityRefusal::MailTokenInvalid));
    }

    #[test]
    fn a_second_mail_waits_a_minute() {
        let (settings, sent) = (IdentitySettings::default(), at("2026-06-01T08:00:00Z"));
        assert_eq!(wait_to_resend(None, sent, &settings), None);
        assert_eq!(wait_to_resend(Some(sent), at("2026-06-01T08:00:00.5Z"), &settings), Some(60));
        assert_eq!(wait_to_resend(Some(sent), at("2026-06-01T08:00:59Z"), &settings), Some(1));
        assert_eq!(wait_to_resend(Some(sent), at("2026-06-01T08:01:00Z"), &settings), None);
    }
}
