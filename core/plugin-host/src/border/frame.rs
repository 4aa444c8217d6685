//! Frames between host and plugin: a little-endian u32 length, then a fixed head, the method's name
//! and the payload. Both directions use the same shape; calls are told apart by their id.

use consilium_plugin_contract::MAX_PAYLOAD;
use std::io::{self, Read, Write};

/// Bytes of the head: tag, id, call, code, length of the method's name.
const HEAD: usize = 1 + 8 + 8 + 4 + 2;
/// A payload at its limit with a method's name still fits; anything longer ends the connection.
const MAX_FRAME: usize = HEAD + 256 + MAX_PAYLOAD;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Plugin → host, first: the manifest.
    Hello = 1,
    /// Plugin → host, instead of `Hello`: why the library is refused.
    Refused = 2,
    /// Host → plugin: make the instance from this configuration; answered by `Reply` with id 0.
    Create = 3,
    /// Host → plugin: serve a call.
    Call = 4,
    /// Plugin → host: a call's outcome.
    Reply = 5,
    /// Host → plugin: nobody waits for this call any more.
    Cancel = 6,
    /// Plugin → host: ask a host service on behalf of a call.
    HostCall = 7,
    /// Host → plugin: the service's outcome.
    HostReply = 8,
    /// Plugin → host: a log line; `code` is the level.
    Log = 9,
    /// Host → plugin: finish running calls within `id` milliseconds and destroy the instance.
    Drain = 10,
    /// Plugin → host: done so.
    Drained = 11,
    /// Child → host, before it loads the library: how it is confined.
    Confined = 12,
}

impl Tag {
    fn from_byte(byte: u8) -> Option<Self> {
        use Tag::{Call, Cancel, Confined, Create, Drain, Drained, Hello, HostCall, HostReply, Log, Refused, Reply};
        let all = [Hello, Refused, Create, Call, Reply, Cancel, HostCall, HostReply, Log, Drain, Drained, Confined];
        all.into_iter().find(|tag| *tag as u8 == byte)
    }
}

/// One message across the socket or between threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) tag: Tag,
    /// Of the call, or of the host call for `HostCall` and `HostReply`.
    pub(crate) id: u64,
    /// The call on whose behalf a host call or log line is.
    pub(crate) call: u64,
    /// An outcome as in `abi::code`, or a level.
    pub(crate) code: i32,
    pub(crate) method: String,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(tag: Tag, id: u64, payload: Vec<u8>) -> Self {
        Self { tag, id, call: 0, code: 0, method: String::new(), payload }
    }

    pub(crate) fn with_method(self, method: impl Into<String>) -> Self {
        Self { method: method.into(), ..self }
    }

    pub(crate) fn with_code(self, code: i32) -> Self {
        Self { code, ..self }
    }

    pub(crate) fn for_call(self, call: u64) -> Self {
        Self { call, ..self }
    }

    /// The frame with its length in front.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let method = self.method.as_bytes();
        let method = method.get(..256).unwrap_or(method);
        let length = HEAD + method.len() + self.payload.len();
        let mut bytes = Vec::with_capacity(4 + length);
        bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        bytes.push(self.tag as u8);
        bytes.extend(self.id.to_le_bytes());
        bytes.extend(self.call.to_le_bytes());
        bytes.extend(self.code.to_le_bytes());
        bytes.extend((method.len() as u16).to_le_bytes());
        bytes.extend(method);
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads what follows the length.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let (tag, head) = head.split_first()?;
        let (id, head) = head.split_first_chunk::<8>()?;
        let (call, head) = head.split_first_chunk::<8>()?;
        let (code, head) = head.split_first_chunk::<4>()?;
        let (method_length, _) = head.split_first_chunk::<2>()?;
        let (method, payload) = rest.split_at_checked(u16::from_le_bytes(*method_length).into())?;
        Some(Self {
            tag: Tag::from_byte(*tag)?,
            id: u64::from_le_bytes(*id),
            call: u64::from_le_bytes(*call),
            code: i32::from_le_bytes(*code),
            method: std::str::from_utf8(method).ok()?.to_owned(),
            payload: payload.to_vec(),
        })
    }

    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.encode())
    }

    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let mut bytes = vec![0; checked_length(length)?];
        from.read_exact(&mut bytes)?;
        Self::decode(&bytes).ok_or_else(malformed)
    }
}

fn checked_length(bytes: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(bytes) as usize;
    if (HEAD..=MAX_FRAME).contains(&length) { Ok(length) } else { Err(malformed()) }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed frame")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> io::Result<Frame> {
        Frame::read(&mut &*bytes)
    }

    #[test]
    fn garbage_is_an_error_and_allocates_nothing() {
        let zero_tag = Frame::new(Tag::Call, 1, vec![]).encode();
        let mut zero_tag = zero_tag;
        zero_tag[4] = 0;
        for bytes in [&b"\xff\xff\xff\xff"[..], b"\x01\0\0\0\0", &zero_tag, b"", b"\x17\0\0\0\x04"] {
            assert!(decoded(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_method_longer_than_the_frame_is_an_error() {
        let mut bytes = Frame::new(Tag::Call, 1, b"{}".to_vec()).with_method("a.b").encode();
        bytes[4 + HEAD - 2] = 200;
        assert!(decoded(&bytes).is_err());
    }

    #[test]
    fn what_is_written_is_read() {
        let frame = Frame::new(Tag::HostCall, u64::MAX, vec![0, 255]).with_method("host.log").for_call(7).with_code(-1);
        assert_eq!(decoded(&frame.encode()).unwrap(), frame);
    }
}
