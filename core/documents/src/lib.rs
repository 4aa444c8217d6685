//! consilium-documents
