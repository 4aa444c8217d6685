//! The words of mails: built-in templates per language, and an operator's own that replace or add to them.

use std::{borrow::Cow, collections::BTreeSet, fs, path::Path};

use consilium_kernel::Language;
use minijinja::{Environment, UndefinedBehavior, Value};

use crate::settings::SettingsError;

const KEY: &str = "notifications.templates";

/// What a message without its own language is written in; complete.
const FALLBACK: &str = "en";

/// The parts of one mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Subject,
    Text,
    Html,
}

impl Part {
    fn suffix(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "txt",
            Self::Html => "html",
        }
    }
}

macro_rules! built_in {
    ($($language:literal: [$($name:literal),+ $(,)?]),+ $(,)?) => {
        /// Every built-in template: name and source.
        const BUILT_IN: &[(&str, &str)] = &[$($(
            (
                concat!($language, "/", $name, ".j2"),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $language, "/", $name, ".j2")),
            ),
        )+)+];
    };
}

built_in! {
    "en": [
        "when", "layout.txt", "layout.html", "appointment.txt", "appointment.html",
        "calendar.subject", "calendar.txt",
        "appointment_booked.subject", "appointment_booked.txt", "appointment_booked.html",
        "appointment_accepted.subject", "appointment_accepted.txt", "appointment_accepted.html",
        "appointment_rejected.subject", "appointment_rejected.txt", "appointment_rejected.html",
        "appointment_cancelled.subject", "appointment_cancelled.txt", "appointment_cancelled.html",
        "appointment_rescheduled.subject", "appointment_rescheduled.txt", "appointment_rescheduled.html",
        "appointment_no_show.subject", "appointment_no_show.txt", "appointment_no_show.html",
        "reminder_24h.subject", "reminder_24h.txt", "reminder_24h.html",
        "reminder_1h.subject", "reminder_1h.txt", "reminder_1h.html",
        "email_verification.subject", "email_verification.txt", "email_verification.html",
        "password_reset.subject", "password_reset.txt", "password_reset.html",
        "password_changed.subject", "password_changed.txt", "password_changed.html",
        "security_alert.subject", "security_alert.txt", "security_alert.html",
        "doctor_approved.subject", "doctor_approved.txt", "doctor_approved.html",
        "doctor_rejected.subject", "doctor_rejected.txt", "doctor_rejected.html",
        "prescription_issued.subject", "prescription_issued.txt", "prescription_issued.html",
        "follow_up_held.subject", "follow_up_held.txt", "follow_up_held.html",
        "messages_waiting.subject", "messages_waiting.txt", "messages_waiting.html",
    ],
    "bn": [
        "when", "layout.txt", "layout.html", "appointment.txt", "appointment.html",
        "calendar.subject", "calendar.txt",
        "appointment_booked.subject", "appointment_booked.txt", "appointment_booked.html",
        "appointment_accepted.subject", "appointment_accepted.txt", "appointment_accepted.html",
        "appointment_rejected.subject", "appointment_rejected.txt", "appointment_rejected.html",
        "appointment_cancelled.subject", "appointment_cancelled.txt", "appointment_cancelled.html",
        "appointment_rescheduled.subject", "appointment_rescheduled.txt", "appointment_rescheduled.html",
        "reminder_24h.subject", "reminder_24h.txt", "reminder_24h.html",
        "reminder_1h.subject", "reminder_1h.txt", "reminder_1h.html",
        "email_verification.subject", "email_verification.txt", "email_verification.html",
        "password_reset.subject", "password_reset.txt", "password_reset.html",
        "messages_waiting.subject", "messages_waiting.txt", "messages_waiting.html",
    ],
}

/// All templates, compiled.
pub struct Templates {
    environment: Environment<'static>,
    names: BTreeSet<String>,
}

impl Templates {
    /// The built-in templates, and those of `folder` in their place.
    ///
    /// # Errors
    /// A file that is no template, has no counterpart in English, or leaves a mail without one of its parts.
    pub fn load(folder: Option<&Path>) -> Result<Self, SettingsError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut templates = Self { environment, names: BTreeSet::new() };
        for (name, source) in BUILT_IN {
            templates.add((*name).into(), (*source).into())?;
        }
        if let Some(folder) = folder {
            for (name, source) in read(folder)? {
                templates.add(name.into(), source.into())?;
            }
        }
        templates.check()?;
        Ok(templates)
    }

    fn add(&mut self, name: Cow<'static, str>, source: Cow<'static, str>) -> Result<(), SettingsError> {
        self.names.insert(name.clone().into_owned());
        let added = self.environment.add_template_owned(name.clone(), source);
        added.map_err(|error| SettingsError::new(KEY, format!("{name} is no template: {error}")))
    }

    /// Every file is one that is used, and no mail is a torso.
    fn check(&self) -> Result<(), SettingsError> {
        for name in &self.names {
            let (language, file) = name.split_once('/').unwrap_or_default();
            if !BUILT_IN.iter().any(|(known, _)| *known == format!("{FALLBACK}/{file}")) {
                return Err(SettingsError::new(KEY, format!("{name} is not the name of any template")));
            }
            let Some(mail) = file.strip_suffix(".subject.j2") else { continue };
            for part in ["txt", "html"] {
                let sibling = format!("{mail}.{part}.j2");
                let needed = self.names.contains(&format!("{FALLBACK}/{sibling}"));
                if needed && !self.names.contains(&format!("{language}/{sibling}")) {
                    return Err(SettingsError::new(KEY, format!("{language}/{sibling} is missing beside {name}")));
                }
            }
        }
        Ok(())
    }

    /// The nearest language to `wanted` in which the mail `name` is written: `bn-BD`, then `bn`, then English.
    pub(super) fn language(&self, wanted: &Language, name: &str) -> &str {
        let mut tag = wanted.as_str();
        loop {
            let subject = format!("{tag}/{name}.subject.j2");
            if let Some(found) = self.names.get(&subject).and_then(|found| found.split_once('/')) {
                return found.0;
            }
            match tag.rsplit_once('-') {
                Some((parent, _)) => tag = parent,
                None => return FALLBACK,
            }
        }
    }

    /// Renders one part of the mail `name`.
    pub(super) fn render(
        &self,
        language: &str,
        name: &str,
        part: Part,
        words: &Value,
    ) -> Result<String, minijinja::Error> {
        let template = self.environment.get_template(&format!("{language}/{name}.{}.j2", part.suffix()))?;
        Ok(template.render(words.clone())?.trim().to_owned())
    }
}

/// The templates in `folder`: `<language>/<file>.j2`.
fn read(folder: &Path) -> Result<Vec<(String, String)>, SettingsError> {
    let unreadable = |path: &Path, error: std::io::Error| {
        SettingsError::new(KEY, format!("{} cannot be read: {error}", path.display()))
    };
    let list = |path: &Path| -> Result<Vec<std::path::PathBuf>, SettingsError> {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        Ok(entries.map_err(|error| unreadable(path, error))?.into_iter().map(|entry| entry.path()).collect())
    };
    let mut found = Vec::new();
    for language in list(folder)?.into_iter().filter(|path| path.is_dir()) {
        let tag = language.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if tag.parse::<Language>().is_err() {
            return Err(SettingsError::new(
                KEY,
                format!("the folder {tag} is not named after a language, such as pt-BR"),
            ));
        }
        for file in list(&language)?.into_iter().filter(|path| path.extension().is_some_and(|it| it == "j2")) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let source = fs::read_to_string(&file).map_err(|error| unreadable(&file, error))?;
            found.push((format!("{tag}/{name}"), source));
        }
    }
    Ok(found)
}
