//! Why something in a consultation is refused.

consilium_kernel::refusals! {
    /// Why something in a consultation is refused.
    pub enum ConsultationRefusal {
        InvalidTransition: Conflict, "invalid_transition", "The consultation is not in a state that allows this.";
        TooEarly: Conflict, "too_early", "The waiting room is not open yet.";
        ChatClosed: Conflict, "chat_closed", "The chat of this consultation is closed.";
        WalkInsClosed: Conflict, "walk_ins_closed", "This doctor sees nobody without an appointment at the moment.";
        AlreadyTakesPart: Conflict, "already_takes_part", "This person takes part in the consultation already.";
        TooManyInvitations: Conflict, "too_many_invitations", "As many people are invited as may be. Please withdraw an invitation first.";
        NotAdmitted: Conflict, "not_admitted", "Doctor and patient are not in the room together.";
        VideoUnavailable: Unavailable, "video_unavailable", "The video provider does not answer. You have joined; please try again.";
        AlreadyRated: Conflict, "already_rated", "You have rated this consultation already.";
        RatingClosed: Conflict, "rating_closed", "This consultation is too long ago to be rated.";
        TooManyReports: TooMany, "too_many_reports", "Quality is reported more often than it is kept. Please send fewer, larger reports.";
        NoOtherProvider: Conflict, "no_other_provider", "There is no other video provider that could take over.";
        NotesSigned: Conflict, "notes_signed", "The notes are signed. From now on they can only be amended.";
        NotesNotSigned: Conflict, "notes_not_signed", "The notes are a draft. Change them, or sign them first.";
        NotesEmpty: Conflict, "notes_empty", "There is nothing in the notes that could be signed.";
        NotesChanged: Stale, "stale", "The notes were changed in the meantime. Please load them again.";
    }
}
