//! The chat, and a line that breaks.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    super::{screen::excerpt, socket::Socket, wire::Person},
    Story,
};

impl Story {
    async fn connect(&self, person: &Person, after: Option<(i64, &Value)>) -> Result<Socket> {
        Socket::open(self.wire.base(), person, &self.topic, after, self.screen.clone()).await
    }
}

/// Writes, and answers the message's number.
async fn write(socket: &mut Socket, id: &str, body: &str) -> Result<i64> {
    let stored = socket.command("send_message", &json!({"client_message_id": id, "body": body})).await?;
    stored.get("seq").and_then(Value::as_i64).context("a stored message has a number")
}

/// Reads the next message, which must say this.
async fn read(socket: &mut Socket, body: &str) -> Result<()> {
    let event = socket.event("message_sent").await?;
    ensure!(event.pointer("/data/body") == Some(&json!(body)), "the message came as {}", excerpt(&event));
    Ok(())
}

pub async fn both_ways(story: &mut Story) -> Result<()> {
    let mut patients = story.connect(&story.patient, None).await?;
    let mut doctors = story.connect(&story.doctor, None).await?;
    write(&mut patients, "p-1", "Good morning, doctor.").await?;
    read(&mut doctors, "Good morning, doctor.").await?;
    write(&mut doctors, "d-1", "Good morning! Since when does it hurt?").await?;
    for body in ["Good morning, doctor.", "Good morning! Since when does it hurt?"] {
        read(&mut patients, body).await?;
    }
    story.sockets = Some((patients, doctors));
    Ok(())
}

pub async fn reconnect(story: &mut Story) -> Result<()> {
    let (patients, mut doctors) = story.sockets.take().context("they are connected")?;
    let (last, epoch) = (patients.seq(), patients.epoch.clone());
    drop(patients);
    story.screen.line(story.patient.name, "33", &format!("✂ the line breaks after event {last}"));
    write(&mut doctors, "d-2", "Please drink more water,").await?;
    write(&mut doctors, "d-3", "and sleep enough.").await?;

    let mut patients = story.connect(&story.patient, Some((last, &epoch))).await?;
    let head = patients.head;
    ensure!(head >= last + 2, "the server is at event {head}, after two messages since {last}");
    patients.up_to(head).await?;
    doctors.up_to(head).await?;
    let (caught_up, missed) = (patients.between(last, head), doctors.between(last, head));
    ensure!(caught_up == missed, "missed {missed:?}, got {caught_up:?}");
    for body in ["Please drink more water,", "and sleep enough."] {
        read(&mut patients, body).await?;
    }
    let came = format!("events {} to {head} came, exactly those that were missed", last + 1);
    story.screen.line(story.patient.name, "32", &came);
    story.sockets = Some((patients, doctors));
    Ok(())
}
