use super::*;
use crate::id::Id;

fn id(n: u8) -> AuditId {
    AuditId::from_parts("2026-11-24T01:00:00Z".parse().unwrap(), &[n; 10])
}

fn digest(n: u8) -> Digest {
    [n; 32]
}

fn standing(n: u8) -> Standing {
    Standing { seq: i64::from(n), id: id(n), digest: digest(n) }
}

/// Block `no` with the entries `from..=to`; its hash is `no` itself.
fn block(no: u8, from: u8, to: u8) -> Block {
    Block {
        no: i64::from(no),
        sealed_at: "2026-11-24T01:00:00Z".parse().unwrap(),
        to_seq: i64::from(to),
        entries: (from..=to).map(|n| (id(n), digest(n))).collect(),
        previous: if no == 1 { ORIGIN } else { [no - 1; 32] },
        hash: [no; 32],
    }
}

/// Two blocks of four entries and their heads, with what stands in each.
fn verify(first: &[Standing], second: &[Standing]) -> Vec<(i64, Tampering, Option<AuditId>)> {
    let heads = BTreeMap::from([(1, [1; 32]), (2, [2; 32])]);
    let mut verifier = Verifier::new(heads, BTreeSet::new());
    verifier.block(&block(1, 1, 4), [1; 32], first);
    verifier.block(&block(2, 5, 8), [2; 32], second);
    verifier.finish().into_iter().map(|one| (one.block, one.kind, one.entry)).collect()
}

fn all(from: u8, to: u8) -> Vec<Standing> {
    (from..=to).map(standing).collect()
}

#[test]
fn what_stands_as_it_was_sealed_is_good() {
    assert_eq!(verify(&all(1, 4), &all(5, 8)), []);
}

#[test]
fn each_change_of_an_entry_is_found_where_it_is() {
    let (mut first, second) = (all(1, 4), all(5, 8));
    first.remove(1);
    assert_eq!(verify(&first, &second), [(1, Tampering::Deleted, Some(id(2)))]);

    let mut first = all(1, 4);
    first[2].digest = digest(99);
    assert_eq!(verify(&first, &second), [(1, Tampering::Edited, Some(id(3)))]);

    let mut first = all(1, 4);
    first.insert(2, standing(77));
    assert_eq!(verify(&first, &second), [(1, Tampering::Inserted, Some(id(77)))]);
}

#[test]
fn a_swap_is_found_inside_a_block_and_between_two() {
    let mut first = all(1, 4);
    first.swap(0, 3);
    let found = verify(&first, &all(5, 8));
    assert_eq!(
        found,
        [(1, Tampering::Reordered, Some(id(1))), (1, Tampering::Reordered, Some(id(4)))]
    );
    let (mut first, mut second) = (all(1, 4), all(5, 8));
    std::mem::swap(&mut first[1], &mut second[1]);
    let mut found = verify(&first, &second);
    found.sort_by_key(|one| one.0);
    assert_eq!(
        found,
        [(1, Tampering::Reordered, Some(id(2))), (2, Tampering::Reordered, Some(id(6)))]
    );
}

#[test]
fn missing_and_rewritten_blocks_are_found() {
    let heads = || BTreeMap::from([(1, [1; 32]), (2, [2; 32]), (3, [3; 32])]);
    // The end is gone, entries and all: only the heads know.
    let mut verifier = Verifier::new(heads(), BTreeSet::new());
    verifier.block(&block(1, 1, 4), [1; 32], &all(1, 4));
    let found: Vec<_> = verifier.finish().iter().map(|one| (one.block, one.kind)).collect();
    assert_eq!(found, [(2, Tampering::Truncated), (3, Tampering::Truncated)]);
    // A block from the middle; its entries lie among the next one's.
    let mut verifier = Verifier::new(heads(), BTreeSet::new());
    verifier.block(&block(1, 1, 4), [1; 32], &all(1, 4));
    verifier.block(&block(3, 9, 12), [3; 32], &all(5, 12));
    let found: Vec<_> = verifier.finish().iter().map(|one| (one.block, one.kind)).collect();
    assert_eq!(found, [(2, Tampering::Truncated)]);
    // Resealed with another content: it hashes well, and no longer to the head.
    let mut verifier = Verifier::new(heads(), BTreeSet::new());
    let forged = Block { hash: [9; 32], ..block(1, 1, 4) };
    verifier.block(&forged, [9; 32], &all(1, 4));
    // The next block still names the head that was.
    verifier.block(&block(2, 5, 8), [2; 32], &all(5, 8));
    verifier.block(&block(3, 9, 12), [3; 32], &all(9, 12));
    let found: Vec<_> = verifier.finish().iter().map(|one| (one.block, one.kind)).collect();
    assert_eq!(found, [(1, Tampering::Resealed), (2, Tampering::Resealed)]);
    // A list that was changed and not resealed.
    let mut verifier = Verifier::new(BTreeMap::new(), BTreeSet::new());
    verifier.block(&block(1, 1, 4), [8; 32], &all(1, 4));
    assert_eq!(verifier.finish()[0].kind, Tampering::Resealed);
}

#[test]
fn a_month_dropped_on_record_is_not_missed() {
    let month = Month::parse("2026-11").unwrap();
    assert_eq!(month_of(id(1)), Some(month));
    for (dropped, missed) in [(BTreeSet::from([month]), 0), (BTreeSet::from([month.next()]), 4)] {
        let mut verifier = Verifier::new(BTreeMap::new(), dropped);
        verifier.block(&block(1, 1, 4), [1; 32], &[]);
        verifier.block(&block(2, 5, 8), [2; 32], &all(5, 8));
        assert_eq!(verifier.finish().len(), missed);
    }
}

#[test]
fn heads_are_read_as_they_are_written() {
    let head = |no: i64, byte: u8| Head {
        no,
        sealed_at: "2026-11-24T01:00:00.123456Z".parse().unwrap(),
        hash: [byte; 32],
    };
    let line = head(7, 0xab).to_string();
    assert_eq!(Head::parse(&line), Some(head(7, 0xab)));
    for bad in ["", "7", "x 2026-11-24T01:00:00Z ab", &format!("{line} more"), &line[..90]] {
        assert_eq!(Head::parse(bad), None, "{bad}");
    }
    // Cut short by a crash, and written again; and cut short at the very end.
    let whole = head(8, 1).to_string();
    let (known, found) =
        heads([format!("{line}\n{}\n{whole}\n{}", &whole[..20], &line[..5]).as_str()]);
    assert_eq!((known.len(), found.len()), (2, 0));
    // Written over, and contradicting itself.
    let (_, found) = heads([format!("{line}\nnothing here\n{whole}\n{}\n", head(7, 2)).as_str()]);
    assert_eq!(found.iter().map(|one| one.block).collect::<Vec<_>>(), [2, 4]);
    assert!(found[0].to_string().contains("行 2"), "{}", found[0]);
    // Copies from two machines: one ends in a cut line, and they disagree on a block.
    let (other, forged) = (format!("{line}\n{}", &whole[..9]), format!("{}\n", head(7, 3)));
    let (known, found) = heads([other.as_str(), forged.as_str()]);
    assert_eq!((known.len(), found.len(), known[&7]), (1, 1, [0xab; 32]));
}
