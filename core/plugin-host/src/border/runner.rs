//! Runs one plugin: takes frames from the host and answers them from the plugin's own threads. The
//! child process and the in-process mode share it; they differ only in how frames travel.

use super::{
    frame::{Frame, Tag},
    instance::{Bridge, Instance, Outcome, Outward, failure},
    library::Library,
    pool::Pool,
};
use consilium_plugin_contract::PluginError;
use consilium_plugin_sdk::abi::code;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// One plugin where its code runs.
pub(crate) struct Runner {
    library: OnceLock<Library>,
    instance: Mutex<Option<Arc<Instance>>>,
    bridge: Arc<Bridge>,
    pool: Pool,
}

impl Runner {
    /// Loads the library on a thread of its own and says `Hello` or `Refused`.
    pub(crate) fn start(path: PathBuf, send: Outward) -> Arc<Self> {
        let runner = Arc::new(Self {
            library: OnceLock::new(),
            instance: Mutex::default(),
            bridge: Bridge::new(send),
            pool: Pool::default(),
        });
        let loader = Arc::clone(&runner);
        runner.pool.run(move || loader.load(&path));
        runner
    }

    /// Takes a frame and serves it on a thread of the pool. Never blocks and never runs code of the
    /// plugin on the caller's thread.
    pub(crate) fn accept(self: &Arc<Self>, frame: Frame) {
        if frame.tag == Tag::HostReply {
            return self.serve(frame);
        }
        let runner = Arc::clone(self);
        self.pool.run(move || runner.serve(frame));
    }

    /// Serves a frame on this thread, for as long as the plugin takes.
    pub(super) fn serve(&self, frame: Frame) {
        match frame.tag {
            Tag::HostReply => self.bridge.answered(frame.id, (frame.code, frame.payload)),
            Tag::Cancel => {
                self.bridge.cancelled(frame.id);
                if let Some(instance) = self.instance() {
                    instance.cancel(frame.id);
                }
            }
            Tag::Create => self.create(&frame.payload),
            Tag::Call => {
                self.bridge.send(self.answer(&frame));
            }
            Tag::Drain => self.drain(frame.id),
            // What only a plugin says.
            Tag::Hello | Tag::Refused | Tag::Reply | Tag::HostCall | Tag::Log | Tag::Drained | Tag::Confined => {}
        }
    }

    fn load(&self, path: &std::path::Path) {
        let frame = match Library::load(path) {
            Ok(library) => {
                let library = self.library.get_or_init(|| library);
                Frame::new(Tag::Hello, 0, library.manifest_json().to_vec())
            }
            Err(error) => Frame::new(Tag::Refused, 0, error.to_string().into_bytes()),
        };
        self.bridge.send(frame);
    }

    fn create(&self, config: &[u8]) {
        let outcome = match self.library.get().map(|library| Instance::create(*library, &self.bridge, config)) {
            Some(Ok(instance)) => {
                *self.instance.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(instance));
                (code::OK, Vec::new())
            }
            Some(Err(outcome)) => outcome,
            None => not_created(),
        };
        self.bridge.send(reply(0, outcome));
    }

    /// Serves a call on this thread, for as long as the plugin takes, and answers the reply to be sent.
    pub(super) fn answer(&self, call: &Frame) -> Frame {
        let outcome = match self.instance() {
            Some(instance) => instance.call(call.id, &call.method, &call.payload),
            None => not_created(),
        };
        self.bridge.finished(call.id);
        reply(call.id, outcome)
    }

    fn drain(&self, timeout_ms: u64) {
        let instance = self.instance.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(instance) = instance {
            instance.drain(timeout_ms);
            // The last Arc destroys it: here, or where its last call returns.
            drop(instance);
        }
        self.bridge.send(Frame::new(Tag::Drained, 0, Vec::new()));
    }

    fn instance(&self) -> Option<Arc<Instance>> {
        self.instance.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn reply(id: u64, (code, payload): Outcome) -> Frame {
    Frame::new(Tag::Reply, id, payload).with_code(code)
}

fn not_created() -> Outcome {
    failure(code::INVALID, &PluginError::permanent("not_created", "there is no instance to serve this"))
}
