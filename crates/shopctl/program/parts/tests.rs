//! Parts against the whole.
