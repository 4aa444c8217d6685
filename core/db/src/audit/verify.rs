//! Checks every sealed line against its block, and the blocks against each other, part by part.

use std::{collections::HashMap, fmt, str::FromStr};

use consilium_kernel::Timestamp;
use diesel::{prelude::*, sql_query, sql_types as sql};

use super::{COLUMNS, Entry, audit_block, entries_after, merkle_root, seal::block_hash};
use crate::{error::Result, outbox::Position, session::Session, vault::Vault};

/// Lines after which a part ends.
const PART: u64 = 10_000;
/// As how many lines a block counts.
const BLOCK: u64 = 10;
/// Blocks fetched at once.
const FETCHED: i64 = 20;

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A sealed line's columns were changed.
    Edited(i64),
    /// A sealed line is gone.
    Deleted(i64),
    /// A line appeared where everything was sealed already.
    Inserted(i64),
    /// Blocks are missing below the head, from the first height to the second.
    MissingBlocks(i64, i64),
    /// A block does not follow from the one before, or its contents, hash or signature were changed.
    BrokenBlock(i64),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited(id) => write!(f, "entry {id} was edited after it was sealed"),
            Self::Deleted(id) => write!(f, "entry {id} was deleted after it was sealed"),
            Self::Inserted(id) => write!(f, "entry {id} was inserted among sealed entries"),
            Self::MissingBlocks(height, last) if height == last => write!(f, "block {height} is missing"),
            Self::MissingBlocks(first, last) => write!(f, "blocks {first} to {last} are missing"),
            Self::BrokenBlock(height) => write!(f, "block {height} was changed or does not follow from the one before"),
        }
    }
}

/// Where a check goes on: past the block of this height, in the blocks or in what is not sealed yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    height: i64,
    from: Position,
    in_tail: bool,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, from, in_tail } = self;
        write!(f, "{height}.{}.{}.{}", from.tx, from.id, i32::from(*in_tail))
    }
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers: Vec<i64> = text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| ())?;
        match numbers[..] {
            [height, tx, id, in_tail @ 0..=1] if height >= 0 => {
                Ok(Self { height, from: Position { tx, id }, in_tail: in_tail == 1 })
            }
            _ => Err(()),
        }
    }
}

/// What a check of the log, or of a part of it, found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The newest block that was checked.
    pub height: i64,
    /// Its hash, to compare with the one in the log and the metrics: cutting off the newest blocks shows there.
    pub head: Vec<u8>,
    /// Lines in blocks.
    pub sealed: u64,
    /// Lines not sealed yet.
    pub unsealed: u64,
    /// Everything that does not fit.
    pub findings: Vec<Finding>,
    /// Where to go on; `None` at the end.
    pub next: Option<Mark>,
}

#[derive(Queryable)]
struct Block {
    height: i64,
    to_tx: i64,
    to_id: i64,
    leaves: Vec<u8>,
    root: Vec<u8>,
    previous: Vec<u8>,
    hash: Vec<u8>,
    signature: Vec<u8>,
    sealed_at: Timestamp,
}

impl Block {
    fn to(&self) -> Position {
        Position { tx: self.to_tx, id: self.to_id }
    }
}

/// Checks the whole log.
pub fn verify(session: &mut Session<'_>) -> Result<Report> {
    let mut whole = verify_from(session, Mark::default())?;
    while let Some(mark) = whole.next {
        whole = whole.followed_by(verify_from(session, mark)?);
    }
    Ok(whole)
}

impl Report {
    fn followed_by(self, next: Self) -> Self {
        let findings = [self.findings, next.findings].concat();
        Self { sealed: self.sealed + next.sealed, unsealed: self.unsealed + next.unsealed, findings, ..next }
    }
}

/// Checks a part of the log, of bounded size.
pub fn verify_from(session: &mut Session<'_>, mark: Mark) -> Result<Report> {
    verify_part(session, mark, PART)
}

fn verify_part(session: &mut Session<'_>, mark: Mark, most: u64) -> Result<Report> {
    let Mark { height, mut from, in_tail } = mark;
    let mut report = Report { height, head: hash_of(session, height)?, ..Report::default() };
    if in_tail {
        return verify_tail(session, report, from, most);
    }
    let mut blocks_done = 0;
    while report.sealed + BLOCK * blocks_done < most {
        let blocks = blocks_after(session, report.height)?;
        let Some(last) = blocks.iter().map(Block::to).max() else {
            return verify_tail(session, report, from, most);
        };
        let mut entries = entries_between(session, from, last)?.into_iter().peekable();
        for block in &blocks {
            let own = std::iter::from_fn(|| entries.next_if(|entry| entry.position() <= block.to()));
            check(session.vault(), &mut report, block, own);
        }
        blocks_done += blocks.len() as u64;
        from = last;
    }
    report.next = Some(Mark { height: report.height, from, in_tail });
    Ok(report)
}

fn hash_of(session: &mut Session<'_>, height: i64) -> Result<Vec<u8>> {
    let stored = audit_block::table.find(height).select(audit_block::hash).first(session.connection()).optional()?;
    Ok(stored.unwrap_or_else(|| vec![0; 32]))
}

fn blocks_after(session: &mut Session<'_>, height: i64) -> Result<Vec<Block>> {
    use audit_block as b;
    Ok(b::table
        .filter(b::height.gt(height))
        .order(b::height)
        .limit(FETCHED)
        .select((b::height, b::to_tx, b::to_id, b::leaves, b::root, b::previous, b::hash, b::signature, b::sealed_at))
        .load(session.connection())?)
}

fn entries_between(session: &mut Session<'_>, from: Position, to: Position) -> Result<Vec<Entry>> {
    let statement =
        format!("SELECT {COLUMNS} FROM audit_entry WHERE (tx, id) > ($1, $2) AND (tx, id) <= ($3, $4) ORDER BY tx, id");
    Ok(sql_query(statement)
        .bind::<sql::BigInt, _>(from.tx)
        .bind::<sql::BigInt, _>(from.id)
        .bind::<sql::BigInt, _>(to.tx)
        .bind::<sql::BigInt, _>(to.id)
        .load(session.connection())?)
}

/// Checks the block that follows, and its lines.
fn check(vault: &Vault, report: &mut Report, block: &Block, entries: impl Iterator<Item = Entry>) {
    if block.height > report.height + 1 {
        report.findings.push(Finding::MissingBlocks(report.height + 1, block.height - 1));
    }
    let leaves = parse_leaves(&block.leaves);
    let hashes: Vec<[u8; 32]> = leaves.iter().map(|(_, leaf)| *leaf).collect();
    let hash = block_hash(block.height, &block.previous, &block.root, block.to(), block.sealed_at);
    let genuine = block.previous == report.head
        && merkle_root(&hashes)[..] == block.root[..]
        && hash[..] == block.hash[..]
        && vault.keys().audit_signing.verify(&block.hash, &block.signature);
    if !genuine {
        report.findings.push(Finding::BrokenBlock(block.height));
    }
    report.height = block.height;
    report.head.clone_from(&block.hash);
    report.sealed += leaves.len() as u64;
    let mut expected: HashMap<i64, [u8; 32]> = leaves.into_iter().collect();
    for entry in entries {
        match expected.remove(&entry.id) {
            None => report.findings.push(Finding::Inserted(entry.id)),
            Some(leaf) if leaf == entry.leaf() && entry.expected_mac(vault) == entry.mac => {}
            Some(_) => report.findings.push(Finding::Edited(entry.id)),
        }
    }
    let mut gone: Vec<i64> = expected.into_keys().collect();
    gone.sort_unstable();
    report.findings.extend(gone.into_iter().map(Finding::Deleted));
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

/// Counts what is not sealed yet, and checks the MACs. Whoever comes here stays here: what is sealed meanwhile has been
/// counted as unsealed.
fn verify_tail(session: &mut Session<'_>, mut report: Report, from: Position, most: u64) -> Result<Report> {
    let entries = entries_after(session, from, i64::try_from(most).unwrap_or(i64::MAX))?;
    report.unsealed = entries.len() as u64;
    let edited = entries.iter().filter(|entry| entry.expected_mac(session.vault()) != entry.mac);
    report.findings.extend(edited.map(|entry| Finding::Edited(entry.id)));
    let last = entries.last().filter(|_| report.unsealed == most);
    report.next = last.map(|last| Mark { height: report.height, from: last.position(), in_tail: true });
    Ok(report)
}

#[cfg(test)]
mod tests {
    use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, EntityRef};

    use super::*;
    use crate::{audit::seal, testing::TestDb};

    /// What parts of this size find, put together.
    async fn in_parts(test: &TestDb, most: u64) -> (usize, Report) {
        let read = move |session: &mut Session<'_>| {
            let (mut parts, mut whole) = (1, verify_part(session, Mark::default(), most)?);
            while let Some(mark) = whole.next {
                let part = verify_part(session, mark.to_string().parse().unwrap(), most)?;
                (parts, whole) = (parts + 1, whole.followed_by(part));
            }
            Ok((parts, whole))
        };
        test.db.read(read).await.unwrap()
    }

    #[tokio::test]
    async fn parts_find_what_the_whole_finds() {
        for test in TestDb::both() {
            let meta = CommandMeta::system(DEFAULT_FACILITY, "test");
            for n in 0..60 {
                let entity = EntityRef::new("thing", test.db.ids().next());
                test.db.write(&meta, move |tx| tx.audit("read_thing", &entity, n)).await.unwrap();
                let before = n;
                // What runs elsewhere on the server keeps lines from being sealed.
                while n < 45 && test.db.write(&meta, seal).await.unwrap().height <= before {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            }
            let harm = "UPDATE audit_entry SET action = 'nothing' WHERE id IN (3, 30, 58)";
            test.db.write(&meta, move |tx| Ok(sql_query(harm).execute(tx.connection())?)).await.unwrap();
            while test.db.read(verify).await.unwrap().unsealed < 15 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            let whole = test.db.read(verify).await.unwrap();
            assert_eq!((whole.height, whole.sealed, whole.unsealed, whole.next), (45, 45, 15, None), "{}", test.url);
            assert_eq!(whole.findings, [3, 30, 58].map(Finding::Edited));
            let (parts, put_together) = in_parts(&test, 4).await;
            assert!(parts > 6, "{parts} parts");
            assert_eq!((put_together.sealed, put_together.unsealed), (45, 15), "{}", test.url);
            assert_eq!((put_together.head, put_together.findings), (whole.head, whole.findings));
        }
    }

    #[test]
    fn a_mark_comes_back_as_it_was_given_out() {
        let mark = Mark { height: 12, from: Position { tx: 3, id: 45 }, in_tail: true };
        assert_eq!(mark.to_string().parse(), Ok(mark));
        for wrong in ["", "1.2.3", "1.2.3.2", "-1.2.3.0", "1.2.3.0.0", "a.b.c.d", "99999999999999999999.0.0.0"] {
            assert!(wrong.parse::<Mark>().is_err(), "{wrong}");
        }
    }
}
