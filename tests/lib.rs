//! The crate of cross-crate tests, which are in `it/`.
