//! Lets participants into video rooms, and moves a consultation on to the next provider when its own fails.
//!
//! The consultation's actor decides which provider serves: whoever finds that one fails has the next one make a room
//! and asks the actor to take it "after choice n". Of several who ask at once one is heard, and all go on with what
//! was chosen. What is chosen is a stored event that holds nobody's access; the ways in are minted for each
//! participant and go to them alone.

use std::{pin::Pin, time::Duration};

use consilium_kernel::{CommandMeta, Refusal, UserId};
use consilium_runtime::{LiveEvent, Signal};
use serde_json::json;

use super::{
    CAPABILITY, FIRST_CHOICE, RECOVERED, REPORTED, VideoFailure, VideoGrant, VideoParticipant, VideoRoom, VideoWish,
    choice::next,
};
use crate::{
    actor::{Action, Reply},
    model::{Consultation, Part},
    refusal::ConsultationRefusal::VideoUnavailable,
    service::Consultations,
    topic,
};

/// How long one call of a provider may take.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(6);
/// Providers tried for one request.
const MOST_TRIES: usize = 8;

/// The consultation as it is served now, and the way in for whoever asked, if it was minted already; `None` when no
/// provider is left.
pub(super) type Moved = Option<(Consultation, Option<VideoGrant>)>;

impl Consultations {
    /// The way into the room for a participant; `None` for visits that have none. Chooses a provider if there is none
    /// yet, and another one if it does not let the participant in. 503 `video_unavailable` when none does.
    pub(crate) async fn way_in(
        &self,
        consultation: &Consultation,
        role: Part,
        user_id: UserId,
    ) -> Result<Option<VideoGrant>, Refusal> {
        if !consultation.has_room() {
            return Ok(None);
        }
        let (name, preferred) = self.name_and_wish(consultation, role, user_id).await?;
        let participant = VideoParticipant { user_id, role, display_name: name };
        let mut known = consultation.clone();
        let mut failed: Vec<String> = Vec::new();
        let mut reason = if known.videos.is_empty() { FIRST_CHOICE } else { RECOVERED }.to_owned();
        for _ in 0..MOST_TRIES {
            if let Some(choice) = known.video().filter(|choice| !failed.contains(&choice.provider)).cloned() {
                match self.enter(&known, &choice.provider, &choice.room, &participant).await {
                    Ok(grant) => return Ok(Some(VideoGrant { version: choice.number, ..grant })),
                    Err(VideoFailure(why)) => {
                        failed.push(choice.provider);
                        reason = why;
                    }
                }
            }
            match self.move_on(&known, &failed, &reason, preferred.clone(), &participant).await? {
                Some((_, Some(grant))) => return Ok(Some(grant)),
                Some((consultation, None)) => known = consultation,
                None => break,
            }
        }
        Err(unavailable())
    }

    /// Finds the next provider that takes `participant`, and has the consultation served by it. Others who are there
    /// are told. Without one, the consultation has no video until one comes back.
    pub(super) async fn move_on(
        &self,
        known: &Consultation,
        failed: &[String],
        reason: &str,
        preferred: Option<String>,
        participant: &VideoParticipant,
    ) -> Result<Moved, Refusal> {
        let meta = CommandMeta::system(known.facility_id, "video");
        let wish = VideoWish { facility_id: known.facility_id, preferred };
        let available = self.video.providers(&wish).await;
        let mut taken = None;
        for provider in next(&known.videos, available, failed, self.db.clock().now()) {
            if let Ok((room, grant)) = self.open_at(known, &provider, participant).await {
                taken = Some((provider, room, grant));
                break;
            }
        }
        let Some((provider, room, grant)) = taken else {
            // Somebody whose client can do too little, or who only says that it fails, does not take the video from the
            // others.
            if let Some(choice) = known.video().filter(|_| ![CAPABILITY, REPORTED].contains(&reason)) {
                let lost = Action::LoseVideo { number: choice.number, reason: reason.to_owned() };
                let after = self.asked(meta, known, lost).await?;
                if after.video().is_some() {
                    return Ok(Some((after, None)));
                }
            }
            return Ok(None);
        };
        let after = known.video_number();
        let reason = reason.to_owned();
        let ours = Action::UseVideo { after, provider: provider.clone(), room: room.clone(), reason };
        let now = self.asked(meta, known, ours).await?;
        let chosen = now.video().is_some_and(|choice| choice.provider == provider && choice.room == room);
        if !chosen {
            // Somebody else was quicker, or it is over: nobody will come to this room.
            let video = self.video.clone();
            tokio::spawn(async move { timed(video.end_room(&provider, &room)).await });
            return Ok(now.video().is_some().then_some((now, None)));
        }
        let version = now.video_number();
        if after > 0 {
            tracing::warn!(consultation = %known.id, provider, version, "the video provider was changed");
            metrics::counter!("consilium_video_switches", "to" => provider).increment(1);
            tokio::spawn(self.clone().tell_all(now.clone(), Some(participant.user_id)));
        }
        Ok(Some((now, Some(VideoGrant { version, ..grant }))))
    }

    /// Has a provider make the room and let the participant in.
    async fn open_at(
        &self,
        known: &Consultation,
        provider: &str,
        participant: &VideoParticipant,
    ) -> Result<(String, VideoGrant), VideoFailure> {
        let room = VideoRoom::of(known);
        let name = timed(self.video.create_room(provider, &room)).await;
        let name = name.inspect_err(|failure| count(known, provider, failure))?;
        match self.enter(known, provider, &name, participant).await {
            Ok(grant) => Ok((name, grant)),
            Err(failure) => {
                let (video, provider) = (self.video.clone(), provider.to_owned());
                tokio::spawn(async move { timed(video.end_room(&provider, &name)).await });
                Err(failure)
            }
        }
    }

    /// One participant's way into a room that is there.
    async fn enter(
        &self,
        known: &Consultation,
        provider: &str,
        name: &str,
        participant: &VideoParticipant,
    ) -> Result<VideoGrant, VideoFailure> {
        let room = VideoRoom::of(known);
        let grant = timed(self.video.access(provider, name, &room, participant)).await;
        match grant.inspect_err(|failure| count(known, provider, failure))? {
            grant if grant.fits(known.able().as_ref()) => Ok(grant),
            _ => Err(VideoFailure(CAPABILITY.to_owned())),
        }
    }

    /// Sends everybody who is in the room, but for `except`, their new way in. Whoever misses it learns of the new
    /// version from the stored event and joins again.
    fn tell_all(self, consultation: Consultation, except: Option<UserId>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let there = consultation.participants.iter().filter(|participant| {
                participant.present && consultation.is_admitted(participant.role) && Some(participant.user_id) != except
            });
            for participant in there {
                let way_in = self.way_in(&consultation, participant.role, participant.user_id).await;
                if let Ok(Some(video)) = way_in {
                    self.send_way_in("video_access", &consultation, participant.user_id, &video);
                }
            }
        })
    }

    /// Sends one participant the way in. It goes to them alone and is not stored.
    pub(crate) fn send_way_in(&self, signal: &str, consultation: &Consultation, to: UserId, video: &VideoGrant) {
        self.bus.publish(LiveEvent::Signal(Signal {
            topic: topic(consultation.id),
            signal: signal.to_owned(),
            to: Some(to.uuid()),
            from: None,
            data: json!({"video": video}),
        }));
    }

    /// Asks the actor in the platform's name.
    async fn asked(&self, meta: CommandMeta, known: &Consultation, action: Action) -> Result<Consultation, Refusal> {
        match self.perform(meta, known.id, action).await? {
            Reply::Consultation(consultation) => Ok(consultation),
            _ => Err(Refusal::internal()),
        }
    }

    /// What the participant is called, and which provider the doctor prefers.
    pub(super) async fn name_and_wish(
        &self,
        consultation: &Consultation,
        role: Part,
        user: UserId,
    ) -> Result<(String, Option<String>), Refusal> {
        let (doctor, patient) = (consultation.doctor_id, consultation.patient_id);
        let read = self.db.read(move |session| {
            let doctor = consilium_people::doctor(session, doctor)?;
            let preferred = doctor.as_ref().and_then(|doctor| doctor.video_provider.clone());
            let name = match role {
                Part::Doctor => doctor.map(|doctor| doctor.display_name),
                Part::Patient => consilium_people::patient(session, patient)?
                    .map(|patient| format!("{} {}", patient.given_name, patient.family_name)),
                Part::SecondDoctor | Part::Nurse | Part::Interpreter => consilium_identity::contact(session, user)?
                    .map(|contact| format!("{} {}", contact.given_name, contact.family_name)),
            };
            Ok(name.map(|name| (name, preferred)))
        });
        read.await?.ok_or(Refusal::not_found())
    }
}

/// Within the time for one call.
pub(super) async fn timed<T>(call: impl Future<Output = Result<T, VideoFailure>>) -> Result<T, VideoFailure> {
    tokio::time::timeout(CALL_LIMIT, call).await.unwrap_or_else(|_| Err(VideoFailure("timeout".to_owned())))
}

fn count(known: &Consultation, provider: &str, VideoFailure(code): &VideoFailure) {
    metrics::counter!("consilium_video_failures", "provider" => provider.to_owned()).increment(1);
    tracing::warn!(provider, code, consultation = %known.id, "no video");
}

fn unavailable() -> Refusal {
    Refusal { retry_after: Some(2), ..VideoUnavailable.refusal() }
}
