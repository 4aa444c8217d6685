//! `consilium seed-demo`

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use consilium_identity::{Identity, NewStaff};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Language, Refusal, Role, TimeZone};
use consilium_people::{Decision, DoctorPatch, MoneyInput, People, Registration, VerifyDoctor};
use secrecy::SecretString;

use crate::{config::Config, state};

/// The password of every demo account. Demo accounts are for trying things out, never for a real deployment.
pub const DEMO_PASSWORD: &str = "consilium-demo-2026";

#[derive(Debug, Args)]
pub(super) struct SeedDemo {}

/// Address, first name, surname, specialty, years of experience, languages.
type DemoDoctor = (&'static str, &'static str, &'static str, &'static str, i64, &'static [&'static str]);

const DOCTORS: [DemoDoctor; 3] = [
    ("ayesha.rahman@demo.example", "Ayesha", "Rahman", "general_medicine", 12, &["bn", "en"]),
    ("omar.haddad@demo.example", "Omar", "Haddad", "cardiology", 20, &["ar", "en"]),
    ("lena.vogt@demo.example", "Lena", "Vogt", "dermatology", 7, &["de", "en"]),
];
const PATIENTS: [(&str, &str, &str, &str); 2] = [
    ("rafi.karim@demo.example", "Rafi", "Karim", "Asia/Dhaka"),
    ("ana.silva@demo.example", "Ana", "Silva", "Europe/Lisbon"),
];
const STAFF: [(&str, &str, Role); 3] = [
    ("admin@demo.example", "Ada", Role::Admin),
    ("nurse@demo.example", "Nadia", Role::Nurse),
    ("pharmacist@demo.example", "Piotr", Role::Pharmacist),
];

impl SeedDemo {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let db = super::open(config)?;
        let identity = Identity::new(db.clone(), state::identity_settings(config, ""))?;
        let people = People::new(db, identity.clone());
        let meta = CommandMeta::system(DEFAULT_FACILITY, "seed-demo");
        for (email, given_name, role) in STAFF {
            let staff = NewStaff {
                email: email.parse().map_err(|error| anyhow::anyhow!("{email}: {error}"))?,
                password: SecretString::from(DEMO_PASSWORD),
                role,
                given_name: given_name.to_owned(),
                family_name: "Demo".to_owned(),
                time_zone: TimeZone::utc(),
                language: Language::english(),
            };
            tell(email, role, identity.create_staff(&meta, staff).await.map(drop))?;
        }
        for (email, given_name, family_name, zone) in PATIENTS {
            let patient = registration(email, Role::Patient, given_name, family_name, zone);
            let registered = people.register(&meta, patient).await.map(drop);
            tell(email, Role::Patient, registered)?;
        }
        for (email, given_name, family_name, specialty, years, languages) in DOCTORS {
            let doctor = registration(email, Role::Doctor, given_name, family_name, "Asia/Dhaka");
            let account = people.register(&meta, doctor).await;
            let made = account.as_ref().ok().cloned();
            tell(email, Role::Doctor, account.map(drop))?;
            let Some(account) = made else { continue };
            let id = account.doctor_id.context("a doctor's account has a doctor")?;
            let profile = DoctorPatch {
                display_name: Some(format!("Dr. {given_name} {family_name}")),
                specialty: Some(Some(specialty.to_owned())),
                years_of_experience: Some(Some(years)),
                languages: Some(languages.iter().map(|tag| (*tag).to_owned()).collect()),
                consultation_fee: Some(Some(MoneyInput { amount_minor: 150_000, currency: "BDT".to_owned() })),
                licence_number: Some(Some(format!("DEMO-{years:04}"))),
                ..DoctorPatch::default()
            };
            let seen = people.doctor(&meta, id).await?;
            people.patch_doctor(&meta, id, seen.version, profile).await?;
            let approved = VerifyDoctor { decision: Decision::Approved, reason: None };
            people.verify_doctor(&meta, id, approved).await?;
        }
        println!("password of all: {DEMO_PASSWORD}");
        Ok(ExitCode::SUCCESS)
    }
}

fn registration(email: &str, role: Role, given_name: &str, family_name: &str, zone: &str) -> Registration {
    Registration {
        email: email.to_owned(),
        password: SecretString::from(DEMO_PASSWORD),
        role,
        given_name: given_name.to_owned(),
        family_name: family_name.to_owned(),
        time_zone: Some(zone.to_owned()),
        language: None,
    }
}

/// Seeding twice is fine: what is there already stays as it is.
fn tell(email: &str, role: Role, outcome: Result<(), Refusal>) -> anyhow::Result<()> {
    match outcome {
        Ok(()) => println!("{email:<32} {role}"),
        Err(refusal) if refusal.code == "email_taken" => println!("{email:<32} {role} (already there)"),
        Err(refusal) => anyhow::bail!("{email}: {refusal}"),
    }
    Ok(())
}
