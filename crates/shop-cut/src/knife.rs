//! Drag knives: the blade's tip trails the axis, so the axis runs ahead of the path and swings round its corners.
//!
//! With the tip at distance d behind the axis, the axis on a straight piece is the same line moved forward by d; on
//! an arc of radius r it is the concentric arc of radius √(r² + d²), turned forward by atan(d / r); and in a corner
//! it swings about the corner itself on an arc of radius d, from the old direction to the new one. All exact.

use crate::Options;
use shop_cam::settings::Settings;
use shop_cam::toolpath::{Pass, Piece, PieceKind, Toolpath};
use shop_geom::{Arc, Line, Point, Segment, Vector, cross};

/// Turns paths of the tip into paths of the axis.
pub(crate) fn swivel(paths: &mut [Toolpath], settings: &Settings, options: &Options) {
    let offset = settings.blade_offset;
    if offset <= 0.0 {
        return;
    }
    for pass in paths.iter_mut().flat_map(|p| &mut p.passes) {
        let pieces = std::mem::take(&mut pass.pieces);
        follow(pass, &pieces, offset, options);
    }
}

fn follow(pass: &mut Pass, pieces: &[Piece], offset: f64, options: &Options) {
    let mut last: Option<(Point, Vector)> = None;
    for piece in pieces {
        let (p, u) = (piece.segment.start(), piece.segment.direction_at(0.0));
        if let Some((axis, before)) = last {
            turn(pass, p, axis, before, u, offset, piece, options);
        }
        let start = pass.end().unwrap_or(p + u * offset);
        let ahead = ahead(&piece.segment, start, offset);
        pass.pieces.push(Piece { segment: ahead, ..*piece });
        last = Some((ahead.end(), piece.segment.direction_at(1.0)));
    }
}

/// Swings the axis about `p` from direction `before` to `after`.
fn turn(
    pass: &mut Pass,
    p: Point,
    axis: Point,
    before: Vector,
    after: Vector,
    offset: f64,
    piece: &Piece,
    options: &Options,
) {
    let sweep = cross(before, after).atan2(before.dot(&after));
    if sweep.abs() < 1e-9 {
        return;
    }
    let start = before.y.atan2(before.x);
    let arc = Segment::Arc(Arc { a: axis, b: p + after * offset, center: p, radius: offset, start, sweep });
    let lifts = sweep.abs() >= options.swivel.least_angle;
    let z = if lifts { piece.z * (1.0 - options.swivel.lift.clamp(0.0, 1.0)) } else { piece.z };
    let upright = |at: Point, z: f64| Piece {
        segment: Segment::Line(Line { a: at, b: at }),
        z,
        kind: PieceKind::Lift,
        ..*piece
    };
    if lifts {
        pass.pieces.push(upright(axis, z));
    }
    pass.pieces.push(Piece { segment: arc, z, kind: PieceKind::Swivel, ..*piece });
    if lifts {
        pass.pieces.push(upright(arc.end(), piece.z));
    }
}

/// Returns the axis's path along one piece, from where it is.
fn ahead(segment: &Segment, start: Point, offset: f64) -> Segment {
    match *segment {
        Segment::Line(l) => {
            let u = segment.direction_at(0.0);
            Segment::Line(Line { a: start, b: l.b + u * offset })
        }
        Segment::Arc(c) => {
            let end = c.b + segment.direction_at(1.0) * offset;
            let from = start - c.center;
            Segment::Arc(Arc {
                a: start,
                b: end,
                radius: c.radius.hypot(offset),
                start: from.y.atan2(from.x),
                ..c
            })
        }
    }
}
