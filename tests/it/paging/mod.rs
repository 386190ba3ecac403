//! Pages in random order, and on a paused clock.

mod late_properties;
mod paging_in_time;
mod vendor_days;
