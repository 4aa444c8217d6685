//! consilium-db
