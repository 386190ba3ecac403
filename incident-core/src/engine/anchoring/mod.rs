//! Hash chains: verified, and their heads anchored outside the store.

pub(super) mod anchor;
pub(super) mod check;
pub(super) mod verify;
