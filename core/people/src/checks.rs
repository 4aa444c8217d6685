//! Turns what clients send into what the module trusts, and collects every field that is wrong.

use std::str::FromStr;

use consilium_kernel::{FieldError, Language, Money, Refusal, TimeZone, Timestamp};
use jiff::{SignedDuration, civil::Date, tz};

use crate::input::MoneyInput;

/// What is wrong so far.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes that the field at `pointer` is wrong.
    pub fn wrong(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.to_owned(), code: code.into(), detail: detail.into() });
    }

    /// Takes over what another check found.
    pub fn take<T>(&mut self, outcome: Result<T, FieldError>) -> Option<T> {
        outcome.map_err(|error| self.0.push(error)).ok()
    }

    /// A refusal with every wrong field, if there is one.
    pub fn done(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::invalid(self.0)) }
    }

    /// One line of 1 to `most` characters, trimmed.
    pub fn line(&mut self, pointer: &str, text: &str, most: usize) -> Option<String> {
        self.text(pointer, text, most, false)
    }

    /// Several lines of 1 to `most` characters in all, trimmed.
    pub fn lines(&mut self, pointer: &str, text: &str, most: usize) -> Option<String> {
        self.text(pointer, text, most, true)
    }

    fn text(&mut self, pointer: &str, text: &str, most: usize, breaks: bool) -> Option<String> {
        let text = text.trim();
        if text.is_empty() {
            self.wrong(pointer, "required", "must not be empty");
        } else if text.chars().count() > most {
            self.wrong(pointer, "too_long", format!("must have at most {most} characters"));
        } else if text.chars().any(|c| c.is_control() && !(breaks && c == '\n')) {
            self.wrong(pointer, "invalid", "must not hold control characters");
        } else {
            return Some(text.to_owned());
        }
        None
    }

    /// At most `count` different lines of at most `most` characters, in the order given.
    pub fn list(&mut self, pointer: &str, items: &[String], count: usize, most: usize) -> Option<Vec<String>> {
        if items.len() > count {
            self.wrong(pointer, "too_long", format!("must have at most {count} entries"));
            return None;
        }
        let mut checked: Vec<String> = Vec::with_capacity(items.len());
        let mut complete = true;
        for (at, item) in items.iter().enumerate() {
            match self.line(&format!("{pointer}/{at}"), item, most) {
                Some(item) if !checked.contains(&item) => checked.push(item),
                Some(_) => {}
                None => complete = false,
            }
        }
        complete.then_some(checked)
    }

    /// Anything with a parser of its own.
    pub fn parse<T: FromStr>(&mut self, pointer: &str, text: &str, expected: &str) -> Option<T> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.wrong(pointer, "invalid", expected);
        }
        parsed
    }

    /// An IANA time zone.
    pub fn time_zone(&mut self, pointer: &str, text: &str) -> Option<TimeZone> {
        self.parse(pointer, text, "is not an IANA time zone")
    }

    /// A language tag.
    pub fn language(&mut self, pointer: &str, text: &str) -> Option<Language> {
        self.parse(pointer, text, "is not a BCP 47 language tag")
    }

    /// A phone number as ITU-T E.164 has it: a plus, a digit that is not zero, at most 15 digits. Spaces,
    /// hyphens and brackets between them are dropped.
    pub fn phone(&mut self, pointer: &str, text: &str) -> Option<String> {
        let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
        let digits = number.strip_prefix('+').unwrap_or_default();
        let shaped = (7..=15).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0');
        if !shaped {
            self.wrong(pointer, "invalid", "is not a phone number such as +8801712345678");
        }
        shaped.then_some(number)
    }

    /// A day between 1900 and today, wherever on earth that day has begun.
    pub fn birth_date(&mut self, pointer: &str, text: &str, now: Timestamp) -> Option<Date> {
        // `Date` would take a whole date-time and drop the time.
        let date: Option<Date> = (text.len() == 10).then(|| text.parse().ok()).flatten();
        let Some(date) = date else {
            self.wrong(pointer, "invalid", "is not a date such as 1990-12-31");
            return None;
        };
        let latest = (now + SignedDuration::from_hours(14)).to_zoned(tz::TimeZone::UTC).date();
        if date.year() < 1900 || date > latest {
            self.wrong(pointer, "out_of_range", "must lie between 1900-01-01 and today");
            return None;
        }
        Some(date)
    }

    /// A fee: not negative, at most a billion in the minor unit, in an ISO 4217 currency.
    pub fn money(&mut self, pointer: &str, money: &MoneyInput) -> Option<Money> {
        if !(0..=1_000_000_000).contains(&money.amount_minor) {
            self.wrong(&format!("{pointer}/amount_minor"), "out_of_range", "must lie between 0 and 1000000000");
            return None;
        }
        let parsed = Money::new(money.amount_minor, &money.currency);
        if parsed.is_none() {
            self.wrong(&format!("{pointer}/currency"), "invalid", "is not an ISO 4217 code such as BDT");
        }
        parsed
    }

    /// An https address of at most 2,048 characters.
    pub fn https_url(&mut self, pointer: &str, text: &str) -> Option<String> {
        let parsed = (text.len() <= 2_048).then(|| url::Url::parse(text).ok()).flatten();
        let fine = parsed.filter(|url| url.scheme() == "https" && url.has_host() && url.username().is_empty());
        if fine.is_none() {
            self.wrong(pointer, "invalid", "is not an https address");
        }
        fine.map(String::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts<T>(check: impl FnOnce(&mut Checks) -> Option<T>) -> bool {
        let mut checks = Checks::default();
        let accepted = check(&mut checks).is_some();
        assert_eq!(accepted, checks.done().is_ok(), "refused without saying why, or the other way round");
        accepted
    }

    #[test]
    fn phone_numbers_are_international() {
        let mut checks = Checks::default();
        assert_eq!(checks.phone("/p", "+880 (1712) 34-56.78").as_deref(), Some("+8801712345678"));
        for fine in ["+491512345678", "+123456789012345"] {
            assert!(accepts(|checks| checks.phone("/p", fine)), "{fine}");
        }
        for wrong in ["", "+", "01712345678", "+01712345678", "+1234567890123456", "+12345", "+88017x2345678", "++8801"]
        {
            assert!(!accepts(|checks| checks.phone("/p", wrong)), "{wrong}");
        }
        assert!(!accepts(|checks| checks.phone("/p", "+৮৮০১৭১২৩৪৫৬৭৮")));
    }

    #[test]
    fn birth_dates_are_days_between_1900_and_today_anywhere() {
        let now: Timestamp = "2026-06-01T11:00:00Z".parse().unwrap();
        for fine in ["1900-01-01", "2024-02-29", "2026-06-01", "2026-06-02"] {
            assert!(accepts(|checks| checks.birth_date("/b", fine, now)), "{fine}");
        }
        for wrong in
            ["1899-12-31", "2026-06-03", "2023-02-29", "01.02.1990", "1990-1-1", "", "19900101", "1990-01-01T00:00"]
        {
            assert!(!accepts(|checks| checks.birth_date("/b", wrong, now)), "{wrong}");
        }
    }

    #[test]
    fn text_is_trimmed_and_bounded_and_breaks_lines_only_where_it_may() {
        let mut checks = Checks::default();
        assert_eq!(checks.line("/t", "  কলি ", 3).as_deref(), Some("কলি"));
        assert!(!accepts(|checks| checks.line("/t", "two\nlines", 20)));
        assert!(accepts(|checks| checks.lines("/t", "two\nlines", 20)));
        assert!(!accepts(|checks| checks.lines("/t", "a\u{0}b", 20)));
        assert!(!accepts(|checks| checks.line("/t", "four", 3)));
    }

    #[test]
    fn photos_come_over_https_and_carry_no_login() {
        assert!(accepts(|checks| checks.https_url("/u", "https://example.org/a.jpg")));
        for wrong in ["http://example.org/a.jpg", "javascript:alert(1)", "https://", "https://me:pw@example.org", "x"] {
            assert!(!accepts(|checks| checks.https_url("/u", wrong)), "{wrong}");
        }
        assert!(!accepts(|checks| checks.https_url("/u", &format!("https://example.org/{}", "a".repeat(2_048)))));
    }
}
