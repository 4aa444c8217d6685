//! The C side of a plugin, made from its Rust side. Only [`crate::export_plugin!`] uses this.

use crate::{
    Host, Plugin,
    abi::{ABI_MAJOR, ABI_MINOR, Buffer, HostVtable, MAGIC, PluginVtable, Slice, code},
    host::BorderHost,
    kinds::{Failure, Incoming},
};
use consilium_plugin_contract::{ContractId, Feature, Manifest, PluginError, versions};
use std::{
    cell::Cell,
    ffi::c_void,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{
        Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What the macro adds to a plugin: its manifest, and which kind serves which method.
pub trait Exported: Plugin {
    /// Text of `plugin.toml`.
    const MANIFEST: &'static str;
    /// Version for manifests that name none.
    const VERSION: &'static str;
    /// Licence for manifests that name none.
    const LICENCE: &'static str;
    /// Serves a call of one of its kinds; none for a method of no such kind.
    fn dispatch(&self, incoming: &Incoming<'_>) -> Option<Result<Vec<u8>, Failure>>;
}

thread_local! {
    /// Where this thread panicked last.
    static PANICKED_AT: Cell<Option<String>> = const { Cell::new(None) };
}

/// One running plugin behind the instance pointer.
struct Instance<P> {
    plugin: P,
    host: BorderHost,
    running: Mutex<usize>,
    /// Told when a call is over, if anybody waits for that: telling nobody costs a system call too.
    idle: Condvar,
    draining: AtomicBool,
}

impl<P> Instance<P> {
    fn running(&self) -> std::sync::MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The manifest as the library embeds it.
///
/// # Errors
/// What is wrong with `plugin.toml`.
pub fn manifest<P: Exported>() -> Result<Manifest, toml::de::Error> {
    let mut manifest: Manifest = toml::from_str(P::MANIFEST)?;
    if manifest.version.is_empty() {
        P::VERSION.clone_into(&mut manifest.version);
    }
    if manifest.licence.is_empty() {
        P::LICENCE.clone_into(&mut manifest.licence);
    }
    if manifest.config_schema.is_null() {
        manifest.config_schema = schemars::schema_for!(P::Config).to_value();
    }
    Ok(manifest)
}

/// The vtable, made on first use; null when the manifest is unusable.
pub fn vtable<P: Exported>(place: &'static OnceLock<Option<PluginVtable>>) -> *const PluginVtable {
    let made = catch_unwind(|| {
        place.get_or_init(|| {
            // A message may quote a patient, and standard error may be the server's: say only where.
            panic::set_hook(Box::new(|info| {
                PANICKED_AT.set(info.location().map(ToString::to_string));
            }));
            build::<P>()
        })
    });
    made.ok().and_then(Option::as_ref).map_or(std::ptr::null(), std::ptr::from_ref)
}

fn build<P: Exported>() -> Option<PluginVtable> {
    let manifest = match manifest::<P>() {
        Ok(manifest) => manifest,
        Err(e) => return complain(&e),
    };
    if let Some(mistake) = misversioned(&manifest) {
        return complain(&mistake);
    }
    let json = match serde_json::to_vec(&manifest) {
        Ok(json) => json,
        Err(e) => return complain(&e),
    };
    Some(PluginVtable {
        magic: MAGIC,
        size: u32::try_from(size_of::<PluginVtable>()).ok()?,
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        features: Feature::bits(&manifest.requires),
        manifest: Slice::lend(Box::leak(json.into_boxed_slice())),
        create: create::<P>,
        call: call::<P>,
        cancel: cancel::<P>,
        drain: drain::<P>,
        destroy: destroy::<P>,
    })
}

/// A contract in another version than that of the types of this SDK, which are what the plugin speaks.
fn misversioned(manifest: &Manifest) -> Option<String> {
    let own = |contract: &ContractId| versions::present().find(|own| own.kind == contract.kind);
    let mut wrong = manifest.kinds.iter().filter_map(|contract| Some((contract, own(contract)?)));
    let (contract, own) = wrong.find(|(contract, own)| **contract != *own)?;
    Some(format!("kinds says {contract}, and this SDK speaks {own}"))
}

fn complain(error: &dyn std::fmt::Display) -> Option<PluginVtable> {
    eprintln!("plugin.toml: {error}");
    None
}

#[allow(unsafe_code)]
unsafe extern "C" fn create<P: Exported>(
    host: *const HostVtable,
    config: Slice,
    instance: *mut *mut c_void,
    out: *mut Buffer,
) -> i32 {
    let answer = guarded(|| {
        // SAFETY: the host passes its vtable and lends the configuration for this call.
        let (host, config) = unsafe { (BorderHost::new(host), config.bytes()) };
        let Some(host) = host else {
            return Err(Failure::Invalid(PluginError::permanent(
                "abi_mismatch",
                "the host's ABI is not the one this plugin was built for",
            )));
        };
        let config = serde_json::from_slice(config)
            .map_err(|e| Failure::Invalid(PluginError::permanent("config_invalid", e.to_string())))?;
        let plugin = P::create(config, &Host::new(&host, 0)).map_err(Failure::Refused)?;
        let boxed = Box::new(Instance {
            plugin,
            host,
            running: Mutex::new(0),
            idle: Condvar::new(),
            draining: AtomicBool::new(false),
        });
        // SAFETY: the host passes a valid place for the pointer.
        unsafe { instance.write(Box::into_raw(boxed).cast()) };
        Ok(Vec::new())
    });
    // SAFETY: the host passes a valid place for the answer.
    unsafe { hand_over(answer, out) }
}

#[allow(unsafe_code)]
unsafe extern "C" fn call<P: Exported>(
    instance: *mut c_void,
    call_id: u64,
    method: Slice,
    request: Slice,
    out: *mut Buffer,
) -> i32 {
    // SAFETY: the pointer is from `create`, and the host does not destroy during a call.
    let instance = unsafe { &*instance.cast::<Instance<P>>() };
    *instance.running() += 1;
    let answer = guarded(|| {
        // SAFETY: lent by the host for this call.
        let (method, request) = unsafe { (method.bytes(), request.bytes()) };
        let unknown = |method: &str| Failure::Invalid(PluginError::permanent("unknown_method", format!("{method:?}")));
        let method = std::str::from_utf8(method).map_err(|_| unknown("not UTF-8"))?;
        let incoming = Incoming { api: &instance.host, call_id, method, request };
        crate::kinds::plugin(&instance.plugin, &incoming)
            .or_else(|| instance.plugin.dispatch(&incoming))
            .unwrap_or_else(|| Err(unknown(method)))
    });
    *instance.running() -= 1;
    if instance.draining.load(Ordering::Acquire) {
        instance.idle.notify_all();
    }
    // SAFETY: the host passes a valid place for the answer.
    unsafe { hand_over(answer, out) }
}

#[allow(unsafe_code)]
unsafe extern "C" fn cancel<P: Exported>(instance: *mut c_void, call_id: u64) {
    // SAFETY: as in `call`.
    let instance = unsafe { &*instance.cast::<Instance<P>>() };
    let _ = catch_unwind(AssertUnwindSafe(|| instance.plugin.on_cancel(call_id)));
}

#[allow(unsafe_code)]
unsafe extern "C" fn drain<P: Exported>(instance: *mut c_void, timeout_ms: u64) -> i32 {
    // SAFETY: as in `call`.
    let instance = unsafe { &*instance.cast::<Instance<P>>() };
    let limit = Duration::from_millis(timeout_ms);
    instance.draining.store(true, Ordering::Release);
    let waited = instance.idle.wait_timeout_while(instance.running(), limit, |n| *n > 0);
    let still_running = *waited.unwrap_or_else(PoisonError::into_inner).0 > 0;
    if still_running { code::CANCELLED } else { code::OK }
}

#[allow(unsafe_code)]
unsafe extern "C" fn destroy<P: Exported>(instance: *mut c_void) {
    let _ = catch_unwind(|| {
        // SAFETY: the pointer is from `create`, and this is its last use.
        drop(unsafe { Box::from_raw(instance.cast::<Instance<P>>()) });
    });
}

/// Runs author's code so that a panic becomes an answer.
fn guarded(body: impl FnOnce() -> Result<Vec<u8>, Failure>) -> (i32, Vec<u8>) {
    let error = |code, error: &PluginError| (code, serde_json::to_vec(error).unwrap_or_default());
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(bytes)) => (code::OK, bytes),
        Ok(Err(Failure::Refused(e))) => error(code::ERROR, &e),
        Ok(Err(Failure::Invalid(e))) => error(code::INVALID, &e),
        Err(_) => {
            let place = PANICKED_AT.take().unwrap_or_else(|| "an unknown place".to_owned());
            error(code::PANIC, &PluginError::permanent("panic", format!("at {place}")))
        }
    }
}

/// # Safety
/// `out` must be valid for writing.
#[allow(unsafe_code)]
unsafe fn hand_over((code, bytes): (i32, Vec<u8>), out: *mut Buffer) -> i32 {
    // SAFETY: promised by the caller.
    unsafe { out.write(Buffer::give(bytes)) };
    code
}

/// Exports a type as the plugin of this library.
///
/// ```ignore
/// consilium_plugin_sdk::export_plugin!(AcmeVideo, kinds: [video], manifest: "../plugin.toml");
/// ```
/// The path is relative to the file that says so. Use it once per library.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty, kinds: [$($kind:ident),+ $(,)?], manifest: $manifest:literal $(,)?) => {
        #[cfg(panic = "abort")]
        compile_error!("a plugin must be built with panic = \"unwind\"");

        impl $crate::export::Exported for $plugin {
            const MANIFEST: &'static str = include_str!($manifest);
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");
            const LICENCE: &'static str = env!("CARGO_PKG_LICENSE");

            fn dispatch(
                &self,
                incoming: &$crate::kinds::Incoming<'_>,
            ) -> ::core::option::Option<
                ::core::result::Result<::std::vec::Vec<u8>, $crate::kinds::Failure>,
            > {
                $(if let ::core::option::Option::Some(served) = $crate::kinds::$kind(self, incoming) {
                    return ::core::option::Option::Some(served);
                })+
                ::core::option::Option::None
            }
        }

        /// The one symbol of a plugin library.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub extern "C" fn consilium_plugin_v1() -> *const $crate::abi::PluginVtable {
            static VTABLE: ::std::sync::OnceLock<
                ::core::option::Option<$crate::abi::PluginVtable>,
            > = ::std::sync::OnceLock::new();
            $crate::export::vtable::<$plugin>(&VTABLE)
        }
    };
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_the_contracts_of_this_sdk() {
        let wrong = |kinds: &[&str]| {
            misversioned(&serde_json::from_value(serde_json::json!({"id": "acme", "kinds": kinds})).unwrap())
        };
        assert_eq!(wrong(&["video/2", "webhook/1"]), None);
        assert_eq!(
            wrong(&["webhook/1", "video/1"]).as_deref(),
            Some("kinds says video/1, and this SDK speaks video/2")
        );
        assert_eq!(wrong(&["teleport/1"]), None, "that is the host's to refuse");
    }
}
