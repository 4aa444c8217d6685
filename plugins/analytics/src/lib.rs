//! consilium-analytics
