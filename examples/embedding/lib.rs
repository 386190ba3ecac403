//! The runnable files lie in `examples/`.
