//! consilium-plugin-host
