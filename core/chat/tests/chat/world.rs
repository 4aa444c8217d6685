//! A conversation of three, and what is told of it.

use std::sync::{Arc, Mutex};

use consilium_chat::{ChatPolicy, Connected, Conversation, ConversationKind, Message, NewMessage, NoticeTimer};
use consilium_db::{Result, Tx, outbox, testing::TestDb, topics};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Id, Ids, MessageId, RandomIds, UserId};
use consilium_runtime::TimerWorker;
use serde_json::{Map, Value};

/// Who is connected, as a test says.
#[derive(Default)]
pub struct Lines(pub Mutex<Vec<UserId>>);

#[async_trait::async_trait]
impl Connected for Lines {
    async fn is_connected(&self, _: &str, user: UserId) -> bool {
        self.0.lock().unwrap().contains(&user)
    }
}

pub struct World {
    pub test: TestDb,
    pub conversation: Conversation,
    pub ada: UserId,
    pub bob: UserId,
    pub eve: UserId,
    pub lines: Arc<Lines>,
    pub policy: ChatPolicy,
}

pub fn meta() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "test")
}

pub fn code<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    match outcome.expect_err("a refusal") {
        consilium_db::Error::Refused(refusal) => refusal.code.into_owned(),
        other => panic!("{other}"),
    }
}

impl World {
    pub fn new(test: TestDb) -> Self {
        let fresh = || RandomIds.next();
        let conversation = Conversation {
            kind: ConversationKind::Thread,
            id: fresh(),
            facility_id: DEFAULT_FACILITY,
            subject: fresh(),
            version: 1,
            context: Map::new(),
        };
        let (ada, bob, eve) = (Id::new(fresh()), Id::new(fresh()), Id::new(fresh()));
        Self { test, conversation, ada, bob, eve, lines: Arc::default(), policy: ChatPolicy::default() }
    }

    /// One transaction in the conversation.
    pub async fn tx<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Tx<'_>, &Conversation, &ChatPolicy) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (conversation, policy) = (self.conversation.clone(), self.policy.clone());
        self.test.db.write(&meta(), move |tx| f(tx, &conversation, &policy)).await
    }

    pub async fn send(&self, sender: UserId, client_id: &str, body: &str) -> Message {
        let new =
            NewMessage { client_message_id: client_id.to_owned(), body: body.to_owned(), attachments: Vec::new() };
        let everybody = [self.ada, self.bob, self.eve];
        let sent = self.tx(move |tx, conversation, policy| {
            consilium_chat::send(tx, conversation, sender, &new, &everybody, policy)
        });
        sent.await.unwrap()
    }

    pub async fn edit(&self, caller: UserId, id: MessageId, body: &str) -> Result<Message> {
        let body = body.to_owned();
        self.tx(move |tx, conversation, policy| consilium_chat::edit(tx, conversation, caller, id, &body, policy)).await
    }

    pub async fn delete(&self, caller: UserId, id: MessageId) -> Result<Message> {
        self.tx(move |tx, conversation, _| consilium_chat::delete(tx, conversation, caller, id)).await
    }

    pub async fn read(&self, reader: UserId, seq: i64) {
        self.tx(move |tx, conversation, _| consilium_chat::mark_read(tx, conversation, reader, seq)).await.unwrap();
    }

    pub fn wait(&self, seconds: i64) {
        self.test.clock.advance(jiff::SignedDuration::from_secs(seconds));
    }

    /// Fires every timer that is due, and says of whom it was then told that something waits, and from whom that was
    /// taken back, all in all: `+ada 1`, `-ada 1`.
    pub async fn told(&self) -> Vec<String> {
        let handler = NoticeTimer::new(self.test.db.clone(), self.policy.clone(), self.lines.clone());
        TimerWorker::new(self.test.db.clone(), vec![Arc::new(handler)]).fire_due().await.unwrap();
        let read = |session: &mut consilium_db::Session<'_>| {
            let from = outbox::Position::default();
            (0..16).map(|shard| outbox::read_after(session, shard, from, 1_000)).collect::<Result<Vec<_>>>()
        };
        // Readers of PostgreSQL's outbox stop below the oldest running transaction, be it a neighbour's.
        for _ in 0..500 {
            let events: Vec<_> = self.test.db.read(read).await.unwrap().into_iter().flatten().collect();
            if events.len() as i64 == self.outbox_lines().await {
                return events.into_iter().filter_map(|(_, event)| self.line(&event.event_type, &event.data)).collect();
            }
            actix_rt::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("events are still waiting");
    }

    fn line(&self, event_type: &str, data: &Value) -> Option<String> {
        let sign = match event_type {
            "messages_waiting" => '+',
            "waiting_messages_read" => '-',
            _ => return None,
        };
        let names = [(self.ada, "ada"), (self.bob, "bob"), (self.eve, "eve")];
        let (_, name) = names.iter().find(|(user, _)| data["user_id"] == user.to_string()).expect("one of us");
        assert_eq!(data["thread_id"], self.conversation.id.to_string());
        Some(format!("{sign}{name} {}", data["seq"]))
    }

    async fn outbox_lines(&self) -> i64 {
        use diesel::{prelude::*, sql_query, sql_types as sql};
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = sql::BigInt)]
            lines: i64,
        }
        let count = |session: &mut consilium_db::Session<'_>| {
            Ok(sql_query("SELECT count(*) AS lines FROM outbox").get_result::<Count>(session.connection())?.lines)
        };
        self.test.db.read(count).await.unwrap()
    }

    /// Everything that was told of messages on the topic, without read marks.
    pub async fn events(&self) -> Vec<(i64, String, Value)> {
        let topic = self.conversation.topic();
        let events = self.test.db.read(move |session| topics::read_after(session, &topic, 0, 10_000)).await.unwrap();
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.seq, index as i64 + 1, "a gap");
        }
        let told = events.into_iter().filter(|event| event.event != "message_read");
        told.map(|event| (event.seq, event.event, event.data)).collect()
    }
}
