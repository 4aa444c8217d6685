//! consilium-plugin-sdk
