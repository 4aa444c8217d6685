//! Why something about a recording is refused.

consilium_kernel::refusals! {
    /// Why something about a recording is refused.
    pub enum RecordingRefusal {
        NotTogether: Conflict, "not_admitted", "Doctor and patient are not in the room together.";
        AlreadyRecording: Conflict, "already_recording", "This consultation is being recorded, or somebody has asked for it.";
        Transition: Conflict, "invalid_transition", "The recording is not in a state that allows this.";
        Refused: Conflict, "recording_refused", "A participant has refused. Nothing is recorded.";
        NotStarted: Conflict, "recording_not_started", "Not everybody has consented yet. Nothing is recorded.";
        Stopped: Conflict, "recording_stopped", "The recording has stopped. Nothing more is kept of it.";
        NotConsented: Conflict, "consent_missing", "Somebody is there who has not consented. Nothing is kept.";
        SegmentMissing: Conflict, "segment_missing", "A segment before this one is missing. Send them in their order.";
        SegmentDiffers: Conflict, "segment_differs", "Another segment with this number was kept already.";
        SegmentTooLarge: TooLarge, "segment_too_large", "The segment is larger than this server accepts.";
        TooLarge: TooLarge, "recording_too_large", "The recording is larger than this server accepts.";
        Unsupported: Unsupported, "unsupported_recording", "Recordings are WebM or MP4; the first segment begins the file.";
        NotReady: Conflict, "recording_not_ready", "The recording cannot be played yet, or not any more.";
        Held: Conflict, "recording_held", "The recording is held back from deletion.";
        Erased: NotFound, "recording_erased", "The recording cannot be read any more: its patient's records were erased.";
    }
}
