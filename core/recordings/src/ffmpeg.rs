//! ffmpeg, where there is one: how long a recording plays, and a picture out of it. It reads what it is given, and
//! nothing else: no file, no network, no clear text on disk; it has no environment and a limit to its time.

use std::{env, io, path::PathBuf, process::Stdio, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{ChildStdin, Command},
};

/// Bytes of a picture at most.
const LARGEST_PICTURE: usize = 256 * 1024;
/// Bytes of what it tells at most.
const LONGEST_TOLD: usize = 1024 * 1024;

/// The program, and how long one run may take.
#[derive(Debug, Clone)]
pub struct Ffmpeg {
    program: PathBuf,
    patience: Duration,
}

impl Ffmpeg {
    /// The program of this name: a path, or looked for on `PATH`. `None` when there is none.
    pub fn find(name: &str, patience: Duration) -> Option<Self> {
        let named = PathBuf::from(name);
        let program = if named.components().count() > 1 {
            Some(named).filter(|path| path.is_file())
        } else {
            let folders = env::var_os("PATH").unwrap_or_default();
            env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| !name.is_empty() && path.is_file())
        };
        Some(Self { program: program?, patience })
    }

    /// How long it plays, in milliseconds.
    pub(crate) async fn duration<S>(&self, format: &str, content: S) -> io::Result<i64>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
    {
        let copy = ["-map", "0", "-c", "copy", "-f", "null", "-progress", "pipe:1", "-nostats", "-"];
        let told = self.run(format, &copy, LONGEST_TOLD, content).await?;
        let told = String::from_utf8_lossy(&told);
        let times = told.lines().filter_map(|line| line.strip_prefix("out_time_us="));
        let last = times.filter_map(|time| time.trim().parse::<i64>().ok()).next_back();
        last.map(|microseconds| microseconds / 1_000).ok_or_else(|| io::Error::other("it says no time"))
    }

    /// Its first picture as JPEG.
    pub(crate) async fn picture<S>(&self, format: &str, content: S) -> io::Result<Vec<u8>>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
    {
        let first = ["-frames:v", "1", "-vf", "scale=320:-2", "-c:v", "mjpeg", "-f", "image2pipe", "pipe:1"];
        let picture = self.run(format, &first, LARGEST_PICTURE, content).await?;
        if picture.starts_with(b"\xff\xd8\xff") { Ok(picture) } else { Err(io::Error::other("it makes no picture")) }
    }

    /// What it writes when it reads `content`, which it takes for nothing but `format`.
    async fn run<S>(&self, format: &str, arguments: &[&str], most: usize, content: S) -> io::Result<Vec<u8>>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
    {
        let mut child = Command::new(&self.program)
            .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe"])
            .args(["-f", format, "-i", "pipe:0"])
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let mut told = Vec::new();
        let work = async {
            let mut limited = stdout.take(most as u64 + 1);
            let (fed, read) = tokio::join!(feed(stdin, content), limited.read_to_end(&mut told));
            fed.and(read)?;
            child.wait().await
        };
        let status = tokio::time::timeout(self.patience, work).await.map_err(|_| io::ErrorKind::TimedOut)??;
        match status.success() {
            true if told.len() <= most => Ok(told),
            true => Err(io::Error::other("it writes too much")),
            false => Err(io::Error::other(format!("it ended with {status}"))),
        }
    }
}

/// Whoever has seen enough stops reading, and that is fine.
async fn feed<S>(mut stdin: ChildStdin, mut content: S) -> io::Result<()>
where
    S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
{
    while let Some(piece) = content.next().await {
        match stdin.write_all(&piece?).await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
    match stdin.shutdown().await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Instant};

    use futures_util::stream;

    use super::*;

    /// A program of a few lines in place of ffmpeg.
    fn program(folder: &Path, lines: &str) -> Ffmpeg {
        let file = folder.join("ffmpeg");
        fs::write(&file, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        Ffmpeg::find(&file.display().to_string(), Duration::from_secs(2)).unwrap()
    }

    fn content(length: usize) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin {
        stream::iter((0..length / 1_000).map(|_| Ok(Bytes::from(vec![b'x'; 1_000]))))
    }

    #[test]
    fn it_is_found_by_path_or_by_name() {
        let patience = Duration::from_secs(1);
        assert!(Ffmpeg::find("sh", patience).is_some() && Ffmpeg::find("/bin/sh", patience).is_some());
        for missing in ["", "no-such-program", "/no/such/program", "/bin"] {
            assert!(Ffmpeg::find(missing, patience).is_none(), "{missing}");
        }
    }

    #[tokio::test]
    async fn it_is_told_what_to_do_and_read() {
        let folder = tempfile::tempdir().unwrap();
        // It counts what it is given, and repeats what it is told.
        let counts = program(folder.path(), "echo \"out_time_us=$(/usr/bin/wc -c)000\"\necho progress=end");
        assert_eq!(counts.duration("matroska", content(300_000)).await.unwrap(), 300_000);
        let told = program(folder.path(), "/bin/cat >/dev/null; echo \"$@\" >&1; echo \"[$HOME]\"");
        let told = String::from_utf8(told.run("mp4", &["-x"], 1_000, content(1_000)).await.unwrap()).unwrap();
        let expected = "-hide_banner -nostdin -loglevel error -protocol_whitelist pipe -f mp4 -i pipe:0 -x\n[]\n";
        assert_eq!(told, expected);
    }

    #[tokio::test]
    async fn it_may_stop_reading_but_not_ramble_fail_or_hang() {
        let folder = tempfile::tempdir().unwrap();
        let picture = program(folder.path(), "printf '\\377\\330\\377picture'");
        assert_eq!(picture.picture("mp4", content(5_000_000)).await.unwrap(), b"\xff\xd8\xffpicture");
        for wrong in ["printf picture", "exit 1", "exec /usr/bin/head -c 300000 /dev/zero", "exec /usr/bin/yes"] {
            let failed = program(folder.path(), wrong).picture("mp4", content(1_000)).await;
            assert!(failed.is_err(), "{wrong}");
        }
        let begun = Instant::now();
        let hangs = program(folder.path(), "exec /usr/bin/sleep 60");
        let late = hangs.duration("mp4", content(5_000_000)).await.unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
