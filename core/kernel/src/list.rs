//! What all lists share: how many entries a page has, and how a wrong cursor is refused.

use crate::Refusal;

/// The entries of a page: 1 to 100, 20 when not asked for.
///
/// # Errors
/// `out_of_range` at `?limit`.
pub fn page_limit(asked: Option<i64>) -> Result<i64, Refusal> {
    match asked.unwrap_or(20) {
        limit @ 1..=100 => Ok(limit),
        _ => Err(Refusal::field("?limit", "out_of_range", "must be from 1 to 100")),
    }
}

/// The cursor is none that the list gave out.
#[must_use]
pub fn not_a_cursor() -> Refusal {
    Refusal::field("?cursor", "not_a_cursor", "is not a cursor that this list gave")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_1_to_100_entries() {
        assert_eq!(page_limit(None), Ok(20));
        assert_eq!((page_limit(Some(1)), page_limit(Some(100))), (Ok(1), Ok(100)));
        for wrong in [i64::MIN, 0, 101] {
            assert_eq!(page_limit(Some(wrong)).unwrap_err().errors[0].pointer, "?limit");
        }
    }
}
