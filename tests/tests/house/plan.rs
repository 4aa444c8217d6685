//! Who may know whom. A new crate, and a new file that needs a guarded library, get their line here.

use crate::model::{Crate, SourceFile};

const FOUNDATION: &[&str] = &["kernel", "db", "runtime"];
const PLUGIN_BORDER: &[&str] = &["plugin-host", "plugin-contract"];

/// The modules, lowest first: each may know those before it, through their `lib.rs`.
const MODULES: &[&str] = &[
    "identity",
    "people",
    "files",
    "credentials",
    "scheduling",
    "chat",
    "consultations",
    "messaging",
    "prescribing",
    "support",
    "recordings",
];

/// Modules that hear what happens elsewhere as events, and that no other module may know.
const LISTENERS: &[&str] = &["notifications", "insights", "webhooks"];

/// The crates of this workspace that `name` may depend on; `None` when the plan does not know it.
pub fn may_know(room: &Crate) -> Option<Vec<&'static str>> {
    let with = |parts: &[&[&'static str]]| Some(parts.concat());
    if let Some(place) = MODULES.iter().position(|module| *module == room.name) {
        let below = &MODULES[..place];
        return with(&[FOUNDATION, PLUGIN_BORDER, below, &["documents"]]);
    }
    if LISTENERS.contains(&room.name.as_str()) {
        return with(&[FOUNDATION, PLUGIN_BORDER, MODULES, &["egress", "feeder"]]);
    }
    match room.name.as_str() {
        "kernel" | "egress" | "plugin-contract" => with(&[]),
        "documents" => with(&[&["kernel"]]),
        "db" => with(&[&["kernel"]]),
        "runtime" => with(&[&["kernel", "db"]]),
        "cluster" => with(&[FOUNDATION]),
        "plugin-host" => with(&[&["kernel", "egress", "db", "runtime", "plugin-contract", "plugin-sdk"]]),
        "feeder" => with(&[FOUNDATION, PLUGIN_BORDER]),
        "plugin-sdk" => with(&[&["plugin-contract"]]),
        "provider" => with(&[&["plugin-contract", "plugin-sdk"]]),
        "plugin-testkit" => with(&[&["plugin-contract", "plugin-sdk", "plugin-host"]]),
        "api" => with(&[
            FOUNDATION,
            PLUGIN_BORDER,
            MODULES,
            LISTENERS,
            &["cluster", "documents", "feeder", "plugin-sdk", "plugin-testkit"],
        ]),
        "tests" => with(&[FOUNDATION, PLUGIN_BORDER, MODULES, LISTENERS, &["documents", "plugin-sdk", "api"]]),
        "load" => with(&[&["kernel", "tests"]]),
        _ if room.folder.starts_with("plugins/") => with(&[&["plugin-contract", "plugin-sdk", "provider"]]),
        _ => None,
    }
}

/// A library from outside that must not spread.
pub struct Guarded {
    /// Package name; in code its dashes are underscores.
    pub library: &'static str,
    /// Crates that may depend on it.
    pub crates: &'static [&'static str],
    /// Files in them that may name it.
    pub files: fn(&SourceFile) -> bool,
}

const DATABASE_CRATES: &[&str] = &[
    "db",
    "identity",
    "people",
    "files",
    "credentials",
    "scheduling",
    "chat",
    "consultations",
    "messaging",
    "prescribing",
    "support",
    "recordings",
    "notifications",
    "insights",
    "webhooks",
    "tests",
    "load",
];
const ACTOR_CRATES: &[&str] = &[
    "runtime",
    "plugin-host",
    "api",
    "identity",
    "people",
    "scheduling",
    "consultations",
    "prescribing",
    "notifications",
    "insights",
    "tests",
    "load",
];

/// Libraries that must not spread. The tests package may use any of them.
pub const GUARDED: &[Guarded] = &[
    Guarded { library: "diesel", crates: DATABASE_CRATES, files: is_store },
    Guarded { library: "diesel_migrations", crates: &["db"], files: is_store },
    Guarded { library: "libsqlite3-sys", crates: &["db"], files: is_store },
    Guarded { library: "pq-sys", crates: &["db"], files: is_store },
    Guarded { library: "actix", crates: ACTOR_CRATES, files: is_actor },
    Guarded { library: "actix-web-actors", crates: &["api", "load"], files: is_actor },
    Guarded { library: "actix-web", crates: &["api", "tests", "load"], files: is_api },
    Guarded { library: "actix-cors", crates: &["api"], files: is_api },
    Guarded { library: "async-nats", crates: &["cluster"], files: |file| file.path.starts_with("core/cluster/") },
    Guarded {
        library: "libloading",
        crates: &["plugin-host"],
        files: |file| file.path.starts_with("core/plugin-host/"),
    },
    Guarded {
        library: "lettre",
        crates: &["notifications", "tests"],
        files: |file| file.path.starts_with("core/notifications/"),
    },
];

/// Where rows are read and written: all of `core/db`, and in a module its store.
pub fn is_store(file: &SourceFile) -> bool {
    file.path.starts_with("core/db/") || file.is_named("store")
}

fn is_actor(file: &SourceFile) -> bool {
    file.path.starts_with("core/runtime/")
        || file.path == "core/plugin-host/src/registry.rs" // starts the actors of plugins
        || file.path.starts_with("api/src/ws/")
        || file.is_named("actor")
}

fn is_api(file: &SourceFile) -> bool {
    file.path.starts_with("api/")
}
