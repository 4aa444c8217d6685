//! Why something about a thread is refused.

consilium_kernel::refusals! {
    /// Why something about a thread is refused.
    pub enum MessagingRefusal {
        ThreadClosed: Conflict, "thread_closed", "The thread is closed.";
        ThreadOpen: Conflict, "thread_open", "The thread is not closed.";
        AlreadyInThread: Conflict, "already_in_thread", "They are in the thread already.";
        LastClinician: Conflict, "last_clinician", "Somebody who treats has to stay in the thread. Close it instead.";
    }
}
