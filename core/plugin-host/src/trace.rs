//! Which request a plugin's work belongs to (W3C Trace Context, <https://www.w3.org/TR/trace-context/>).
//!
//! Whoever serves a request says so with [`within`]; a call made there carries it to the plugin's log lines
//! and to the headers of its outgoing requests. The plugin itself need not know.

use consilium_kernel::{Ids as _, RandomIds};
use std::fmt;

tokio::task_local! {
    static CURRENT: Trace;
}

/// A place in a trace. Prints as a `traceparent` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

impl Trace {
    /// The beginning of a trace.
    #[must_use]
    pub fn begin() -> Self {
        Self { trace: *RandomIds.next().as_bytes(), span: fresh_span(), flags: 1 }
    }

    /// Where a `traceparent` header comes from; none when it is malformed or all zeroes.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // A later version may say more; this one may not.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let [_] = bytes::<1>(version)?;
        let ([flags], trace, span) = (bytes(flags)?, bytes(trace)?, bytes(span)?);
        (trace != [0; 16] && span != [0; 8]).then_some(Self { trace, span, flags })
    }

    /// The next step of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span: fresh_span(), ..*self }
    }

    /// 32 hexadecimal digits, the same for everything that one request led to.
    #[must_use]
    pub fn trace_id(&self) -> String {
        hex::encode(self.trace)
    }

    /// 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        hex::encode(self.span)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id(), self.span_id(), self.flags)
    }
}

/// Does this work as part of the trace.
pub async fn within<F: Future>(trace: Trace, work: F) -> F::Output {
    CURRENT.scope(trace, work).await
}

/// The trace that this task works in.
#[must_use]
pub fn current() -> Option<Trace> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// The random half of an id.
fn fresh_span() -> [u8; 8] {
    let id = RandomIds.next();
    let mut span = [0; 8];
    span.copy_from_slice(id.as_bytes().get(8..).unwrap_or(&[1; 8]));
    span
}

/// Lower-case hexadecimal of exactly this many bytes.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn malformed_headers_are_no_trace() {
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(Trace::parse(wrong), None, "{wrong}");
        }
        assert!(Trace::parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
    }

    #[test]
    fn a_child_is_another_step_of_the_same_trace() {
        let trace = Trace::parse(HEADER).unwrap();
        assert_eq!(trace.to_string(), HEADER);
        let child = trace.child();
        assert_eq!(child.trace_id(), trace.trace_id());
        assert_ne!(child.span_id(), trace.span_id());
        assert_ne!(Trace::begin().trace_id(), Trace::begin().trace_id());
    }
}
