//! Verification codes: 80 random bits in Crockford's base 32 (<https://www.crockford.com/base32.html>), in four
//! groups of four, for people to read off paper and type in.

use std::{fmt, str::FromStr};

use consilium_kernel::{ParseTextError, Refusal};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SYMBOLS: usize = 16;

/// Proves that whoever holds it has seen the prescription.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VerificationCode(String);

impl VerificationCode {
    /// A code that nobody can guess.
    pub fn random() -> Result<Self, Refusal> {
        let mut bytes = [0u8; 10];
        SystemRandom::new().fill(&mut bytes).map_err(|_| Refusal::internal())?;
        Ok(Self::of(bytes))
    }

    fn of(bytes: [u8; 10]) -> Self {
        let bits = bytes.iter().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let symbols = (0..SYMBOLS).rev().filter_map(|place| ALPHABET.get((bits >> (5 * place) & 31) as usize));
        Self(symbols.map(|symbol| char::from(*symbol)).collect())
    }

    /// The 16 symbols without hyphens: what is indexed.
    pub(crate) fn symbols(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VerificationCode {
    /// `XXXX-XXXX-XXXX-XXXX`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, symbol) in self.0.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{symbol}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for VerificationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerificationCode(…)")
    }
}

impl FromStr for VerificationCode {
    type Err = ParseTextError;

    /// Forgives case, hyphens, spaces, and the letters that look like digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: ParseTextError = ParseTextError("is not a verification code");
        if text.len() > 64 {
            return Err(WRONG);
        }
        let symbols: String = text
            .chars()
            .filter(|symbol| !matches!(symbol, '-' | ' '))
            .map(|symbol| match symbol.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let known = symbols.len() == SYMBOLS && symbols.bytes().all(|symbol| ALPHABET.contains(&symbol));
        if known { Ok(Self(symbols)) } else { Err(WRONG) }
    }
}
impl TryFrom<String> for VerificationCode {
    type Error = ParseTextError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<VerificationCode> for String {
    fn from(code: VerificationCode) -> String {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_eighty_bits_count() {
        assert_eq!(VerificationCode::of([0; 10]).to_string(), "0000-0000-0000-0000");
        assert_eq!(VerificationCode::of([0xff; 10]).to_string(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(
            VerificationCode::of([0, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]).0,
            "0123456789ABCDEF"
        );
        let mut last = [0; 10];
        last[9] = 1;
        assert_eq!(VerificationCode::of(last).to_string(), "0000-0000-0000-0001");
        assert_ne!(VerificationCode::random().unwrap(), VerificationCode::random().unwrap());
    }

    #[test]
    fn people_may_type_it_as_they_read_it() {
        let code: VerificationCode = "01AB-cdef 1234-5678".parse().unwrap();
        for typed in ["01abcdef12345678", "OLAB-CDEF-I234-5678", " o1ab cdef l234 5678 "] {
            assert_eq!(typed.parse::<VerificationCode>().unwrap(), code, "{typed}");
        }
        for wrong in
            ["", "01AB-CDEF-1234-567", "01AB-CDEF-1234-56789", "01AB-CDEU-1234-5678", "01AB_CDEF_1234_5678", "é"]
        {
            assert!(wrong.parse::<VerificationCode>().is_err(), "{wrong}");
        }
        assert_eq!(format!("{code:?}"), "VerificationCode(…)");
    }
}
