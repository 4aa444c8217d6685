//! Appointments: when doctors can be booked, booking without double-booking, and what becomes of a booking.

mod model;

pub use model::*;
