//! Video providers that can fail.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use consilium_consultations::{
    Capability, VideoAccess, VideoFailure, VideoGrant, VideoParticipant, VideoRoom, VideoWish,
};

/// Providers `first`, `second` and `third`, in this order, which answer at once unless told to fail.
#[derive(Default)]
pub struct FakeVideo {
    /// Providers that fail, and with what.
    pub failing: Mutex<BTreeMap<&'static str, &'static str>>,
    /// Providers of which it is known that they cannot be asked.
    pub troubled: Mutex<BTreeMap<&'static str, &'static str>>,
    /// Rooms closed: `provider/room`.
    pub closed: Mutex<Vec<String>>,
    /// Rooms asked for, with repetitions.
    pub made: AtomicUsize,
}

const PROVIDERS: [&str; 3] = ["first", "second", "third"];

impl FakeVideo {
    pub fn fail(&self, provider: &'static str, code: &'static str) {
        self.failing.lock().unwrap().insert(provider, code);
    }

    pub fn heal(&self, provider: &'static str) {
        self.failing.lock().unwrap().remove(provider);
    }

    pub fn fail_all(&self) {
        PROVIDERS.iter().for_each(|provider| self.fail(provider, "provider_down"));
    }

    fn answer<T>(&self, provider: &str, good: T) -> Result<T, VideoFailure> {
        match self.failing.lock().unwrap().get(provider) {
            Some(code) => Err(VideoFailure((*code).to_owned())),
            None => Ok(good),
        }
    }
}

#[async_trait::async_trait]
impl VideoAccess for FakeVideo {
    async fn providers(&self, wish: &VideoWish) -> Vec<String> {
        let troubled = self.troubled.lock().unwrap();
        let well = PROVIDERS.iter().filter(|provider| !troubled.contains_key(**provider));
        let mut all: Vec<String> = well.map(ToString::to_string).collect();
        all.sort_by_key(|provider| Some(provider) != wish.preferred.as_ref());
        all
    }

    async fn trouble(&self, provider: &str) -> Option<String> {
        self.troubled.lock().unwrap().get(provider).map(ToString::to_string)
    }

    async fn create_room(&self, provider: &str, room: &VideoRoom) -> Result<String, VideoFailure> {
        self.made.fetch_add(1, Ordering::SeqCst);
        self.answer(provider, format!("{provider}-{}", room.consultation_id))
    }

    async fn access(
        &self,
        provider: &str,
        name: &str,
        _: &VideoRoom,
        participant: &VideoParticipant,
    ) -> Result<VideoGrant, VideoFailure> {
        let way = if provider == "first" { Capability::Webrtc } else { Capability::Redirect };
        let grant = VideoGrant {
            provider: provider.to_owned(),
            version: 0,
            room: name.to_owned(),
            join_url: None,
            token: Some(format!("{}:{}", participant.role, participant.display_name)),
            ice_servers: None,
            expires_at: None,
            ways: [way].into(),
        };
        self.answer(provider, grant)
    }

    async fn end_room(&self, provider: &str, name: &str) -> Result<(), VideoFailure> {
        self.answer(provider, ())?;
        self.closed.lock().unwrap().push(format!("{provider}/{name}"));
        Ok(())
    }
}
