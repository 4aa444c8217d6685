//! Wall clocks that go wrong, also under programs that run.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::SignedDuration;

/// A wall clock that programs follow while they run. All other clocks stay right.
pub struct WallClock {
    library: PathBuf,
    file: PathBuf,
    ahead: SignedDuration,
}

impl WallClock {
    /// One that is right, and keeps what it needs in `folder`, under this name.
    pub fn new(folder: &Path, name: &str) -> Self {
        let (source, library) = (folder.join("ahead.c"), folder.join("ahead.so"));
        if !library.exists() {
            fs::write(&source, include_str!("ahead.c")).expect("a file");
            let compiled =
                Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).status();
            assert!(compiled.expect("a C compiler").success());
        }
        let mut clock = Self { library, file: folder.join(format!("ahead-{name}")), ahead: SignedDuration::ZERO };
        clock.jump(SignedDuration::ZERO);
        clock
    }

    /// Runs further ahead, or less far, from now on.
    pub fn jump(&mut self, by: SignedDuration) {
        self.ahead += by;
        let milliseconds = i64::try_from(self.ahead.as_millis()).expect("some hours");
        // Not emptied first: programs have it in their memory.
        let file = OpenOptions::new().create(true).write(true).truncate(false).open(&self.file);
        file.and_then(|mut file| file.write_all(&milliseconds.to_le_bytes())).expect("a file");
    }

    /// How far it runs ahead.
    pub fn ahead(&self) -> SignedDuration {
        self.ahead
    }

    /// What the environment of a program says that is to follow this clock.
    pub fn environment(&self) -> [(String, String); 2] {
        [("LD_PRELOAD", &self.library), ("AHEAD_FILE", &self.file)]
            .map(|(key, path)| (key.to_owned(), path.display().to_string()))
    }
}
