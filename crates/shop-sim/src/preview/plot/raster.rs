//! Lines on pixels, fast: every pixel near a line takes its colour by how much of it the line covers.
//!
//! Coverage is worked out from the distance to the line's axis, so that ends are round and joints do not show. A print
//! of two million short lines costs two million times a few pixels.

use tiny_skia::Pixmap;

/// A line as wide as `width`, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub a: [f32; 2],
    pub b: [f32; 2],
    pub rgb: [u8; 3],
    pub opacity: f32,
}

/// Longer lines are drawn piece by piece, so that a box of pixels round them stays small.
const PIECE: f32 = 24.0;

/// Returns the part of a line, as fractions of it, that lies within `reach` of the page; none when nothing does.
/// After Liang and Barsky, A new concept and method for line clipping, 1984.
fn visible(page: &Pixmap, s: &Stroke, reach: f32) -> Option<(f32, f32)> {
    let size = [page.width() as f32, page.height() as f32];
    let (mut from, mut to) = (0f32, 1f32);
    for k in 0..2 {
        let d = s.b[k] - s.a[k];
        let (low, high) = (-reach - s.a[k], size[k] + reach - s.a[k]);
        if d == 0.0 {
            if low > 0.0 || high < 0.0 {
                return None;
            }
        } else {
            let (enter, leave) = if d > 0.0 { (low / d, high / d) } else { (high / d, low / d) };
            (from, to) = (from.max(enter), to.min(leave));
        }
    }
    (from < to || s.a == s.b).then_some((from, to))
}

/// Returns how long the part of a line is that is on the page, pixels.
pub(super) fn visible_length(page: &Pixmap, s: &Stroke) -> f64 {
    let (dx, dy) = (s.b[0] - s.a[0], s.b[1] - s.a[1]);
    visible(page, s, 1.0).map_or(0.0, |(from, to)| f64::from(dx.hypot(dy) * (to - from)))
}

/// Draws one line.
pub(super) fn line(page: &mut Pixmap, s: &Stroke, width: f32) {
    let (dx, dy) = (s.b[0] - s.a[0], s.b[1] - s.a[1]);
    let length = dx.hypot(dy);
    if !length.is_finite() || length > 1e6 {
        return;
    }
    let reach = 0.5 * width + 1.0;
    let Some((from, to)) = visible(page, s, reach) else { return };
    let n = (length / PIECE).ceil().max(1.0) as u32;
    // Each piece draws only what is nearest to itself, so that none is drawn twice.
    let first = (from * n as f32).floor().max(0.0) as u32;
    let last = ((to * n as f32).ceil() as u32).clamp(first + 1, n.max(first + 1));
    for i in first..last {
        let at = |k: u32| {
            let t = k as f32 / n as f32;
            [s.a[0] + dx * t, s.a[1] + dy * t]
        };
        piece(page, s, (at(i), at(i + 1)), (i == 0, i + 1 == n), width);
    }
}

fn piece(page: &mut Pixmap, s: &Stroke, (a, b): ([f32; 2], [f32; 2]), ends: (bool, bool), width: f32) {
    let (columns, rows) = (page.width() as i32, page.height() as i32);
    let half = 0.5 * width;
    let range = |k: usize, most: i32| {
        let low = (a[k].min(b[k]) - half - 1.0).floor() as i32;
        let high = (a[k].max(b[k]) + half + 1.0).ceil() as i32;
        (low.max(0), high.min(most - 1))
    };
    let ((x0, x1), (y0, y1)) = (range(0, columns), range(1, rows));
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let squared = dx * dx + dy * dy;
    let per = if squared > 0.0 { 1.0 / squared } else { 0.0 };
    // Within a row only what is near the axis is looked at: there the line is `across` wide.
    let (slope, across) = if dy.abs() > 1e-3 {
        (dx / dy, (half + 1.0) * squared.sqrt() / dy.abs() + 1.0)
    } else {
        (0.0, f32::INFINITY)
    };
    let data = page.data_mut();
    for y in y0..=y1 {
        let py = y as f32 + 0.5 - a[1];
        let middle = a[0] + py * slope;
        let (left, right) = ((middle - across).floor() as i32, (middle + across).ceil() as i32);
        for x in x0.max(left)..=x1.min(right) {
            let px = x as f32 + 0.5 - a[0];
            let t = (px * dx + py * dy) * per;
            if (t < 0.0 && !ends.0) || (t >= 1.0 && !ends.1) {
                continue;
            }
            let t = t.clamp(0.0, 1.0);
            let (ex, ey) = (px - t * dx, py - t * dy);
            let cover = (half + 0.5 - (ex * ex + ey * ey).sqrt()).clamp(0.0, 1.0) * s.opacity;
            if cover > 0.0 {
                let i = 4 * (y as usize * columns as usize + x as usize);
                for k in 0..3 {
                    let under = f32::from(data[i + k]);
                    data[i + k] = (under + (f32::from(s.rgb[k]) - under) * cover + 0.5) as u8;
                }
            }
        }
    }
}
