//! What a plugin's author does, with the program that they get: a new plugin builds and passes
//! untouched and without the network; mistakes are explained; a pack can be made twice and trusted;
//! an edit is live in a running server at once.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use consilium_tests::{
    app::Backend,
    artifacts,
    client::{Person, email},
    deployment::Deployment,
};
use serde_json::{Value, json};

/// Where cargo puts the library of the first plugin.
const LIBRARY: &str = "target/debug/libacme_video.so";

/// A program in `folder`, whose cargo is a stranger's.
fn strangers(folder: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    artifacts::stranger(&mut command).current_dir(folder).env("CARGO_TERM_COLOR", "never");
    command
}

fn run(folder: &Path, program: &Path, arguments: &[&str]) -> Output {
    strangers(folder, program).args(arguments).output().expect("it runs")
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", told(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn consilium(folder: &Path, arguments: &[&str]) -> Output {
    run(folder, &artifacts::consilium(), arguments)
}

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    run(folder, Path::new(&std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())), arguments)
}

#[tokio::test]
async fn a_new_video_plugin_builds_and_passes_untouched_is_packed_and_goes_live_edit_by_edit() {
    let folder = tempfile::tempdir().unwrap();
    let made = good(&consilium(folder.path(), &["plugin", "new", "acme-video", "--kind", "video"]));
    assert!(made.contains("Wrote acme-video:") && made.contains("  src/lib.rs"), "{made}");
    let plugin = folder.path().join("acme-video");
    let lock = fs::read_to_string(plugin.join("Cargo.lock")).unwrap();
    good(&cargo(&plugin, &["build"]));
    nothing_was_resolved_anew(&plugin, &lock);
    let report = good(&consilium(&plugin, &["plugin", "test", LIBRARY]));
    assert!(report.contains("reached gold, asked for gold"), "{report}");
    good(&cargo(&plugin, &["test"]));

    let json = good(&consilium(&plugin, &["plugin", "test", LIBRARY, "--format", "json", "--only", "life."]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.get("reached"), Some(&"gold".into()));

    packs(&plugin);
    goes_live(&plugin).await;
}

/// Cargo may leave packages out, but every one that it took is one that the lock file named.
fn nothing_was_resolved_anew(plugin: &Path, lock: &str) {
    let packages = |lock: &str| -> BTreeSet<(String, String)> {
        let lock: toml::Table = lock.parse().unwrap();
        let listed = lock["package"].as_array().unwrap().iter();
        listed.map(|package| (package["name"].to_string(), package["version"].to_string())).collect()
    };
    let taken = packages(&fs::read_to_string(plugin.join("Cargo.lock")).unwrap());
    assert!(taken.len() > 10 && taken.is_subset(&packages(lock)), "cargo resolved anew");
}

fn packs(plugin: &Path) {
    for name in ["one.tar.gz", "two.tar.gz"] {
        good(&consilium(plugin, &["plugin", "pack", LIBRARY, "--output", name]));
    }
    let (one, two) = (fs::read(plugin.join("one.tar.gz")).unwrap(), fs::read(plugin.join("two.tar.gz")).unwrap());
    assert_eq!(one, two, "the same files make the same bytes");
    let inspected = good(&consilium(plugin, &["plugin", "inspect", "one.tar.gz"]));
    assert!(inspected.contains("\"id\": \"acme-video\""), "{inspected}");
    // Several bytes: another single one may unpack to the same.
    for place in [one.len() / 2, one.len() - 16] {
        let mut damaged = one.clone();
        damaged.get_mut(place..place + 16).unwrap().iter_mut().for_each(|byte| *byte ^= 0xff);
        fs::write(plugin.join("damaged.tar.gz"), damaged).unwrap();
        assert_eq!(consilium(plugin, &["plugin", "inspect", "damaged.tar.gz"]).status.code(), Some(1), "at {place}");
    }
    fs::rename(plugin.join("README.md"), plugin.join("README.old")).unwrap();
    let unpacked = consilium(plugin, &["plugin", "pack", LIBRARY]);
    assert!(!unpacked.status.success() && told(&unpacked).contains("README.md"), "{}", told(&unpacked));
}

/// `plugin dev` beside a running server, which answers `GET /plugins` with what serves.
async fn goes_live(plugin: &Path) {
    let deployment = Deployment::new(Backend::Sqlite);
    fs::create_dir(deployment.folder().join("plugins")).unwrap();
    let library = deployment.folder().join("plugins/acme-video.so");
    fs::copy(plugin.join(LIBRARY), &library).unwrap();
    deployment.write("api_key", "key-from-acmes-console");
    deployment.configure(
        "[plugins.use.acme-video]\nlibrary = 'acme-video.so'\nconfig = { base_url = 'https://meet.example.org' }\n\
         secret_files = { api_key = 'api_key' }\n",
    );
    let server = deployment.serve().await;
    let admin = server.client.login("admin").await;
    let first = served(&admin).await;

    let password = deployment.folder().join("password");
    let mut developing = Developing::start(plugin, |command| {
        command.args(["--server", server.client.address(), "--email", &email("admin"), "--password-file"]);
        command.arg(password).arg("--library").arg(&library);
    });
    developing.wait_for("live after");
    let second = served(&admin).await;
    assert!(generation(&second) > generation(&first), "{first} {second}");

    let source = plugin.join("src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    let edited = |place: &str| text.replace("{}/rooms/{}", &format!("{{}}/{place}/{{}}"));
    assert_ne!(edited("visits"), text);
    let began = Instant::now();
    fs::write(&source, edited("visits")).unwrap();
    let said = developing.wait_for("live after");
    let third = served(&admin).await;
    println!("from the edit to the server's word that it serves: {:?}; {said}", began.elapsed());
    assert!(generation(&third) > generation(&second), "{second} {third}");
    assert_ne!(third["library_sha256"], second["library_sha256"]);

    fs::write(&source, "no Rust").unwrap();
    developing.wait_for("the old library stays until this builds");
    assert_eq!(served(&admin).await, third);
    fs::write(&source, edited("calls")).unwrap();
    developing.wait_for("live after");
    let fourth = served(&admin).await;
    // As many editors do: a new file takes the old one's place.
    let manifest = fs::read_to_string(plugin.join("plugin.toml")).unwrap();
    fs::write(plugin.join("plugin.toml.new"), manifest.replace("Rooms at", "Rooms of")).unwrap();
    fs::rename(plugin.join("plugin.toml.new"), plugin.join("plugin.toml")).unwrap();
    developing.wait_for("live after");
    let fifth = served(&admin).await;
    assert!(generation(&fifth) > generation(&fourth), "{fourth} {fifth}");
    assert_ne!(fifth["library_sha256"], fourth["library_sha256"]);
    assert_eq!((&fifth["state"], fifth["alerts"].as_array().map(Vec::len)), (&json!("running"), Some(0)));
    drop(developing);
    server.stop().await;
}

/// The one plugin of the server.
async fn served(admin: &Person) -> Value {
    admin.get("/plugins").await.expect(200)["items"][0].take()
}

fn generation(plugin: &Value) -> u64 {
    plugin["generation"].as_u64().unwrap()
}

/// A running `plugin dev`; it ends with this value.
struct Developing {
    child: Child,
    lines: Receiver<String>,
}

impl Developing {
    fn start(plugin: &Path, with: impl FnOnce(&mut Command)) -> Self {
        let mut command = strangers(plugin, &artifacts::consilium());
        command.args(["plugin", "dev"]);
        with(&mut command);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, lines }
    }

    /// The next line that begins so.
    fn wait_for(&mut self, wanted: &str) -> String {
        let mut said = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            let line = line.unwrap_or_else(|_| panic!("it never says {wanted:?}, but {said:#?}"));
            assert!(!line.contains("not live"), "{line}");
            if line.starts_with(wanted) {
                return line;
            }
            said.push(line);
        }
    }
}

impl Drop for Developing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every other kind. Their crates become members of one workspace around one copy of the SDK, so that it and all that
/// it needs are compiled once; nothing else of them is touched.
#[test]
fn new_plugins_of_every_other_kind_build_and_pass() {
    const KINDS: [&str; 6] = ["pharmacy", "notification", "payment", "analytics", "assistant", "events"];
    let folder = tempfile::tempdir().unwrap();
    let mut members =
        toml::Table::from_iter([("resolver".to_owned(), "3".into()), ("exclude".to_owned(), array(&["consilium"]))]);
    members.insert("members".to_owned(), array(&KINDS));
    for kind in KINDS {
        let directory = folder.path().join(kind);
        let name = format!("acme-{kind}");
        good(&consilium(folder.path(), &["plugin", "new", &name, "--kind", kind, "--directory", kind]));
        let lock = fs::read_to_string(directory.join("Cargo.lock")).unwrap();
        good(&cargo(&directory, &["metadata", "--format-version", "1"]));
        nothing_was_resolved_anew(&directory, &lock);
        good(&cargo(&directory, &["fmt", "--check"]));
        let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        let mut manifest: toml::Table = manifest.parse().unwrap();
        manifest.retain(|section, _| section != "workspace" && section != "profile");
        manifest["dependencies"]["consilium-plugin-sdk"]["path"] = "../consilium/plugins/sdk".into();
        fs::write(directory.join("Cargo.toml"), manifest.to_string()).unwrap();
        fs::rename(directory.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
        let shared = folder.path().join("consilium");
        if shared.exists() {
            fs::remove_dir_all(directory.join("consilium")).unwrap();
        } else {
            fs::rename(directory.join("consilium"), shared).unwrap();
        }
    }
    let workspace = toml::Table::from_iter([("workspace".to_owned(), toml::Value::Table(members))]);
    fs::write(folder.path().join("Cargo.toml"), workspace.to_string()).unwrap();
    let tested = told(&cargo(folder.path(), &["test", "--workspace", "--tests"]));
    assert_eq!(tested.matches("Running tests/provider.rs").count(), KINDS.len(), "{tested}");
    assert!(!tested.contains("FAILED") && !tested.contains("error"), "{tested}");
    good(&cargo(folder.path(), &["build", "--workspace"]));
    // Two at a time: the kit measures, and there may be no more processors.
    for kinds in KINDS.chunks(2) {
        thread::scope(|scope| {
            for kind in kinds {
                let directory = folder.path().join(kind);
                let library = folder.path().join(format!("target/debug/libacme_{kind}.so"));
                scope.spawn(move || {
                    let test = ["plugin", "test", library.to_str().unwrap(), "--cassette", "tests/cassette.json"];
                    let report = good(&consilium(&directory, &test));
                    assert!(report.contains("reached gold, asked for gold"), "{report}");
                });
            }
        });
    }
}

fn array(words: &[&str]) -> toml::Value {
    toml::Value::Array(words.iter().map(|word| (*word).into()).collect())
}

#[test]
fn mistakes_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, reason) in [
        (vec!["new", "Acme", "--kind", "video"], "lower case words"),
        (vec!["new", "acme", "--kind", "teleport"], "there are: video, pharmacy, notification, payment, analytics"),
        (vec!["new", "acme", "--kind", "video", "--directory", "."], "exists already"),
        (vec!["test", "/etc/hostname"], "cannot be loaded"),
        (vec!["test", "x.so", "--secret", "key"], "NAME=FILE"),
        (vec!["test", "x.so", "--record"], "--cassette"),
        (vec!["dev"], "--library"),
        (vec!["dev", "--server", "http://127.0.0.1:1"], "--token-file"),
        (vec!["dev", "--server", "http://127.0.0.1:1", "--email", "a@example.org"], "--password-file"),
    ] {
        let output = consilium(folder.path(), &[&["plugin"], arguments.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", told(&output));
        assert!(told(&output).contains(reason), "{arguments:?}: {}", told(&output));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn a_plugin_of_the_contract_before_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = format!("OUT={}", folder.path().display());
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/example-c");
    for (flags, said) in [
        ("CFLAGS=-DVIDEO_1", "video/1: through an adapter; this release speaks video/2"),
        ("CFLAGS=", "video/2: as this release speaks it"),
    ] {
        good(&run(folder.path(), Path::new("make"), &["-B", "-s", "-C", example, &out, flags]));
        let inspected = consilium(folder.path(), &["plugin", "inspect", "libexample_c.so"]);
        good(&inspected);
        assert!(told(&inspected).contains(said), "{}", told(&inspected));
    }
}
