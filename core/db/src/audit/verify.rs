//! Checks every sealed line against its block, and the blocks against each other.

use std::collections::HashMap;

use consilium_kernel::Timestamp;
use diesel::{prelude::*, sql_query, sql_types as sql};

use super::{COLUMNS, Entry, audit_block, entries_after, merkle_root, seal::block_hash};
use crate::{error::Result, outbox::Position, session::Session};

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A sealed line's columns were changed.
    Edited(i64),
    /// A sealed line is gone.
    Deleted(i64),
    /// A line appeared where everything was sealed already.
    Inserted(i64),
    /// A block is missing below the head.
    MissingBlock(i64),
    /// A block does not follow from the one before, or its contents, hash or signature were changed.
    BrokenBlock(i64),
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Edited(id) => write!(f, "entry {id} was edited after it was sealed"),
            Self::Deleted(id) => write!(f, "entry {id} was deleted after it was sealed"),
            Self::Inserted(id) => write!(f, "entry {id} was inserted among sealed entries"),
            Self::MissingBlock(height) => write!(f, "block {height} is missing"),
            Self::BrokenBlock(height) => write!(f, "block {height} was changed or does not follow from the one before"),
        }
    }
}

/// What a check of the whole log found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The newest block.
    pub height: i64,
    /// Its hash, to compare with the one in the log and the metrics: cutting off the newest blocks shows there.
    pub head: Vec<u8>,
    /// Lines in blocks.
    pub sealed: u64,
    /// Lines not sealed yet.
    pub unsealed: u64,
    /// Everything that does not fit.
    pub findings: Vec<Finding>,
}

type Block = (i64, i64, i64, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, Timestamp);

/// Checks the whole log, block by block.
pub fn verify(session: &mut Session<'_>) -> Result<Report> {
    let mut report = Report { head: vec![0; 32], ..Report::default() };
    let mut from = Position::default();
    while let Some(block) = next_block(session, report.height)? {
        let (height, to_tx, to_id, listed, root, previous, hash, signature, sealed_at) = block;
        report.findings.extend((report.height + 1..height).map(Finding::MissingBlock));
        let to = Position { tx: to_tx, id: to_id };
        let leaves = parse_leaves(&listed);
        let hashes: Vec<[u8; 32]> = leaves.iter().map(|(_, leaf)| *leaf).collect();
        let genuine = previous == report.head
            && merkle_root(&hashes)[..] == root[..]
            && block_hash(height, &previous, &root, to, sealed_at)[..] == hash[..]
            && session.vault().keys().audit_signing.verify(&hash, &signature);
        if !genuine {
            report.findings.push(Finding::BrokenBlock(height));
        }
        check_entries(session, &mut report, &leaves, from, to)?;
        report.height = height;
        report.head = hash;
        report.sealed += leaves.len() as u64;
        from = to;
    }
    report.unsealed = count_after(session, &mut report, from)?;
    Ok(report)
}

fn next_block(session: &mut Session<'_>, after: i64) -> Result<Option<Block>> {
    use audit_block as b;
    Ok(b::table
        .filter(b::height.gt(after))
        .order(b::height)
        .select((b::height, b::to_tx, b::to_id, b::leaves, b::root, b::previous, b::hash, b::signature, b::sealed_at))
        .first(session.connection())
        .optional()?)
}

fn parse_leaves(listed: &[u8]) -> Vec<(i64, [u8; 32])> {
    let (records, _) = listed.as_chunks::<48>();
    records
        .iter()
        .filter_map(|record| {
            let id = i64::from_le_bytes(record.get(8..16)?.try_into().ok()?);
            Some((id, record.get(16..)?.try_into().ok()?))
        })
        .collect()
}

fn check_entries(
    session: &mut Session<'_>,
    report: &mut Report,
    leaves: &[(i64, [u8; 32])],
    from: Position,
    to: Position,
) -> Result<()> {
    let mut expected: HashMap<i64, [u8; 32]> = leaves.iter().copied().collect();
    let entries: Vec<Entry> = sql_query(format!(
        "SELECT {COLUMNS} FROM audit_entry WHERE (tx, id) > ($1, $2) AND (tx, id) <= ($3, $4) ORDER BY tx, id"
    ))
    .bind::<sql::BigInt, _>(from.tx)
    .bind::<sql::BigInt, _>(from.id)
    .bind::<sql::BigInt, _>(to.tx)
    .bind::<sql::BigInt, _>(to.id)
    .load(session.connection())?;
    for entry in entries {
        match expected.remove(&entry.id) {
            None => report.findings.push(Finding::Inserted(entry.id)),
            Some(leaf) if leaf == entry.leaf() && entry.expected_mac(session.vault()) == entry.mac => {}
            Some(_) => report.findings.push(Finding::Edited(entry.id)),
        }
    }
    let mut gone: Vec<i64> = expected.into_keys().collect();
    gone.sort_unstable();
    report.findings.extend(gone.into_iter().map(Finding::Deleted));
    Ok(())
}

/// Counts the unsealed tail and checks the MAC of its lines.
fn count_after(session: &mut Session<'_>, report: &mut Report, mut from: Position) -> Result<u64> {
    let mut count = 0;
    loop {
        let entries = entries_after(session, from, 5_000)?;
        let Some(last) = entries.last() else { return Ok(count) };
        from = last.position();
        count += entries.len() as u64;
        for entry in &entries {
            if entry.expected_mac(session.vault()) != entry.mac {
                report.findings.push(Finding::Edited(entry.id));
            }
        }
    }
}
