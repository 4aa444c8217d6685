//! Becoming a patient or a doctor.

use consilium_db::Tx;
use consilium_identity::{Account, NewAccount, check_name};
use consilium_kernel::{CommandMeta, DoctorId, Email, Language, PatientId, Principal, Refusal, Role, TimeZone};

use super::People;
use crate::{
    checks::Checks,
    input::Registration,
    model::{Doctor, Profile, Rating, Verification},
    store,
};

/// A registration whose fields are all right.
struct Checked {
    email: Email,
    given_name: String,
    family_name: String,
    time_zone: TimeZone,
    language: Language,
}

impl People {
    /// Writes the account and its doctor or patient in one transaction. Refuses with `email_taken`. A new doctor
    /// is not listed before an administrator approves. What Consilium itself registers needs no confirmation.
    pub async fn register(&self, meta: &CommandMeta, registration: Registration) -> Result<Account, Refusal> {
        let checked = self.check(&registration)?;
        let new = NewAccount {
            password_hash: self.identity.hash_password(registration.password).await?,
            email: checked.email,
            role: registration.role,
            person: Some(self.db.ids().next()),
            given_name: checked.given_name,
            family_name: checked.family_name,
            time_zone: checked.time_zone,
            language: checked.language,
            email_verified: meta.principal == Principal::System,
        };
        let identity = self.identity.clone();
        let write = move |tx: &mut Tx<'_>| {
            let account = identity.create_account(tx, new.clone())?;
            match (account.doctor_id, account.patient_id) {
                (Some(id), _) => store::doctor::insert(tx, &unfilled(&account, id))?,
                (_, Some(id)) => add_patient(tx, &account, id)?,
                (None, None) => return Err(Refusal::internal().into()),
            }
            Ok(account)
        };
        Ok(self.db.write(meta, write).await?)
    }

    fn check(&self, registration: &Registration) -> Result<Checked, Refusal> {
        let mut checks = Checks::default();
        if !matches!(registration.role, Role::Patient | Role::Doctor) {
            checks.wrong("/role", "invalid", "must be patient or doctor");
        }
        let email: Option<Email> = checks.parse("/email", &registration.email, "is not an e-mail address");
        checks.take(match &email {
            Some(email) => self.identity.check_password(&registration.password, email),
            None => Ok(()),
        });
        let given_name = checks.take(check_name("/given_name", &registration.given_name));
        let family_name = checks.take(check_name("/family_name", &registration.family_name));
        let time_zone = match &registration.time_zone {
            Some(zone) => checks.time_zone("/time_zone", zone),
            None => Some(TimeZone::utc()),
        };
        let language = match &registration.language {
            Some(tag) => checks.language("/language", tag),
            None => Some(Language::english()),
        };
        checks.done()?;
        match (email, given_name, family_name, time_zone, language) {
            (Some(email), Some(given_name), Some(family_name), Some(time_zone), Some(language)) => {
                Ok(Checked { email, given_name, family_name, time_zone, language })
            }
            _ => Err(Refusal::internal()),
        }
    }
}

fn add_patient(tx: &mut Tx<'_>, account: &Account, id: PatientId) -> consilium_db::Result<()> {
    let profile = Profile::named(account.given_name.clone(), account.family_name.clone());
    store::patient::insert(tx, id, Some(account.id), profile).map(|_| ())
}

/// The profile of a doctor who has said nothing yet but who it is.
fn unfilled(account: &Account, id: DoctorId) -> Doctor {
    Doctor {
        id,
        user_id: account.id,
        facility_id: account.facility_id,
        display_name: format!("{} {}", account.given_name, account.family_name),
        specialty: None,
        qualifications: Vec::new(),
        licence_number: None,
        years_of_experience: None,
        languages: vec![account.language.clone()],
        consultation_fee: None,
        time_zone: account.time_zone.clone(),
        photo_url: None,
        video_provider: None,
        rating: Rating { average: None, count: 0 },
        verified: false,
        suspended: false,
        verification: Verification::Pending,
        verification_reason: None,
        created_at: account.created_at,
        version: 1,
    }
}
