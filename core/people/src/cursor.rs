//! Cursors: where a list goes on, in a form that clients need not understand.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use consilium_kernel::{DoctorId, Refusal, not_a_cursor, page_limit};
use serde::{Deserialize, Serialize};

use crate::input::PageRequest;

/// The last doctor of the part before: what the list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// The folded name.
    pub name: String,
    /// Tells doctors of one name apart.
    pub id: DoctorId,
}

impl After {
    /// The cursor as sent.
    pub fn encode(&self) -> String {
        // Two strings always serialise.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(&self.name, self.id)).unwrap_or_default())
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode((text.len() <= 1_024).then_some(text)?).ok()?;
        let (name, id) = serde_json::from_slice::<(String, DoctorId)>(&bytes).ok()?;
        (!name.contains('\0')).then_some(Self { name, id })
    }
}

/// The limit and the place to go on from.
pub fn read(page: &PageRequest) -> Result<(i64, Option<After>), Refusal> {
    let after = page.cursor.as_deref().map(|text| After::decode(text).ok_or_else(not_a_cursor)).transpose()?;
    Ok((page_limit(page.limit)?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(cursor: &str) -> Result<(i64, Option<After>), Refusal> {
        read(&PageRequest { limit: None, cursor: Some(cursor.to_owned()) })
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_given_out() {
        let after = After {
            name: "dr. \"ayesha\" রহমান".to_owned(), id: consilium_kernel::Id::new(uuid::Uuid::max())
        };
        assert_eq!(at(&after.encode()).unwrap(), (20, Some(after)));
    }

    #[test]
    fn anything_else_is_refused() {
        let zero = URL_SAFE_NO_PAD.encode(br#"["a\u0000","ffffffff-ffff-ffff-ffff-ffffffffffff"]"#);
        for wrong in ["", "?", "AAAA", "bm90IGpzb24", &"A".repeat(2_000), &zero] {
            assert_eq!(at(wrong).unwrap_err().errors[0].pointer, "?cursor", "{wrong:?}");
        }
    }
}
