//! Why something about a message is refused.

consilium_kernel::refusals! {
    /// Why something about a message is refused.
    pub enum ChatRefusal {
        NotTheSender: Forbidden, "not_the_sender", "Only whoever wrote a message can change it.";
        TooLateToEdit: Conflict, "too_late_to_edit", "The message was sent too long ago to be edited.";
        MessageDeleted: Conflict, "message_deleted", "The message was deleted.";
    }
}
