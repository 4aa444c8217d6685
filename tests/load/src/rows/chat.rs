//! Chat: from sending a message over a WebSocket to its acknowledgement, which comes after the commit.

use consilium_tests::app::Backend;
use futures_util::SinkExt;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    drive::{self, Client},
    limits::{
        group_commit,
        pgbench::{self, Recorder, Scripts},
    },
    plan::Plan,
    report::{Aim, Row},
    rounds::{Compared, alternate},
    sockets::{self, Socket},
    town::{Hours, Meeting, Town},
};

/// Messages under way at once.
const AT_ONCE: usize = 64;
/// And on PostgreSQL.
const AT_ONCE_POSTGRES: usize = 16;
/// Where a message leaves rows: one in each.
const TABLES: &[&str] = &["chat_message", "topic_event", "outbox", "audit_entry"];

/// Writes in one consultation after the other, each over a connection of its own.
pub struct Writer {
    seats: Vec<Seat>,
    written: usize,
}

/// A connection that is read all the time, as the server wants it to be.
struct Seat {
    topic: String,
    say: mpsc::UnboundedSender<String>,
    answers: mpsc::UnboundedReceiver<String>,
}

impl Seat {
    async fn open(address: &str, meeting: &Meeting) -> Self {
        let mut socket = sockets::connect(address, "/api/v1/ws", Some(&meeting.patient)).await;
        sockets::subscribe(&mut socket, &meeting.topic()).await;
        let ((say, said), (answer, answers)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        tokio::spawn(hold(socket, said, answer));
        Self { topic: meeting.topic(), say, answers }
    }
}

/// Says what it is told to and passes on what is answered, until there is nobody any more.
async fn hold(mut socket: Socket, mut said: mpsc::UnboundedReceiver<String>, answer: mpsc::UnboundedSender<String>) {
    loop {
        tokio::select! {
            frame = said.recv() => match frame {
                Some(frame) => socket.send(Message::text(frame)).await.expect("the line is open"),
                None => return,
            },
            text = sockets::text(&mut socket) => {
                let is_answer = text.starts_with("{\"type\":\"ok\"") || text.starts_with("{\"type\":\"error\"");
                if is_answer && answer.send(text).is_err() {
                    return;
                }
            }
        }
    }
}

impl Writer {
    /// Patients of all consultations, shared out among so many writers. Each has written once: the first message makes
    /// the consultation's row, too.
    pub async fn all(address: &str, meetings: &[Meeting], at_once: usize) -> Vec<Self> {
        let mut writers: Vec<Self> = (0..at_once).map(|_| Self { seats: Vec::new(), written: 0 }).collect();
        for (number, meeting) in meetings.iter().enumerate() {
            writers[number % at_once].seats.push(Seat::open(address, meeting).await);
        }
        for writer in &mut writers {
            for _ in 0..writer.seats.len() {
                writer.once().await;
            }
        }
        writers
    }
}

impl Client for Writer {
    async fn once(&mut self) {
        self.written += 1;
        let (count, id) = (self.seats.len(), self.written.to_string());
        let Seat { topic, say, answers } = &mut self.seats[self.written % count];
        let data = json!({"client_message_id": id, "body": "How long have you had this cough?"});
        let command =
            json!({"type": "command", "id": id, "topic": topic, "command": "send_message", "data": data}).to_string();
        say.send(command).expect("the line is open");
        let answer = answers.recv().await.expect("the line is open");
        assert!(answer.starts_with("{\"type\":\"ok\"") && answer.contains(&format!("\"id\":\"{id}\"")), "{answer}");
    }
}

/// On both databases.
pub async fn measure(plan: &Plan) -> Vec<Row> {
    vec![on_postgres(plan).await, on_sqlite(plan).await]
}

async fn on_postgres(plan: &Plan) -> Row {
    let meetings: usize = plan.of(1_000, 250);
    let town = Town::build(&plan.program, Backend::Postgres, Hours::Office, meetings.div_ceil(10), meetings).await;
    let meetings = town.meet().await;
    let mut writers = Writer::all(town.address(), &meetings, AT_ONCE_POSTGRES).await;
    let mut recorder = Recorder::start(&town.deployment.database).await;
    let mut operations = Vec::new();
    for writer in &mut writers {
        let topic = writer.seats[(writer.written + 1) % writer.seats.len()].topic.clone();
        let recorded = recorder.record(writer.once()).await;
        let id = topic.rsplit(':').next().expect("an id").to_owned();
        let reads = [id.as_str(), "login_session"];
        operations.push((pgbench::operation(&recorded, &reads, "INSERT INTO \"chat_message\""), vec![id]));
    }
    recorder.stop().await;
    let statements = operations[0].0.len();
    let scripts = Scripts::write(&town.deployment, &operations);
    let turn = plan.turn();
    let compared = alternate(
        plan.rounds(),
        async || drive::saturate(&mut writers, turn).await,
        async || scripts.run(AT_ONCE_POSTGRES, turn).await,
    )
    .await;
    row(
        "chat_postgres",
        format!("Chat on PostgreSQL, {AT_ONCE_POSTGRES} at once in {} consultations", meetings.len()),
        format!("pgbench with the same {statements} statements, recorded from the server"),
        compared,
    )
}

async fn on_sqlite(plan: &Plan) -> Row {
    let meetings: usize = plan.of(1_000, 250);
    let town = Town::build(&plan.program, Backend::Sqlite, Hours::Office, meetings.div_ceil(10), meetings).await;
    let meetings = town.meet().await;
    let mut writers = Writer::all(town.address(), &meetings, AT_ONCE).await;
    let compared = group_commit::beside(plan, &town, TABLES, &mut writers).await;
    row(
        "chat_sqlite",
        format!("Chat on SQLite, {AT_ONCE} at once in {} consultations", meetings.len()),
        "bare group-commit loop that inserts the same four rows".to_owned(),
        compared,
    )
}

fn row(key: &'static str, path: String, limit: String, compared: Compared) -> Row {
    Row {
        key,
        path,
        limit,
        unit: "messages/s",
        compared,
        aim: Aim::AtLeast(0.5),
        why: "On two processors the limit has the machine for itself, while a message shares it with the client, the \
              WebSocket, the actor, encryption, the frames to those who watch and the subscribers that read the \
              outbox afterwards.",
        latencies: None,
    }
}
