//! What each role may do, readable in one place. Relationships ("my appointment") are checked by the modules.

use consilium_kernel::Role::{self, Admin, Doctor, Nurse, Patient, Pharmacist, Support};

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $name:ident: $($role:ident)|+;)+) => {
        /// A thing that one may be allowed to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::IntoStaticStr)]
        #[strum(serialize_all = "snake_case")]
        pub enum Permission { $($(#[doc = $doc])+ $name),+ }

        impl Permission {
            /// The roles that have it.
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Self::$name => &[$($role),+]),+ }
            }
        }
    };
}

permissions! {
    /// See and change one's own account and profile.
    OwnAccount: Patient | Doctor | Nurse | Pharmacist | Support | Admin;
    /// Book an appointment for oneself.
    BookAppointment: Patient;
    /// See and answer one's own follow-ups.
    AnswerFollowUp: Patient;
    /// See appointments: one's own, or those of the facility.
    SeeAppointments: Patient | Doctor | Nurse | Support | Admin;
    /// Accept or reject what was asked of one.
    AnswerAppointment: Doctor;
    /// Cancel or move an appointment.
    ChangeAppointment: Patient | Doctor | Nurse | Admin;
    /// Set availability: one's own, or anybody's.
    SetAvailability: Doctor | Admin;
    /// Change a doctor's profile: one's own, or anybody's.
    ChangeDoctor: Doctor | Admin;
    /// Decide whether a doctor is who he says.
    VerifyDoctor: Admin;
    /// Show documents to whoever verifies, take them back, and ask for another review: for oneself.
    SubmitCredentials: Doctor;
    /// See the documents by which a doctor is verified: one's own, or anybody's.
    SeeCredentials: Doctor | Admin;
    /// See a patient's profile.
    SeePatient: Doctor | Nurse | Admin;
    /// See who waits for a doctor: for oneself, or for anybody.
    SeeWaitingRoom: Doctor | Nurse | Support | Admin;
    /// Begin to wait without an appointment: oneself, or a patient who came.
    WalkIn: Patient | Doctor | Nurse | Support;
    /// Say whether walk-ins are taken and that the doctor is late: for oneself, or for anybody.
    RunWaitingRoom: Doctor | Nurse;
    /// Be in a consultation, read and write in its chat: one's own, or one that one was invited to.
    JoinConsultation: Patient | Doctor | Nurse | Support;
    /// See who was in a consultation when: oneself, or everybody.
    SeeSessions: Patient | Doctor | Nurse | Support | Admin;
    /// Be in threads outside visits.
    UseThreads: Patient | Doctor | Nurse | Pharmacist;
    /// See a consultation.
    SeeConsultation: Patient | Doctor | Nurse | Support | Admin;
    /// Lead a consultation: admit, start, end.
    LeadConsultation: Doctor;
    /// See what was recorded of a consultation: one's own, or the facility's.
    SeeRecordings: Patient | Doctor | Nurse | Support | Admin;
    /// Play a recording of one's own consultation.
    PlayRecording: Patient | Doctor | Nurse | Support;
    /// Hold recordings back from deletion, and delete them.
    ManageRecordings: Admin;
    /// Upload files.
    KeepFiles: Patient | Doctor | Nurse | Pharmacist | Support;
    /// See the files one may.
    SeeFiles: Patient | Doctor | Nurse | Pharmacist | Support | Admin;
    /// Keep the doctor's notes.
    KeepNotes: Doctor;
    /// See the summary of the patient in a consultation.
    SeeSummary: Doctor | Nurse;
    /// See how the connections of a consultation were.
    SeeQuality: Doctor | Support | Admin;
    /// Handle technical issues.
    HandleIssues: Support | Admin;
    /// Rate one's own consultation.
    RateConsultation: Patient;
    /// See what patients think of a doctor: of oneself, or of anybody.
    SeeRatings: Doctor | Admin;
    /// Prescribe.
    Prescribe: Doctor;
    /// See a prescription: one's own, or one to dispense.
    SeePrescription: Patient | Doctor | Pharmacist;
    /// See what is to be dispensed in the facility.
    Dispense: Pharmacist;
    /// Send a prescription to a pharmacy.
    SendPrescription: Patient | Doctor;
    /// See a doctor's figures: one's own, or anybody's.
    SeeAnalytics: Doctor | Admin;
    /// See plugins and providers.
    SeePlugins: Patient | Doctor | Nurse | Pharmacist | Support | Admin;
    /// Replace plugins and lift their quarantine.
    RunPlugins: Admin;
    /// Look into the mail queue and try again.
    RunDeliveries: Admin;
    /// See the facility's accounts, invite staff, give roles, keep people out.
    ManageUsers: Admin;
    /// See the settings in force.
    SeeSettings: Admin;
    /// Search the audit log, and check that nobody has changed it.
    SeeAudit: Admin;
    /// Say which systems are told of events, and see how that went.
    ManageWebhooks: Admin;
}
