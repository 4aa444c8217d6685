//! What messages say, read from events. Each shape names the fields it takes, so that the reason for a visit, a
//! diagnosis or a message body cannot get into a mail by being in an event.

use consilium_kernel::{
    AppointmentId, ConsultationId, DoctorId, PatientId, PrescriptionId, ThreadId, TimeZone, Timestamp, UserId,
};
use consilium_scheduling::{Appointment, Status, VisitType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::model::{Audience, Kind, Text};

/// The part of an appointment that may be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentContent {
    /// Its id.
    pub id: AppointmentId,
    /// With whom.
    pub doctor_id: DoctorId,
    /// For whom.
    pub patient_id: PatientId,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// The doctor's zone.
    pub time_zone: TimeZone,
    /// Where it stands.
    pub status: Status,
    /// The schedule revision.
    pub revision: i64,
    /// Grows with every change; the calendar's SEQUENCE.
    pub version: i64,
    /// How they meet.
    pub visit_type: VisitType,
    /// The meeting itself, once it was accepted.
    pub consultation_id: Option<ConsultationId>,
    /// Where it stood before it was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_starts_at: Option<Timestamp>,
}

impl From<Appointment> for AppointmentContent {
    fn from(appointment: Appointment) -> Self {
        Self {
            id: appointment.id,
            doctor_id: appointment.doctor_id,
            patient_id: appointment.patient_id,
            starts_at: appointment.starts_at,
            ends_at: appointment.ends_at,
            time_zone: appointment.time_zone,
            status: appointment.status,
            revision: appointment.revision,
            version: appointment.version,
            visit_type: appointment.visit_type,
            consultation_id: appointment.consultation_id,
            previous_starts_at: None,
        }
    }
}

/// What one message says, besides names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Content {
    /// An appointment.
    Appointment(AppointmentContent),
    /// A secret that proves something.
    Token {
        /// For whom.
        user_id: UserId,
        /// The secret.
        token: String,
    },
    /// An account.
    Account {
        /// Whose.
        user_id: UserId,
    },
    /// What became of a doctor's verification.
    Verification {
        /// The doctor's account.
        user_id: UserId,
        /// What the administrator wrote.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Messages that wait: where, and not even by whom.
    Messages {
        /// For whom.
        user_id: UserId,
        /// The number of the newest one.
        seq: i64,
        /// In the chat of a consultation.
        #[serde(default)]
        consultation_id: Option<ConsultationId>,
        /// In a thread.
        #[serde(default)]
        thread_id: Option<ThreadId>,
    },
    /// A consultation.
    Consultation {
        /// Which.
        consultation_id: ConsultationId,
        /// By whom.
        doctor_id: DoctorId,
        /// For whom.
        patient_id: PatientId,
    },
    /// A prescription: that there is one, not what it says.
    Prescription {
        /// Which.
        prescription_id: PrescriptionId,
        /// By whom.
        doctor_id: DoctorId,
        /// For whom.
        patient_id: PatientId,
        /// How far the pharmacy is.
        #[serde(default)]
        status: Option<String>,
    },
    /// A follow-up that the doctor asked for.
    FollowUp {
        /// Which.
        id: uuid::Uuid,
        /// With whom.
        doctor_id: DoctorId,
        /// For whom.
        patient_id: PatientId,
        /// The slot that is, or was, kept.
        #[serde(default)]
        starts_at: Option<Timestamp>,
        /// Until when.
        #[serde(default)]
        expires_at: Option<Timestamp>,
        /// How they meet.
        visit_type: VisitType,
    },
}

impl Content {
    /// Takes from an event's data what a message of this kind may say.
    pub fn read(kind: Kind, data: &Value) -> serde_json::Result<Self> {
        let about = match kind {
            Kind::AppointmentBooked
            | Kind::AppointmentAccepted
            | Kind::AppointmentRejected
            | Kind::AppointmentCancelled
            | Kind::AppointmentRescheduled
            | Kind::AppointmentNoShow
            | Kind::Reminder24h
            | Kind::Reminder1h => return AppointmentContent::deserialize(data).map(Self::Appointment),
            Kind::EmailVerification | Kind::PasswordReset => "token",
            Kind::PasswordChanged | Kind::SecurityAlert => "account",
            Kind::DoctorApproved | Kind::DoctorRejected => "verification",
            Kind::MessagesWaiting => "messages",
            Kind::ConsultationEnded => "consultation",
            Kind::PrescriptionIssued | Kind::PrescriptionStatusChanged => "prescription",
            Kind::FollowUpHeld | Kind::FollowUpExpired | Kind::FollowUpDeclined | Kind::FollowUpUnplaced => "follow_up",
        };
        let mut tagged = data.as_object().cloned().unwrap_or_default();
        tagged.insert("about".to_owned(), json!(about));
        serde_json::from_value(Value::Object(tagged))
    }

    /// The account it names.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::Token { user_id, .. }
            | Self::Account { user_id }
            | Self::Verification { user_id, .. }
            | Self::Messages { user_id, .. } => Some(*user_id),
            Self::Appointment(_) | Self::Consultation { .. } | Self::Prescription { .. } | Self::FollowUp { .. } => {
                None
            }
        }
    }

    /// The doctor and patient it names.
    pub fn parties(&self) -> Option<(DoctorId, PatientId)> {
        match self {
            Self::Appointment(AppointmentContent { doctor_id, patient_id, .. })
            | Self::Consultation { doctor_id, patient_id, .. }
            | Self::Prescription { doctor_id, patient_id, .. }
            | Self::FollowUp { doctor_id, patient_id, .. } => Some((*doctor_id, *patient_id)),
            Self::Token { .. } | Self::Account { .. } | Self::Verification { .. } | Self::Messages { .. } => None,
        }
    }

    /// The appointment it is about.
    pub fn appointment(&self) -> Option<&AppointmentContent> {
        match self {
            Self::Appointment(appointment) => Some(appointment),
            _ => None,
        }
    }
}

/// What is kept, sealed, with a delivery.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// In which role the recipient is told.
    pub audience: Audience,
    /// When it happened.
    pub at: Timestamp,
    /// The doctor's public name.
    pub doctor_name: Option<String>,
    /// The patient's name, for the doctor, inside the product only: mail servers have no business with it.
    pub patient_name: Option<String>,
    /// What it says.
    pub content: Content,
}

impl Payload {
    /// The key and parameters that clients put into words.
    pub fn text(&self, kind: Kind) -> Text {
        let mut params = match &self.content {
            Content::Appointment(it) => object(json!({
                "appointment_id": it.id,
                "consultation_id": it.consultation_id,
                "starts_at": it.starts_at,
                "previous_starts_at": it.previous_starts_at,
                "visit_type": it.visit_type,
                "status": it.status,
            })),
            // A token is for the mailbox that it proves, and for nothing else.
            Content::Token { .. } | Content::Account { .. } => Map::new(),
            Content::Verification { reason, .. } => object(json!({ "reason": reason })),
            Content::Messages { consultation_id, thread_id, .. } => {
                object(json!({ "consultation_id": consultation_id, "thread_id": thread_id }))
            }
            Content::Consultation { consultation_id, .. } => object(json!({ "consultation_id": consultation_id })),
            Content::Prescription { prescription_id, status, .. } => {
                object(json!({ "prescription_id": prescription_id, "status": status }))
            }
            Content::FollowUp { id, starts_at, expires_at, visit_type, .. } => object(json!({
                "follow_up_id": id, "starts_at": starts_at, "expires_at": expires_at, "visit_type": visit_type,
            })),
        };
        if let Some(name) = &self.doctor_name {
            params.insert("doctor_name".to_owned(), json!(name));
        }
        if let (Some(name), Audience::Doctor) = (&self.patient_name, self.audience) {
            params.insert("patient_name".to_owned(), json!(name));
        }
        params.retain(|_, value| !value.is_null());
        Text { key: format!("notification.{kind}.{}", self.audience), params }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
