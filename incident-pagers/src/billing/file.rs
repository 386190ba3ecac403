//! Credits into a file of CSV, for hosts whose billing reads files.

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

/// Appends each credit as a line of CSV (RFC 4180, with a head) to one file, and syncs
/// it to the disk before it says so.
///
/// The keys of the lines that are there are looked at under an exclusive lock of the
/// file, so several processes may write to it, and a line that a crash cut short is cut
/// off and written anew. Nothing else is ever changed in it, and a file that does not begin
/// with our head is left as it is. Names that would be formulas in a spreadsheet have an
/// apostrophe before them. The file is made readable by its owner alone (mode 0600).
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
    /// A sink that writes to a file, which is made where it is absent.
    ///
    /// # Errors
    /// None today: the name of the target is a constant.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, ValidationError> {
        Ok(Self {
            path: path.into(),
            target: TargetId::new("file")?,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file where it is absent, and checks that it can be written and is one of
    /// ours. Blocks: for the start of a program.
    ///
    /// # Errors
    /// It cannot be opened, or it holds something else; then it is as it was.
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

/// The pause between two looks at a lock that somebody else has.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The time for which a start waits for the lock.
const AT_THE_START: Duration = Duration::from_secs(5);

/// Waits for a lock of the file for so long at most; it is released when the file is closed.
fn wait_for(timeout: Duration, lock: impl Fn() -> Result<(), TryLockError>) -> io::Result<()> {
    let deadline = Instant::now() + timeout;
    loop {
        match lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(LOOK_AGAIN),
            Err(TryLockError::WouldBlock) => {
                let reason = "another process has locked it";
                return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
            }
        }
    }
}

/// Opens the file for appending, locked.
fn locked(path: &Path, timeout: Duration) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    // Who owes whom what is nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    wait_for(timeout, || file.try_lock())?;
    Ok(file)
}

/// The first line of every file of ours. The order of the columns is part of the format.
const HEAD: &[u8] =
    b"key,batch,tenant_id,incident_id,period,revision,credit_percent,amount_minor,currency,\
reverses,outage_ms,terms_version,approved_by,approved_at\r\n";

/// What is in the file, but for a line that was cut short.
///
/// # Errors
/// It cannot be read, or it is not ours: it holds something and does not begin with our
/// head, or with what a crash left of it.
fn ours(file: &mut impl Disk) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    if !bytes.starts_with(HEAD) && !HEAD.starts_with(&bytes) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it holds something else than credits: its first line is not our head; it was left as it is",
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

/// A file of which only what was synced outlives a power cut.
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

/// Appends those lines of a batch that are not there. All of them are on the disk then.
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
        // Whoever wrote them may have died before its sync.
        return file.sync_all();
    }
    let new = table
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    file.set_len(u64::try_from(kept.len()).map_err(io::Error::other)?)?;
    file.write_all(&new)?;
    file.sync_all()
}

/// A file that was just made is only there for good when its folder is synced; where
/// folders cannot be opened, the system sees to it.
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

/// Reads the lines of the file, once all of them are on the disk.
fn synced(file: &mut impl Disk) -> io::Result<Vec<u8>> {
    // Whoever wrote it may have died before its sync.
    file.sync_all()?;
    ours(file)
}

/// The lines that are wanted, all of them on the disk.
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

    /// It never forgets a key.
    fn key_window(&self) -> Option<Duration> {
        None
    }

    async fn submit(&self, batch: &Batch, timeout: Duration) -> Submission {
        let Ok(credits) = batch.credits() else {
            return not_taken(NotSentReason::Rejected);
        };
        let (path, id) = (self.path.clone(), batch.id());
        // The lock has half of the time, so that a line that waits for it is not written later.
        let for_lock = timeout / 2;
        let writing = spawn_blocking(move || append(&path, id, credits, for_lock));
        match time::timeout(timeout, writing).await {
            Ok(Ok(Ok(()))) => Submission::Accepted,
            Ok(Ok(Err(error))) if error.kind() == io::ErrorKind::TimedOut => {
                not_taken(NotSentReason::Unavailable)
            }
            Ok(Ok(Err(error))) => {
                tracing::warn!(path = %self.path.display(), error = &error as &dyn std::error::Error, "credits could not be written");
                // What was written of them is found by its keys.
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
