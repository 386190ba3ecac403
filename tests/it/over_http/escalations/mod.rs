//! The worker's passes over escalation rules, on a store that loses and refuses things.

mod checked;
mod passes;
