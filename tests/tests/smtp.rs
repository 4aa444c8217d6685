//! The test mail server against a client that everybody uses: what it reports must be what was sent.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code")]

use std::time::Duration;

use consilium_tests::smtp::{Action, Encryption, SmtpServer, SmtpSettings, Stage};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Attachment, MultiPart, SinglePart, header::ContentType},
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{Certificate, Tls, TlsParameters},
    },
};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

fn client(server: &SmtpServer) -> lettre::transport::smtp::AsyncSmtpTransportBuilder {
    Transport::builder_dangerous("localhost").port(server.address().port()).timeout(Some(Duration::from_secs(2)))
}

fn trusting(server: &SmtpServer) -> TlsParameters {
    let certificate = Certificate::from_pem(server.certificate_pem().as_bytes()).unwrap();
    TlsParameters::builder("localhost".into()).add_root_certificate(certificate).build().unwrap()
}

fn greeting() -> Message {
    Message::builder()
        .from("Clinic <clinic@example.org>".parse().unwrap())
        .to("Amina <amina@example.org>".parse().unwrap())
        .subject("শুভ সকাল")
        .message_id(Some("<first@example.org>".into()))
        .body("one\r\n.two dots follow\r\n..\r\n.\r\nlast".to_string())
        .unwrap()
}

#[tokio::test]
async fn text_arrives_as_it_was_sent_dots_and_all() {
    let server = SmtpServer::start().await;
    client(&server).build().send(greeting()).await.unwrap();

    let mail = server.wait_for(|mail| mail.is_to("amina@example.org")).await;
    assert_eq!(mail.sender, "clinic@example.org");
    assert_eq!(mail.subject, "শুভ সকাল");
    assert_eq!(mail.message_id.as_deref(), Some("first@example.org"));
    assert_eq!(mail.header("From").as_deref(), Some("Clinic <clinic@example.org>"));
    let text = mail.text.unwrap().replace("\r\n", "\n");
    assert_eq!(text.trim_end(), "one\n.two dots follow\n..\n.\nlast");
    assert!(!mail.encrypted && mail.user.is_none());
}

#[tokio::test]
async fn an_invitation_is_taken_apart() {
    let calendar = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\nSEQUENCE:2\r\n\
                    DTSTART;TZID=Asia/Dhaka:20261121T090000\r\nSUMMARY:A long summary that is folded in the mid\r\n \
                    dle\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let kind = ContentType::parse("text/calendar; method=REQUEST; charset=utf-8").unwrap();
    let message = Message::builder()
        .from("clinic@example.org".parse().unwrap())
        .to("amina@example.org".parse().unwrap())
        .subject("Appointment")
        .multipart(
            MultiPart::mixed()
                .multipart(
                    MultiPart::alternative()
                        .singlepart(SinglePart::plain("plain text".to_string()))
                        .singlepart(SinglePart::html("<p>rich text</p>".to_string()))
                        .singlepart(SinglePart::builder().header(kind.clone()).body(calendar.to_string())),
                )
                .singlepart(Attachment::new("invite.ics".into()).body(calendar.to_string(), kind)),
        )
        .unwrap();
    let server = SmtpServer::start().await;
    client(&server).build().send(message).await.unwrap();

    let mail = server.wait_for(|_| true).await;
    assert_eq!(mail.text.as_deref().map(str::trim_end), Some("plain text"));
    assert_eq!(mail.html.as_deref().map(str::trim_end), Some("<p>rich text</p>"));
    let invite = mail.calendar.unwrap();
    assert_eq!(invite.method.as_deref(), Some("REQUEST"));
    assert_eq!(invite.property("SEQUENCE"), Some("2"));
    assert_eq!(invite.property("dtstart"), Some("20261121T090000"));
    assert_eq!(invite.property("SUMMARY"), Some("A long summary that is folded in the middle"));
}

#[tokio::test]
async fn starttls_is_required_and_works() {
    let server = SmtpServer::start_with(SmtpSettings { encryption: Encryption::StartTls, ..Default::default() }).await;

    let refused = client(&server).build().send(greeting()).await.unwrap_err();
    assert!(refused.is_permanent(), "{refused}");
    let strangers = Tls::Required(TlsParameters::new("localhost".into()).unwrap());
    client(&server).tls(strangers).build().send(greeting()).await.expect_err("nobody vouches for this certificate");
    assert!(server.mails().is_empty());

    client(&server).tls(Tls::Required(trusting(&server))).build().send(greeting()).await.unwrap();
    assert!(server.wait_for(|_| true).await.encrypted);
}

#[tokio::test]
async fn implicit_tls_works() {
    let server = SmtpServer::start_with(SmtpSettings { encryption: Encryption::Implicit, ..Default::default() }).await;
    assert!(server.url().starts_with("smtps://localhost:"), "{}", server.url());
    client(&server).tls(Tls::Wrapper(trusting(&server))).build().send(greeting()).await.unwrap();
    assert!(server.wait_for(|_| true).await.encrypted);
}

#[tokio::test]
async fn only_the_right_password_logs_in() {
    let credentials = Some(("clinic".to_string(), "secret".to_string()));
    let server = SmtpServer::start_with(SmtpSettings { credentials, ..Default::default() }).await;
    assert!(server.url().starts_with("smtp://clinic:secret@localhost:"), "{}", server.url());

    client(&server).build().send(greeting()).await.expect_err("nobody logged in");
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        let with = |password: &str| {
            let credentials = Credentials::new("clinic".into(), password.into());
            client(&server).authentication(vec![mechanism]).credentials(credentials).build()
        };
        with("guess").send(greeting()).await.expect_err("a wrong password");
        with("secret").send(greeting()).await.unwrap();
    }
    let users: Vec<_> = server.mails().into_iter().map(|mail| mail.user).collect();
    assert_eq!(users, [Some("clinic".to_string()), Some("clinic".to_string())]);
}

#[tokio::test]
async fn a_refusal_comes_once_where_it_was_planned() {
    let server = SmtpServer::start().await;
    for stage in [Stage::Connect, Stage::Sender, Stage::Recipient, Stage::Data, Stage::Message] {
        server.fail_next(stage, Action::Refuse(451));
        let refused = client(&server).build().send(greeting()).await.unwrap_err();
        assert!(refused.is_transient(), "{stage:?}: {refused}");
        assert!(server.faults_played() && server.mails().is_empty(), "{stage:?}");
    }
    client(&server).build().send(greeting()).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_connection_lost_after_the_message_leaves_it_delivered() {
    let server = SmtpServer::start().await;
    server.fail_next(Stage::Message, Action::Drop);
    client(&server).build().send(greeting()).await.expect_err("there was no answer");
    client(&server).build().send(greeting()).await.unwrap();
    let ids: Vec<_> = server.mails().into_iter().filter_map(|mail| mail.message_id).collect();
    assert_eq!(ids, ["first@example.org", "first@example.org"]);
}

#[tokio::test]
async fn a_server_that_hangs_is_left() {
    let server = SmtpServer::start().await;
    server.fail_next(Stage::Sender, Action::Hang);
    // The client's own timeout covers connecting, not waiting for a reply.
    let sending = client(&server).build();
    let outcome = tokio::time::timeout(Duration::from_millis(200), sending.send(greeting())).await;
    assert!(outcome.is_err(), "{outcome:?}");
    client(&server).build().send(greeting()).await.unwrap();
}

#[tokio::test]
async fn down_refuses_connections_and_comes_back_on_the_same_port() {
    let server = SmtpServer::start().await;
    server.go_down().await;
    client(&server).build().send(greeting()).await.expect_err("nobody listens");
    server.come_back().await;
    client(&server).build().send(greeting()).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
#[should_panic(expected = "amina@example.org")]
async fn waiting_in_vain_names_what_came_instead() {
    let server = SmtpServer::start().await;
    client(&server).build().send(greeting()).await.unwrap();
    server.wait_within(Duration::from_millis(50), |mail| mail.subject == "Invoice").await;
}
