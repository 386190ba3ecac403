//! Anchors in a file: one line of JSON for each anchor, appended and never rewritten.
//!
//! Put the file where an account that can write to the database cannot: on another volume, with the
//! append-only attribute (`chattr +a`), or on a share with another owner. Several replicas may
//! append to one file.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::Timestamp;
use incident_core::anchor::{Anchor, AnchoredChain};
use incident_core::chain::Head;
use incident_core::port::{AnchorError, AnchorRecord, AnchorSink};
use incident_store_memory::MemoryAnchors;

/// An anchor file, with its heads in memory (about 50 bytes each).
#[derive(Clone, Debug)]
pub struct AnchorFile {
    path: PathBuf,
    file: Arc<Mutex<File>>,
    index: MemoryAnchors,
    damaged: Vec<usize>,
}

/// Returns the line about the file to print at startup.
#[must_use]
pub fn startup_line(path: &Path) -> String {
    format!("anchors: {}", path.display())
}

impl AnchorFile {
    /// Opens a file for reading and appending; creates it, readable by its owner only, if it is
    /// absent.
    ///
    /// # Errors
    /// Fails if the file cannot be opened or read, or if it has content but no anchor; such a file
    /// is left unchanged.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).read(true);
        // Only ids and hashes, but no other account needs them.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        check_ours(&mut file)?;
        end_last_line(&mut file)?;
        Self::indexed(path, file)
    }

    /// Opens an existing file for reading only.
    ///
    /// # Errors
    /// Fails if the file is absent or cannot be read.
    pub fn open_to_read(path: &Path) -> std::io::Result<Self> {
        Self::indexed(path, File::open(path)?)
    }

    fn indexed(path: &Path, mut file: File) -> std::io::Result<Self> {
        let AnchorLines { index, damaged, .. } = read(&mut file)?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(Mutex::new(file)),
            index,
            damaged,
        })
    }

    /// Returns the numbers of the lines that are not valid anchors, counted from 1. A crash may
    /// have cut off the last line; any other damaged line was changed.
    #[must_use]
    pub fn damaged(&self) -> &[usize] {
        &self.damaged
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The result of reading an anchor file.
#[derive(Default)]
struct AnchorLines {
    index: MemoryAnchors,
    anchors: usize,
    /// Numbers of the lines that are not anchors.
    damaged: Vec<usize>,
}

/// Reads every line. Text before the first brace is ignored, so that copied log lines can be read
/// as well.
fn read(file: &mut File) -> std::io::Result<AnchorLines> {
    let mut found = AnchorLines::default();
    file.seek(SeekFrom::Start(0))?;
    let mut lines = BufReader::new(file);
    let (mut line, mut number) = (Vec::new(), 0);
    while lines.read_until(b'\n', &mut line)? > 0 {
        number += 1;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        let json = text.find('{').and_then(|at| text.get(at..));
        match json.map(str::parse::<Anchor>) {
            Some(Ok(anchor)) => {
                found.index.note(&anchor);
                found.anchors += 1;
            }
            None if text.is_empty() => {}
            _ => found.damaged.push(number),
        }
        line.clear();
    }
    Ok(found)
}

/// Checks that a file is empty, contains an anchor, or holds only the beginning of a first anchor
/// that a crash cut off.
fn check_ours(file: &mut File) -> std::io::Result<()> {
    /// Prefix of every anchor.
    const BEGIN: &[u8] = br#"{"v":1,"at":""#;
    let found = read(file)?;
    if found.damaged.is_empty() || found.anchors > 0 {
        return Ok(());
    }
    let mut first = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    BufReader::new(&mut *file).read_until(b'\n', &mut first)?;
    let is_all = file.metadata()?.len() == u64::try_from(first.len()).unwrap_or(u64::MAX);
    let cut = first.starts_with(BEGIN) || BEGIN.starts_with(&first);
    if is_all && cut && !first.ends_with(b"\n") {
        return Ok(());
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        "not an anchor file: no line is a valid anchor; the file was left unchanged",
    ))
}

/// Ends a line that a crash cut off, so that the next one starts on its own line.
fn end_last_line(file: &mut File) -> std::io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(());
    }
    file.write_all(b"\n")
}

#[async_trait]
impl AnchorSink for AnchorFile {
    async fn append(&self, anchor: &Anchor, timeout: Duration) -> Result<(), AnchorError> {
        let (file, line) = (Arc::clone(&self.file), format!("{anchor}\n"));
        let written = tokio::task::spawn_blocking(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // One write to a file opened for appending: lines of several
            // replicas do not mix.
            file.write_all(line.as_bytes())?;
            file.sync_data()
        });
        match tokio::time::timeout(timeout, written).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => return Err(AnchorError(error.into())),
            Ok(Err(error)) => return Err(AnchorError(error.into())),
            Err(late) => return Err(AnchorError(late.into())),
        }
        self.index.append(anchor, timeout).await
    }
}

#[async_trait]
impl AnchorRecord for AnchorFile {
    async fn heads(
        &self,
        chain: AnchoredChain,
        timeout: Duration,
    ) -> Result<Vec<Head>, AnchorError> {
        self.index.heads(chain, timeout).await
    }

    async fn chains(
        &self,
        after: Option<AnchoredChain>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<AnchoredChain>, AnchorError> {
        self.index.chains(after, limit, timeout).await
    }

    async fn newest(&self, timeout: Duration) -> Result<Option<Timestamp>, AnchorError> {
        self.index.newest(timeout).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use incident_core::audit::Chain;
    use incident_core::chain::Hash;
    use incident_core::conformance::AnchorBackend;
    use tempfile::TempDir;

    use super::*;

    struct InAFile;

    #[async_trait]
    impl AnchorBackend for InAFile {
        type Guard = TempDir;

        async fn open() -> (Arc<dyn AnchorRecord>, TempDir) {
            let folder = tempfile::tempdir().unwrap();
            (Self::reopen(&folder).await, folder)
        }

        async fn reopen(folder: &TempDir) -> Arc<dyn AnchorRecord> {
            let file = AnchorFile::open(&folder.path().join("anchors")).unwrap();
            assert_eq!(file.damaged().len(), 0);
            Arc::new(file)
        }
    }

    incident_core::anchor_conformance!(InAFile);

    fn anchor(seq: u64) -> Anchor {
        let hash = Hash([u8::try_from(seq).unwrap(); 32]);
        let heads = BTreeMap::from([(AnchoredChain::Audit(Chain::System), Head { seq, hash })]);
        Anchor::new("2026-11-21T03:00:00Z".parse().unwrap(), heads)
    }

    async fn seqs(file: &AnchorFile) -> Vec<u64> {
        let chain = AnchoredChain::Audit(Chain::System);
        let heads = file.heads(chain, Duration::from_secs(1)).await.unwrap();
        heads.iter().map(|head| head.seq).collect()
    }

    /// S14: a file with other content is left unchanged.
    #[tokio::test]
    async fn a_file_without_anchors_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors");
        for foreign in [
            "root:x:0:0:root:/root:/bin/sh",
            "some log line\nanother one\n",
            "{\"v\":1}\n",
            "{\"v\":1,\"at\":\"no end\"\nand more",
        ] {
            std::fs::write(&path, foreign).unwrap();
            let error = AnchorFile::open(&path).unwrap_err();
            assert!(error.to_string().contains("anchor"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
        }
        // A crash in the middle of the very first line.
        let first = anchor(1).to_string();
        for length in [0, 1, 8, 40, first.len() - 1] {
            std::fs::write(&path, &first[..length]).unwrap();
            let file = AnchorFile::open(&path).unwrap();
            file.append(&anchor(2), Duration::from_secs(5))
                .await
                .unwrap();
            assert_eq!(seqs(&AnchorFile::open(&path).unwrap()).await, [2]);
        }
        std::fs::remove_file(&path).unwrap();
        AnchorFile::open(&path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{mode:o}");
        }
    }

    #[tokio::test]
    async fn a_cut_line_a_changed_line_and_lines_of_a_log_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors");
        let changed = anchor(9).to_string().replace("\"seq\":9", "\"seq\":8");
        let log = format!("2026-11-21 INFO heads of chains anchor={}", anchor(2));
        let text = format!(
            "{}\n{changed}\n{log}\n\n{}",
            anchor(1),
            &anchor(3).to_string()[..40]
        );
        std::fs::write(&path, text).unwrap();
        let file = AnchorFile::open(&path).unwrap();
        assert_eq!(
            (file.damaged(), seqs(&file).await),
            (&[2, 5][..], vec![1, 2])
        );
        file.append(&anchor(4), Duration::from_secs(5))
            .await
            .unwrap();
        let again = AnchorFile::open(&path).unwrap();
        assert_eq!(
            (again.damaged(), seqs(&again).await),
            (&[2, 5][..], vec![1, 2, 4])
        );
    }
}
