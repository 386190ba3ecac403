//! Reads of timelines.

use std::collections::BTreeMap;

use incident_core::timeline::{CommittedText, EntryFields, SysIncidentUpdateEntry, TextName};
use incident_core::{IncidentId, Salt};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use crate::row::{self, unreadable};

pub(crate) async fn entries(
    connection: &mut PgConnection,
    id: IncidentId,
    after_seq: u64,
    limit: usize,
) -> sqlx::Result<Vec<SysIncidentUpdateEntry>> {
    let sql = "select t.seq, t.canonical, t.prev_hash, t.hash, x.texts::text as texts \
               from incident.timeline t \
               left join incident.timeline_texts x on x.incident_id = t.incident_id and x.seq = t.seq \
               where t.incident_id = $1 and t.seq > $2 order by t.seq limit $3";
    let rows = sqlx::query(sql)
        .bind(id.uuid())
        .bind(i64::try_from(after_seq).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| entry(id, row)).collect()
}

fn entry(incident_id: IncidentId, row: &PgRow) -> sqlx::Result<SysIncidentUpdateEntry> {
    let canonical = row::get::<String>(row, "canonical")?.into_bytes();
    Ok(SysIncidentUpdateEntry {
        incident_id,
        seq: row::count(row, "seq")?,
        fields: EntryFields::from_bytes(&canonical).map_err(unreadable)?,
        canonical,
        texts: texts(row)?,
        prev_hash: row::hash(row, "prev_hash")?,
        hash: row::hash(row, "hash")?,
    })
}

/// Reads the texts of an entry; empty if they were erased.
fn texts(row: &PgRow) -> sqlx::Result<BTreeMap<TextName, CommittedText>> {
    let Some(json) = row::get::<Option<&str>>(row, "texts")? else {
        return Ok(BTreeMap::new());
    };
    let list: Vec<(TextName, String, String)> = serde_json::from_str(json).map_err(unreadable)?;
    list.into_iter()
        .map(|(name, salt, text)| {
            let salt =
                Salt(bytes(&salt).ok_or_else(|| unreadable("a stored salt is not hexadecimal"))?);
            Ok((name, CommittedText { salt, text }))
        })
        .collect()
}

/// Parses sixteen bytes from 32 hexadecimal digits.
fn bytes(hex: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(hex, 16)
        .ok()
        .filter(|_| hex.len() == 32)
        .map(u128::to_be_bytes)
}
