//! What is started, and one start of it.

use crate::{
    HostServices, PluginConfig, Settings,
    border::{self, Link},
    inspect::Prepared,
    services::Grant,
};
use consilium_plugin_contract::{ContractId, Manifest, versions};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};

/// A library that passed every check, with what belongs to it; started again after each crash.
pub(crate) struct Build {
    /// The content-addressed copy.
    pub(crate) library: PathBuf,
    /// Of the library, in hex.
    pub(crate) sha256: String,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) grant: Arc<Grant>,
    /// Configuration as JSON.
    pub(crate) config: Vec<u8>,
    /// Memory of its child process in MiB.
    pub(crate) memory_mib: u64,
}

impl Build {
    pub(crate) fn new(
        settings: &Settings,
        plugin: &PluginConfig,
        prepared: Prepared,
        services: &Arc<dyn HostServices>,
    ) -> Self {
        let Prepared { library, manifest, secrets } = prepared;
        for Adapted { contract, present } in Adapted::of(&manifest) {
            tracing::warn!(
                plugin = plugin.id, %contract, %present,
                "the plugin was built for an older contract and works through an adapter; \
                 the next version of the contract ends that"
            );
        }
        let manifest = Arc::new(manifest);
        let grant = Grant::new(settings, plugin, Arc::clone(&manifest), secrets, Arc::clone(services));
        let config = serde_json::to_vec(&plugin.config).unwrap_or_default();
        let sha256 = border::address(&library);
        let memory_mib = plugin.memory_mib(settings);
        Self { library, sha256, manifest, grant: Arc::new(grant), config, memory_mib }
    }

    pub(crate) fn edition(&self) -> Edition {
        Edition { version: self.manifest.version.clone(), library_sha256: self.sha256.clone() }
    }
}

/// Which build of a plugin it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edition {
    /// From its manifest.
    pub version: String,
    /// SHA-256 of the library, in hex.
    pub library_sha256: String,
}

/// A contract of an older version that a plugin fulfils, and the present one into which its messages are cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adapted {
    /// What the plugin speaks.
    pub contract: ContractId,
    /// What the host speaks.
    pub present: ContractId,
}

impl Adapted {
    /// Those of a plugin.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Vec<Self> {
        let older = manifest.kinds.iter().filter(|contract| versions::adapter(manifest, &contract.kind).is_some());
        let adapted = older.filter_map(|contract| {
            let present = versions::present().find(|own| own.kind == contract.kind)?;
            Some(Self { contract: contract.clone(), present })
        });
        adapted.collect()
    }
}

/// One start of a build.
pub(crate) struct Generation {
    /// Counts the starts of this plugin, restarts included.
    pub(crate) number: u64,
    pub(crate) build: Arc<Build>,
    pub(crate) link: Link,
}
