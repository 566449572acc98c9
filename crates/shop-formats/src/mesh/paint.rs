//! Painted surfaces in projects of PrusaSlicer and its relatives: `custom_supports`, `paint_seam` and the like, an attribute
//! of a triangle.
//!
//! The attribute is a number in hexadecimal digits whose last digit comes first. It tells of a triangle that is divided
//! again and again; of each piece, one digit:
//!
//! ```text
//!   bits 0, 1: how many of its sides are divided, n         bits 2, 3
//!     0        it is whole                                  what is painted: 0 nothing, 1 and 2; 3: a digit follows, 3 more
//!     1, 2, 3  n + 1 pieces follow, the last of them first  which side is special
//!
//!      v0            v0             v0           v0 is the corner with the number of the special side
//!     ╱│ ╲         a╱─╲b          a╱──╲b
//!    ╱ │  ╲        ╱ ╲ ╲          ╱ ╲╱ ╲         one side: v0 v1 m, m v2 v0
//!   v1─m──v2     v1───╲─v2       v1──m──v2       two: v0 a b, a v1 b, v1 v2 b;  three: v0 a b, a v1 m, m v2 b, a m b
//! ```

use shop_geom::mesh::{Mesh, Point3};

/// What was painted on a triangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Supports,
    Seam,
    Colour,
    Roughness,
}

/// Returns what an attribute of a triangle paints.
pub(super) fn kind(attribute: &[u8]) -> Option<Kind> {
    Some(match attribute {
        b"custom_supports" | b"paint_supports" => Kind::Supports,
        b"custom_seam" | b"paint_seam" => Kind::Seam,
        b"mmu_segmentation" | b"paint_color" => Kind::Colour,
        b"fuzzy_skin" | b"paint_fuzzy_skin" => Kind::Roughness,
        _ => return None,
    })
}

/// Adds the painted pieces of a triangle to surfaces: what is painted 1 to the first, 2 to the second. Returns false when the
/// text ends before the triangle does, or is no number. O(digits).
pub(super) fn unfold(text: &[u8], corners: [Point3; 3], surfaces: &mut [Mesh; 2]) -> bool {
    let mut digits = text.iter().rev().map(|b| char::from(*b).to_digit(16));
    let mut digit = || digits.next().flatten();
    let mut open = vec![corners];
    while let Some(corners) = open.pop() {
        let Some(code) = digit() else { return false };
        let (sides, more) = (code & 3, code >> 2);
        if sides == 0 {
            let painted = if more == 3 { digit().map(|d| 3 + d) } else { Some(more) };
            match painted {
                Some(p @ 1..=2) => add(&mut surfaces[p as usize - 1], corners),
                Some(_) => {}
                None => return false,
            }
            continue;
        }
        let v = |k: u32| corners[((more + k) % 3) as usize];
        let middle = |a: Point3, b: Point3| Point3::from((a.coords + b.coords) * 0.5);
        // The last piece is told first.
        match sides {
            1 => {
                let m = middle(v(1), v(2));
                open.extend([[v(0), v(1), m], [m, v(2), v(0)]]);
            }
            2 => {
                let (a, b) = (middle(v(0), v(1)), middle(v(2), v(0)));
                open.extend([[v(0), a, b], [a, v(1), b], [v(1), v(2), b]]);
            }
            _ => {
                let (a, m, b) = (middle(v(0), v(1)), middle(v(1), v(2)), middle(v(2), v(0)));
                open.extend([[v(0), a, b], [a, v(1), m], [m, v(2), b], [a, m, b]]);
            }
        }
    }
    digits.next().is_none()
}

fn add(mesh: &mut Mesh, corners: [Point3; 3]) {
    let first = mesh.points.len() as u32;
    mesh.points.extend(corners);
    mesh.triangles.push([first, first + 1, first + 2]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn corner(x: f64, y: f64) -> Point3 {
        Point3::new(x, y, 0.0)
    }

    fn triangle() -> [Point3; 3] {
        [corner(0.0, 0.0), corner(8.0, 0.0), corner(0.0, 8.0)]
    }

    fn area(mesh: &Mesh) -> f64 {
        let of = |t: &[u32; 3]| {
            let [a, b, c] = t.map(|i| mesh.points[i as usize]);
            0.5 * (b - a).cross(&(c - a)).z
        };
        mesh.triangles.iter().map(of).sum()
    }

    fn unfolded(text: &str) -> (bool, [Mesh; 2]) {
        let mut surfaces = [Mesh::default(), Mesh::default()];
        let whole = unfold(text.as_bytes(), triangle(), &mut surfaces);
        (whole, surfaces)
    }

    #[test]
    fn whole_triangles_are_one_digit() {
        for (text, areas) in [("4", [32.0, 0.0]), ("8", [0.0, 32.0]), ("0", [0.0, 0.0]), ("1C", [0.0, 0.0])] {
            let (whole, surfaces) = unfolded(text);
            assert!(whole, "{text}");
            assert_eq!([area(&surfaces[0]), area(&surfaces[1])], areas, "{text}");
        }
        for text in ["", "C", "3", "44", "x", "43"] {
            assert!(!unfolded(text).0, "{text}");
        }
    }

    #[test]
    fn pieces_lie_where_they_are_told() {
        // Three sides divided; the digits that follow, read from the end, are of the middle piece, and those at corners 2, 1, 0.
        let (_, surfaces) = unfolded("40083");
        assert_eq!((area(&surfaces[0]), area(&surfaces[1])), (8.0, 8.0));
        let [a, ..] = surfaces[0].points[..] else { panic!("a piece") };
        assert_eq!(a, corner(0.0, 0.0));
        assert!(surfaces[1].points.contains(&corner(4.0, 4.0)));
        // One side, opposite corner 1: its pieces are corner 1, corner 2, middle; middle, corner 0, corner 1.
        let (_, surfaces) = unfolded("405");
        assert_eq!(surfaces[0].points, [corner(8.0, 0.0), corner(0.0, 8.0), corner(0.0, 4.0)]);
        // Two sides beside corner 2.
        let (_, surfaces) = unfolded("400A");
        assert_eq!(surfaces[0].points, [corner(0.0, 8.0), corner(0.0, 4.0), corner(4.0, 4.0)]);
    }

    /// A triangle divided anyhow, written as slicers do: its last piece first, digits from the end.
    fn folded(depth: u32) -> impl Strategy<Value = String> {
        let leaf = prop_oneof![Just("0".to_owned()), Just("4".to_owned()), Just("8".to_owned())];
        leaf.prop_recursive(depth, 200, 4, |inner| {
            (1usize..4, 0u32..3, prop::collection::vec(inner, 4)).prop_map(|(sides, special, pieces)| {
                let special = if sides == 3 { 0 } else { special };
                let code = char::from_digit(sides as u32 | special << 2, 16).unwrap_or('0').to_string();
                let parts: String = pieces[..=sides].iter().map(String::as_str).collect();
                parts + &code
            })
        })
    }

    proptest! {
        #[test]
        fn pieces_fill_the_triangle(text in folded(5)) {
            let (whole, surfaces) = unfolded(&text);
            prop_assert!(whole);
            // These digits stand for whole pieces only.
            let filled = text.replace(['0', '8'], "4");
            prop_assert!((area(&unfolded(&filled).1[0]) - 32.0).abs() < 1e-9);
            let painted = area(&surfaces[0]) + area(&surfaces[1]);
            prop_assert!((-1e-9..=32.0 + 1e-9).contains(&painted));
            prop_assert!(surfaces.iter().flat_map(|s| &s.triangles).count() <= text.len());
        }

        #[test]
        fn any_text_comes_to_an_end(text in "[0-9a-fA-Fx]{0,300}") {
            unfolded(&text);
        }
    }
}
