//! Queries. What is not the patient's own read is audited before it is answered.

use consilium_db::Tx;
use consilium_kernel::{CommandMeta, ConsultationId, DoctorId, Principal, Refusal, Role, User};

use crate::{
    facts,
    line::{self, WaitingPatient},
    model::{Consultation, Part},
    service::Consultations,
    store,
};

impl Consultations {
    /// The consultation, for its participants and the facility's staff. Holds no medical text.
    pub async fn consultation(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        let consultation = self.visible(meta, id).await?;
        if consultation.part_of(&meta.principal).is_none() {
            self.audit_read(meta, "read_consultation", &consultation).await?;
        }
        Ok(consultation)
    }

    /// The consultation, for a participant who is about to see what was said in it. Not the patient's own reads
    /// are audited as `action`.
    pub async fn as_participant(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        action: &'static str,
    ) -> Result<Consultation, Refusal> {
        let consultation = self.visible(meta, id).await?;
        match consultation.part_of(&meta.principal) {
            Some(Part::Patient) => {}
            Some(_) => self.audit_read(meta, action, &consultation).await?,
            None => return Err(Refusal::not_found()),
        }
        Ok(consultation)
    }

    /// The line in front of a doctor, for that doctor and the facility's staff.
    pub async fn waiting_line(&self, meta: &CommandMeta, doctor: DoctorId) -> Result<Vec<WaitingPatient>, Refusal> {
        let scope = meta.scope;
        self.may_see_line(meta, doctor)?;
        Ok(self.db.read(move |session| line::line(session, scope, doctor)).await?)
    }

    /// Whether the caller may see a doctor's waiting line: 404 otherwise.
    pub fn may_see_line(&self, meta: &CommandMeta, doctor: DoctorId) -> Result<(), Refusal> {
        let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
        match user {
            Some(user) if user.doctor_id == Some(doctor) || is_staff(user) => Ok(()),
            _ => Err(Refusal::not_found()),
        }
    }

    /// The consultation, if the caller may know of it: participants and the facility's staff.
    pub(crate) async fn visible(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        let found = self.db.read(move |session| store::find(session, id)).await?;
        let consultation =
            found.filter(|found| found.facility_id == meta.scope.facility_id).ok_or(Refusal::not_found())?;
        let staff = match &meta.principal {
            Principal::User(user) => user.facility_id == consultation.facility_id && is_staff(user),
            Principal::System => true,
            Principal::Anonymous => false,
        };
        if staff || consultation.part_of(&meta.principal).is_some() {
            Ok(consultation)
        } else {
            Err(Refusal::not_found())
        }
    }

    pub(crate) async fn audit_read(
        &self,
        meta: &CommandMeta,
        action: &'static str,
        consultation: &Consultation,
    ) -> Result<(), Refusal> {
        let (entity, version) = (facts::entity(consultation.id), consultation.version);
        Ok(self.db.write(meta, move |tx: &mut Tx<'_>| tx.audit(action, &entity, version)).await?)
    }
}

/// Who works for the facility without being a consultation's doctor.
fn is_staff(user: &User) -> bool {
    matches!(user.role, Role::Nurse | Role::Support | Role::Admin)
}
