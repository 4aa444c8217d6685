//! consilium-tests
