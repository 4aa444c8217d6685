//! `consilium admin`

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use consilium_identity::{Identity, NewStaff};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Language, Role, TimeZone};
use secrecy::SecretString;

use crate::{config::Config, state};

#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Create a staff account; its address counts as confirmed
    Create(Create),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Staff {
    Admin,
    Nurse,
    Pharmacist,
    Support,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// E-mail address to log in with
    #[arg(long)]
    email: String,
    /// File whose first line is the password (12 to 128 characters)
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// What the account may do
    #[arg(long, value_enum, default_value_t = Staff::Admin)]
    role: Staff,
    /// First name
    #[arg(long, default_value = "Facility")]
    given_name: String,
    /// Surname
    #[arg(long, default_value = "Staff")]
    family_name: String,
    /// IANA time zone in which times are told to this person
    #[arg(long, default_value = "UTC")]
    time_zone: String,
}

impl Admin {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Self::Create(create) = self;
        let identity = Identity::new(super::open(config)?, state::identity_settings(config, ""))?;
        let file = &create.password_file;
        let text = std::fs::read_to_string(file).with_context(|| format!("--password-file {}", file.display()))?;
        let Some(password) = text.lines().next().filter(|line| !line.is_empty()) else {
            bail!("--password-file {}: the first line is empty", file.display());
        };
        let staff = NewStaff {
            email: create.email.parse().map_err(|error| anyhow::anyhow!("--email {}: {error}", create.email))?,
            password: SecretString::from(password.to_owned()),
            role: match create.role {
                Staff::Admin => Role::Admin,
                Staff::Nurse => Role::Nurse,
                Staff::Pharmacist => Role::Pharmacist,
                Staff::Support => Role::Support,
            },
            given_name: create.given_name,
            family_name: create.family_name,
            time_zone: create
                .time_zone
                .parse::<TimeZone>()
                .map_err(|error| anyhow::anyhow!("--time-zone {}: {error}", create.time_zone))?,
            language: Language::english(),
        };
        let meta = CommandMeta::system(DEFAULT_FACILITY, "admin create");
        match identity.create_staff(&meta, staff).await {
            Ok(account) => println!("{} {} {}", account.id, account.role, account.email),
            Err(refusal) => {
                let reasons = refusal.errors.iter().map(|field| format!(" {}: {}", field.pointer, field.detail));
                bail!("{}{}", refusal.detail, reasons.collect::<String>());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
