//! How an event changes the consultation.

use consilium_kernel::{Timestamp, UserId};

use super::{Event, settles_as};
use crate::{
    model::{Consultation, Part, Participant, Status},
    video::{ENDED, VideoChoice},
};

impl Consultation {
    /// Takes an event into the state. Chat leaves the version alone: it changes no row that the version guards.
    pub(crate) fn take(&mut self, event: &Event) {
        match event.clone() {
            Event::Opened => {}
            Event::Moved { starts_at, ends_at } => {
                (self.starts_at, self.ends_at) = (starts_at, ends_at);
                self.place_at = self.place_at.map(|_| starts_at);
            }
            Event::Joined { user_id, role, at, .. } => {
                let participant = self.participant_mut(user_id, role);
                (participant.present, participant.joined_at) = (true, Some(at));
                if role == Part::Patient {
                    self.away_since = None;
                }
            }
            Event::Waited { since, place_at } => {
                self.status = Status::Waiting;
                self.waiting_since = self.waiting_since.or(Some(since));
                self.place_at = Some(place_at);
            }
            Event::Placed { place_at } => self.place_at = Some(place_at),
            Event::EmergencyRaised => self.is_emergency = true,
            Event::DeviceChecked { .. } => {}
            Event::Invited { invitation } => self.invitations.push(invitation),
            Event::InvitationWithdrawn { id, at, .. } => {
                let withdrawn = self.invitations.iter_mut().find(|invitation| invitation.id == id);
                if let Some(invitation) = withdrawn {
                    invitation.withdrawn_at = Some(at);
                }
            }
            Event::Able { user_id, role, capabilities } => {
                self.participant_mut(user_id, role).capabilities = Some(capabilities);
            }
            Event::VideoChosen { provider, room, reason, at } => {
                self.leave_video(&reason, at);
                let number = self.video_number() + 1;
                let (chosen_at, left_at, left_because) = (at, None, None);
                self.videos.push(VideoChoice { number, provider, room, reason, chosen_at, left_at, left_because });
            }
            Event::VideoLost { reason, at } => self.leave_video(&reason, at),
            Event::Left { user_id, role, at, .. } => {
                self.participant_mut(user_id, role).present = false;
                if role == Part::Patient && self.status == Status::Waiting {
                    self.away_since = Some(at);
                }
            }
            Event::Admitted => {}
            Event::Started { at } => {
                self.status = Status::InProgress;
                self.started_at = Some(at);
            }
            Event::Ended { status, at } => {
                if self.is_agreed() {
                    self.appointment_status = settles_as(self, status);
                }
                self.status = status;
                self.ended_at = Some(at);
                self.participants.iter_mut().for_each(|participant| participant.present = false);
                self.leave_video(ENDED, at);
            }
            Event::MessageSent { .. } => return,
            Event::MessageRead { user_id, role, seq } => {
                let participant = self.participant_mut(user_id, role);
                participant.read_seq = participant.read_seq.max(seq);
                return;
            }
        }
        self.version += 1;
    }

    fn leave_video(&mut self, reason: &str, at: Timestamp) {
        if let Some(choice) = self.videos.last_mut().filter(|choice| choice.left_at.is_none()) {
            (choice.left_at, choice.left_because) = (Some(at), Some(reason.to_owned()));
        }
    }

    fn participant_mut(&mut self, user_id: UserId, role: Part) -> &mut Participant {
        let place = self.participants.iter().position(|participant| participant.user_id == user_id);
        let place = place.unwrap_or_else(|| {
            self.participants.push(Participant {
                user_id,
                role,
                present: false,
                joined_at: None,
                read_seq: 0,
                capabilities: None,
            });
            self.participants.len() - 1
        });
        #[allow(clippy::indexing_slicing, reason = "the place was just found or made")]
        &mut self.participants[place]
    }
}
