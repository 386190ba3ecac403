//! Tests of power cuts: only synced bytes survive them.

use std::io::Cursor;

use serde_json::json;

use super::*;

/// A file with a disk and a cache, whose user dies after a number of writes and syncs.
///
/// Reads return the cache (`shown`); only a sync copies it to the disk.
struct Cached {
    shown: Cursor<Vec<u8>>,
    disk: Vec<u8>,
    left: u32,
}

impl Cached {
    fn works(&mut self) -> io::Result<()> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| io::Error::other("it died"))?;
        Ok(())
    }
}

impl Read for Cached {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.shown.read(into)
    }
}

impl Write for Cached {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.works()?;
        // Appends, as the real file does; only half of the bytes, so that a crash leaves a partial
        // line.
        self.shown.seek(SeekFrom::End(0))?;
        self.shown.write(&bytes[..bytes.len().div_ceil(2)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Cached {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.shown.seek(to)
    }
}

impl Disk for Cached {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.works()?;
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        self.shown.get_mut().truncate(bytes);
        Ok(())
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.works()?;
        self.disk.clone_from(self.shown.get_ref());
        Ok(())
    }
}

fn credit() -> BilledCredit {
    let id = "01a1fe7e-8565-7544-9512-dcd142c5f801";
    let value = json!({
        "key": id, "tenant_id": "fr", "incident_id": null, "period": "2026-Q4", "revision": 1,
        "credit_percent": "2.5", "amount": {"minor": 125, "currency": "EUR"}, "reverses": null,
        "outage_ms": 2_700_000, "terms_version": "gold", "approved_by": "bill", "approved_at": "2026-11-21T00:00:00Z",
    });
    serde_json::from_value(value).unwrap()
}

fn batch() -> MessageId {
    "01a1fe7e-8565-7544-9512-dcd142c5e801".parse().unwrap()
}

/// A14: wherever the first writer dies, a line that a later writer acknowledged or a reader saw is
/// on the disk, exactly once.
#[test]
fn what_was_answered_outlives_a_power_cut_wherever_a_writer_died() {
    let mut deaths = 0;
    for left in 0..100 {
        let mut file = Cached {
            shown: Cursor::default(),
            disk: Vec::new(),
            left,
        };
        let first = append_to(&mut file, batch(), vec![credit()]);
        deaths += u32::from(first.is_err());
        file.left = u32::MAX;
        let seen = synced(&mut file).unwrap();
        assert!(
            file.disk.starts_with(&seen),
            "seen, and not on the disk: {left}"
        );
        // As if no reader had synced the file in between.
        file.disk.clear();
        append_to(&mut file, batch(), vec![credit()]).unwrap();
        let kept = file.disk.clone();
        assert_eq!(
            lines(&kept).count(),
            1,
            "answered, and not on the disk: {left}"
        );
        if first.is_ok() {
            break;
        }
    }
    assert!(deaths > 3, "{deaths}");
}
