//! Chains committed lines into signed blocks.

use diesel::prelude::*;

use super::{audit_block, entries_after, merkle_root, sha256};
use crate::{error::Result, outbox::Position, session::Tx};

/// Lines sealed into one block at most.
const BLOCK: i64 = 5_000;

/// The newest block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Counts from 1; 0 while nothing is sealed.
    pub height: i64,
    /// The block's hash, all zeroes at height 0.
    pub hash: Vec<u8>,
    pub(super) to: Position,
}

/// The newest block as stored.
pub fn head(session: &mut crate::session::Session<'_>) -> Result<Head> {
    let newest: Option<(i64, Vec<u8>, i64, i64)> = audit_block::table
        .order(audit_block::height.desc())
        .select((audit_block::height, audit_block::hash, audit_block::to_tx, audit_block::to_id))
        .first(session.connection())
        .optional()?;
    Ok(newest.map_or_else(
        || Head { height: 0, hash: vec![0; 32], to: Position::default() },
        |(height, hash, tx, id)| Head { height, hash, to: Position { tx, id } },
    ))
}

/// Seals what is committed and not sealed yet; returns the head afterwards. The primary key on the
/// height makes a second sealer fail rather than fork the chain.
pub fn seal(tx: &mut Tx<'_>) -> Result<Head> {
    let mut head = head(tx)?;
    loop {
        let entries = entries_after(tx, head.to, BLOCK)?;
        let Some(last) = entries.last().map(super::Entry::position) else { return Ok(head) };
        let leaves: Vec<[u8; 32]> = entries.iter().map(super::Entry::leaf).collect();
        let listed: Vec<u8> = entries
            .iter()
            .zip(&leaves)
            .flat_map(|(entry, leaf)| [&entry.tx.to_le_bytes()[..], &entry.id.to_le_bytes(), leaf].concat())
            .collect();
        let height = head.height + 1;
        let (root, sealed_at) = (merkle_root(&leaves), tx.now());
        let hash = block_hash(height, &head.hash, &root, last, sealed_at);
        let key = &tx.vault().keys().audit_signing;
        let (signature, key_id) = (key.sign(&hash)?, key.name.clone());
        diesel::insert_into(audit_block::table)
            .values((
                audit_block::height.eq(height),
                audit_block::to_tx.eq(last.tx),
                audit_block::to_id.eq(last.id),
                audit_block::leaves.eq(listed),
                audit_block::root.eq(root.to_vec()),
                audit_block::previous.eq(&head.hash),
                audit_block::hash.eq(hash.to_vec()),
                audit_block::signature.eq(signature),
                audit_block::key_id.eq(key_id),
                audit_block::sealed_at.eq(crate::types::at(sealed_at)),
            ))
            .execute(tx.connection())?;
        head = Head { height, hash: hash.to_vec(), to: last };
    }
}

pub(super) fn block_hash(
    height: i64,
    previous: &[u8],
    root: &[u8],
    to: Position,
    sealed_at: consilium_kernel::Timestamp,
) -> [u8; 32] {
    sha256(&[
        b"consilium audit block 1",
        &height.to_le_bytes(),
        previous,
        root,
        &to.tx.to_le_bytes(),
        &to.id.to_le_bytes(),
        &sealed_at.as_microsecond().to_le_bytes(),
    ])
}
