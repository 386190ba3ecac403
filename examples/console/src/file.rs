//! Text files with a maximum size.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// Maximum size of the policy file, in bytes.
pub const POLICY_BYTES: u64 = 4 * 1024 * 1024;

/// Maximum size of a file of outages or of a status page's history, in bytes.
pub const IMPORT_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a text file.
///
/// # Errors
/// Fails if the file cannot be read, is not UTF-8, or has more than `most` bytes.
pub fn read_text(path: &Path, most: u64) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > most) {
        let why = format!("larger than {} MiB", most / (1024 * 1024));
        return Err(Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_so_many_bytes_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "x".repeat(2 << 20)).unwrap();
        assert_eq!(read_text(&path, 2 << 20).unwrap().len(), 2 << 20);
        std::fs::write(&path, "x".repeat((2 << 20) + 1)).unwrap();
        let refused = read_text(&path, 2 << 20).unwrap_err().to_string();
        assert!(refused.contains("larger than 2 MiB"), "{refused}");
    }
}
