//! consilium-api
