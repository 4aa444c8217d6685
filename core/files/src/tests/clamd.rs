//! A clamd that holds its clients to the protocol of clamd(8): `zINSTREAM`, chunks with their length as four bytes in
//! network order, a chunk of no bytes at the end. It finds EICAR's test file.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The test file of the European Institute for Computer Antivirus Research, in two halves, so that no scanner finds it
/// in here.
pub fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

/// clamd's `StreamMaxLength`.
pub const LONGEST: usize = 1024 * 1024;

/// A running scanner.
#[derive(Clone)]
pub struct Clamd {
    /// Where it listens.
    pub address: String,
    /// How many of the next connections it closes without a word.
    pub faults: Arc<AtomicUsize>,
    /// How many streams it has looked at.
    pub scans: Arc<AtomicUsize>,
}

impl Clamd {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let clamd = Self { address, faults: Arc::default(), scans: Arc::default() };
        let this = clamd.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let this = this.clone();
                tokio::spawn(async move { this.serve(stream).await });
            }
        });
        clamd
    }

    async fn serve(&self, mut stream: TcpStream) {
        let fault = self.faults.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if fault.is_ok() {
            return;
        }
        let answer = match receive(&mut stream).await {
            Ok(content) => {
                self.scans.fetch_add(1, Ordering::SeqCst);
                let found = content.windows(eicar().len()).any(|window| window == eicar());
                if found { "stream: Eicar-Test-Signature FOUND\0" } else { "stream: OK\0" }
            }
            Err(answer) => answer,
        };
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

async fn receive(stream: &mut TcpStream) -> Result<Vec<u8>, &'static str> {
    const BROKEN: &str = "INSTREAM: connection broken. ERROR\0";
    let mut command = [0; 10];
    stream.read_exact(&mut command).await.map_err(|_| BROKEN)?;
    if &command != b"zINSTREAM\0" {
        return Err("UNKNOWN COMMAND\0");
    }
    let mut content = Vec::new();
    loop {
        let length = stream.read_u32().await.map_err(|_| BROKEN)? as usize;
        if length == 0 {
            return Ok(content);
        }
        if content.len() + length > LONGEST {
            return Err("INSTREAM size limit exceeded. ERROR\0");
        }
        let begins = content.len();
        content.resize(begins + length, 0);
        stream.read_exact(&mut content[begins..]).await.map_err(|_| BROKEN)?;
    }
}
