//! The tables of prescribing; the only place here that knows Diesel.

mod dispatches;
mod prescriptions;
mod tables;
mod templates;

pub(crate) use dispatches::{
    DispatchRow, attempted, dispatch, dispatch_by_reference, has_queued, insert_dispatch, latest_dispatch,
    note_problem, save_dispatch, with_status,
};
pub(crate) use prescriptions::{
    PrescriptionRow, advance, by_code, content, insert, of_consultation, of_consultations, of_patient, prescription,
    row, some, whole,
};
pub(crate) use templates::{delete_template, find_template, insert_template, save_template, templates};
