//! What of scan lines lies too near to a region.
//!
//! The edges of the region are made fat: what a straight edge with everything near it has in common with a line is one
//! run, so no contour has to be offset.

use crate::rows::{Frame, Rows, Run, Scanner, either};
use shop_geom::planar::Contours;
use std::ops::Range;

/// Room for work, used again and again.
#[derive(Default)]
pub struct Shadow {
    scanner: Scanner,
    inside: Rows,
    runs: Vec<(i32, Run)>,
    row: Vec<Run>,
}

impl Shadow {
    /// Writes to `out` what of the lines of `frame` with numbers in `rows` lies inside a region, if there is any, or nearer to it than
    /// `distance` grid units. O(edges + lines they are near to), but for sorting.
    pub fn cast(
        &mut self,
        region: Option<&Contours>,
        frame: &Frame,
        distance: f64,
        rows: Range<i32>,
        out: &mut Rows,
    ) {
        self.inside.clear();
        if let Some(region) = region {
            self.scanner.scan_wound(region, frame, &mut self.inside);
        }
        self.runs.clear();
        for contour in region.iter().flat_map(|r| r.iter()) {
            let mut a = frame.turn(contour[contour.len() - 1]);
            for spot in contour {
                let b = frame.turn(*spot);
                fat(a, b, distance, frame.pitch(), rows.clone(), |row, run| self.runs.push((row, run)));
                a = b;
            }
        }
        self.runs.sort_unstable_by_key(|(row, run)| (*row, run.a, run.b));
        out.begin(rows.start);
        let mut i = 0;
        for row in rows {
            self.row.clear();
            while i < self.runs.len() && self.runs[i].0 == row {
                self.row.push(self.runs[i].1);
                i += 1;
            }
            either(&self.row, self.inside.get(row), |r| out.push(r));
            out.end_row();
        }
    }
}

/// Calls `emit` with what an edge and everything near it have in common with each of the lines it is near to; `a` and `b`
/// are its ends along and across lines `pitch` apart.
pub fn fat(a: [f64; 2], b: [f64; 2], d: f64, pitch: f64, rows: Range<i32>, mut emit: impl FnMut(i32, Run)) {
    let (low, high) = (a[1].min(b[1]) - d, a[1].max(b[1]) + d);
    let from = ((low / pitch).ceil() as i32).max(rows.start);
    let to = ((high / pitch).floor() as i32 + 1).min(rows.end);
    if from >= to {
        return;
    }
    let (ex, ey) = (b[0] - a[0], b[1] - a[1]);
    let length = ex.hypot(ey).max(1e-9);
    let side = [-ey / length * d, ex / length * d];
    for row in from..to {
        let v = f64::from(row) * pitch;
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for end in [a, b] {
            let across = d * d - (v - end[1]) * (v - end[1]);
            if across >= 0.0 {
                least = least.min(end[0] - across.sqrt());
                most = most.max(end[0] + across.sqrt());
            }
        }
        for sign in [-1.0, 1.0] {
            let t = if ey == 0.0 { -1.0 } else { (v - a[1] - sign * side[1]) / ey };
            if (0.0..=1.0).contains(&t) {
                let u = a[0] + sign * side[0] + t * ex;
                (least, most) = (least.min(u), most.max(u));
            }
        }
        if least < most {
            emit(row, Run { a: least.floor() as i32, b: most.ceil() as i32 });
        }
    }
}
