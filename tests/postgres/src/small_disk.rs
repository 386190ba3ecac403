//! A disk that can be filled up.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cluster::fresh_folder;

/// A file system in memory with a given size, unmounted on drop.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts a disk, which takes the right to mount: as a rule, root's.
    ///
    /// # Errors
    /// Fails if it cannot be mounted; a test that needs it prints that and is left out.
    pub fn mount(megabytes: u32) -> io::Result<Self> {
        let folder = fresh_folder()?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={megabytes}m,mode=0700"))
            .arg("tmpfs")
            .arg(&folder)
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() {
            return Ok(Self(folder));
        }
        std::fs::remove_dir(&folder)?;
        let said = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(said.trim().to_owned()))
    }

    /// Returns the folder where it is mounted.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server may still be using it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}
