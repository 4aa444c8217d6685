//! Why support says no.

consilium_kernel::refusals! {
    /// Why an issue is not taken or not changed.
    pub enum SupportRefusal {
        TooManyIssues: TooMany, "too_many_issues", "You have reported several issues just now. Support has them.";
        TooLate: Conflict, "invalid_transition", "This consultation was over too long ago.";
        Resolved: Conflict, "invalid_transition", "The issue is resolved.";
    }
}
