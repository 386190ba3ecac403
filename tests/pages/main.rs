//! Tests of the pages for people in a real browser: in every state that a console can be in, while
//! things change, and as people use them.

#![cfg(unix)]

#[path = "../consoles/mod.rs"]
mod consoles;
mod drafts;
mod finance;
mod inspection;
mod live;
mod people;
mod reader;
mod reference;
mod response;
mod states;
