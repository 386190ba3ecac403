//! What finance does with credits, by clicking.
