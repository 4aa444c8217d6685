//! consilium-kernel
