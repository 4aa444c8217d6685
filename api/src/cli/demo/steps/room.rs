//! The waiting room, video, the end.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{
    super::wire::{Person, Reply},
    Story,
};

const JOINED: &[&str] = &["status", "role", "topic", "waiting", "video"];

impl Story {
    async fn act(&self, who: &Person, verb: &str, show: &'static [&'static str]) -> Result<Reply> {
        let path = format!("/consultations/{}/{verb}", self.consultation);
        self.wire.call(who, "POST", path).json(&json!({})).show(show).expect(200).await
    }
}

pub async fn wait(story: &mut Story) -> Result<()> {
    let waiting = story.act(&story.patient, "join", JOINED).await?;
    waiting.must_have("/waiting/position", 1)?;
    ensure!(waiting.json.get("video").is_none(), "a patient who waits gets no video");
    story.topic = waiting.text("/topic")?;
    let seen = story.wire.call(&story.doctor, "GET", format!("/consultations/{}", story.consultation));
    seen.show(&["status", "waiting_since"]).expect(200).await?.must_have("/status", "waiting")
}

pub async fn admit(story: &mut Story) -> Result<()> {
    let doctors = story.act(&story.doctor, "join", JOINED).await?;
    story.act(&story.doctor, "admit", &["status", "started_at"]).await?.must_have("/status", "in_progress")?;
    let patients = story.act(&story.patient, "join", JOINED).await?;
    let (one, other) = (doctors.text("/video/room")?, patients.text("/video/room")?);
    ensure!(one == other, "they are in different rooms: {one} and {other}");
    for joined in [&doctors, &patients] {
        ensure!(!joined.text("/video/provider")?.is_empty(), "the video has no provider");
    }
    let credentials = |joined: &Reply| joined.json.pointer("/video/ice_servers/0/credential").cloned();
    if story.own.is_some() {
        let given = [credentials(&doctors), credentials(&patients)];
        ensure!(given.iter().all(|one| matches!(one, Some(Value::String(_)))), "there are no TURN credentials");
        ensure!(credentials(&doctors) != credentials(&patients), "both got the same TURN credentials");
    }
    Ok(())
}

pub async fn end(story: &mut Story) -> Result<()> {
    story.act(&story.doctor, "end", &["status", "ended_at"]).await?.must_have("/status", "completed")?;
    if let Some((patients, _)) = &mut story.sockets {
        patients.event("consultation_ended").await?;
    }
    let appointment = story.wire.call(&story.patient, "GET", format!("/appointments/{}", story.appointment));
    appointment.show(&["status"]).until("completion", |seen| seen.get("status") == Some(&json!("completed"))).await?;
    Ok(())
}
