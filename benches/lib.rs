//! Measurements live in `benches/`; here is what several of them share.

pub mod usage;
