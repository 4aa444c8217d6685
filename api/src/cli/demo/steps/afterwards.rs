//! After the consultation: prescription, pharmacy, figures.

use anyhow::{Context, Result, ensure};
use consilium_kernel::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{
    super::wire::{Person, Reply},
    Story,
};

pub async fn prescribe(story: &mut Story) -> Result<()> {
    let prescription = json!({
        "diagnosis": "Tension headache",
        "medicines": [{"name": "Paracetamol 500 mg", "dose": "1 tablet", "route": "oral",
            "frequency": "three times a day", "duration_days": 5, "quantity": 15}],
        "advice": "Drink more water, and sleep enough.",
    });
    let path = format!("/consultations/{}/prescriptions", story.consultation);
    let call = story.wire.call(&story.doctor, "POST", path).json(&prescription);
    let issued = call.show(&["id", "status", "verification_code", "signature"]).expect(201).await?;
    issued.must_have("/signature/algorithm", "Ed25519")?;
    story.prescription = issued.text("/id")?;
    story.mail(&story.patient, "the news of a prescription", |mail| mail.invite.is_none()).await?;
    Ok(())
}

pub async fn paper(story: &mut Story) -> Result<()> {
    let path = format!("/prescriptions/{}", story.prescription);
    let paper = story.wire.call(&story.patient, "GET", format!("{path}/pdf")).expect(200).await?;
    ensure!(paper.bytes.starts_with(b"%PDF-"), "what came is no PDF");
    story.screen.line(story.patient.name, "32", &format!("%PDF, {} bytes", paper.bytes.len()));
    let prescription = story.wire.call(&story.patient, "GET", &path).show(&["verification_code"]).expect(200).await?;
    let code = prescription.text("/verification_code")?;
    let anybody = Person { name: "Anybody", ..Person::default() };
    let verified = story.wire.call(&anybody, "GET", format!("/verify/{code}")).expect(200).await?;
    verified.must_have("/genuine", true)?;
    ensure!(!verified.json.to_string().contains("Paracetamol"), "verifying tells the medicine");
    Ok(())
}

pub async fn dispense(story: &mut Story) -> Result<()> {
    let Some(own) = &story.own else {
        story.screen.skip("nothing is sent to the pharmacy of a server that is not the demo's own");
        return Ok(());
    };
    let path = format!("/prescriptions/{}", story.prescription);
    let send = story.wire.call(&story.patient, "POST", format!("{path}/send")).json(&json!({}));
    send.show(&["status", "dispatch"]).expect(200).await?;
    story.dispatched(&path, "sent").await?;
    let received = own.pharmacy.received().context("the pharmacy got the prescription")?;
    let sent = &received.bundle;
    story.screen.line("Plugin", "32", "POST /fhir of the pharmacy → 200");
    story.screen.excerpt("→", sent);
    ensure!(sent.to_string().contains("Paracetamol"), "the pharmacy was not told the medicine");

    let pharmacy = Person { name: "Pharmacy", ..Person::default() };
    let webhook = |body: String, signature: String| {
        let call = story.wire.call(&pharmacy, "POST", "/webhooks/pharmacy-rest").text(body);
        call.header("X-Signature", signature)
    };
    let (_, other) = own.pharmacy.notice(&received.reference, "cancelled", SystemClock.now());
    let (body, _) = own.pharmacy.notice(&received.reference, "dispensed", SystemClock.now());
    webhook(body, other).expect(401).await?;
    for status in ["accepted", "preparing", "ready", "dispensed"] {
        let (body, signature) = own.pharmacy.notice(&received.reference, status, SystemClock.now());
        webhook(body, signature).expect(204).await?;
        story.dispatched(&path, status).await?;
    }
    if let Some((patients, _)) = &mut story.sockets {
        let mut status = Value::Null;
        while status != "dispensed" {
            let event = patients.event("prescription_status_changed").await?;
            status = event.pointer("/data/status").cloned().unwrap_or_default();
        }
    }
    Ok(())
}

impl Story {
    /// The patient sees that the prescription's way has come this far.
    async fn dispatched(&self, path: &str, status: &str) -> Result<Reply> {
        let call = self.wire.call(&self.patient, "GET", path).show(&["status"]);
        call.until(status, |seen| seen.pointer("/dispatch/status") == Some(&json!(status))).await
    }
}

pub async fn figures(story: &mut Story) -> Result<()> {
    let path = format!("/analytics/doctors/{}", story.doctor.id);
    let counted = |seen: &Value| seen.pointer("/items/0/sessions") == Some(&json!(1));
    if story.own.is_none() {
        let figures = story.wire.call(&story.doctor, "GET", &path).any().await?;
        if figures.status == 503 {
            story.screen.skip("this server has no analytics plugin");
            return Ok(());
        }
    }
    let figures = story.wire.call(&story.doctor, "GET", &path).until("one session", counted).await?;
    figures.must_have("/items/0/patients", 1)?;
    story.wire.call(&story.patient, "GET", &path).expect(403).await?;
    Ok(())
}
