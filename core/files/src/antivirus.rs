//! A virus scanner, asked by the protocol of ClamAV's daemon (`INSTREAM`, clamd(8)).

use std::{io, path::PathBuf, time::Duration};

use futures_util::{Stream, StreamExt as _};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// Bytes of a chunk at most.
const CHUNK: usize = 64 * 1024;
/// Bytes of an answer at most.
const ANSWER: u64 = 4096;

/// What the scanner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It found nothing.
    Clean,
    /// It found this.
    Infected(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    Tcp(String),
    Unix(PathBuf),
}

/// Where the scanner listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Antivirus {
    address: Address,
    patience: Duration,
}

trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

impl Antivirus {
    /// The scanner at `tcp://host:port` or `unix:///path`; `patience` is how long each step may take.
    ///
    /// # Errors
    /// When the text names neither.
    pub fn at(text: &str, patience: Duration) -> Result<Self, String> {
        let address = match (text.strip_prefix("tcp://"), text.strip_prefix("unix://")) {
            (Some(host), _)
                if host
                    .rsplit_once(':')
                    .is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok()) =>
            {
                Address::Tcp(host.to_owned())
            }
            (_, Some(path)) if path.starts_with('/') => Address::Unix(path.into()),
            _ => return Err("is neither tcp://host:port nor unix:///path".to_owned()),
        };
        Ok(Self { address, patience })
    }

    /// Has the scanner look at what comes.
    ///
    /// # Errors
    /// When it cannot be reached or gives no verdict, as for files longer than its `StreamMaxLength`.
    pub async fn scan(&self, content: impl Stream<Item = io::Result<Vec<u8>>> + Unpin) -> io::Result<Verdict> {
        let mut connection = self.within(self.connect()).await?;
        // It may answer before it has seen everything, and close: then the answer says more than the broken pipe.
        let sent = self.send(&mut connection, content).await;
        let mut answer = Vec::new();
        let read = self.within(BufReader::new(connection.take(ANSWER)).read_until(0, &mut answer)).await;
        match verdict(&answer) {
            Err(_) if sent.is_err() => sent.and(Err(io::Error::other("no verdict"))),
            Err(_) if read.is_err() => read.and(Err(io::Error::other("no verdict"))),
            Ok(Verdict::Clean) if sent.is_err() => sent.and(Err(io::Error::other("no verdict"))),
            told => told,
        }
    }

    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        Ok(match &self.address {
            Address::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }

    async fn send(
        &self,
        connection: &mut Box<dyn Connection>,
        mut content: impl Stream<Item = io::Result<Vec<u8>>> + Unpin,
    ) -> io::Result<()> {
        self.within(connection.write_all(b"zINSTREAM\0")).await?;
        while let Some(piece) = content.next().await {
            for chunk in piece?.chunks(CHUNK) {
                let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
                self.within(connection.write_all(&length.to_be_bytes())).await?;
                self.within(connection.write_all(chunk)).await?;
            }
        }
        self.within(connection.write_all(&[0; 4])).await?;
        self.within(connection.flush()).await
    }

    async fn within<T>(&self, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the scanner does not answer");
        timeout(self.patience, step).await.unwrap_or_else(|_| Err(late()))
    }
}

/// `stream: OK`, `stream: <signature> FOUND`, or what went wrong.
fn verdict(answer: &[u8]) -> io::Result<Verdict> {
    let text = String::from_utf8_lossy(answer);
    let text = text.trim_end_matches(['\0', '\n']).trim();
    let told = text.strip_prefix("stream: ").unwrap_or(text);
    match told.strip_suffix(" FOUND") {
        Some(signature) => Ok(Verdict::Infected(signature.to_owned())),
        None if told == "OK" => Ok(Verdict::Clean),
        None => Err(io::Error::other(format!("the scanner gave no verdict: {text}"))),
    }
}
