//! A disk whose power can be cut: a file system on a loop device on a network block device, whose server keeps what was
//! not flushed in its memory. When that is killed, everything is lost that nobody waited for.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const SIZE: u64 = 192 << 20;

/// The disk; everything of it is gone with this value. Needs root.
pub struct Disk {
    /// Holds the image, the socket and the places where things are mounted.
    folder: tempfile::TempDir,
    powered: Option<Powered>,
}

struct Powered {
    server: Child,
    device_file: Child,
    device: String,
}

impl Disk {
    /// An empty one, mounted.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let everybody = fs::Permissions::from_mode(0o755); // PostgreSQL is somebody else
        fs::set_permissions(folder.path(), everybody).expect("it is ours");
        File::create(folder.path().join("image")).and_then(|image| image.set_len(SIZE)).expect("an image");
        for name in ["device", "mounted"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        fs::write(folder.path().join("device/file"), "").expect("a file");
        let mut disk = Self { folder, powered: None };
        let powered = disk.power();
        run(Command::new("mkfs.ext4").args(["-q", &powered.device]));
        disk.mount(powered);
        disk
    }

    /// Where its files are.
    pub fn mounted(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    /// Waits until everything that was written so far would survive.
    pub fn flush(&self) {
        run(Command::new("sync").arg("--file-system").arg(self.mounted()));
    }

    /// What was not flushed is gone, and whoever reads or writes gets errors.
    pub fn cut(&mut self) {
        let powered = self.powered.as_mut().expect("it has power");
        powered.server.kill().and_then(|()| powered.server.wait()).expect("it runs");
    }

    /// Nothing more can be written to it, until [`Self::make_room`].
    pub fn fill(&self) {
        let full = File::create(self.mounted().join("full"))
            .and_then(|mut file| std::io::copy(&mut std::io::repeat(0), &mut file));
        assert!(full.is_err_and(|error| error.kind() == std::io::ErrorKind::StorageFull), "it is full");
    }

    /// There is room again.
    pub fn make_room(&self) {
        fs::remove_file(self.mounted().join("full")).expect("it was filled");
    }

    /// Mounts it again, as after a start of the machine. Nobody may have a file of it open.
    pub fn restart(&mut self) {
        self.unmount();
        let powered = self.power();
        self.mount(powered);
        let _ = fs::remove_file(self.mounted().join("full")); // that it was removed need not have been flushed
    }

    fn power(&self) -> Powered {
        let (socket, image) = (self.folder.path().join("socket"), self.folder.path().join("image"));
        let file = self.folder.path().join("device/file");
        let _ = fs::remove_file(&socket);
        let server =
            started(Command::new("nbdkit").args(["--foreground", "--exit-with-parent", "--unix"]).arg(&socket).args([
                "--filter=cache",
                "file",
                &image.display().to_string(),
                "cache=writeback",
                "cache-min-block-size=4096",
            ]));
        until("the block device's server listens", || socket.exists());
        let device_file = started(Command::new("nbdfuse").arg(&file).arg("--unix").arg(&socket));
        until("the block device is there", || fs::metadata(&file).is_ok_and(|there| there.len() == SIZE));
        let attached =
            Command::new("losetup").args(["--find", "--show"]).arg(&file).output().expect("losetup can be run");
        let device = String::from_utf8_lossy(&attached.stdout).trim().to_owned();
        assert!(!device.is_empty(), "no loop device: {}", String::from_utf8_lossy(&attached.stderr));
        Powered { server, device_file, device }
    }

    fn mount(&mut self, powered: Powered) {
        run(Command::new("mount").args(["-t", "ext4", &powered.device]).arg(self.mounted()));
        self.powered = Some(powered);
    }

    fn unmount(&mut self) {
        let Some(mut powered) = self.powered.take() else { return };
        let file = self.folder.path().join("device/file");
        // Whoever was just killed may still have files open.
        let begun = Instant::now();
        let mut unmount = Command::new("umount");
        unmount.arg(self.mounted()).stderr(Stdio::null());
        while unmount.status().is_ok_and(|status| !status.success()) && begun.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(50));
        }
        // Each may fail when the power is cut; what matters is that they are gone.
        for command in [
            Command::new("losetup").args(["--detach", &powered.device]),
            Command::new("fusermount3").arg("-u").arg(&file),
        ] {
            let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        let _ = powered.device_file.wait();
        let _ = powered.server.kill().and_then(|()| powered.server.wait().map(drop));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.unmount();
    }
}

fn started(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

fn until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}: it does not come");
        thread::sleep(Duration::from_millis(20));
    }
}
