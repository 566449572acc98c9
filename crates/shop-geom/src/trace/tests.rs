//! Chaining by cases with a name, and by laws.

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use shop_report::Silent;
use std::fmt::Write;

fn run(paths: &[Polyline]) -> Traced {
    trace(paths, &TraceOptions { tolerance: 0.05, drop_duplicates: true }, &Silent).expect("never cancels")
}

/// A path from text: `x,y x,y(bulge) …`, `z` at the end closes it.
fn path(text: &str) -> Polyline {
    let mut p = Polyline::default();
    for word in text.split_whitespace() {
        if word == "z" {
            p.closed = true;
            continue;
        }
        let numbers: Vec<f64> = word.split(',').map(|n| n.parse().expect("a number")).collect();
        p.vertices.push(Vertex::new(numbers[0], numbers[1], numbers.get(2).copied().unwrap_or(0.0)));
    }
    p
}

fn paths(text: &str) -> Vec<Polyline> {
    text.split(';').map(path).collect()
}

fn pieces(chain: &Chain) -> String {
    chain
        .pieces
        .iter()
        .fold(String::new(), |s, (i, back)| s + &format!("{}{i} ", if *back { "-" } else { "" }))
}

/// Everything that chaining says, as text.
fn told(t: &Traced) -> String {
    let mut s = String::new();
    for c in &t.closed {
        let _ = writeln!(s, "closed {}area {:.3}", pieces(c), c.polyline.area());
    }
    for c in &t.open {
        let _ = writeln!(s, "open {}length {:.3}", pieces(c), c.polyline.length());
    }
    for g in &t.gaps {
        let _ = writeln!(s, "gap {:?} {:.3}", g.paths, g.distance);
    }
    for d in &t.duplicates {
        let _ = writeln!(s, "{} covers {}{}", d.kept, d.dropped, if d.partial { " in part" } else { "" });
    }
    for b in &t.branches {
        let _ = writeln!(s, "branch ({:.2}, {:.2}) {:?}", b.at.x, b.at.y, b.paths);
    }
    if !t.short.is_empty() {
        let _ = writeln!(s, "short {:?}", t.short);
    }
    s
}

fn check(text: &str, expected: &Expect) {
    let paths = paths(text);
    let traced = run(&paths);
    every_piece_once(&paths, &traced);
    expected.assert_eq(&told(&traced));
}

/// Each path is used once, or left out and said so; only cut ones may come in parts.
fn every_piece_once(paths: &[Polyline], t: &Traced) {
    let mut times = vec![0; paths.len()];
    for c in t.closed.iter().chain(&t.open) {
        c.pieces.iter().for_each(|p| times[p.0 as usize] += 1);
        assert!(c.polyline.is_finite());
    }
    for d in &t.duplicates {
        if d.partial {
            assert!(times[d.dropped as usize] > 0);
            times[d.dropped as usize] = 1;
        } else {
            times[d.dropped as usize] += 1;
        }
    }
    t.short.iter().for_each(|&i| times[i as usize] += 1);
    assert!(times.iter().all(|&n| n == 1), "{times:?}\n{}", told(t));
}

#[test]
fn a_triangle_of_loose_lines_drawn_any_way_round() {
    check(
        "0,0 4,0; 0,0 0,3; 0,3 4,0",
        &expect![[r"
            closed 0 -2 -1 area 6.000
        "]],
    );
    check(
        "4,0 0,0; 0,0.02 0,3; 0,3 4.01,0",
        &expect![[r"
            closed 0 1 2 area -6.015
            gap [0, 1] 0.020
            gap [2, 0] 0.010
        "]],
    );
}

#[test]
fn nearest_ends_are_joined_first() {
    // Two triangles that nearly touch: each closes by itself.
    check(
        "0,0 4,0; 4,0 4,3; 4,3 0,0.005; 0,-0.03 -4,-3; -4,-3 -4,-0.03; -4,-0.03 0,-0.032",
        &expect![[r"
            closed 0 1 2 area 6.010
            closed 3 4 5 area -5.936
            gap [2, 0] 0.005
            gap [5, 3] 0.002
        "]],
    );
    // Too far: open.
    check(
        "0,0 4,0; 4,0 4,3; 4,3 0,0.06",
        &expect![[r"
            open 0 1 2 length 11.964
        "]],
    );
}

#[test]
fn fine_pieces_are_chained_in_their_order() {
    let c = Polyline::circle(Point::new(0.0, 0.0), 1.0).flatten(0.00002);
    let lines: Vec<Polyline> = c.windows(2).map(|w| Polyline::open([w[0], w[1]])).collect();
    assert!(lines[0].length() < 0.02);
    let t = run(&lines);
    assert_eq!(t.closed.len(), 1);
    assert!((t.closed[0].polyline.area() - std::f64::consts::PI).abs() < 1e-3);
    assert!(t.duplicates.is_empty() && t.branches.is_empty() && t.gaps.is_empty() && t.short.is_empty());
    // An open one stays open, also with small gaps, and is not folded.
    for gap in [0.0, 0.0015] {
        let fine: Vec<Polyline> = (0..300)
            .map(|i| {
                let x = f64::from(i) * 0.01;
                Polyline::open([Point::new(x + gap, x * x), Point::new(x + 0.01, (x + 0.01).powi(2))])
            })
            .collect();
        let t = run(&fine);
        assert_eq!((t.closed.len(), t.open.len()), (0, 1), "{}", told(&t));
        assert!(t.open[0].pieces.iter().copied().eq((0..300).map(|i| (i, false))));
    }
}

#[test]
fn stubs_and_bridges_do_not_open_a_contour() {
    // A square with a construction line sticking out at a corner.
    check(
        "-5,0 0,0; 0,0 4,0; 4,0 4,4; 4,4 0,4; 0,4 0,0",
        &expect![[r"
            closed 1 2 3 4 area 16.000
            open 0 length 5.000
            branch (0.00, 0.00) [0, 1, 4]
        "]],
    );
    // Two squares with a line between them.
    check(
        "0,0 2,0; 2,0 2,2; 2,2 0,0; 2,2 5,5; 5,5 7,5; 7,5 7,7; 7,7 5,5",
        &expect![[r"
            closed 0 1 2 area 2.000
            closed 4 5 6 area 2.000
            open 3 length 4.243
            branch (2.00, 2.00) [1, 2, 3]
            branch (5.00, 5.00) [3, 4, 6]
        "]],
    );
}

#[test]
fn a_divided_rectangle_keeps_its_outline() {
    check(
        "2,0 2,2; 0,0 2,0; 2,0 4,0; 4,0 4,2; 4,2 2,2; 2,2 0,2; 0,2 0,0",
        &expect![[r"
            closed 1 2 3 4 5 6 area 8.000
            open 0 length 2.000
            branch (2.00, 0.00) [0, 1, 2]
            branch (2.00, 2.00) [0, 4, 5]
        "]],
    );
}

#[test]
fn a_figure_of_eight_becomes_two_lobes() {
    check(
        "0,0 2,1; 2,1 4,2; 4,2 4,0; 4,0 2,1; 2,1 0,2; 0,2 0,0",
        &expect![[r"
            closed 0 4 5 area 2.000
            closed 1 2 3 area -2.000
            branch (2.00, 1.00) [0, 1, 3, 4]
        "]],
    );
}

#[test]
fn two_circles_split_where_they_cross_stay_circles_or_lenses() {
    // Unit circles about (0, 0) and (1, 0), cut at x = 1/2: the way straight on closes each circle.
    let (a, b) = (Point::new(0.0, 0.0), Point::new(1.0, 0.0));
    let third = std::f64::consts::PI / 3.0;
    let arcs = [
        Polyline::arc(a, 1.0, -third, 2.0 * third),
        Polyline::arc(a, 1.0, third, 4.0 * third),
        Polyline::arc(b, 1.0, 2.0 * third, 2.0 * third),
        Polyline::arc(b, 1.0, 4.0 * third, 4.0 * third),
    ];
    let t = run(&arcs);
    assert_eq!(t.closed.len(), 2);
    for c in &t.closed {
        assert!((c.polyline.area() - std::f64::consts::PI).abs() < 1e-9);
    }
}

#[test]
fn ends_that_shoot_past_each_other_are_cut_back() {
    let t = run(&paths("-0.01,0 4,0; 4,0 4,4; 4,4.02 -0.02,4 0,-0.01; 9,9 12,9 12,6,0.4 9.01,6 9.01,9.02"));
    assert_eq!(told(&t).lines().next(), Some("closed 0 1 2 area 16.080"), "{}", told(&t));
    for c in &t.closed {
        let crossings =
            crate::nesting::crossings(std::slice::from_ref(&c.polyline), &Silent).expect("no cancel");
        assert_eq!(crossings, []);
    }
}

/// The second side begins on the first one, 0.01 before its end: exactly, a hair above, a hair below. A jog would
/// run back over the first.
#[test]
fn a_side_that_begins_on_the_one_before_cuts_it_back() {
    for hair in ["0", "0.0000003", "-0.0000003"] {
        let t = run(&paths(&format!("0,0 4,0; 3.99,{hair} 4,4; 4,4 0,4; 0,4 0,0")));
        assert_eq!(t.closed.len(), 1, "{}", told(&t));
        assert_eq!(t.closed[0].polyline.vertices.len(), 4, "{:?}", t.closed[0].polyline);
        assert_eq!(crate::nesting::crossings(&[t.closed[0].polyline.clone()], &Silent), Ok(vec![]));
    }
}

#[test]
fn a_path_closes_by_itself() {
    check(
        "0,0 4,0 4,3 0,0.01; 9,0 9.03,0; 20,0,1 21,0,1 20,0",
        &expect![[r"
            closed 0 area 6.020
            closed 2 area 0.785
            gap [0, 0] 0.010
            short [1]
        "]],
    );
}

#[test]
fn lines_drawn_twice() {
    // A square whose first side is drawn again the other way, and half of the third once more.
    check(
        "0,0 4,0; 4,0 4,4; 4,4 0,4; 0,4 0,0; 4,0 0,0; 3,4 1,4",
        &expect![[r"
            closed 0 1 2 3 area 16.000
            0 covers 4
            2 covers 5
        "]],
    );
    // The same with the scrap first: the side is completed by what is left of it.
    check(
        "3,4 1,4; 0,0 4,0; 4,0 4,4; 4,4 0,4; 0,4 0,0",
        &expect![[r"
            closed 0 3 4 1 2 3 area 16.000
            0 covers 3 in part
        "]],
    );
}

#[test]
fn contours_drawn_twice_in_another_form() {
    // A circle, the same as two arcs, a square as polyline and as lines, with one side sticking out.
    check(
        "3,0,1 -3,0,1 z; 0,3,1 0,-3; 0,-3,1 0,3; 10,0 14,0; 14,0 14,4; 14,4 10,4; 10,4 10,0; 10,0 14,0 14,4 10,4 z",
        &expect![[r"
            closed 0 area 28.274
            closed 3 4 5 6 area 16.000
            0 covers 1
            0 covers 2
            3 covers 7
        "]],
    );
    // Half of the circle again, and a line along a square's side and beyond.
    check(
        "3,0,1 -3,0,1 z; 0,3,1 0,-3; 10,0 14,0 14,4 10,4 z; 12,0 16,0",
        &expect![[r"
            closed 0 area 28.274
            closed 2 area 16.000
            open 3 length 2.000
            0 covers 1
            2 covers 3 in part
        "]],
    );
}

#[test]
fn neighbours_that_share_an_edge_stay_closed() {
    check(
        "0,0 4,0 4,4 0,4 z; 4,0 8,0 8,4 4,4 z; 4,4 4,8; 4,8 0,8; 0,8 0,4; 0,4 4,4",
        &expect![[r"
            closed 0 area 16.000
            closed 1 area 16.000
            closed 2 3 4 5 area 16.000
        "]],
    );
}

#[test]
fn neighbours_of_loose_lines_share_a_side_drawn_twice() {
    check(
        "0,0 4,0; 4,0 4,4; 4,4 0,4; 0,4 0,0; 4,0 8,0; 8,0 8,4; 8,4 4,4; 4,4 4,0",
        &expect![[r"
            closed 0 1 2 3 area 16.000
            closed 4 5 6 7 area 16.000
            branch (4.00, 0.00) [0, 1, 4, 7]
            branch (4.00, 4.00) [1, 2, 6, 7]
        "]],
    );
}

#[test]
fn nothing_to_join() {
    check(
        "1,1; 1,1 1,1; 2,2 2,2 z",
        &expect![[r"
        short [0, 1, 2]
    "]],
    );
    assert_eq!(run(&[]), Traced::default());
    let mut bad = path("0,0 1,1");
    bad.vertices[1].point.x = f64::NAN;
    assert_eq!(run(&[bad, Polyline::default()]).short, [0, 1]);
}

#[test]
fn a_star_of_many_ends_is_no_trouble() {
    let star: Vec<Polyline> = (0..5000)
        .map(|i| {
            let (s, c) = (f64::from(i) / 5000.0 * std::f64::consts::TAU).sin_cos();
            Polyline::open([Point::new(0.0, 0.0), Point::new(100.0 * c, 100.0 * s)])
        })
        .collect();
    let t = run(&star);
    every_piece_once(&star, &t);
    assert_eq!((t.closed.len(), t.open.len(), t.branches.len()), (0, 2500, 1));
}

#[test]
fn without_dropping_everything_stays() {
    let paths = paths("0,0 4,0; 4,0 4,4; 4,4 0,0; 4,0 0,0; 9,9 8,9 8,8 z; 9,9 8,9 8,8 z");
    let t =
        trace(&paths, &TraceOptions { tolerance: 0.05, drop_duplicates: false }, &Silent).expect("no cancel");
    every_piece_once(&paths, &t);
    assert_eq!(t.closed.len() + t.open.len(), 4);
    assert!(t.duplicates.is_empty());
}

/// A drawing of closed contours, kept apart by at least 1 mm, and its pieces.
fn drawing() -> impl Strategy<Value = (Vec<Polyline>, Vec<Polyline>)> {
    let contour = (3usize..9, 0.5..4.0f64, prop::bool::ANY, any::<u16>());
    prop::collection::vec(contour, 1..12).prop_map(|shapes| {
        let mut contours = Vec::new();
        let mut loose = Vec::new();
        for (k, (n, radius, round, turn)) in shapes.into_iter().enumerate() {
            let center = Point::new(10.0 * (k % 4) as f64, 10.0 * (k / 4) as f64);
            let vertices = (0..n)
                .map(|i| {
                    let a = (i as f64 / n as f64 + f64::from(turn) / 65536.0) * std::f64::consts::TAU;
                    let bulge = if round && i % 2 == 0 { 0.4 } else { 0.0 };
                    Vertex::new(center.x + radius * a.cos(), center.y + radius * a.sin(), bulge)
                })
                .collect();
            let contour = Polyline { vertices, closed: true };
            loose.extend(contour.segments().map(|s| alone(&s)));
            contours.push(contour);
        }
        (contours, loose)
    })
}

fn alone(s: &Segment) -> Polyline {
    let vertices = vec![Vertex { point: s.start(), bulge: s.bulge() }, Vertex { point: s.end(), bulge: 0.0 }];
    Polyline { vertices, closed: false }
}

/// Absolute areas, ascending.
fn areas<'a>(contours: impl Iterator<Item = &'a Polyline>) -> Vec<f64> {
    let mut all: Vec<f64> = contours.map(|c| c.area().abs()).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn same(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() <= tolerance)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A drawing taken to pieces, shuffled, turned around, doubled, mirrored, moved and shaken comes together
    /// again as the same contours, and the same pieces always give the same answer.
    #[test]
    fn pieces_come_together_again(
        (contours, loose) in drawing(),
        order in prop::collection::vec(any::<u32>(), 120),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        shake in prop_oneof![Just(0.0), 0.0..0.007f64],
        mirrored in any::<bool>(),
        offset in prop_oneof![Just(0.0), Just(12345.0), Just(-1e6)],
    ) {
        let mut pieces = loose.clone();
        pieces.extend(again.iter().map(|i| i.get(&loose).clone()));
        let mut keyed: Vec<(u32, Polyline)> = (pieces.into_iter().enumerate())
            .map(|(i, p)| (order[i % order.len()] ^ i as u32, p))
            .collect();
        keyed.sort_by_key(|k| k.0);
        let paths: Vec<Polyline> = (keyed.into_iter())
            .map(|(key, p)| {
                let unit = |bits: u32| f64::from(key.rotate_left(bits) % 1000) / 500.0 - 1.0;
                let mut p = if key % 3 == 0 { p.reversed() } else { p };
                let n = p.vertices.len() - 1;
                p.vertices[0].point += crate::Vector::new(unit(3), unit(9)) * shake;
                p.vertices[n].point += crate::Vector::new(unit(14), unit(21)) * shake;
                let sign = if mirrored { -1.0 } else { 1.0 };
                p.mapped(mirrored, |q| Point::new(sign * q.x + offset, q.y - 2.0 * offset))
            })
            .collect();
        let t = run(&paths);
        every_piece_once(&paths, &t);
        prop_assert!(t.open.is_empty() && t.branches.is_empty(), "{}", told(&t));
        prop_assert_eq!(t.duplicates.iter().filter(|d| !d.partial).count(), again.len(), "{}", told(&t));
        let tolerance = if shake == 0.0 { 1e-6 } else { 0.02 * 40.0 };
        let got = areas(t.closed.iter().map(|c| &c.polyline));
        prop_assert!(same(&got, &areas(contours.iter()), tolerance), "{}", told(&t));
        for c in &t.closed {
            // Corners of lines are clean; where arcs meet all but tangentially, a shaken end may leave a sliver.
            if c.polyline.vertices.iter().all(|v| v.bulge == 0.0) || shake == 0.0 {
                let crossings = crate::nesting::crossings(std::slice::from_ref(&c.polyline), &Silent);
                prop_assert_eq!(crossings, Ok(vec![]));
            }
            // As drawn: the first piece is the lowest and runs forwards; ends stay where they were.
            prop_assert!(!c.pieces[0].1 && c.pieces.iter().all(|p| p.0 >= c.pieces[0].0));
            prop_assert!(c.polyline.vertices.iter().all(|v| v.point.x.is_finite()));
        }
        prop_assert_eq!(run(&paths), t);
    }

    /// Any tangle on a coarse lattice, with tees, crosses and lines drawn twice: no piece is lost or used twice,
    /// and what stays open has no loop left in it.
    #[test]
    fn tangles_are_walked_once(
        ends in prop::collection::vec((0i32..5, 0i32..5, 0i32..5, 0i32..5, -1i8..2), 1..40),
        drop_duplicates in any::<bool>(),
    ) {
        let paths: Vec<Polyline> = ends.iter()
            .map(|&(a, b, c, d, bulge)| Polyline {
                vertices: vec![
                    Vertex::new(a.into(), b.into(), f64::from(bulge) * 0.3),
                    Vertex::new(c.into(), d.into(), 0.0),
                ],
                closed: false,
            })
            .collect();
        let t = trace(&paths, &TraceOptions { tolerance: 0.05, drop_duplicates }, &Silent).expect("no cancel");
        for c in t.closed.iter().chain(&t.open) {
            prop_assert!(c.polyline.is_finite());
            for (k, v) in c.polyline.vertices.iter().enumerate().skip(1) {
                prop_assert!((v.point - c.polyline.vertices[k - 1].point).norm() > 0.0);
            }
        }
        // Length is conserved where nothing is dropped.
        if !drop_duplicates {
            every_piece_once(&paths, &t);
            let drawn: f64 = paths.iter().map(Polyline::length).sum();
            let kept: f64 = t.closed.iter().chain(&t.open).map(|c| c.polyline.length()).sum();
            prop_assert!((drawn - kept).abs() < 1e-6);
        }
        for c in &t.closed {
            let mut seen: Vec<Point> = c.polyline.vertices.iter().map(|v| v.point).collect();
            seen.sort_by(|p, q| p.x.total_cmp(&q.x).then(p.y.total_cmp(&q.y)));
            prop_assert!(seen.windows(2).all(|w| w[0] != w[1]), "a loop passes each junction once");
        }
    }
}

#[test]
fn a_bow_tie_is_closed_and_a_line_there_and_back_is_not() {
    let line = |a: (f64, f64), b: (f64, f64)| Polyline::open([Point::new(a.0, a.1), Point::new(b.0, b.1)]);
    let (a, b, c, d) = ((0.0, 0.0), (10.0, 0.0), (0.0, 10.0), (10.0, 10.0));
    let options = TraceOptions { tolerance: 0.05, drop_duplicates: true };
    let t = trace(&[line(a, b), line(b, c), line(c, d), line(d, a)], &options, &Silent).unwrap();
    assert_eq!((t.closed.len(), t.open.len()), (1, 0));
    let all = TraceOptions { drop_duplicates: false, ..options };
    let t = trace(&[line(a, b), line(b, a)], &all, &Silent).unwrap();
    assert!(t.closed.is_empty(), "{}", told(&t));
}
