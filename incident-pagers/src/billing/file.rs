//! A sink that writes credits to a CSV file, for hosts whose billing reads files.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use incident_core::billing::{Batch, BilledCredit, HeldCredit, Lookup, Submission};
use incident_core::escape_csv_formula;
use incident_core::paging::{NotSent, NotSentReason, TargetId};
use incident_core::port::{BillingSink, LookupBy};
use incident_core::{CreditId, Currency, MessageId, Money, Period, ValidationError};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time;

/// A billing sink that appends each credit as a CSV line (RFC 4180, with a header) to one file,
/// and syncs the file to the disk before it accepts.
///
/// The keys already in the file are read under an exclusive lock, so several processes may write
/// to it. A line that a crash cut short is removed and written again. Nothing else in the file is
/// ever changed, and a file that does not begin with our header is left as it is. Names that a
/// spreadsheet would read as formulas are prefixed with an apostrophe. The file is created
/// readable by its owner alone (mode 0600).
#[derive(Clone, Debug)]
pub struct FileSink {
    path: PathBuf,
    target: TargetId,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct CsvLine {
    key: CreditId,
    batch: MessageId,
    tenant_id: String,
    incident_id: String,
    period: Period,
    revision: u32,
    credit_percent: String,
    amount_minor: Option<i64>,
    currency: Option<Currency>,
    reverses: Option<CreditId>,
    outage_ms: u64,
    terms_version: String,
    approved_by: String,
    approved_at: String,
}

impl FileSink {
    /// Creates a sink that writes to a file, which is created if it is absent.
    ///
    /// # Errors
    /// Never fails today: the name of the target is a constant.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, ValidationError> {
        Ok(Self {
            path: path.into(),
            target: TargetId::new("file")?,
        })
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the file if it is absent, and checks that it can be written and is one of ours.
    ///
    /// Blocks for up to 5 s: call it at the start of a program.
    ///
    /// # Errors
    /// Fails if the file cannot be opened, if another process keeps it locked for 5 s, or if it
    /// holds anything but credits; it is then left as it was.
    pub fn prepare(&self) -> io::Result<()> {
        ours(&mut locked(&self.path, AT_THE_START)?).map(drop)
    }
}

impl CsvLine {
    fn of(batch: MessageId, credit: &BilledCredit) -> Self {
        Self {
            key: credit.key,
            batch,
            tenant_id: escape_csv_formula(credit.tenant_id.as_str()).into_owned(),
            incident_id: credit
                .incident_id
                .map_or_else(String::new, |id| id.to_string()),
            period: credit.period,
            revision: credit.revision,
            credit_percent: credit.credit_percent.to_string(),
            amount_minor: credit.amount.map(|amount| amount.minor),
            currency: credit.amount.map(|amount| amount.currency),
            reverses: credit.reverses,
            outage_ms: credit.outage_ms,
            terms_version: escape_csv_formula(credit.terms_version.as_str()).into_owned(),
            approved_by: escape_csv_formula(credit.approved_by.as_str()).into_owned(),
            approved_at: credit.approved_at.to_string(),
        }
    }

    fn held(self) -> Result<HeldCredit, ValidationError> {
        let amount = self.amount_minor.zip(self.currency);
        Ok(HeldCredit {
            key: self.key,
            credit_percent: self.credit_percent.try_into()?,
            amount: amount.map(|(minor, currency)| Money { minor, currency }),
        })
    }
}

/// Time between two attempts to get a lock that another process holds.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Maximum time that [`FileSink::prepare`] waits for the lock.
const AT_THE_START: Duration = Duration::from_secs(5);

/// Waits up to `timeout` for a lock of the file, which is released when the file is closed.
fn wait_for(timeout: Duration, lock: impl Fn() -> Result<(), TryLockError>) -> io::Result<()> {
    let deadline = Instant::now() + timeout;
    loop {
        match lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(LOOK_AGAIN),
            Err(TryLockError::WouldBlock) => {
                let reason = "another process has locked the file";
                return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
            }
        }
    }
}

/// Opens the file for appending, under an exclusive lock.
fn locked(path: &Path, timeout: Duration) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    // Credits are confidential: only the owner of the file may read them.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    wait_for(timeout, || file.try_lock())?;
    Ok(file)
}

/// Header line of every file of ours. The order of the columns is part of the format.
const HEAD: &[u8] =
    b"key,batch,tenant_id,incident_id,period,revision,credit_percent,amount_minor,currency,\
reverses,outage_ms,terms_version,approved_by,approved_at\r\n";

/// Reads the file without a last line that was cut short.
///
/// # Errors
/// Fails if the file cannot be read, or if it is not ours: it is not empty and begins neither with
/// our header nor with a part of it that a crash left.
fn ours(file: &mut impl Disk) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    if !bytes.starts_with(HEAD) && !HEAD.starts_with(&bytes) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not a credits file: its first line is not the expected header; the file was left unchanged",
        ));
    }
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    bytes.truncate(end.map_or(0, |at| at + 1));
    Ok(bytes)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = io::Result<CsvLine>> {
    let read = csv::Reader::from_reader(bytes).into_deserialize();
    read.map(|line| line.map_err(io::Error::other))
}

/// A file whose content survives a power cut only up to the last sync.
trait Disk: Read + Write + Seek {
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;

    fn sync_all(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        Self::set_len(self, bytes)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        Self::sync_all(self)
    }
}

/// Appends the lines of a batch that are missing from the file. On success, all of them are on the
/// disk.
fn append(
    path: &Path,
    batch: MessageId,
    credits: Vec<BilledCredit>,
    timeout: Duration,
) -> io::Result<()> {
    let mut file = locked(path, timeout)?;
    append_to(&mut file, batch, credits)?;
    sync_folder(path);
    Ok(())
}

fn append_to(file: &mut impl Disk, batch: MessageId, credits: Vec<BilledCredit>) -> io::Result<()> {
    let kept = ours(file)?;
    let there: BTreeSet<CreditId> = lines(&kept)
        .map(|line| line.map(|line| line.key))
        .collect::<io::Result<_>>()?;
    let mut table = csv::WriterBuilder::new()
        .has_headers(kept.is_empty())
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let mut missing = 0;
    for credit in credits {
        if !there.contains(&credit.key) {
            missing += 1;
            table
                .serialize(CsvLine::of(batch, &credit))
                .map_err(io::Error::other)?;
        }
    }
    if missing == 0 {
        // Another writer may have crashed between its write and its sync.
        return file.sync_all();
    }
    let new = table
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    file.set_len(u64::try_from(kept.len()).map_err(io::Error::other)?)?;
    file.write_all(&new)?;
    file.sync_all()
}

/// Syncs the folder, so that a new file survives a power cut. Where a folder cannot be opened, the
/// system takes care of that.
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

/// Reads the lines of the file after syncing it, so that all of them are on the disk.
fn synced(file: &mut impl Disk) -> io::Result<Vec<u8>> {
    // Another writer may have crashed between its write and its sync.
    file.sync_all()?;
    ours(file)
}

/// Reads the wanted credits, all of which are on the disk.
fn read(
    path: &Path,
    timeout: Duration,
    wanted: impl Fn(&CsvLine) -> bool,
) -> io::Result<Vec<HeldCredit>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    wait_for(timeout, || file.try_lock_shared())?;
    let kept = synced(&mut file)?;
    let held = lines(&kept).filter_map(|line| match line {
        Ok(line) if wanted(&line) => Some(line.held().map_err(io::Error::other)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    held.collect()
}

fn not_taken(reason: NotSentReason) -> Submission {
    Submission::NotSent(NotSent {
        reason,
        retry_after: None,
    })
}

#[async_trait]
impl BillingSink for FileSink {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    /// Returns `None`: the file never forgets a key.
    fn key_window(&self) -> Option<Duration> {
        None
    }

    async fn submit(&self, batch: &Batch, timeout: Duration) -> Submission {
        let Ok(credits) = batch.credits() else {
            return not_taken(NotSentReason::Rejected);
        };
        let (path, id) = (self.path.clone(), batch.id());
        // The lock gets half of the time, so that nothing is written after the deadline.
        let for_lock = timeout / 2;
        let writing = spawn_blocking(move || append(&path, id, credits, for_lock));
        match time::timeout(timeout, writing).await {
            Ok(Ok(Ok(()))) => Submission::Accepted,
            Ok(Ok(Err(error))) if error.kind() == io::ErrorKind::TimedOut => {
                not_taken(NotSentReason::Unavailable)
            }
            Ok(Ok(Err(error))) => {
                tracing::warn!(path = %self.path.display(), error = &error as &dyn std::error::Error, "credits could not be written");
                // Lines that were written are found by their keys on the next attempt.
                Submission::Unknown
            }
            Ok(Err(_)) | Err(_) => Submission::Unknown,
        }
    }

    async fn lookup(&self, asked: LookupBy<'_>, timeout: Duration) -> Lookup {
        let (path, for_lock) = (self.path.clone(), timeout / 2);
        let reading = match asked {
            LookupBy::Keys(keys) => {
                let keys: BTreeSet<CreditId> = keys.iter().copied().collect();
                spawn_blocking(move || read(&path, for_lock, |line| keys.contains(&line.key)))
            }
            LookupBy::Period(period) => {
                spawn_blocking(move || read(&path, for_lock, |line| line.period == period))
            }
        };
        match time::timeout(timeout, reading).await {
            Ok(Ok(Ok(held))) => Lookup::Found(held),
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => Lookup::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests;
