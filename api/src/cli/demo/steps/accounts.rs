//! Accounts: registered, confirmed, logged in; the doctor verified.

use anyhow::{Context, Result};
use serde_json::json;

use super::{
    super::wire::{Person, Wire},
    Story, ends_here,
};

pub async fn register(story: &mut Story) -> Result<()> {
    for (person, role, family_name) in
        [(&mut story.patient, "patient", "Karim"), (&mut story.doctor, "doctor", "Rahman")]
    {
        let account = json!({
            "email": person.email, "password": person.password, "role": role,
            "given_name": person.name, "family_name": family_name, "time_zone": "Asia/Dhaka", "language": "en",
        });
        let call = story.wire.call(person, "POST", "/auth/register").json(&account);
        let registered = call.show(&["id", "role", "email_verified", "doctor_id", "patient_id"]).expect(201).await?;
        registered.must_have("/email_verified", false)?;
        person.id = registered.text(&format!("/{role}_id"))?;
    }
    Ok(())
}

pub async fn confirm(story: &mut Story) -> Result<()> {
    for person in [&story.patient, &story.doctor] {
        let Some(mail) = story.mail(person, "a code", |mail| code(&mail.text).is_some()).await? else { continue };
        let token = code(&mail.text).context("the mail has a code")?;
        let call = story.wire.call(person, "POST", "/auth/verify-email").json(&json!({"token": token}));
        call.show(&["email_verified"]).expect(200).await?.must_have("/email_verified", true)?;
    }
    Ok(())
}

/// The line of a mail that is one long word.
fn code(text: &str) -> Option<String> {
    let is_code =
        |line: &&str| line.len() >= 20 && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    text.lines().map(str::trim).find(is_code).map(str::to_owned)
}

pub async fn log_in(story: &mut Story) -> Result<()> {
    for person in [&mut story.patient, &mut story.doctor] {
        session(&story.wire, person).await?;
    }
    Ok(())
}

async fn session(wire: &Wire, person: &mut Person) -> Result<()> {
    let login = json!({"email": person.email, "password": person.password, "token_delivery": "body"});
    let call = wire.call(person, "POST", "/auth/login").json(&login);
    let session = call.show(&["access_token", "token_type", "expires_in", "refresh_token"]).expect(200).await?;
    person.token = Some(session.text("/access_token")?);
    Ok(())
}

pub async fn verify_doctor(story: &mut Story) -> Result<()> {
    let Some(admin) = &mut story.admin else {
        return ends_here(
            "nobody books a doctor whom no administrator has verified. Give --admin-email and --admin-password-file.",
        );
    };
    session(&story.wire, admin).await?;
    let profile = format!("/doctors/{}", story.doctor.id);
    let stranger = Person { name: "Anybody", ..Person::default() };
    // Unlisted until then.
    story.wire.call(&stranger, "GET", &profile).expect(404).await?;
    let verify =
        story.wire.call(admin, "POST", format!("/admin{profile}/verify")).json(&json!({"decision": "approved"}));
    verify.show(&["id", "verified"]).expect(200).await?.must_have("/verified", true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_alone_on_its_line() {
        let text =
            "Dear Rafi,\n\nplease enter it:\n\n  aB3-_aB3-_aB3-_aB3-_aB3  \n\nhttps://demo.example/abcdefghijklmnop\n";
        assert_eq!(code(text).as_deref(), Some("aB3-_aB3-_aB3-_aB3-_aB3"));
        assert_eq!(code("Dear Rafi,\n\nsupercalifragilistic words follow\n"), None);
    }
}
