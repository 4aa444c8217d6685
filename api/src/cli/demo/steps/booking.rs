//! From the doctor's hours to an accepted appointment.

use anyhow::{Context, Result, ensure};
use consilium_kernel::{Clock, SystemClock, Timestamp};
use serde_json::{Value, json};

use super::{
    super::{mailbox::Mail, own, wire::Person},
    Story, ends_here,
};

/// A slot that begins sooner than this may have begun when it is booked.
const BOOKING_TAKES_SECONDS: i64 = 20;

pub async fn set_hours(story: &mut Story) -> Result<()> {
    let (wire, doctor) = (&story.wire, &story.doctor);
    let profile = format!("/doctors/{}", doctor.id);
    let seen = wire.call(doctor, "GET", &profile).show(&["id", "verified"]).expect(200).await?;
    let facts = json!({
        "display_name": "Dr. Ayesha Rahman", "specialty": "general_medicine", "years_of_experience": 12,
        "languages": ["bn", "en"], "licence_number": "DEMO-0012",
        "consultation_fee": {"amount_minor": 150_000, "currency": "BDT"},
    });
    let patch = wire.call(doctor, "PATCH", &profile).json(&facts).header("If-Match", seen.header("etag")?);
    patch.show(&["display_name", "specialty", "consultation_fee"]).expect(200).await?;

    let hours = format!("{profile}/availability");
    let empty = wire.call(doctor, "GET", &hours).show(&["weekly"]).expect(200).await?;
    // All day, so that there is a slot at once whenever the demo is played.
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let weekly: Vec<Value> = days.iter().map(|day| json!({"day": day, "start": "00:00", "end": "24:00"})).collect();
    let week =
        json!({"slot_minutes": 10, "buffer_minutes": 0, "lead_time_minutes": 0, "time_zone": "UTC", "weekly": weekly});
    let put = || wire.call(doctor, "PUT", &hours).json(&week).show(&["slot_minutes", "time_zone", "weekly"]);
    put().expect(428).await?;
    put().header("If-Match", empty.header("etag")?).expect(200).await?;
    Ok(())
}

pub async fn find_slot(story: &mut Story) -> Result<()> {
    let doctor = format!("/doctors/{}", story.doctor.id);
    let anybody = Person { name: "Anybody", ..Person::default() };
    story.wire.call(&anybody, "GET", &doctor).show(&["display_name", "specialty", "verified"]).expect(200).await?;
    let slots = story.wire.call(&story.patient, "GET", format!("{doctor}/slots")).expect(200).await?;
    let soon = |at: &Timestamp| at.as_second() >= SystemClock.now().as_second() + BOOKING_TAKES_SECONDS;
    let items = slots.json.get("items").and_then(Value::as_array).into_iter().flatten();
    let starts = items.filter_map(|slot| slot.get("starts_at")?.as_str());
    let free = starts.clone().find(|text| text.parse().is_ok_and(|at| soon(&at)));
    free.context("the doctor has no free slot")?.clone_into(&mut story.starts_at);
    Ok(())
}

pub async fn book(story: &mut Story) -> Result<()> {
    let wish = json!({
        "doctor_id": story.doctor.id, "starts_at": story.starts_at, "visit_type": "video",
        "reason": "Headache since Monday",
    });
    let key = own::random()?;
    let book = || {
        let call = story.wire.call(&story.patient, "POST", "/appointments").json(&wish);
        call.header("Idempotency-Key", &key).show(&["id", "status", "starts_at"])
    };
    let booked = book().any().await?;
    if booked.status == 403 && booked.text("/code")? == "email_not_verified" && story.own.is_none() {
        return ends_here("this server asks for confirmed addresses, and its mails cannot be read from here.");
    }
    ensure!(booked.status == 201, "booking answered {} instead of 201", booked.status);
    booked.must_have("/status", "pending")?;
    let again = book().expect(201).await?;
    ensure!(again.json == booked.json, "the repeated request was answered differently");
    let other =
        json!({"doctor_id": story.doctor.id, "starts_at": story.starts_at, "visit_type": "chat", "reason": "Other"});
    let reused = story.wire.call(&story.patient, "POST", "/appointments").json(&other).header("Idempotency-Key", &key);
    reused.expect(422).await?.must_have("/code", "idempotency_key_reused")?;
    story.appointment = booked.text("/id")?;
    Ok(())
}

pub async fn tentative(story: &mut Story) -> Result<()> {
    for person in [&story.patient, &story.doctor] {
        let mail = story.mail(person, "a tentative invitation", |mail| invites(mail, "TENTATIVE")).await?;
        // Both have the same one.
        if let Some(invite) = mail.and_then(|mail| mail.invite) {
            story.invitation = invite.uid;
            ensure!(!story.invitation.is_empty(), "the invitation has no UID");
        }
    }
    Ok(())
}

pub async fn accept(story: &mut Story) -> Result<()> {
    let accept = format!("/appointments/{}/accept", story.appointment);
    let stranger = story.wire.call(&story.patient, "POST", &accept).json(&json!({}));
    stranger.expect(403).await?;
    let accepted = story.wire.call(&story.doctor, "POST", &accept).json(&json!({}));
    let accepted = accepted.show(&["id", "status", "consultation_id"]).expect(200).await?;
    accepted.must_have("/status", "accepted")?;
    story.consultation = accepted.text("/consultation_id")?;
    for person in [&story.patient, &story.doctor] {
        let uid = |mail: &Mail| mail.invite.as_ref().is_some_and(|invite| invite.uid == story.invitation);
        story.mail(person, "a confirmed invitation", |mail| invites(mail, "CONFIRMED") && uid(mail)).await?;
    }
    Ok(())
}

fn invites(mail: &Mail, status: &str) -> bool {
    mail.invite.as_ref().is_some_and(|invite| invite.method == "REQUEST" && invite.status == status)
}
