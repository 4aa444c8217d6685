//! consilium-runtime
