//! consilium-plugin-contract
