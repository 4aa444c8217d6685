//! The listener, its inbox, and what a test may ask of them.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time};

use super::{
    fault::{Action, Script, Stage},
    mail::ReceivedMail,
    session::{Session, Stream},
    tls::Identity,
};

/// How long [`SmtpServer::wait_for`] waits before it fails the test.
const PATIENCE: Duration = Duration::from_secs(10);

/// When the conversation becomes private.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encryption {
    /// Never.
    #[default]
    None,
    /// After STARTTLS, without which no mail is taken.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// What kind of server a test wants.
#[derive(Debug, Clone, Default)]
pub struct SmtpSettings {
    /// Whether and when TLS begins.
    pub encryption: Encryption,
    /// User and password that a client must log in with.
    pub credentials: Option<(String, String)>,
}

/// A running server; dropping it stops it.
pub struct SmtpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

/// What all conversations share.
pub(super) struct Shared {
    pub settings: SmtpSettings,
    pub faults: Script,
    pub identity: Identity,
    mails: watch::Sender<Vec<ReceivedMail>>,
}

impl Shared {
    pub fn receive(&self, mail: ReceivedMail) {
        self.mails.send_modify(|mails| mails.push(mail));
    }
}

impl SmtpServer {
    /// Starts a server without encryption or login on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        Self::start_with(SmtpSettings::default()).await
    }

    /// Starts a server on a free port of 127.0.0.1.
    pub async fn start_with(settings: SmtpSettings) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            settings,
            faults: Script::default(),
            identity: Identity::generate(),
            mails: watch::Sender::new(Vec::new()),
        });
        let accepting = Mutex::new(Some(tokio::spawn(accept(listener, shared.clone()))));
        Self { address, shared, accepting }
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As the server's configuration wants it: `smtp://` or `smtps://`, with the login if there is one.
    pub fn url(&self) -> String {
        let scheme = if self.shared.settings.encryption == Encryption::Implicit { "smtps" } else { "smtp" };
        let login = match &self.shared.settings.credentials {
            Some((user, password)) => format!("{user}:{password}@"),
            None => String::new(),
        };
        format!("{scheme}://{login}localhost:{}", self.address.port())
    }

    /// The certificate that clients must be told to trust.
    pub fn certificate_pem(&self) -> &str {
        &self.shared.identity.certificate_pem
    }

    /// Makes the next answer at `stage` fail; several are played in the order they were given.
    pub fn fail_next(&self, stage: Stage, action: Action) {
        self.shared.faults.push(stage, action);
    }

    /// True when every fault has been played.
    pub fn faults_played(&self) -> bool {
        self.shared.faults.is_empty()
    }

    /// Closes the port and every conversation: connections are refused until [`Self::come_back`].
    pub async fn go_down(&self) {
        let accepting = self.accepting.lock().unwrap().take();
        if let Some(accepting) = accepting {
            accepting.abort();
            let _ = accepting.await; // the listener is closed once the task is gone
        }
    }

    /// Listens again on the same port.
    pub async fn come_back(&self) {
        let listener = TcpListener::bind(self.address).await.expect("nobody took the port meanwhile");
        *self.accepting.lock().unwrap() = Some(tokio::spawn(accept(listener, self.shared.clone())));
    }

    /// Every mail so far, in the order of arrival.
    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.shared.mails.borrow().clone()
    }

    /// How many mails came so far.
    pub fn arrived(&self) -> usize {
        self.shared.mails.borrow().len()
    }

    /// The mails that came after the first `count`.
    pub fn mails_after(&self, count: usize) -> Vec<ReceivedMail> {
        self.shared.mails.borrow().get(count..).unwrap_or_default().to_vec()
    }

    /// The first mail, received already or within ten seconds, that `wanted` likes.
    ///
    /// # Panics
    /// When none comes; the message lists what came instead.
    pub async fn wait_for(&self, wanted: impl Fn(&ReceivedMail) -> bool) -> ReceivedMail {
        self.wait_within(PATIENCE, wanted).await
    }

    /// As [`Self::wait_for`], with another patience.
    pub async fn wait_within(&self, patience: Duration, wanted: impl Fn(&ReceivedMail) -> bool) -> ReceivedMail {
        let mut mails = self.shared.mails.subscribe();
        let found = async {
            loop {
                let found = mails.borrow_and_update().iter().find(|mail| wanted(mail)).cloned();
                if let Some(mail) = found {
                    return mail;
                }
                mails.changed().await.expect("the sender lives as long as the server");
            }
        };
        match time::timeout(patience, found).await {
            Ok(mail) => mail,
            Err(_) => {
                let came = self.mails();
                let came: Vec<_> = came.iter().map(|mail| (&mail.recipients, &mail.subject)).collect();
                panic!("no such mail within {patience:?}; these came: {came:?}")
            }
        }
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.lock().unwrap().take() {
            accepting.abort();
        }
    }
}

/// Takes connections; its conversations end with it, because they are its own tasks.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut conversations = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            Ok((socket, _)) = listener.accept() => {
                let shared = shared.clone();
                conversations.spawn(async move {
                    let stream: Box<dyn Stream> = match shared.settings.encryption {
                        Encryption::Implicit => match shared.identity.acceptor.accept(socket).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return, // a client that does not trust us
                        },
                        Encryption::None | Encryption::StartTls => Box::new(socket),
                    };
                    // A client that hangs up in the middle is not the server's failure.
                    let _ = Session::new(stream, &shared).converse().await;
                });
            }
            Some(_) = conversations.join_next() => {}
        }
    }
}
