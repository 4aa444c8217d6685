//! Who else may come: asked by the doctor, and only while the consultation lasts.

use consilium_kernel::{Refusal, Timestamp, UserId};

use super::Event;
use crate::{
    model::{Consultation, Invitation, InvitationId, LeftBecause, Part},
    refusal::ConsultationRefusal::{AlreadyTakesPart, InvalidTransition, TooManyInvitations},
};

/// Invitations that stand at the same time.
const MOST: usize = 8;
/// Invitations that one consultation can ever have.
const MOST_EVER: usize = 50;

pub(super) fn invite(
    consultation: &Consultation,
    invitation: &Invitation,
    doctor: UserId,
) -> Result<Vec<Event>, Refusal> {
    if consultation.status.is_over() || !consultation.is_agreed() {
        return Err(InvalidTransition.refusal());
    }
    let known = consultation.participant(invitation.user_id).map(|participant| participant.role);
    let leads = invitation.user_id == doctor || matches!(known, Some(Part::Doctor | Part::Patient));
    if leads || consultation.invitation_of(invitation.user_id).is_some() {
        return Err(AlreadyTakesPart.refusal());
    }
    let standing = consultation.invitations.iter().filter(|invitation| invitation.withdrawn_at.is_none()).count();
    if standing >= MOST || consultation.invitations.len() >= MOST_EVER {
        return Err(TooManyInvitations.refusal());
    }
    Ok(vec![Event::Invited { invitation: invitation.clone() }])
}

/// Withdrawing twice is fine. Whoever is there is there no longer.
pub(super) fn withdraw(consultation: &Consultation, id: InvitationId, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let found = consultation.invitations.iter().find(|invitation| invitation.id == id);
    let invitation = found.ok_or(Refusal::not_found())?;
    if invitation.withdrawn_at.is_some() {
        return Ok(Vec::new());
    }
    let (user_id, role) = (invitation.user_id, invitation.role);
    let withdrawn = Event::InvitationWithdrawn { id, user_id, role, at: now };
    let left = super::life::leave(consultation, user_id, LeftBecause::Withdrawn, now);
    Ok([withdrawn].into_iter().chain(left).collect())
}
