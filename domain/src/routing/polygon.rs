//! Whether a point lies in a grid. Everything is GCJ-02, as WeChat's maps give it: in 平城区 a
//! WGS-84 position (of a bare GPS) is about 620 m off, which is the wrong grid.

/// Whether a point `[lng, lat]` lies in a ring of such points. The edge and the corners count as
/// inside, so that no place falls between two grids. A ring of fewer than three corners holds
/// nothing. At the size of a grid the earth is flat.
pub fn contains(ring: &[[f64; 2]], point: [f64; 2]) -> bool {
    let closing = ring.last().zip(ring.first()).map(|(last, first)| (*last, *first));
    let edges = ring.windows(2).filter_map(|pair| match pair {
        [from, to] => Some((*from, *to)),
        _ => None,
    });
    let mut inside = false;
    if ring.len() < 3 {
        return false;
    }
    for (from, to) in edges.chain(closing) {
        if is_on(from, to, point) {
            return true;
        }
        inside ^= crosses(from, to, point);
    }
    inside
}

/// Whether a ray to the east from the point crosses an edge. Of an edge's two ends only the lower
/// counts, so that a ray through a corner crosses once.
fn crosses([x1, y1]: [f64; 2], [x2, y2]: [f64; 2], [x, y]: [f64; 2]) -> bool {
    (y1 > y) != (y2 > y) && x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)
}

/// Whether the point lies on an edge, to about a millimetre.
fn is_on([x1, y1]: [f64; 2], [x2, y2]: [f64; 2], [x, y]: [f64; 2]) -> bool {
    const NEAR: f64 = 1e-8;
    let (dx, dy) = (x2 - x1, y2 - y1);
    let length = dx.hypot(dy);
    if length < NEAR {
        return (x - x1).hypot(y - y1) < NEAR;
    }
    let along = ((x - x1) * dx + (y - y1) * dy) / length;
    let across = ((x - x1) * dy - (y - y1) * dx) / length;
    across.abs() < NEAR && (-NEAR..=length + NEAR).contains(&along)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SQUARE: [[f64; 2]; 5] =
        [[113.0, 40.0], [113.01, 40.0], [113.01, 40.01], [113.0, 40.01], [113.0, 40.0]];
    /// A U: its notch is outside.
    const NOTCHED: [[f64; 2]; 8] = [
        [0.0, 0.0],
        [3.0, 0.0],
        [3.0, 3.0],
        [2.0, 3.0],
        [2.0, 1.0],
        [1.0, 1.0],
        [1.0, 3.0],
        [0.0, 3.0],
    ];

    #[test]
    fn inside_outside_edge_and_corner() {
        for (point, inside) in [
            ([113.005, 40.005], true),
            ([113.005, 40.0], true),
            ([113.01, 40.005], true),
            ([113.0, 40.0], true),
            ([113.01, 40.01], true),
            ([113.02, 40.005], false),
            ([112.99, 40.0], false),
            ([113.005, 40.011], false),
            ([113.02, 40.01], false),
        ] {
            assert_eq!(contains(&SQUARE, point), inside, "{point:?}");
            assert_eq!(contains(&SQUARE[..4], point), inside, "an open ring: {point:?}");
        }
    }

    #[test]
    fn a_notch_is_outside_and_a_ray_through_corners_crosses_once() {
        for (point, inside) in [
            ([1.5, 2.0], false),
            ([0.5, 2.0], true),
            ([2.5, 2.0], true),
            ([0.5, 1.0], true),
            ([-0.5, 1.0], false),
            ([-0.5, 3.0], false),
            ([1.5, 3.0], false),
            ([1.5, 1.0], true),
        ] {
            assert_eq!(contains(&NOTCHED, point), inside, "{point:?}");
        }
    }

    #[test]
    fn what_is_no_area_holds_nothing() {
        for ring in [&[][..], &SQUARE[..1], &SQUARE[..2]] {
            assert!(!contains(ring, [113.0, 40.0]));
        }
        assert!(!contains(&SQUARE, [f64::NAN, 40.0]));
    }

    proptest! {
        #[test]
        fn a_rectangle_agrees_with_comparing(x in -2.0..5.0_f64, y in -2.0..5.0_f64) {
            let ring = [[0.0, 0.0], [3.0, 0.0], [3.0, 2.0], [0.0, 2.0]];
            let wanted = (0.0..=3.0).contains(&x) && (0.0..=2.0).contains(&y);
            prop_assert_eq!(contains(&ring, [x, y]), wanted);
        }
    }
}
