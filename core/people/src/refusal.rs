//! Why people says no.

consilium_kernel::refusals! {
    /// Why a profile is not changed.
    pub enum PeopleRefusal {
        Stale: Stale, "stale", "Somebody else changed this since you loaded it. Please load it again.";
        NotRejected: Conflict, "verification_not_rejected", "Only who was rejected asks for another review.";
        LicenceVerified: Conflict, "licence_verified",
            "A licence number that was verified is changed by an administrator only.";
    }
}
