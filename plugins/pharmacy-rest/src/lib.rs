//! consilium-pharmacy-rest
