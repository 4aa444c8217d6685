//! A created plugin behind safe functions, and the host's functions behind its vtable.

use super::{
    frame::{Frame, Tag},
    library::Library,
};
use consilium_plugin_contract::{Feature, MAX_PAYLOAD, PluginError};
use consilium_plugin_sdk::abi::{ABI_MAJOR, ABI_MINOR, Buffer, HostVtable, PluginVtable, Slice, code};
use std::{
    collections::{HashMap, HashSet},
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

/// The features of this host. What a plugin must have besides makes the host refuse it.
pub(crate) const OFFERED: u64 = Feature::Emit.bit() | Feature::Blob.bit();

/// A return code and the bytes beside it.
pub(crate) type Outcome = (i32, Vec<u8>);

/// An outcome that carries a [`PluginError`].
pub(crate) fn failure(code: i32, error: &PluginError) -> Outcome {
    (code, serde_json::to_vec(error).unwrap_or_default())
}

/// One created plugin.
pub(crate) struct Instance {
    vtable: &'static PluginVtable,
    pointer: *mut c_void,
}

// SAFETY: the ABI lets `call`, `cancel` and `drain` be entered from any thread.
#[allow(unsafe_code)]
unsafe impl Send for Instance {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Instance {}

impl Instance {
    /// Creates it, or answers why not.
    #[allow(unsafe_code)]
    pub(crate) fn create(library: Library, bridge: &Arc<Bridge>, config: &[u8]) -> Result<Self, Outcome> {
        let vtable = library.vtable();
        let mut pointer = std::ptr::null_mut();
        let mut out = Buffer::empty();
        // SAFETY: everything lent outlives the call; the host vtable lives for ever.
        let returned = unsafe { (vtable.create)(bridge.vtable(), Slice::lend(config), &raw mut pointer, &raw mut out) };
        // SAFETY: filled by the plugin as the ABI says.
        let outcome = received(returned, unsafe { out.take(MAX_PAYLOAD) });
        if outcome.0 != code::OK {
            return Err(outcome);
        }
        if pointer.is_null() {
            let error = PluginError::permanent("no_instance", "create answered no instance");
            return Err(failure(code::INVALID, &error));
        }
        Ok(Self { vtable, pointer })
    }

    /// Serves one call on this thread, for as long as it takes.
    #[allow(unsafe_code)]
    pub(crate) fn call(&self, id: u64, method: &str, request: &[u8]) -> Outcome {
        let mut out = Buffer::empty();
        let (method, request) = (Slice::lend(method.as_bytes()), Slice::lend(request));
        // SAFETY: the instance is alive while self is, and everything lent outlives the call.
        let returned = unsafe { (self.vtable.call)(self.pointer, id, method, request, &raw mut out) };
        // SAFETY: filled by the plugin as the ABI says.
        received(returned, unsafe { out.take(MAX_PAYLOAD) })
    }

    #[allow(unsafe_code)]
    pub(crate) fn cancel(&self, id: u64) {
        // SAFETY: the instance is alive while self is.
        unsafe { (self.vtable.cancel)(self.pointer, id) };
    }

    #[allow(unsafe_code)]
    pub(crate) fn drain(&self, timeout_ms: u64) -> i32 {
        // SAFETY: the instance is alive while self is.
        unsafe { (self.vtable.drain)(self.pointer, timeout_ms) }
    }
}

impl Drop for Instance {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the last use: calls borrow self, so none is running.
        unsafe { (self.vtable.destroy)(self.pointer) };
    }
}

/// Judges what came out of the plugin before anybody reads it.
fn received(returned: i32, bytes: Result<Vec<u8>, usize>) -> Outcome {
    match bytes {
        Ok(bytes) => (returned, bytes),
        Err(length) => {
            let message = format!("{length} bytes are more than the {MAX_PAYLOAD} that may cross the border");
            failure(code::INVALID, &PluginError::permanent("answer_too_large", message))
        }
    }
}

/// Sends frames towards the host; false when nobody is there any more.
pub(crate) type Outward = Box<dyn Fn(Frame) -> bool + Send + Sync>;

/// The host's side of an instance, where the plugin runs: turns its calls into frames and waits.
pub(crate) struct Bridge {
    send: Outward,
    state: Mutex<Waiting>,
    next: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    /// Host calls by id: the call each belongs to, and who waits.
    asked: HashMap<u64, (u64, mpsc::SyncSender<Outcome>)>,
    cancelled: HashSet<u64>,
}

impl Bridge {
    pub(crate) fn new(send: Outward) -> Arc<Self> {
        Arc::new(Self { send, state: Mutex::default(), next: AtomicU64::new(1) })
    }

    pub(crate) fn send(&self, frame: Frame) -> bool {
        (self.send)(frame)
    }

    /// An answer of the host has come.
    pub(crate) fn answered(&self, id: u64, outcome: Outcome) {
        if let Some((_, waiting)) = self.state().asked.remove(&id) {
            let _ = waiting.try_send(outcome);
        }
    }

    /// Frees the call from whatever it waits for.
    pub(crate) fn cancelled(&self, call: u64) {
        let mut state = self.state();
        state.cancelled.insert(call);
        // Dropping the senders wakes those who wait.
        state.asked.retain(|_, (of, _)| *of != call);
    }

    /// The call is over; nothing needs to be remembered of it.
    pub(crate) fn finished(&self, call: u64) {
        self.state().cancelled.remove(&call);
    }

    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, call: u64, method: &str, request: &[u8]) -> Outcome {
        if request.len() > MAX_PAYLOAD {
            return failure(code::ERROR, &PluginError::permanent("request_too_large", "more than 4 MiB"));
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::sync_channel(1);
        {
            let mut state = self.state();
            if state.cancelled.contains(&call) {
                return (code::CANCELLED, Vec::new());
            }
            state.asked.insert(id, (call, sender));
        }
        let frame = Frame::new(Tag::HostCall, id, request.to_vec()).with_method(method).for_call(call);
        if !self.send(frame) {
            self.state().asked.remove(&id);
            return (code::CANCELLED, Vec::new());
        }
        // The host answers or cancels every call, so this ends.
        receiver.recv().unwrap_or((code::CANCELLED, Vec::new()))
    }

    /// The vtable for one instance. It and this bridge are leaked, because an abandoned thread of
    /// the plugin may use them at any later time.
    fn vtable(self: &Arc<Self>) -> &'static HostVtable {
        Box::leak(Box::new(HostVtable {
            size: size_of::<HostVtable>() as u32,
            abi_major: ABI_MAJOR,
            abi_minor: ABI_MINOR,
            context: Arc::into_raw(Arc::clone(self)).cast(),
            call: host_call,
            log: host_log,
            cancelled: host_cancelled,
            features: OFFERED,
        }))
    }
}

/// # Safety
/// `context` must be the one of a vtable made by [`Bridge::vtable`].
#[allow(unsafe_code)]
unsafe fn bridge<'a>(context: *const c_void) -> &'a Bridge {
    // SAFETY: promised by the caller, and never freed.
    unsafe { &*context.cast::<Bridge>() }
}

#[allow(unsafe_code)]
unsafe extern "C" fn host_call(
    context: *const c_void,
    call_id: u64,
    method: Slice,
    request: Slice,
    out: *mut Buffer,
) -> i32 {
    let (code, bytes) = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the plugin passes our context and lends the rest for this call.
        let (bridge, method, request) = unsafe { (bridge(context), method.bytes(), request.bytes()) };
        bridge.ask(call_id, &String::from_utf8_lossy(method), request)
    }))
    .unwrap_or((code::CANCELLED, Vec::new()));
    // SAFETY: the plugin passes a valid place for the answer.
    unsafe { out.write(Buffer::give(bytes)) };
    code
}

#[allow(unsafe_code)]
unsafe extern "C" fn host_log(context: *const c_void, call_id: u64, level: u32, message: Slice) {
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: as in `host_call`.
        let (bridge, message) = unsafe { (bridge(context), message.bytes()) };
        let message = message.get(..4096).unwrap_or(message).to_vec();
        bridge.send(Frame::new(Tag::Log, 0, message).for_call(call_id).with_code(level as i32));
    }));
}

#[allow(unsafe_code)]
unsafe extern "C" fn host_cancelled(context: *const c_void, call_id: u64) -> u8 {
    let asked = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: as in `host_call`.
        unsafe { bridge(context) }.state().cancelled.contains(&call_id)
    }));
    asked.unwrap_or(true).into()
}
