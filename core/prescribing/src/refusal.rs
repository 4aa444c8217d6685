//! Why prescribing says no.

consilium_kernel::refusals! {
    /// Why a prescription is not written, sent or withdrawn.
    pub enum PrescribingRefusal {
        NotStarted: Conflict, "invalid_transition",
            "Prescriptions are written while the consultation runs or after it is completed.";
        NotVerified: Forbidden, "doctor_not_verified", "Only a doctor whose licence was checked may prescribe.";
        Withdrawn: Conflict, "prescription_withdrawn", "The prescription was withdrawn.";
        Expired: Conflict, "prescription_expired", "The prescription is no longer valid. Please ask for a new one.";
        AlreadySent: Conflict, "already_sent", "The prescription is at a pharmacy already.";
        AlreadyDispensed: Conflict, "already_dispensed", "The prescription was dispensed already.";
        NoPharmacy: Conflict, "no_pharmacy", "No pharmacy is connected here. Please take the printed prescription.";
        TooManyTemplates: Conflict, "too_many_templates", "There are 100 templates already. Please delete some.";
        Stale: Stale, "stale", "Somebody else has changed it meanwhile. Please load it again.";
        ReportTooEarly: Unavailable, "report_too_early",
            "The prescription is still on its way to you. Please report again shortly.";
    }
}
