//! Looks inside the set pages, which the PDF no longer tells apart: which glyph stands for what,
//! and where.
