use std::collections::{HashMap, HashSet};

use super::*;

fn district() -> District {
    load().unwrap()
}

#[test]
fn the_counts_are_those_of_the_real_district() {
    let district = district();
    let count = |kind| district.of_kind(kind).count();
    assert_eq!(district.code.as_str(), "140213");
    assert_eq!(count(NodeKind::City), 1);
    assert_eq!(count(NodeKind::District), 1);
    assert_eq!(count(NodeKind::Subdistrict), 18);
    assert_eq!(count(NodeKind::Community), 155);
    assert_eq!(count(NodeKind::Village), 47);
    assert_eq!(count(NodeKind::Department) + count(NodeKind::Utility), 53);
    let utilities: Vec<&str> =
        district.of_kind(NodeKind::Utility).map(|n| n.name.as_str()).collect();
    assert_eq!(utilities, ["供电公司"]);
}

#[test]
fn codes_are_well_formed_and_each_parent_exists() {
    let district = district();
    let nodes: HashMap<&NodeCode, &Node> = district.nodes.iter().map(|n| (&n.code, n)).collect();
    assert_eq!(nodes.len(), district.nodes.len(), "a code stands twice");
    for node in &district.nodes {
        NodeCode::parse("code", node.code.as_str()).unwrap();
        assert!(!node.name.trim().is_empty(), "{}", node.code);
        let root = matches!(node.kind, NodeKind::City | NodeKind::PartyCommittee);
        assert_eq!(node.parent.is_none(), root, "{}", node.code);
        for other in [&node.parent, &node.division].into_iter().flatten() {
            assert!(nodes.contains_key(other), "{} points to {other}", node.code);
        }
        if let (true, Some(parent)) = (node.code.is_division(), &node.parent) {
            assert!(parent.contains(&node.code), "{} is not within {parent}", node.code);
        }
        let party_body = matches!(
            node.kind,
            NodeKind::PartyCommittee
                | NodeKind::PartyBranch
                | NodeKind::PartyGroup
                | NodeKind::PartyHousehold
        );
        assert_eq!(node.division.is_some(), party_body, "{}", node.code);
    }
    for (branch, estate) in &district.covered {
        assert_eq!(nodes[branch].kind, NodeKind::PartyBranch);
        assert_eq!(nodes[estate].kind, NodeKind::Estate);
    }
    let covered: HashSet<&NodeCode> = district.covered.iter().map(|(_, estate)| estate).collect();
    assert_eq!(
        covered.len(),
        district.of_kind(NodeKind::Estate).count(),
        "estates without a branch"
    );
}

#[test]
fn every_community_of_the_pilot_subdistrict_has_a_committee_estates_and_grids() {
    let district = district();
    let communities = district
        .of_kind(NodeKind::Community)
        .filter(|node| node.parent.as_ref().is_some_and(|up| up.as_str() == "140213066"));
    for community in communities {
        let below = |kind| {
            district
                .of_kind(kind)
                .filter(|node| node.parent.as_ref() == Some(&community.code))
                .count()
        };
        assert!(below(NodeKind::Estate) >= 3 && below(NodeKind::Grid) >= 3, "{}", community.name);
        let committees = district
            .of_kind(NodeKind::PartyCommittee)
            .filter(|node| node.division.as_ref() == Some(&community.code));
        assert_eq!(committees.count(), 1, "{}", community.name);
    }
}

/// Twice the signed area of the triangle: positive when `c` lies left of the line from `a` to `b`.
fn turn(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Whether two convex rings share more than their border: by the separating axis theorem they do
/// not exactly when an edge of one has all of the other on its outer side.
fn overlap(one: &[[f64; 2]], other: &[[f64; 2]]) -> bool {
    let separated = |ring: &[[f64; 2]], points: &[[f64; 2]]| {
        ring.windows(2).any(|edge| points.iter().all(|p| turn(edge[0], edge[1], *p) <= 1e-12))
    };
    !separated(one, other) && !separated(other, one)
}

#[test]
fn grids_are_closed_and_convex_and_do_not_overlap() {
    let district = district();
    let rings: Vec<(&NodeCode, &Vec<[f64; 2]>)> = district
        .of_kind(NodeKind::Grid)
        .map(|grid| (&grid.code, grid.boundary.as_ref().unwrap()))
        .collect();
    assert_eq!(rings.len(), 36);
    for (code, ring) in &rings {
        assert!(ring.len() >= 4 && ring.first() == ring.last(), "{code} is not closed");
        for [lng, lat] in *ring {
            assert!((113.33..=113.36).contains(lng) && (40.07..=40.10).contains(lat), "{code}");
        }
        // Convex and counter-clockwise, which `overlap` relies on.
        let corners = ring.len() - 1;
        for at in 0..corners {
            let c = ring[(at + 2) % corners];
            assert!(turn(ring[at], ring[at + 1], c) > 0.0, "{code} at corner {at}");
        }
    }
    for (at, (code, ring)) in rings.iter().enumerate() {
        for (other_code, other) in &rings[at + 1..] {
            assert!(!overlap(ring, other), "{code} overlaps {other_code}");
        }
    }
}

#[test]
fn the_overlap_check_catches_an_overlap() {
    let square = |x: f64| vec![[x, 0.0], [x + 1.0, 0.0], [x + 1.0, 1.0], [x, 1.0], [x, 0.0]];
    assert!(overlap(&square(0.0), &square(0.5)));
    assert!(!overlap(&square(0.0), &square(1.0)));
}

/// Compares with the statistics office's edition, where it is at hand.
#[test]
fn names_and_codes_are_those_of_the_published_lists() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.is_dir() {
        // Past the harness, which swallows what a passing test prints.
        let notice = format!("\n*** SKIPPED: no published lists at {} ***\n", data.display());
        std::io::Write::write_all(&mut std::io::stderr(), notice.as_bytes()).unwrap();
        return;
    }
    let district = district();
    let ours: HashMap<&str, &str> =
        district.nodes.iter().map(|node| (node.code.as_str(), node.name.as_str())).collect();
    let mut compared = 0;
    for (file, prefix) in [("datong_divisions.csv", "140213"), ("departments.csv", "")] {
        let mut reader = csv::Reader::from_path(data.join(file)).unwrap();
        for row in reader.records().map(Result::unwrap).filter(|row| row[0].starts_with(prefix)) {
            let ours = ours.get(&row[0]).unwrap_or_else(|| panic!("{} is missing", &row[0]));
            let short = row[1].strip_suffix("居民委员会").or(row[1].strip_suffix("村民委员会"));
            assert_eq!(*ours, short.unwrap_or(&row[1]), "{}", &row[0]);
            compared += 1;
        }
    }
    assert_eq!(compared, 1 + 18 + 155 + 47 + 53);
}
