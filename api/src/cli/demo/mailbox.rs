//! A mail server that keeps what it is given: enough of ESMTP (RFC 5321) for the demo's own server to deliver to.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail};
use mail_parser::{MessageParser, MimeHeaders};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Bytes of a mail at most.
const LARGEST: u64 = 1024 * 1024;
/// How long a client may say nothing.
const IDLE: Duration = Duration::from_secs(60);
/// How long a mail is waited for.
const LOOKS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// One mail.
#[derive(Debug, Clone)]
pub(super) struct Mail {
    pub recipients: Vec<String>,
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The invitation, if one is attached.
    pub invite: Option<Invite>,
}

/// What an attached calendar object asks for (RFC 5546).
#[derive(Debug, Clone)]
pub(super) struct Invite {
    pub method: String,
    /// STATUS of the event.
    pub status: String,
    /// UID of the event.
    pub uid: String,
}

/// Listens on a free port of this machine until it is dropped.
pub(super) struct Mailbox {
    pub address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    listening: JoinHandle<()>,
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Mailbox {
    /// Starts listening.
    pub(super) async fn open() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = mails.clone();
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let kept = kept.clone();
                tokio::spawn(async move {
                    // A conversation that breaks is begun again by the sender.
                    let _broken = converse(client, &kept).await;
                });
            }
        });
        Ok(Self { address, mails, listening })
    }

    /// Takes out the first mail to `address` that is as `wanted`; waits for it.
    pub(super) async fn take(&self, address: &str, what: &str, wanted: impl Fn(&Mail) -> bool) -> Result<Mail> {
        for _ in 0..LOOKS {
            {
                let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
                let to = |mail: &Mail| mail.recipients.iter().any(|one| one.eq_ignore_ascii_case(address));
                if let Some(found) = mails.iter().position(|mail| to(mail) && wanted(mail)) {
                    return Ok(mails.remove(found));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("no mail with {what} came to {address}")
    }
}

async fn converse(client: TcpStream, kept: &Mutex<Vec<Mail>>) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let mut recipients = Vec::new();
    client.write_all(b"220 localhost ESMTP\r\n").await?;
    loop {
        let line = line(&mut client).await?;
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        let verb = text.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "" if line.is_empty() => return Ok(()),
            "EHLO" => "250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8",
            "HELO" | "NOOP" => "250 fine",
            "MAIL" | "RSET" => {
                recipients.clear();
                "250 fine"
            }
            "RCPT" => {
                let address = text.split(['<', '>']).nth(1).unwrap_or_default();
                recipients.push(address.to_owned());
                "250 fine"
            }
            "DATA" => {
                client.write_all(b"354 end with a dot\r\n").await?;
                let message = data(&mut client).await?;
                let mail = read(std::mem::take(&mut recipients), &message);
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend(mail);
                "250 kept"
            }
            "QUIT" => return client.write_all(b"221 bye\r\n").await,
            _ => "500 unknown here",
        };
        client.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

/// A line with its end; empty when the client has gone.
async fn line(client: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    tokio::time::timeout(IDLE, client.take(LARGEST).read_until(b'\n', &mut line)).await??;
    Ok(line)
}

/// What follows DATA, without the dots of RFC 5321, 4.5.2.
async fn data(client: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let line = line(client).await?;
        if line.is_empty() || message.len() as u64 > LARGEST {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        if line == b".\r\n" {
            return Ok(message);
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

fn read(recipients: Vec<String>, message: &[u8]) -> Option<Mail> {
    let parsed = MessageParser::default().parse(message)?;
    let calendar = parsed.parts.iter().find(|part| part.is_content_type("text", "calendar"));
    let invite = calendar.map(|part| {
        // Long lines are folded (RFC 5545, 3.1).
        let object = String::from_utf8_lossy(part.contents()).replace("\r\n ", "");
        let property = |name: &str| {
            let value = object.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.unwrap_or_default().trim().to_owned()
        };
        Invite { method: property("METHOD"), status: property("STATUS"), uid: property("UID") }
    });
    Some(Mail {
        recipients,
        subject: parsed.subject().unwrap_or_default().to_owned(),
        text: parsed.body_text(0).unwrap_or_default().into_owned(),
        invite,
    })
}
