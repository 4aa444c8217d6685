//! Why insights say no.

consilium_kernel::refusals! {
    /// Why there are no figures.
    pub enum InsightsRefusal {
        Unavailable: Unavailable, "analytics_unavailable", "The figures cannot be had at the moment. Please try again.";
    }
}
