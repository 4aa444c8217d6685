//! Text that has a shape: parsed once at the border, trusted inside.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A text that does not have the shape its type asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseTextError(pub &'static str);

impl fmt::Display for ParseTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
impl std::error::Error for ParseTextError {}

macro_rules! parsed_text {
    ($name:ident) => {
        impl $name {
            /// The text as stored and sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = ParseTextError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// An e-mail address, trimmed and in lower case, so that one person has one account.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);
parsed_text!(Email);

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl FromStr for Email {
    type Err = ParseTextError;

    /// RFC 5321 lengths (64 before the @, 254 in all); the characters that mail servers accept unquoted.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: ParseTextError = ParseTextError("is not an e-mail address");
        let text = text.trim().to_lowercase();
        let (local, domain) = text.rsplit_once('@').ok_or(WRONG)?;
        let local_ok = (1..=64).contains(&local.len())
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&b));
        let domain_ok = domain.contains('.')
            && domain.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
        if text.len() <= 254 && local_ok && domain_ok { Ok(Self(text)) } else { Err(WRONG) }
    }
}

/// A language tag (BCP 47), such as `bn` or `en-GB`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);
parsed_text!(Language);

impl Language {
    /// What is used where nobody said otherwise.
    pub fn english() -> Self {
        Self("en".to_owned())
    }
}

impl FromStr for Language {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: ParseTextError = ParseTextError("is not a BCP 47 language tag");
        if text.len() > 35 {
            return Err(WRONG);
        }
        oxilangtag::LanguageTag::parse_and_normalize(text).map(|tag| Self(tag.into_inner())).map_err(|_| WRONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_folded_and_checked() {
        assert_eq!(" Ada@Example.ORG ".parse::<Email>().unwrap().as_str(), "ada@example.org");
        for wrong in ["", "a", "a@", "@b.c", "a@b", "a b@c.d", "a@b..c", "a@-b.c", ".a@b.c", "a\r\nBcc: x@b.c", "ä@b.c"]
        {
            assert!(wrong.parse::<Email>().is_err(), "{wrong:?}");
        }
        assert!(format!("{}@b.c", "x".repeat(65)).parse::<Email>().is_err());
    }

    #[test]
    fn an_address_never_prints_itself_in_a_log() {
        assert_eq!(format!("{:?}", "ada@example.org".parse::<Email>().unwrap()), "Email(…)");
    }

    #[test]
    fn language_tags_are_normalised() {
        assert_eq!("EN-gb".parse::<Language>().unwrap().as_str(), "en-GB");
        assert!("english please".parse::<Language>().is_err());
    }
}
