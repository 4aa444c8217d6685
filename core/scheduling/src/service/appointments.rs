//! Booking, changing and reading appointments.

use std::collections::BTreeSet;

use consilium_identity::IdentityRefusal;
use consilium_kernel::{
    AppointmentId, CommandMeta, EntityRef, FieldError, Id, PatientId, Principal, Refusal, Role, Timestamp, User,
    page_limit,
};

use super::Scheduling;
use crate::{
    access::{Action, Belongs, permit},
    model::{Appointment, AppointmentFilter, BookAppointment, Page, Party},
    refusal::SchedulingRefusal,
    schedule::{Booking, Change, ScheduleCommand, ScheduleReply},
    store::{
        appointments::{self, Words},
        listing::{self, Cursor, Listing},
    },
};

/// Characters in a reason for the visit.
const MAX_REASON: usize = 2_000;
/// Characters in what the patient feels.
const MAX_SYMPTOMS: usize = 4_000;
/// Characters in the reason given for a change.
const MAX_NOTE: usize = 1_000;

impl Scheduling {
    /// Asks for a slot, for the patient who asks. Refusals: `slot_taken`, `day_full`, `patient_busy`, `not_a_slot`,
    /// `too_soon`, `doctor_not_found`, `email_not_verified`.
    pub async fn book(&self, meta: CommandMeta, command: BookAppointment) -> Result<Appointment, Refusal> {
        let (this, once) = (self.clone(), meta.clone());
        let reply = self.db.once(&once, async move { this.book_once(meta, command).await }).await?;
        appointment_in(reply)
    }

    async fn book_once(&self, meta: CommandMeta, command: BookAppointment) -> Result<ScheduleReply, Refusal> {
        let user = meta.principal.user().ok_or_else(Refusal::forbidden)?;
        let patient_id = user.patient_id.ok_or_else(Refusal::forbidden)?;
        if self.settings.require_verified_email && !user.email_verified {
            return Err(IdentityRefusal::EmailNotVerified.refusal());
        }
        let (reason, symptoms) = check_words(&command.reason, command.symptoms.as_deref())?;
        let doctor_id = self.bookable_doctor(meta.scope, command.doctor_id).await?;
        let booking = Booking {
            appointment_id: Id::new(self.db.ids().next()),
            patient_id,
            starts_at: command.starts_at,
            visit_type: command.visit_type,
            is_emergency: command.is_emergency,
            reason,
            symptoms,
        };
        self.ask(doctor_id, meta, ScheduleCommand::Book(booking)).await
    }

    /// The doctor agrees; the consultation's id is minted.
    pub async fn accept(&self, meta: CommandMeta, id: AppointmentId) -> Result<Appointment, Refusal> {
        let consultation_id = Id::new(self.db.ids().next());
        self.change(meta, id, Change::Accept { consultation_id }, None).await
    }

    /// The doctor declines.
    pub async fn reject(
        &self,
        meta: CommandMeta,
        id: AppointmentId,
        note: Option<String>,
    ) -> Result<Appointment, Refusal> {
        self.change(meta, id, Change::Reject, note).await
    }

    /// Patient, doctor, nurse or administrator call it off.
    pub async fn cancel(
        &self,
        meta: CommandMeta,
        id: AppointmentId,
        note: Option<String>,
    ) -> Result<Appointment, Refusal> {
        self.change(meta, id, Change::Cancel, note).await
    }

    /// Patient, doctor, nurse or administrator move it to another slot of the same doctor.
    pub async fn reschedule(
        &self,
        meta: CommandMeta,
        id: AppointmentId,
        starts_at: Timestamp,
        note: Option<String>,
    ) -> Result<Appointment, Refusal> {
        self.change(meta, id, Change::Reschedule { starts_at }, note).await
    }

    /// The doctor says that the patient did not come.
    pub async fn no_show(&self, meta: CommandMeta, id: AppointmentId) -> Result<Appointment, Refusal> {
        self.change(meta, id, Change::NoShow, None).await
    }

    async fn change(
        &self,
        meta: CommandMeta,
        id: AppointmentId,
        change: Change,
        note: Option<String>,
    ) -> Result<Appointment, Refusal> {
        let note = check_note(note)?;
        let (this, once) = (self.clone(), meta.clone());
        let reply = self.db.once(&once, async move { this.change_once(meta, id, change, note).await }).await?;
        let appointment = appointment_in(reply)?;
        Ok(match once.principal.user() {
            Some(user) => appointment.seen_by(user),
            None => appointment,
        })
    }

    async fn change_once(
        &self,
        meta: CommandMeta,
        id: AppointmentId,
        change: Change,
        note: Option<String>,
    ) -> Result<ScheduleReply, Refusal> {
        let scope = meta.scope;
        let found = self.db.read(move |session| appointments::find(session, scope, id, Words::LeftSealed)).await?;
        let appointment = found.ok_or_else(Refusal::not_found)?;
        permit(&meta.principal, belongs(&appointment), change.action())?;
        // What has ended stays ended, so this needs no actor; the schedule knows only what is live.
        if !appointment.status.is_live() {
            return Err(SchedulingRefusal::InvalidTransition.refusal());
        }
        let no_show_minutes = self.settings.no_show_minutes;
        let command = ScheduleCommand::Change { appointment_id: id, change, note, no_show_minutes };
        self.ask(appointment.doctor_id, meta, command).await
    }

    /// One appointment, as its reader may see it. Somebody else's read of a patient's words is audited first.
    pub async fn appointment(&self, meta: &CommandMeta, id: AppointmentId) -> Result<Appointment, Refusal> {
        let scope = meta.scope;
        let found = self.db.read(move |session| appointments::find(session, scope, id, Words::Opened)).await?;
        let appointment = found.ok_or_else(Refusal::not_found)?;
        let party = permit(&meta.principal, belongs(&appointment), Action::See)?;
        let Some(user) = meta.principal.user() else { return Ok(appointment) };
        if party != Party::Patient && sees_words(user) {
            let (entity, version) = (appointment.entity(), appointment.version);
            self.db.write(meta, move |tx| tx.audit("read_appointment", &entity, version)).await?;
        }
        Ok(appointment.seen_by(user))
    }

    /// Whether the doctor who asks treats the patient: has agreed to meet, or has met. A nurse assists every doctor
    /// of the facility.
    pub async fn treats(&self, meta: &CommandMeta, patient_id: PatientId) -> Result<bool, Refusal> {
        let doctor = match meta.principal.user() {
            Some(User { role: Role::Doctor, doctor_id: Some(own), .. }) => Some(*own),
            Some(User { role: Role::Nurse, .. }) => None,
            _ => return Ok(false),
        };
        let scope = meta.scope;
        Ok(self.db.read(move |session| listing::treats(session, scope, doctor, patient_id)).await?)
    }

    /// Appointments by start: a patient's and a doctor's own, all of the facility for its staff.
    pub async fn appointments(
        &self,
        meta: &CommandMeta,
        filter: AppointmentFilter,
    ) -> Result<Page<Appointment>, Refusal> {
        let Some(listing) = listing_for(meta, &filter)? else {
            return Ok(Page { items: Vec::new(), next_cursor: None });
        };
        let page = self.db.read(move |session| listing::list(session, &listing)).await?;
        let Some(user) = meta.principal.user().filter(|user| sees_words(user)) else { return Ok(page) };
        let others: BTreeSet<PatientId> =
            page.items.iter().map(|item| item.patient_id).filter(|id| user.patient_id != Some(*id)).collect();
        if !others.is_empty() {
            let read = move |tx: &mut consilium_db::Tx<'_>| {
                others.iter().try_for_each(|id| tx.audit("read_appointments", &EntityRef::new("patient", id.uuid()), 0))
            };
            self.db.write(meta, read).await?;
        }
        Ok(page)
    }
}

/// What `meta`'s principal may list of what `filter` asks for; `None` when that is nothing.
fn listing_for(meta: &CommandMeta, filter: &AppointmentFilter) -> Result<Option<Listing>, Refusal> {
    let limit = page_limit(filter.limit)?;
    let mut listing = Listing {
        scope: meta.scope,
        doctor_id: filter.doctor_id,
        patient_id: filter.patient_id,
        status: filter.status,
        from: filter.from,
        to: filter.to,
        after: filter.cursor.as_deref().map(Cursor::parse).transpose()?,
        limit,
        words: Words::Opened,
    };
    let user = match &meta.principal {
        Principal::System => return Ok(Some(listing)),
        Principal::Anonymous => return Err(Refusal::forbidden()),
        Principal::User(user) => user,
    };
    let role = match (user.role, filter.role) {
        (Role::Patient | Role::Doctor, Some(wanted @ (Role::Patient | Role::Doctor))) => wanted,
        (Role::Patient | Role::Doctor, Some(_)) => return Ok(None),
        (role, _) => role,
    };
    match role {
        Role::Patient => match own(&mut listing.patient_id, user.patient_id) {
            true => Ok(Some(listing)),
            false => Ok(None),
        },
        Role::Doctor => match own(&mut listing.doctor_id, user.doctor_id) {
            true => Ok(Some(listing)),
            false => Ok(None),
        },
        Role::Pharmacist => Err(Refusal::forbidden()),
        Role::Admin | Role::Nurse | Role::Support => {
            listing.words = if sees_words(user) { Words::Opened } else { Words::LeftSealed };
            Ok(Some(listing))
        }
    }
}

/// Narrows `wanted` to what is `own`; false when they have nothing in common.
fn own<T: PartialEq + Copy>(wanted: &mut Option<T>, own: Option<T>) -> bool {
    let Some(own) = own else { return false };
    wanted.replace(own).is_none_or(|asked_for| asked_for == own)
}

/// Whether the reader may see medical text of patients that are not theirs to begin with.
fn sees_words(user: &User) -> bool {
    matches!(user.role, Role::Patient | Role::Doctor | Role::Nurse)
}

fn belongs(appointment: &Appointment) -> Belongs {
    Belongs {
        facility_id: appointment.facility_id,
        doctor_id: appointment.doctor_id,
        patient_id: appointment.patient_id,
    }
}

fn appointment_in(reply: ScheduleReply) -> Result<Appointment, Refusal> {
    match reply {
        ScheduleReply::Appointment(appointment) => Ok(*appointment),
        _ => Err(Refusal::internal()),
    }
}

/// The patient's words: why, and what the patient feels.
pub(crate) fn check_words(reason: &str, symptoms: Option<&str>) -> Result<(String, Option<String>), Refusal> {
    let mut wrong = Vec::new();
    let mut too_long = |pointer: &str, most: usize| {
        let detail = format!("at most {most} characters");
        wrong.push(FieldError { pointer: pointer.to_owned(), code: "too_long".into(), detail });
    };
    let reason = reason.trim().to_owned();
    if reason.chars().count() > MAX_REASON {
        too_long("/reason", MAX_REASON);
    }
    let symptoms = symptoms.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    if symptoms.as_ref().is_some_and(|text| text.chars().count() > MAX_SYMPTOMS) {
        too_long("/symptoms", MAX_SYMPTOMS);
    }
    if reason.is_empty() {
        let detail = "say in a few words why you come".to_owned();
        wrong.push(FieldError { pointer: "/reason".to_owned(), code: "required".into(), detail });
    }
    if wrong.is_empty() { Ok((reason, symptoms)) } else { Err(Refusal::invalid(wrong)) }
}

fn check_note(note: Option<String>) -> Result<Option<String>, Refusal> {
    let note = note.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match note {
        Some(text) if text.chars().count() > MAX_NOTE => {
            Err(Refusal::field("/reason", "too_long", format!("at most {MAX_NOTE} characters")))
        }
        note => Ok(note),
    }
}
