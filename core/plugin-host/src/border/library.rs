//! Opens a library and looks at what it exports, before any call reaches it.

use super::instance::OFFERED;
use crate::LoadError;
use consilium_plugin_contract::{Feature, Manifest};
use consilium_plugin_sdk::abi::{ABI_MAJOR, ABI_MINOR, ENTRY_POINT, EntryPoint, MAGIC, PluginVtable};
use std::path::Path;

/// Longest manifest, in bytes.
const MAX_MANIFEST: usize = 1024 * 1024;

/// A loaded library, for as long as the process lives: unloading is unsound while its threads and
/// thread-locals may run, so it never happens.
#[derive(Clone, Copy)]
pub(crate) struct Library {
    vtable: &'static PluginVtable,
    manifest: &'static [u8],
}

impl Library {
    /// Loads and checks. Code of the library runs already: constructors and the entry point.
    #[allow(unsafe_code)]
    pub(crate) fn load(path: &Path) -> Result<Self, LoadError> {
        // SAFETY: loading foreign code is the point; the operator chose the file, and by default
        // this happens in a child process that may crash.
        let library = unsafe { libloading::Library::new(path) };
        let library = library.map_err(|e| LoadError::Library(e.to_string()))?;
        // SAFETY: the header gives the symbol this type.
        let entry = unsafe { library.get::<EntryPoint>(ENTRY_POINT.as_bytes()) };
        let entry = *entry.map_err(|_| LoadError::NotAPlugin(format!("it exports no {ENTRY_POINT}")))?;
        std::mem::forget(library);
        // SAFETY: a function without arguments; it answers null or a vtable that lives for ever.
        let vtable = unsafe { entry() };
        if vtable.is_null() || !vtable.is_aligned() {
            return Err(LoadError::Manifest("the library could not make it".to_owned()));
        }
        // SAFETY: not null; magic, size and versions come first in every version of the ABI, so
        // they may be read before anything else is known.
        let (magic, size, major, minor) =
            unsafe { ((*vtable).magic, (*vtable).size, (*vtable).abi_major, (*vtable).abi_minor) };
        if magic != MAGIC {
            return Err(LoadError::NotAPlugin("its vtable does not begin with the magic number".to_owned()));
        }
        if major != ABI_MAJOR || (size as usize) < size_of::<PluginVtable>() {
            return Err(LoadError::Abi {
                plugin: format!("{major}.{minor}"),
                host: format!("{ABI_MAJOR}.{ABI_MINOR}"),
            });
        }
        // SAFETY: the right ABI, and at least as large as the struct we read.
        let vtable: &'static PluginVtable = unsafe { &*vtable };
        let missing = vtable.features & !OFFERED;
        if missing != 0 {
            return Err(LoadError::Feature(Feature::names(missing).join(", ")));
        }
        if vtable.manifest.len > MAX_MANIFEST {
            return Err(LoadError::Manifest(format!("{} bytes are too many", vtable.manifest.len)));
        }
        // SAFETY: the ABI says that the manifest lives as long as the vtable.
        let manifest = unsafe { vtable.manifest.bytes() };
        Ok(Self { vtable, manifest })
    }

    pub(crate) fn vtable(&self) -> &'static PluginVtable {
        self.vtable
    }

    pub(crate) fn manifest_json(&self) -> &'static [u8] {
        self.manifest
    }
}

/// Reads a manifest as it crossed the border.
pub(crate) fn parse_manifest(json: &[u8]) -> Result<Manifest, LoadError> {
    serde_json::from_slice(json).map_err(|e| LoadError::Manifest(e.to_string()))
}
