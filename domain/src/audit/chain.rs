//! The hash chain over the audit trail, and what its verification finds. A block lists its entries
//! in their order with a digest of each and the hash of the block before it; the hashes of blocks,
//! the heads, are kept outside the database as well.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use chrono::DateTime;

use crate::{
    id::AuditId,
    time::{Month, Timestamp},
};

/// SHA-256 of something.
pub type Digest = [u8; 32];

/// What comes before the first block.
pub const ORIGIN: Digest = [0; 32];

/// A block as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its number, from 1 on.
    pub no: i64,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// It holds every place up to this one that the blocks before it do not.
    pub to_seq: i64,
    /// Its entries in their order, with a digest of each.
    pub entries: Vec<(AuditId, Digest)>,
    /// The hash of the block before it.
    pub previous: Digest,
    /// Its own hash.
    pub hash: Digest,
}

/// An entry that stands, by what the chain knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its place.
    pub seq: i64,
    /// Its id.
    pub id: AuditId,
    /// The digest of what it says now.
    pub digest: Digest,
}

codes! {
    /// What was done to the trail.
    pub enum Tampering {
        /// An entry that was sealed is gone.
        Deleted = "deleted", "记录被删除";
        /// A sealed entry says something else.
        Edited = "edited", "记录被修改";
        /// A sealed entry stands at another place.
        Reordered = "reordered", "记录被调换次序";
        /// An entry stands among sealed ones and was never sealed.
        Inserted = "inserted", "混入伪造的记录";
        /// Blocks are missing of which heads are known outside, or that later ones follow.
        Truncated = "truncated", "区块缺失";
        /// A block is not what was sealed.
        Resealed = "resealed", "区块被改写";
        /// The heads outside contradict each other or cannot be read.
        Heads = "heads", "链头留存文件被改动";
    }
}

/// One thing that verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// In which block; for [`Tampering::Heads`] the line of the file.
    pub block: i64,
    /// What.
    pub kind: Tampering,
    /// At which place, where the entry stands.
    pub seq: Option<i64>,
    /// Which entry.
    pub entry: Option<AuditId>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.kind == Tampering::Heads { "行" } else { "区块" };
        write!(f, "{unit} {}：{}", self.block, self.kind.label())?;
        if let Some(entry) = self.entry {
            write!(f, "，记录 {entry}")?;
        }
        match self.seq {
            Some(seq) => write!(f, "（序号 {seq}）"),
            None => Ok(()),
        }
    }
}

/// The month that an entry's id was made in, which is the month of its time.
pub fn month_of(id: AuditId) -> Option<Month> {
    let (seconds, nanos) = id.0.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos).map(Month::of)
}

/// Goes along the chain, block by block, and notes what is not as it was sealed.
#[derive(Debug)]
pub struct Verifier {
    heads: BTreeMap<i64, Digest>,
    dropped: BTreeSet<Month>,
    last: i64,
    hash: Digest,
    missing: HashMap<AuditId, i64>,
    strange: HashMap<AuditId, (i64, i64)>,
    found: Vec<Finding>,
    entries: u64,
}

impl Verifier {
    /// With the heads known outside the database, and the months that were dropped on record.
    pub fn new(heads: BTreeMap<i64, Digest>, dropped: BTreeSet<Month>) -> Self {
        Self {
            heads,
            dropped,
            last: 0,
            hash: ORIGIN,
            missing: HashMap::new(),
            strange: HashMap::new(),
            found: Vec::new(),
            entries: 0,
        }
    }

    fn find(&mut self, block: i64, kind: Tampering) {
        self.found.push(Finding { block, kind, seq: None, entry: None });
    }

    /// The next block, its hash as computed from what it lists, and the entries that stand at its
    /// places, in their order.
    pub fn block(&mut self, block: &Block, computed: Digest, standing: &[Standing]) {
        let gap = block.no != self.last + 1;
        for lost in (self.last + 1)..block.no {
            self.heads.remove(&lost);
            self.find(lost, Tampering::Truncated);
        }
        let known = self.heads.remove(&block.no).is_none_or(|head| head == block.hash);
        // After a gap the hash before is not known; the block's own still is.
        let follows = gap || block.previous == self.hash;
        if computed != block.hash || !known || !follows {
            self.find(block.no, Tampering::Resealed);
        }
        self.last = block.no;
        self.hash = block.hash;
        self.entries += u64::try_from(standing.len()).unwrap_or(0);
        self.compare(block, standing, gap);
    }

    fn compare(&mut self, block: &Block, standing: &[Standing], gap: bool) {
        let no = block.no;
        let sealed: HashMap<AuditId, Digest> = block.entries.iter().copied().collect();
        let here: BTreeSet<AuditId> = standing.iter().map(|one| one.id).collect();
        let gone = block.entries.iter().filter(|(id, _)| !here.contains(id));
        self.missing.extend(gone.map(|(id, _)| (*id, no)));
        for one in standing {
            match sealed.get(&one.id) {
                Some(digest) if *digest == one.digest => {}
                Some(_) => self.found.push(Finding {
                    block: no,
                    kind: Tampering::Edited,
                    seq: Some(one.seq),
                    entry: Some(one.id),
                }),
                // What a lost block held lies here now; that it is lost was said.
                None if gap => {}
                None => drop(self.strange.insert(one.id, (no, one.seq))),
            }
        }
        let listed = block.entries.iter().map(|(id, _)| id).filter(|id| here.contains(id));
        let standing = standing.iter().filter(|one| sealed.contains_key(&one.id));
        for (listed, one) in listed.zip(standing) {
            if *listed != one.id {
                self.found.push(Finding {
                    block: no,
                    kind: Tampering::Reordered,
                    seq: Some(one.seq),
                    entry: Some(one.id),
                });
            }
        }
    }

    /// How many entries stand at sealed places.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// The number of the last block.
    pub const fn last(&self) -> i64 {
        self.last
    }

    /// The end of the chain: what was found, by block.
    pub fn finish(mut self) -> Vec<Finding> {
        for (id, block) in std::mem::take(&mut self.missing) {
            let (kind, seq) = match self.strange.remove(&id) {
                Some((_, seq)) => (Tampering::Reordered, Some(seq)),
                None if month_of(id).is_some_and(|month| self.dropped.contains(&month)) => continue,
                None => (Tampering::Deleted, None),
            };
            self.found.push(Finding { block, kind, seq, entry: Some(id) });
        }
        for (id, (block, seq)) in std::mem::take(&mut self.strange) {
            let kind = Tampering::Inserted;
            self.found.push(Finding { block, kind, seq: Some(seq), entry: Some(id) });
        }
        for no in std::mem::take(&mut self.heads).into_keys() {
            self.find(no, Tampering::Truncated);
        }
        self.found.sort_unstable();
        self.found
    }
}

/// One line of the heads outside the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The block's number.
    pub no: i64,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// Its hash.
    pub hash: Digest,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.sealed_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        write!(f, "{} {at} ", self.no)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Head {
    /// Reads what [`Head`] prints.
    pub fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        let (no, at, hash) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || hash.len() != 64 || !hash.is_ascii() {
            return None;
        }
        let mut bytes = ORIGIN;
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hash.get(2 * place..2 * place + 2)?, 16).ok()?;
        }
        Some(Self { no: no.parse().ok()?, sealed_at: at.parse().ok()?, hash: bytes })
    }
}

/// Reads the lines of files of heads. A line that a crash cut short is followed by the whole of it;
/// any other that cannot be read, and two heads of one block that differ, are findings.
pub fn heads<'t>(
    files: impl IntoIterator<Item = &'t str>,
) -> (BTreeMap<i64, Digest>, Vec<Finding>) {
    let (mut known, mut found) = (BTreeMap::new(), Vec::new());
    for text in files {
        let lines: Vec<&str> = text.lines().collect();
        let following = lines.iter().skip(1).map(Some).chain([None]);
        for ((no, line), next) in (1..).zip(&lines).zip(following) {
            let odd = match Head::parse(line) {
                Some(head) => *known.entry(head.no).or_insert(head.hash) != head.hash,
                // The very last line may have been cut just now.
                None => !next.is_none_or(|next| next.starts_with(line)),
            };
            if odd {
                found.push(Finding { block: no, kind: Tampering::Heads, seq: None, entry: None });
            }
        }
    }
    (known, found)
}

#[cfg(test)]
mod tests;
