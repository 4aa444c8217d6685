//! The C ABI, shared by both sides. `include/consilium_plugin.h` is the normative text; this file
//! is its Rust reading. Tests compare the constants, and run a plugin in C that knows only the header.

use std::ffi::c_void;

/// `"CONSILIU"` in ASCII, read as a big-endian number.
pub const MAGIC: u64 = 0x434F_4E53_494C_4955;
/// Must be equal on both sides.
pub const ABI_MAJOR: u16 = 1;
/// The smaller of both sides' minors is what they may use.
pub const ABI_MINOR: u16 = 1;
/// The exported function, with the signature [`EntryPoint`].
pub const ENTRY_POINT: &str = "consilium_plugin_v1";

/// Return codes of `create`, `call`, `drain` and the host's `call`.
pub mod code {
    /// The buffer holds the reply.
    pub const OK: i32 = 0;
    /// The buffer holds a `PluginError`.
    pub const ERROR: i32 = 1;
    /// The code behind the call panicked; the buffer holds a `PluginError`.
    pub const PANIC: i32 = 2;
    /// The request could not be understood; the buffer holds a `PluginError`.
    pub const INVALID: i32 = 3;
    /// The call was cancelled; the buffer is empty.
    pub const CANCELLED: i32 = 4;
}

/// Bytes that somebody else owns; valid for the duration of the call they are passed to.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// May be null when `len` is 0.
    pub ptr: *const u8,
    /// In bytes.
    pub len: usize,
}

impl Slice {
    /// Lends bytes to the other side.
    #[must_use]
    pub fn lend(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    /// Reads what was lent.
    ///
    /// # Safety
    /// `ptr` must be valid for reading `len` bytes, unchanged, for all of `'a`.
    #[allow(unsafe_code)]
    #[must_use]
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.ptr.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }
}

/// Bytes handed over to the other side, which gives them back through `free`.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// Null when empty.
    pub ptr: *mut u8,
    /// In bytes.
    pub len: usize,
    /// Frees `ptr` with the allocator it came from; null when there is nothing to free.
    pub free: Option<unsafe extern "C" fn(ptr: *mut u8, len: usize)>,
}

impl Buffer {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self { ptr: std::ptr::null_mut(), len: 0, free: None }
    }

    /// Hands over bytes of this side's allocator.
    #[must_use]
    pub fn give(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return Self::empty();
        }
        let boxed = bytes.into_boxed_slice();
        let len = boxed.len();
        Self { ptr: Box::into_raw(boxed).cast(), len, free: Some(free_given) }
    }

    /// Copies the bytes, unless they are more than `limit`, and gives the buffer back.
    ///
    /// # Errors
    /// The length, when it is over the limit.
    ///
    /// # Safety
    /// The buffer must have been filled by the other side as this type describes.
    #[allow(unsafe_code)]
    pub unsafe fn take(self, limit: usize) -> Result<Vec<u8>, usize> {
        let copied = if self.len > limit {
            Err(self.len)
        } else {
            // SAFETY: the giver keeps ptr valid for len bytes until free is called, below.
            Ok(unsafe { Slice { ptr: self.ptr, len: self.len }.bytes() }.to_vec())
        };
        if let Some(free) = self.free {
            // SAFETY: called once, with what the giver put beside it.
            unsafe { free(self.ptr, self.len) };
        }
        copied
    }
}

/// Frees what [`Buffer::give`] leaked.
#[allow(unsafe_code)]
unsafe extern "C" fn free_given(ptr: *mut u8, len: usize) {
    // SAFETY: ptr and len are those of the boxed slice leaked in `give`.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(ptr, len)) });
}

/// What the host gives a plugin at `create`; valid for the rest of the process's life.
#[repr(C)]
#[derive(Debug)]
pub struct HostVtable {
    /// Bytes of this struct on the host's side.
    pub size: u32,
    /// The host's ABI.
    pub abi_major: u16,
    /// The host's ABI.
    pub abi_minor: u16,
    /// Passed back as the first argument of every function.
    pub context: *const c_void,
    /// Calls a host service on behalf of `call_id` and waits for the answer.
    pub call: unsafe extern "C" fn(
        context: *const c_void,
        call_id: u64,
        method: Slice,
        request: Slice,
        out: *mut Buffer,
    ) -> i32,
    /// Writes a log line; level 1 error, 2 warn, 3 info, 4 debug.
    pub log: unsafe extern "C" fn(context: *const c_void, call_id: u64, level: u32, message: Slice),
    /// 1 once `call_id` was cancelled.
    pub cancelled: unsafe extern "C" fn(context: *const c_void, call_id: u64) -> u8,
    /// What the host offers, as the bits of `Feature`; since 1.1.
    pub features: u64,
}

impl HostVtable {
    /// Bytes of this struct in ABI 1.0: the least that any host has.
    pub const SIZE_1_0: usize = std::mem::offset_of!(HostVtable, features);
}

/// What a library exports. Lives as long as the library, which is never unloaded.
#[repr(C)]
#[derive(Debug)]
pub struct PluginVtable {
    /// [`MAGIC`].
    pub magic: u64,
    /// Bytes of this struct on the plugin's side.
    pub size: u32,
    /// Must equal the host's.
    pub abi_major: u16,
    /// The plugin's minor.
    pub abi_minor: u16,
    /// What of the host the plugin cannot do without, as the bits of `Feature`.
    pub features: u64,
    /// The manifest as JSON.
    pub manifest: Slice,
    /// Makes an instance from its configuration (JSON).
    pub create: unsafe extern "C" fn(
        host: *const HostVtable,
        config: Slice,
        instance: *mut *mut c_void,
        out: *mut Buffer,
    ) -> i32,
    /// Serves one call; may be entered by several threads at once.
    pub call: unsafe extern "C" fn(
        instance: *mut c_void,
        call_id: u64,
        method: Slice,
        request: Slice,
        out: *mut Buffer,
    ) -> i32,
    /// Tells that nobody waits for `call_id` any more.
    pub cancel: unsafe extern "C" fn(instance: *mut c_void, call_id: u64),
    /// Waits until no call is running, at most this long; `OK` or `CANCELLED`.
    pub drain: unsafe extern "C" fn(instance: *mut c_void, timeout_ms: u64) -> i32,
    /// Frees the instance; nothing may be called on it afterwards.
    pub destroy: unsafe extern "C" fn(instance: *mut c_void),
}

// SAFETY: the vtable is immutable, and its manifest points to memory that is never freed.
#[allow(unsafe_code)]
unsafe impl Send for PluginVtable {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for PluginVtable {}

/// Signature of the exported function.
pub type EntryPoint = unsafe extern "C" fn() -> *const PluginVtable;
