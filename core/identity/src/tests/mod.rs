//! The service over real databases.

mod events;
mod lockout;
mod recovery;
mod refreshing;
mod sessions;
mod staff;

use std::sync::{Arc, Mutex};

use consilium_db::testing::TestDb;
use consilium_kernel::{
    CommandMeta, EventEnvelope, Language, Principal, Refusal, Role, Scope, TimeZone, ids::DEFAULT_FACILITY,
};
use jiff::SignedDuration;

use crate::{Account, Hashing, Identity, IdentitySettings, LoggedIn, Login, NewAccount};

pub const PASSWORD: &str = "correct horse battery";
pub const DEVICE: &str = "Firefox on a borrowed laptop";

/// Identity over a fresh database, with cheap hashes and every event kept.
pub struct Bench {
    pub test: TestDb,
    pub identity: Identity,
    events: Arc<Mutex<Vec<EventEnvelope>>>,
}

pub fn settings() -> IdentitySettings {
    IdentitySettings { hashing: Hashing::CHEAP, ..IdentitySettings::default() }
}

/// One bench per database.
pub fn both() -> [Bench; 2] {
    TestDb::both().map(|test| {
        let events: Arc<Mutex<Vec<EventEnvelope>>> = Arc::default();
        let kept = events.clone();
        test.db.on_commit(move |effects| kept.lock().unwrap().extend(effects.events)).unwrap();
        let identity = Identity::new(test.db.clone(), settings()).unwrap();
        Bench { test, identity, events }
    })
}

pub fn anonymous() -> CommandMeta {
    CommandMeta {
        principal: Principal::Anonymous,
        scope: Scope::of(DEFAULT_FACILITY),
        request_id: "test".to_owned(),
        trace: None,
        idempotency: None,
    }
}

pub fn as_user(logged_in: &LoggedIn) -> CommandMeta {
    CommandMeta { principal: Principal::User(logged_in.account.user(logged_in.session_id)), ..anonymous() }
}

pub fn code<T>(outcome: Result<T, Refusal>) -> String {
    outcome.err().map_or("ok".to_owned(), |refusal| refusal.code.into_owned())
}

impl Bench {
    pub async fn account(&self, email: &str) -> Account {
        let new = NewAccount {
            email: email.parse().unwrap(),
            password_hash: self.identity.hash_password(PASSWORD.to_owned().into()).await.unwrap(),
            role: Role::Patient,
            person: Some(self.test.db.ids().next()),
            given_name: "Adalbertina".to_owned(),
            family_name: "Lovelacescu".to_owned(),
            time_zone: TimeZone::utc(),
            language: Language::english(),
            email_verified: false,
        };
        self.create(new).await.unwrap()
    }

    pub async fn create(&self, new: NewAccount) -> Result<Account, Refusal> {
        let identity = self.identity.clone();
        let write = move |tx: &mut consilium_db::Tx<'_>| identity.create_account(tx, new.clone());
        Ok(self.test.db.write(&anonymous(), write).await?)
    }

    pub async fn login(&self, email: &str, password: &str) -> Result<LoggedIn, Refusal> {
        let login = Login {
            email: email.parse().unwrap(),
            password: password.to_owned().into(),
            device: Some(DEVICE.to_owned()),
        };
        self.identity.login(&anonymous(), login).await
    }

    /// Refreshes as the client that logs in.
    pub async fn refresh(&self, token: &str) -> Result<LoggedIn, Refusal> {
        self.identity.refresh(&anonymous(), token, Some(DEVICE)).await
    }

    pub fn pass(&self, seconds: i64) {
        self.test.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Events of one type, oldest first.
    pub fn events(&self, event_type: &str) -> Vec<serde_json::Value> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|event| event.event_type == event_type).map(|event| event.data.clone()).collect()
    }

    /// Every event, oldest first.
    pub fn all_events(&self) -> Vec<EventEnvelope> {
        self.events.lock().unwrap().clone()
    }

    /// The code in the newest event of this type.
    pub fn mailed(&self, event_type: &str) -> String {
        self.events(event_type).last().unwrap()["token"].as_str().unwrap().to_owned()
    }
}
