//! The database's disk fills up and is cleared again.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use incident_core::engine::{Error, Incidents};
use incident_core::port::StoreError;
use incident_test_postgres::{Cluster, Safety, SmallDisk};

use crate::{Setup, declare, declare_at_last, engine, recorder, sound};

/// Size of the disk, in megabytes: enough for a server with the incident tables, and a little
/// more.
const MEGABYTES: u32 = 160;

/// A file that takes the space that new files would need.
struct Ballast(PathBuf);

impl Ballast {
    /// Fills the disk except for `left` megabytes: enough for tables, but not for a new segment
    /// of the server's log.
    fn fill(disk: &SmallDisk, left: u64) -> Self {
        let path = disk.folder().join("ballast");
        let mut file = fs::File::create(&path).unwrap();
        let block = vec![0; 64 * 1024];
        while file.write_all(&block).is_ok() {}
        let full = file.metadata().unwrap().len();
        file.set_len(full.saturating_sub(left << 20)).unwrap();
        Self(path)
    }

    fn drop_it(self) {
        fs::remove_file(self.0).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_loses_nothing() {
    let disk = match SmallDisk::mount(MEGABYTES) {
        Ok(disk) => disk,
        Err(error) => {
            println!("left out: a disk of our own cannot be mounted here: {error}");
            return;
        }
    };
    let cluster = Cluster::start_in(disk.folder().to_owned(), Safety::Durable).unwrap();
    let mut it = Setup::on(cluster).await;
    let pager = recorder();
    let incidents = engine(it.direct(4), pager.clone());
    let mut keys = 0;
    for (round, left) in [0, 6, 12].into_iter().enumerate() {
        for n in 0..20 {
            declare_at_last(&incidents, &format!("{round} before {n}")).await;
        }
        let ballast = Ballast::fill(&disk, left);
        let (accepted, refused) = fill_up(&incidents, round).await;
        // Pages that are due meanwhile cannot store their outcome.
        let _ = incidents.worker().drain().await;
        ballast.drop_it();
        recover(&mut it).await;
        // Whatever the reply was: repeated under its key, each incident is stored once.
        for n in 0..accepted + refused {
            declare_at_last(&incidents, &format!("{round} in between {n}")).await;
        }
        println!("{left} MB left: {accepted} fitted in, {refused} did not");
        keys += 20 + accepted + refused;
        sound(&it, keys).await;
    }
    let started = Instant::now();
    // A page that was being sent when its outcome could not be stored is sent again after its
    // lease expires, with the same key, so that no one is woken twice.
    while it.count("select count(*) from incident.outbox").await > 0 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "pages are left over"
        );
        incidents.worker().drain().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(
        usize::try_from(pager.wakes()).unwrap(),
        keys,
        "everybody was woken once"
    );
}

/// Declares incidents until the disk is full, and on until five are refused. Returns the
/// numbers of those that were accepted and refused. Some still fit into pages that exist
/// already.
async fn fill_up(incidents: &Incidents, round: usize) -> (usize, usize) {
    let (mut accepted, mut refused) = (0, 0);
    let started = Instant::now();
    while refused < 5 {
        assert!(
            started.elapsed() < Duration::from_secs(120) && accepted < 20_000,
            "the disk is never full"
        );
        let key = format!("{round} in between {}", accepted + refused);
        match declare(incidents, &key).await {
            Ok(_) => accepted += 1,
            Err(Error::Store(StoreError::Unavailable(_) | StoreError::Unknown(_))) => refused += 1,
            Err(other) => panic!("{key}: {other:?}"),
        }
    }
    (accepted, refused)
}

/// Waits until the server replies. A server without space for its log stops; it is then started
/// again, as an operator would.
async fn recover(it: &mut Setup) {
    let answers = async |it: &Setup| {
        let pool = it.direct(1);
        let asked = sqlx::query("select 1").execute(&pool);
        tokio::time::timeout(Duration::from_secs(3), asked)
            .await
            .is_ok_and(|answer| answer.is_ok())
    };
    for _ in 0..5 {
        if answers(it).await {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let _ = it.cluster.kill();
    it.cluster.start_again().unwrap();
    assert!(answers(it).await, "the server does not come back");
}
