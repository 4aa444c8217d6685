//! Whom the doctor asks to join: a second doctor, a nurse, an interpreter. They accept by joining, and take part in room,
//! chat and files of this consultation while it lasts.

use consilium_identity::Account;
use consilium_kernel::{CommandMeta, ConsultationId, Email, Id, Refusal, Role, UserId};

use crate::{
    actor::Action,
    model::{Consultation, Invitation, InvitationId, Part},
    service::Consultations,
};

/// Whom to invite: an account of the facility.
#[derive(Clone)]
pub enum Invitee {
    /// By its id.
    Account(UserId),
    /// By its address.
    Address(Email),
}

impl Consultations {
    /// Asks an account of the facility to join, by the consultation's doctor. Refusals: `not_found` also for accounts that
    /// are not staff, `invalid` when the account's role does not fit, `already_takes_part`, `too_many_invitations`,
    /// `invalid_transition`.
    pub async fn invite(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        invitee: Invitee,
        role: Part,
    ) -> Result<(Consultation, Invitation), Refusal> {
        self.leads(&meta, id).await?;
        let account = self.staff_account(&meta, invitee).await?;
        if !fits(account.role, role) {
            return Err(Refusal::field("/role", "invalid", "this account cannot take part as that"));
        }
        let invitation = Invitation {
            id: Id::new(self.db.ids().next()),
            user_id: account.id,
            role,
            invited_at: self.db.clock().now(),
            withdrawn_at: None,
        };
        let user = invitation.user_id;
        let consultation = self.consultation_after(meta, id, Action::Invite(invitation)).await?;
        // A repeated request is answered with the invitation that it made then.
        let made = consultation.invitations.iter().rev().find(|made| made.user_id == user).cloned();
        made.map(|made| (consultation, made)).ok_or(Refusal::internal())
    }

    /// The invitations of a consultation, oldest first, for its doctor.
    pub async fn invitations(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        self.leads(meta, id).await
    }

    /// Takes an invitation back; whoever is there by it has left. Twice is fine.
    pub async fn withdraw_invitation(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        invitation: InvitationId,
    ) -> Result<(Consultation, Invitation), Refusal> {
        let action = Action::WithdrawInvitation { id: invitation };
        let consultation = self.consultation_after(meta, id, action).await?;
        let found = consultation.invitations.iter().find(|found| found.id == invitation).cloned();
        found.map(|found| (consultation, found)).ok_or(Refusal::not_found())
    }

    /// The consultation, for its doctor: 403 for those who know of it, 404 for all others.
    async fn leads(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        let consultation = self.visible(meta, id).await?;
        match consultation.part_of(&meta.principal) {
            Some(Part::Doctor) => Ok(consultation),
            _ => Err(Refusal::forbidden()),
        }
    }

    /// An account of those who work for the facility. Patients' accounts are not found this way.
    async fn staff_account(&self, meta: &CommandMeta, invitee: Invitee) -> Result<Account, Refusal> {
        let facility = meta.scope.facility_id;
        let found = self.db.read(move |session| match &invitee {
            Invitee::Account(id) => consilium_identity::account(session, *id),
            Invitee::Address(email) => consilium_identity::account_by_email(session, email),
        });
        let staff = |account: &Account| account.facility_id == facility && account.role != Role::Patient;
        found.await?.filter(staff).ok_or(Refusal::not_found())
    }
}

/// Whether somebody with this role can take part as that.
fn fits(role: Role, part: Part) -> bool {
    match part {
        Part::SecondDoctor => role == Role::Doctor,
        Part::Nurse => role == Role::Nurse,
        Part::Interpreter => matches!(role, Role::Doctor | Role::Nurse | Role::Support),
        Part::Doctor | Part::Patient => false,
    }
}
