//! consilium-rogue
