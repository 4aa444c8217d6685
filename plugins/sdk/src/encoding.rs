//! Putting text that somebody else chose into a URL.

/// Percent-encodes everything but RFC 3986's unreserved characters, for a path segment or a query value.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_into_a_url_is_encoded() {
        assert_eq!(percent_encode("a b/c?d=ü~"), "a%20b%2Fc%3Fd%3D%C3%BC~");
    }
}
