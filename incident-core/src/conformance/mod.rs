//! Contracts as tests.
