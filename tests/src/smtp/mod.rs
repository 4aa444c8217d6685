//! A mail server for tests: takes real SMTP, keeps what it is sent, and fails when it is told to.
//!
//! It speaks RFC 5321 with AUTH (RFC 4954) and STARTTLS (RFC 3207), as far as a client
//! that sends mail can notice.

mod fault;
mod mail;
mod server;
mod session;
mod tls;

pub use fault::{Action, Stage};
pub use mail::{CalendarPart, ReceivedMail};
pub use server::{Encryption, SmtpServer, SmtpSettings};
