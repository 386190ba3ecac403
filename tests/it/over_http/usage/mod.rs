//! Usage events.

mod bad_usage;
mod real_data;
