//! What notifications ask of the modules below: who somebody is, and how an appointment stands now.

use consilium_db::{Result, Session};
use consilium_kernel::{AppointmentId, DoctorId, Email, FacilityId, Language, PatientId, Scope, TimeZone, UserId};

use crate::content::AppointmentContent;

/// How to reach somebody, as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The address.
    pub email: Email,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// The zone in which times are told.
    pub time_zone: TimeZone,
    /// The language in which things are told.
    pub language: Language,
}

/// The doctor or patient of an appointment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The account, if there is one: a child or a walk-in may have none.
    pub user_id: Option<UserId>,
    /// The name to call them by.
    pub name: String,
}

/// Asked inside the transaction in which the answer is used.
pub trait Records: Send + Sync + 'static {
    /// How to reach an account; `None` when it is gone.
    fn contact(&self, session: &mut Session<'_>, user: UserId) -> Result<Option<Contact>>;
    /// A doctor by the public name.
    fn doctor(&self, session: &mut Session<'_>, doctor: DoctorId) -> Result<Option<Party>>;
    /// A patient.
    fn patient(&self, session: &mut Session<'_>, patient: PatientId) -> Result<Option<Party>>;
    /// An appointment as it stands now.
    fn appointment(
        &self,
        session: &mut Session<'_>,
        facility: FacilityId,
        id: AppointmentId,
    ) -> Result<Option<AppointmentContent>>;
}

/// The records of the product: accounts, people, appointments.
#[derive(Debug, Clone, Copy, Default)]
pub struct Platform;

impl Records for Platform {
    fn contact(&self, session: &mut Session<'_>, user: UserId) -> Result<Option<Contact>> {
        let contact = consilium_identity::contact(session, user)?;
        Ok(contact.map(|it| Contact {
            email: it.email,
            given_name: it.given_name,
            family_name: it.family_name,
            time_zone: it.time_zone,
            language: it.language,
        }))
    }

    fn doctor(&self, session: &mut Session<'_>, doctor: DoctorId) -> Result<Option<Party>> {
        let doctor = consilium_people::doctor(session, doctor)?;
        Ok(doctor.map(|it| Party { user_id: Some(it.user_id), name: it.display_name }))
    }

    fn patient(&self, session: &mut Session<'_>, patient: PatientId) -> Result<Option<Party>> {
        let patient = consilium_people::patient(session, patient)?;
        Ok(patient.map(|it| Party { user_id: it.user_id, name: format!("{} {}", it.given_name, it.family_name) }))
    }

    fn appointment(
        &self,
        session: &mut Session<'_>,
        facility: FacilityId,
        id: AppointmentId,
    ) -> Result<Option<AppointmentContent>> {
        let appointment = consilium_scheduling::appointment(session, Scope::of(facility), id)?;
        Ok(appointment.map(AppointmentContent::from))
    }
}
