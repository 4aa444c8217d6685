//! The files of a new plugin. They are written for one called `acme-video`, so that they can be read
//! as they are; a new plugin's name takes its place.

/// A kind of plugin to start from.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Path in the new crate, and text.
    files: &'static [(&'static str, &'static str)],
}

macro_rules! kind {
    ($name:literal, $about:literal) => {
        Kind {
            name: $name,
            about: $about,
            files: &[
                ("plugin.toml", include_str!(concat!("../../templates/", $name, "/plugin.toml"))),
                ("src/lib.rs", include_str!(concat!("../../templates/", $name, "/lib.rs"))),
                ("tests/provider.rs", include_str!(concat!("../../templates/", $name, "/provider.rs"))),
                ("tests/cassette.json", include_str!(concat!("../../templates/", $name, "/cassette.json"))),
            ],
        }
    };
}

pub(super) const KINDS: &[Kind] = &[
    kind!("video", "rooms at a video service"),
    kind!("pharmacy", "prescriptions to a pharmacy"),
    kind!("notification", "messages over text, mail, voice or push"),
    kind!("payment", "money for visits, and back"),
    kind!("analytics", "counts what happened, answers what was counted"),
    kind!("assistant", "a machine's opinion, with citations"),
    kind!("events", "tells another system what happens"),
];

/// Files that are the same for every kind.
const SHARED: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../templates/Cargo.toml.txt")),
    ("README.md", include_str!("../../templates/README.md")),
    ("rustfmt.toml", include_str!("../../../../rustfmt.toml")),
    (".gitignore", include_str!("../../templates/gitignore.txt")),
    (".github/workflows/ci.yml", include_str!("../../templates/ci.yml")),
];

impl Kind {
    /// The files for a plugin of this name.
    pub(super) fn files(&self, name: &str) -> Vec<(String, String)> {
        let all = SHARED.iter().chain(self.files);
        let own = |text| renamed(text, name).replace("KIND", self.name).replace("ABOUT", self.about);
        all.map(|(path, text)| ((*path).to_owned(), own(text))).collect()
    }
}

fn renamed(text: &str, name: &str) -> String {
    let words: Vec<String> = name.split('-').map(capital).collect();
    text.replace("acme-video", name)
        .replace("acme_video", &name.replace('-', "_"))
        .replace("AcmeVideo", &words.concat())
        .replace("Acme Video", &words.join(" "))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
