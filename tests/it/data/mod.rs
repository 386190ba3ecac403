//! Inputs that are kept in files: the corpus of the fuzz targets, an edited page.

mod fuzz_corpus;
mod revisions;
