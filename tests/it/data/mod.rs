//! Inputs stored in files: the fuzz corpus, and an edited status page.

mod fuzz_corpus;
mod revisions;
