//! Placeholder module doc, replaced as the part is built.
