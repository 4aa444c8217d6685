//! The network between one node and a server that it needs.

use std::{
    net::{SocketAddr, TcpListener},
    sync::LazyLock,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    runtime::{Builder, Runtime},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

/// Carries everything, on a thread of its own: a test that waits for a program must not keep the nodes waiting.
static NETWORK: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"));

/// A wire that can go dead: then nothing comes through either way, and nobody is told. What was under way comes
/// through when it is mended, as TCP has it.
pub struct Wire {
    port: u16,
    whole: watch::Sender<bool>,
    carrying: AbortHandle,
}

impl Wire {
    /// To what listens at `there`.
    pub fn to(there: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        listener.set_nonblocking(true).expect("a socket");
        let whole = watch::Sender::new(true);
        let seen = whole.subscribe();
        let carrying = NETWORK.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            let mut lines = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                lines.spawn(line(near, there, seen.clone()));
                while lines.try_join_next().is_some() {}
            }
        });
        Self { port, whole, carrying: carrying.abort_handle() }
    }

    /// Where it begins.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Nothing comes through from now on.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Everything comes through again.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

async fn line(near: TcpStream, there: SocketAddr, mut whole: watch::Receiver<bool>) {
    if whole.wait_for(|whole| *whole).await.is_err() {
        return;
    }
    let Ok(far) = TcpStream::connect(there).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(carry(near_in, far_out, whole.clone()), carry(far_in, near_out, whole));
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut whole: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or_default();
        if whole.wait_for(|whole| *whole).await.is_err() {
            return;
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
    }
}
