//! Watches over the providers of running consultations, and moves those on whose provider fails while nobody asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use consilium_kernel::{CommandMeta, FacilityId, Refusal};
use consilium_runtime::Shutdown;
use tokio::task::JoinSet;

use super::{
    RECOVERED, VideoFailure, VideoParticipant, VideoRoom,
    failover::{CALL_LIMIT, timed},
};
use crate::{service::Consultations, store, store::LiveVideo};

/// How often providers are looked at. Two looks in a row must find the same before anybody is moved, and a provider
/// that nothing is known against is asked for a room that it has made already at every fifth look: so a provider that
/// begins to fail is left within about fifteen seconds, whatever it says of its own health.
const LOOK: Duration = Duration::from_secs(2);
/// Looks between two such calls.
const PROBE_EVERY: u32 = 5;
/// Consultations moved side by side.
const SIDE_BY_SIDE: usize = 16;
/// Looks in a row that must find trouble.
const CERTAIN: u32 = 2;

/// A provider is left within the time that its breaker would stay open, whichever way it is found out.
const _: () = {
    let looks = LOOK.as_secs() * (PROBE_EVERY + CERTAIN) as u64;
    assert!(looks + CALL_LIMIT.as_secs() * CERTAIN as u64 <= 30);
};

/// The watch. One per server; on several servers the consultation's actor lets one of them move it.
pub struct VideoWatch {
    consultations: Consultations,
    looks: u32,
    /// Providers in trouble, and at how many looks in a row.
    troubled: BTreeMap<String, u32>,
}

impl VideoWatch {
    /// A watch over these consultations.
    pub fn new(consultations: Consultations) -> Self {
        Self { consultations, looks: 0, troubled: BTreeMap::new() }
    }

    /// Looks until the server ends.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        while shutdown.sleep(LOOK).await {
            if let Err(refusal) = self.look().await {
                tracing::warn!(code = %refusal.code, "the video providers of running consultations are not known");
            }
        }
    }

    /// Looks once.
    pub async fn look(&mut self) -> Result<(), Refusal> {
        let live = self.consultations.db.read(store::live_videos).await?;
        self.looks = self.looks.wrapping_add(1);
        let mut moving = Vec::new();
        let serving: BTreeSet<&str> = live.iter().filter(|v| !v.lost).map(|v| v.provider.as_str()).collect();
        self.troubled.retain(|provider, _| serving.contains(provider.as_str()));
        for provider in serving {
            let known = self.consultations.video.trouble(provider).await;
            let suspect = self.troubled.contains_key(provider) || self.looks.is_multiple_of(PROBE_EVERY);
            let trouble = match known {
                None if suspect => self.probe(provider, &live).await,
                known => known,
            };
            let Some(reason) = trouble else {
                self.troubled.remove(provider);
                continue;
            };
            let times = self.troubled.entry(provider.to_owned()).or_default();
            *times += 1;
            if *times >= CERTAIN {
                tracing::warn!(provider, reason, "a video provider fails; its consultations are moved on");
                let served = live.iter().filter(|video| !video.lost && video.provider == provider);
                moving.extend(served.map(|video| (video.clone(), reason.clone())));
            }
        }
        moving.extend(live.iter().filter(|video| video.lost).map(|video| (video.clone(), RECOVERED.to_owned())));
        self.move_all(&moving).await;
        Ok(())
    }

    /// Moves consultations on, some at a time.
    async fn move_all(&self, all: &[(LiveVideo, String)]) {
        for some in all.chunks(SIDE_BY_SIDE) {
            let mut running = JoinSet::new();
            for (video, reason) in some.iter().cloned() {
                running.spawn(move_on(self.consultations.clone(), video, reason));
            }
            while running.join_next().await.is_some() {}
        }
    }

    /// Asks the provider for the room of one of its consultations, which it has made already.
    async fn probe(&self, provider: &str, live: &[LiveVideo]) -> Option<String> {
        let video = live.iter().find(|video| !video.lost && video.provider == provider)?;
        let meta = system(video.facility_id);
        let consultation = self.consultations.visible(&meta, video.consultation_id).await.ok()?;
        // Nobody would close a room that is made anew after the end.
        consultation.video().filter(|choice| choice.provider == provider)?;
        let room = VideoRoom::of(&consultation);
        timed(self.consultations.video.create_room(provider, &room)).await.err().map(|VideoFailure(code)| code)
    }
}

async fn move_on(consultations: Consultations, video: LiveVideo, reason: String) {
    if let Err(refusal) = try_to_move(&consultations, &video, &reason).await {
        tracing::warn!(consultation = %video.consultation_id, code = %refusal.code, "not moved to other video");
    }
}

/// Moves a consultation that somebody is in. An empty one finds a provider when somebody comes.
async fn try_to_move(consultations: &Consultations, video: &LiveVideo, reason: &str) -> Result<(), Refusal> {
    let consultation = consultations.visible(&system(video.facility_id), video.consultation_id).await?;
    let serves = consultation.video();
    if consultation.video_number() != video.number || serves.is_none() != video.lost {
        return Ok(()); // Somebody who joined has moved it meanwhile.
    }
    let mut participants = consultation.participants.iter();
    let there = participants.find(|participant| participant.present && consultation.is_admitted(participant.role));
    let Some(there) = there else { return Ok(()) };
    let (display_name, preferred) = consultations.name_and_wish(&consultation, there.role, there.user_id).await?;
    let participant = VideoParticipant { user_id: there.user_id, role: there.role, display_name };
    let failed: Vec<String> = serves.map(|choice| choice.provider.clone()).into_iter().collect();
    let moved = consultations.move_on(&consultation, &failed, reason, preferred, &participant).await?;
    if let Some((now, Some(grant))) = moved {
        consultations.send_way_in("video_access", &now, there.user_id, &grant);
    }
    Ok(())
}

fn system(facility: FacilityId) -> CommandMeta {
    CommandMeta::system(facility, "video")
}
