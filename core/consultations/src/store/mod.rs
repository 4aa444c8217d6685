//! The tables of consultations; the only place here that knows Diesel.

mod consultation;
mod media;
mod messages;
mod notes;
mod participants;
mod tables;
mod videos;
mod waiting;

pub(crate) use consultation::{find, save, version};
pub(crate) use media::{
    annotations, annotations_saved_before, count_annotations, insert_annotations, media, save_media,
};
pub(crate) use messages::{insert_message, message_sent_before, messages_after};
pub(crate) use notes::{notes, save_notes};
pub(crate) use participants::{close_session, left_open, open_session, participants, save_participants};
pub(crate) use videos::{LiveVideo, consultation_in, live_videos, save_videos, videos};
pub(crate) use waiting::{WaitingRow, durations, forget_place, in_progress_since, places, save_place, waiting};
