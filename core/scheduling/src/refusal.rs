//! Why scheduling says no.

use consilium_kernel::{Refusal, RefusalKind};

consilium_kernel::refusals! {
    /// Refusals that name no field.
    pub enum SchedulingRefusal {
        SlotTaken: Conflict, "slot_taken", "This time is taken. Please choose another one.";
        DayFull: Conflict, "day_full", "The doctor takes no more appointments on that day.";
        PatientBusy: Conflict, "patient_busy", "The patient has another appointment at that time.";
        AlreadyWaiting: Conflict, "already_waiting", "The patient waits without an appointment already.";
        WaitingRoomFull: Conflict, "waiting_room_full", "As many patients wait for this doctor as may. Please book an appointment.";
        InvalidTransition: Conflict, "invalid_transition", "The appointment is not in a state in which this can be done.";
        HoldExpired: Conflict, "hold_expired", "The time that was kept for you is free again. Please book another one.";
        DoctorNotFound: NotFound, "doctor_not_found", "There is no such doctor who can be booked.";
        Stale: Stale, "stale", "Somebody else changed this in the meantime. Please load it again.";
    }
}

/// A start that is no slot.
pub(crate) fn not_a_slot() -> Refusal {
    at_start("not_a_slot", "The doctor has no slot that starts then.")
}

/// A start in the past or inside the lead time.
pub(crate) fn too_soon() -> Refusal {
    at_start("too_soon", "This start is in the past, or sooner than the doctor takes bookings.")
}

/// The whole refusal carries the field's code, so that it is told apart without looking into the fields.
fn at_start(code: &'static str, detail: &'static str) -> Refusal {
    Refusal {
        errors: Refusal::field("/starts_at", code, detail).errors,
        ..Refusal::new(RefusalKind::Invalid, code, detail)
    }
}
