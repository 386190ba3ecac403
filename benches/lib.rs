//! Parts shared by several benchmarks, which are in `benches/`.

pub mod usage;
