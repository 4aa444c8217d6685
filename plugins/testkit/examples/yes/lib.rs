//! A plugin without the SDK's help that says yes to everything: any configuration, any call, any
//! bytes. With `{"strict": true}` it refuses members that are not in today's contract. Never shipped.
#![allow(unsafe_code)]

use consilium_plugin_sdk::abi::{ABI_MAJOR, ABI_MINOR, Buffer, HostVtable, MAGIC, PluginVtable, Slice, code};
use std::{ffi::c_void, ptr, sync::OnceLock};

const MANIFEST: &[u8] = br#"{"id":"yes","version":"yes","kinds":["video/2","webhook/1"],"config_schema":true}"#;
const INVALID: &str = r#"{"code":"malformed","retryable":false,"message":"unknown member"}"#;

unsafe extern "C" fn create(_: *const HostVtable, config: Slice, instance: *mut *mut c_void, out: *mut Buffer) -> i32 {
    // SAFETY: lent by the host, which also passes valid places for the answers.
    unsafe {
        let strict = contains(config.bytes(), "strict");
        instance.write(Box::into_raw(Box::new(strict)).cast());
        out.write(Buffer::empty());
    }
    code::OK
}

unsafe extern "C" fn call(instance: *mut c_void, _: u64, _: Slice, request: Slice, out: *mut Buffer) -> i32 {
    // SAFETY: the pointer is from `create`, the rest is lent by the host.
    unsafe {
        let refused = *instance.cast::<bool>() && contains(request.bytes(), "x_of_a_later_version");
        out.write(Buffer::give(if refused { INVALID } else { "{}" }.into()));
        if refused { code::INVALID } else { code::OK }
    }
}

fn contains(bytes: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(word)
}

unsafe extern "C" fn cancel(_: *mut c_void, _: u64) {}

unsafe extern "C" fn drain(_: *mut c_void, _: u64) -> i32 {
    code::OK
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    // SAFETY: the pointer is from `create`, and this is its last use.
    drop(unsafe { Box::from_raw(instance.cast::<bool>()) });
}

/// The one symbol of a plugin library.
#[unsafe(no_mangle)]
pub extern "C" fn consilium_plugin_v1() -> *const PluginVtable {
    static VTABLE: OnceLock<PluginVtable> = OnceLock::new();
    ptr::from_ref(VTABLE.get_or_init(|| PluginVtable {
        magic: MAGIC,
        size: u32::try_from(size_of::<PluginVtable>()).unwrap_or(0),
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        features: 0,
        manifest: Slice::lend(MANIFEST),
        create,
        call,
        cancel,
        drain,
        destroy,
    }))
}
