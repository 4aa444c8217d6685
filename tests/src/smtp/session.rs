//! One conversation with a client, from greeting to QUIT.

use std::{future, io, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    time,
};

use super::{
    fault::{Action, Stage},
    mail::ReceivedMail,
    server::{Encryption, Shared},
};

const LONGEST_LINE: u64 = 16 * 1024;
const LARGEST_MESSAGE: usize = 25 * 1024 * 1024;
const IDLE: Duration = Duration::from_secs(300);

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What is known of the client and the mail it is sending.
pub(super) struct Session<'a> {
    stream: BufReader<Box<dyn Stream>>,
    shared: &'a Shared,
    encrypted: bool,
    greeted: bool,
    user: Option<String>,
    sender: Option<String>,
    recipients: Vec<String>,
}

/// Why a conversation ends early.
enum End {
    Quit,
    Io,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Io
    }
}

impl<'a> Session<'a> {
    pub fn new(stream: Box<dyn Stream>, shared: &'a Shared) -> Self {
        let encrypted = shared.settings.encryption == Encryption::Implicit;
        let stream = BufReader::new(stream);
        Self { stream, shared, encrypted, greeted: false, user: None, sender: None, recipients: Vec::new() }
    }

    /// Talks until the client quits, the connection breaks, or a fault ends it.
    pub async fn converse(mut self) -> io::Result<()> {
        match self.talk().await {
            Ok(()) | Err(End::Quit) => self.stream.get_mut().shutdown().await,
            Err(End::Io) => Ok(()),
        }
    }

    async fn talk(&mut self) -> Result<(), End> {
        if self.play(Stage::Connect).await? {
            return Ok(());
        }
        self.reply("220 localhost ESMTP").await?;
        loop {
            let line = self.line().await?;
            let text = String::from_utf8_lossy(&line).trim_end().to_string();
            let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => self.hello().await?,
                "HELO" => {
                    self.greeted = true;
                    self.reply("250 localhost").await?;
                }
                "STARTTLS" => self.start_tls().await?,
                "AUTH" => self.authenticate(rest).await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => self.recipient(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.forget_mail();
                    self.reply("250 forgotten").await?;
                }
                "NOOP" => self.reply("250 still here").await?,
                "QUIT" => {
                    self.reply("221 bye").await?;
                    return Err(End::Quit);
                }
                _ => self.reply("500 no such command").await?,
            }
        }
    }

    async fn hello(&mut self) -> Result<(), End> {
        self.greeted = true;
        self.forget_mail();
        let mut lines = vec!["localhost".to_string(), "8BITMIME".into(), "SMTPUTF8".into()];
        lines.push(format!("SIZE {LARGEST_MESSAGE}"));
        if self.must_encrypt() {
            lines.push("STARTTLS".into());
        } else if self.shared.settings.credentials.is_some() {
            lines.push("AUTH PLAIN LOGIN".into());
        }
        let last = lines.len() - 1;
        let answer: Vec<_> = lines
            .iter()
            .enumerate()
            .map(|(n, line)| format!("250{}{line}", if n < last { '-' } else { ' ' }))
            .collect();
        self.reply(&answer.join("\r\n")).await
    }

    async fn start_tls(&mut self) -> Result<(), End> {
        if !self.must_encrypt() {
            return self.reply("503 not now").await;
        }
        self.reply("220 go ahead").await?;
        // What came before the handshake must not count (RFC 3207, 6): a fresh buffer drops it.
        let (unconnected, _) = tokio::io::duplex(1);
        let unencrypted = std::mem::replace(&mut self.stream, BufReader::new(Box::new(unconnected)));
        let stream = self.shared.identity.acceptor.accept(unencrypted.into_inner()).await?;
        self.stream = BufReader::new(Box::new(stream));
        self.encrypted = true;
        self.greeted = false;
        Ok(())
    }

    async fn authenticate(&mut self, rest: &str) -> Result<(), End> {
        if self.must_encrypt() {
            return self.reply("530 STARTTLS first").await;
        }
        let Some((user, password)) = self.shared.settings.credentials.clone() else {
            return self.reply("503 nobody needs to log in here").await;
        };
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let offered = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = if initial.is_empty() { self.ask("").await? } else { decode(initial) };
                let mut fields = answer.splitn(3, '\0').skip(1).map(str::to_string);
                (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
            }
            "LOGIN" => {
                let name = if initial.is_empty() { self.ask("Username:").await? } else { decode(initial) };
                (name, self.ask("Password:").await?)
            }
            _ => return self.reply("504 PLAIN or LOGIN").await,
        };
        if offered != (user.clone(), password) {
            return self.reply("535 wrong user or password").await;
        }
        self.user = Some(user);
        self.reply("235 welcome").await
    }

    async fn mail(&mut self, rest: &str) -> Result<(), End> {
        if !self.greeted || self.sender.is_some() {
            return self.reply("503 out of order").await;
        }
        if self.must_encrypt() {
            return self.reply("530 STARTTLS first").await;
        }
        if self.shared.settings.credentials.is_some() && self.user.is_none() {
            return self.reply("530 log in first").await;
        }
        let Some(address) = address_after("FROM:", rest) else {
            return self.reply("501 MAIL FROM:<address>").await;
        };
        if self.play(Stage::Sender).await? {
            return Ok(());
        }
        self.sender = Some(address);
        self.reply("250 ok").await
    }

    async fn recipient(&mut self, rest: &str) -> Result<(), End> {
        if self.sender.is_none() {
            return self.reply("503 MAIL first").await;
        }
        let Some(address) = address_after("TO:", rest).filter(|address| !address.is_empty()) else {
            return self.reply("501 RCPT TO:<address>").await;
        };
        if self.play(Stage::Recipient).await? {
            return Ok(());
        }
        self.recipients.push(address);
        self.reply("250 ok").await
    }

    async fn data(&mut self) -> Result<(), End> {
        if self.recipients.is_empty() {
            return self.reply("503 RCPT first").await;
        }
        if self.play(Stage::Data).await? {
            return Ok(());
        }
        self.reply("354 end with a dot").await?;
        let Some(raw) = self.message().await? else {
            self.forget_mail();
            return self.reply("552 too large").await;
        };

        let fault = self.shared.faults.take(Stage::Message);
        if let Some(Action::Refuse(code)) = fault {
            self.forget_mail();
            return self.reply(&refusal(code)).await;
        }
        let sender = self.sender.clone().unwrap_or_default();
        let recipients = self.recipients.clone();
        let Some(mail) = ReceivedMail::parse(sender, recipients, self.user.clone(), self.encrypted, raw) else {
            self.forget_mail();
            return self.reply("554 not a message").await;
        };
        self.forget_mail();
        self.shared.receive(mail);
        match fault {
            Some(Action::Drop) => Err(End::Io),
            Some(Action::Hang) => future::pending().await,
            _ => self.reply("250 taken").await,
        }
    }

    /// The message up to the lone dot, with stuffed dots removed; `None` when it is too large.
    async fn message(&mut self) -> Result<Option<Vec<u8>>, End> {
        let mut message = Vec::new();
        let mut fits = true;
        loop {
            let line = self.line().await?;
            if line == b".\r\n" {
                return Ok(fits.then_some(message));
            }
            fits &= message.len() + line.len() <= LARGEST_MESSAGE;
            if fits {
                message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            }
        }
    }

    /// Plays the next fault if it is meant for `stage`; true when it has answered the client.
    async fn play(&mut self, stage: Stage) -> Result<bool, End> {
        match self.shared.faults.take(stage) {
            None => Ok(false),
            Some(Action::Refuse(code)) => {
                self.reply(&refusal(code)).await?;
                Ok(true)
            }
            Some(Action::Drop) => Err(End::Io),
            Some(Action::Hang) => future::pending().await,
        }
    }

    fn must_encrypt(&self) -> bool {
        self.shared.settings.encryption == Encryption::StartTls && !self.encrypted
    }

    fn forget_mail(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    async fn ask(&mut self, prompt: &str) -> Result<String, End> {
        self.reply(&format!("334 {}", STANDARD.encode(prompt))).await?;
        let line = self.line().await?;
        Ok(decode(String::from_utf8_lossy(&line).trim_end()))
    }

    async fn line(&mut self) -> Result<Vec<u8>, End> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LONGEST_LINE);
        let read = time::timeout(IDLE, limited.read_until(b'\n', &mut line)).await;
        match read {
            Ok(Ok(_)) if line.ends_with(b"\n") => Ok(line),
            _ => Err(End::Io), // hung up, silent, or a line without end
        }
    }

    async fn reply(&mut self, text: &str) -> Result<(), End> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        Ok(self.stream.flush().await?)
    }
}

/// The address in `FROM:<a@b> SIZE=9`; empty for the null sender `<>`.
fn address_after(keyword: &str, text: &str) -> Option<String> {
    let head = text.get(..keyword.len())?;
    let rest = text.get(keyword.len()..)?.trim_start();
    let (address, _) = rest.strip_prefix('<')?.split_once('>')?;
    head.eq_ignore_ascii_case(keyword).then(|| address.to_string())
}

fn refusal(code: u16) -> String {
    format!("{code} as the test wishes")
}

fn decode(text: &str) -> String {
    STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}
