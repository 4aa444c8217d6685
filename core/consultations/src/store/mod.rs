//! The tables of consultations; the only place here that knows Diesel.

mod consultation;
mod devices;
mod history;
mod invitations;
mod media;
mod notes;
mod participants;
mod quality;
mod ratings;
mod rooms;
mod sessions;
mod tables;
mod videos;
mod waiting;

pub(crate) use consultation::{find, save, version};
pub(crate) use devices::{device_checks, save_device_check};
pub(crate) use history::past;
pub(crate) use invitations::{insert_invitation, invitations, withdraw_invitation};
pub(crate) use media::{
    annotations, annotations_saved_before, count_annotations, insert_annotations, media, save_media,
};
pub(crate) use notes::{amend_notes, notes, notes_of, notes_signed, save_notes, sign_notes};
pub(crate) use participants::{left_open, participants, save_participants};
pub(crate) use quality::{add_measurement, minutes, note_offer, quality, save_standing, standing};
pub(crate) use ratings::{insert_rating, is_rated, ratings};
pub(crate) use rooms::{clear_delay, lock_room, room, save_room};
pub(crate) use sessions::{NewSession, close_session, open_session, sessions, summary, there_between};
pub(crate) use videos::{LiveVideo, consultation_in, live_videos, save_videos, videos};
pub(crate) use waiting::{WaitingRow, durations, forget_place, in_progress_since, places, save_place, waiting};
