//! Leaving a provider that answers: because somebody says that it does not work for them.

use consilium_kernel::Refusal;

use super::{REPORTED, VideoParticipant, VideoWish, choice::next};
use crate::{model::Consultation, service::Consultations};

impl Consultations {
    /// The provider that would come next; `None` when there is no other.
    pub(crate) async fn next_provider(&self, consultation: &Consultation) -> Result<Option<String>, Refusal> {
        if !consultation.has_room() {
            return Ok(None);
        }
        let doctor = consultation.doctor_id;
        let doctor = self.db.read(move |session| consilium_people::doctor(session, doctor)).await?;
        let preferred = doctor.and_then(|doctor| doctor.video_provider);
        let available = self.video.providers(&VideoWish { facility_id: consultation.facility_id, preferred }).await;
        Ok(next(&consultation.videos, available, &[], self.db.clock().now()).into_iter().next())
    }

    /// Has the consultation served by the next provider, and sends whoever is there their way in; `None` when it stays
    /// where it is, because nobody is there or there is no other.
    pub(crate) async fn leave_provider(&self, consultation: &Consultation) -> Result<Option<Consultation>, Refusal> {
        let Some(choice) = consultation.video() else { return Ok(None) };
        let failed = [choice.provider.clone()];
        let mut participants = consultation.participants.iter();
        let there = participants.find(|participant| participant.present && consultation.is_admitted(participant.role));
        let Some(there) = there else { return Ok(None) };
        let (display_name, preferred) = self.name_and_wish(consultation, there.role, there.user_id).await?;
        let participant = VideoParticipant { user_id: there.user_id, role: there.role, display_name };
        match self.move_on(consultation, &failed, REPORTED, preferred, &participant).await? {
            Some((now, grant)) => {
                if let Some(grant) = grant {
                    self.send_way_in("video_access", &now, there.user_id, &grant);
                }
                Ok(Some(now))
            }
            None => Ok(None),
        }
    }
}
