//! Rules about crates: their dependencies and their lints.

use crate::{
    Violations,
    model::{Crate, House},
    plan,
};

/// Members depend on each other only as the plan has it.
pub fn workspace_dependencies(house: &House) -> Violations {
    let mut violations = Vec::new();
    for room in &house.crates {
        let Some(allowed) = plan::may_know(room) else {
            violations
                .push(format!("{} is not in the plan: tests/tests/house/plan.rs must say whom it may know", room.name));
            continue;
        };
        let forbidden = room.members.iter().filter(|member| !allowed.contains(&member.as_str()));
        violations.extend(forbidden.map(|member| format!("{} must not depend on {member}", room.name)));
    }
    violations
}

/// Guarded libraries are linked only by the crates that the plan names.
pub fn library_dependencies(house: &House) -> Violations {
    let may_link = |room: &Crate, library: &str| {
        plan::GUARDED.iter().all(|guard| guard.library != library || guard.crates.contains(&room.name.as_str()))
    };
    house
        .crates
        .iter()
        .flat_map(|room| room.libraries.iter().map(move |library| (room, library)))
        .filter(|(room, library)| !may_link(room, library))
        .map(|(room, library)| format!("{} must not depend on {library}", room.name))
        .collect()
}

/// Every crate has `[lints] workspace = true`.
pub fn workspace_lints(house: &House) -> Violations {
    let takes_them = |room: &Crate| {
        let manifest: toml::Table = room.manifest.parse().expect("cargo has read this manifest");
        manifest.get("lints").and_then(|lints| lints.get("workspace")) == Some(&toml::Value::Boolean(true))
    };
    house
        .crates
        .iter()
        .filter(|room| !takes_them(room))
        .map(|room| format!("{}/Cargo.toml lacks `[lints] workspace = true`", room.folder))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(name: &str, folder: &str, members: &[&str], libraries: &[&str]) -> House {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let room = Crate {
            name: name.into(),
            folder: folder.into(),
            members: owned(members),
            libraries: owned(libraries),
            manifest: "[lints]\nworkspace = true".into(),
            ..Crate::default()
        };
        House { crates: vec![room], ..House::default() }
    }

    #[test]
    fn knowing_upwards_is_seen() {
        let cases: &[(&str, &str, &[&str])] = &[
            ("kernel", "core/kernel", &["db"]),
            ("db", "core/db", &["runtime"]),
            ("runtime", "core/runtime", &["identity"]),
            ("people", "core/people", &["scheduling"]),
            ("consultations", "core/consultations", &["prescribing"]),
            ("scheduling", "core/scheduling", &["notifications"]),
            ("notifications", "core/notifications", &["insights"]),
            ("documents", "core/documents", &["db"]),
            ("video-jitsi", "plugins/video-jitsi", &["kernel"]),
            ("prescribing", "core/prescribing", &["api"]),
            ("api", "api", &["tests"]),
        ];
        for (name, folder, members) in cases {
            let violations = workspace_dependencies(&house(name, folder, members, &[]));
            assert_eq!(violations, [format!("{name} must not depend on {}", members[0])]);
        }
        assert_eq!(workspace_dependencies(&house("attic", "core/attic", &[], &[])).len(), 1);
    }

    #[test]
    fn knowing_downwards_is_fine() {
        let below = &["kernel", "db", "runtime", "identity", "people"];
        assert!(workspace_dependencies(&house("scheduling", "core/scheduling", below, &[])).is_empty());
        assert!(workspace_dependencies(&house("api", "api", below, &[])).is_empty());
    }

    #[test]
    fn a_library_in_the_wrong_crate_is_seen() {
        for (name, library) in [
            ("kernel", "diesel"),
            ("kernel", "actix"),
            ("runtime", "actix-web"),
            ("people", "actix-web-actors"),
            ("api", "diesel"),
            ("api", "libloading"),
        ] {
            let violations = library_dependencies(&house(name, "", &[], &[library]));
            assert_eq!(violations, [format!("{name} must not depend on {library}")]);
        }
        assert!(library_dependencies(&house("people", "", &[], &["diesel", "serde"])).is_empty());
    }

    #[test]
    fn missing_lints_are_seen() {
        let mut house = house("people", "core/people", &[], &[]);
        assert!(workspace_lints(&house).is_empty());
        house.crates[0].manifest = "[lints.clippy]\nall = \"allow\"".into();
        assert_eq!(workspace_lints(&house), ["core/people/Cargo.toml lacks `[lints] workspace = true`"]);
    }
}
