//! Recordings of consultations: asked for, agreed to by everybody who is there, sent in segments by the client that
//! records, joined in the background, played by whoever took part, kept for a time.
//!
//! | step | what happens |
//! |---|---|
//! | request | the doctor, or whoever the settings allow, asks; that is also their own consent |
//! | answer | each participant consents or refuses, and may take it back at any time |
//! | segment | kept only while everybody who is there consents |
//! | stop | by a participant, by whoever takes their consent back, by whoever comes without one, by the end |
//! | process | in the background: segments joined, measured, and looked at by ffmpeg where there is one |
//! | play | by a link that lives for minutes, in ranges; each play is audited |
//! | hold, release, delete | by administrators; what is not held goes when its time is over |
//!
//! States: requested → recording → stopped → processing → ready or failed → deleted; requested → refused or lapsed.
//! Events, all on the consultation's topic: `recording_requested`, `recording_consent_given`, `recording_refused`,
//! `recording_consent_withdrawn`, `recording_started`, `recording_stopped`, `recording_lapsed`, `recording_progress`
//! (topic only), `recording_ready`, `recording_failed`, `recording_deleted`; and `recording_held`, `recording_released`,
//! which are nobody's business there. What consultations tell is followed by [`RoomFollower`].

mod commands;
mod decide;
mod facts;
mod ffmpeg;
mod follower;
mod holds;
mod looking;
mod model;
mod playback;
mod process;
mod provider;
mod queries;
mod refusal;
mod segments;
mod service;
mod store;
mod timers;

pub use ffmpeg::Ffmpeg;
pub use follower::RoomFollower;
pub use holds::Hold;
pub use model::{
    Consent, Decision, FailReason, Media, NewSegment, Recording, RecordingId, Segment, Status, StopReason,
};
pub use playback::Playback;
pub use process::RecordingWorker;
pub use provider::{
    Arriving, Download, FileFetcher, FileStatus, ListReader, ProviderFiles, ProviderRecording, ProviderRecordingPage,
    Reported, Unkept, Unreachable,
};
pub use refusal::RecordingRefusal;
pub use service::{RecordingSettings, Recordings};
pub use timers::RecordingTimer;
