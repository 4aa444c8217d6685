//! Why credentials say no.

consilium_kernel::refusals! {
    /// Why a document is not taken, or a doctor not verified.
    pub enum CredentialRefusal {
        Verified: Conflict, "already_verified", "You are verified: your documents stay as they were looked at.";
        TooMany: Conflict, "too_many_credentials", "You have submitted as many documents as are looked at. Withdraw some.";
        Missing: Conflict, "credentials_missing", "The doctor has not submitted a document, and here one is needed.";
    }
}
