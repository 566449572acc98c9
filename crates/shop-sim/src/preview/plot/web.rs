//! The path as one HTML page. Points are whole steps of a fine grid, each as the difference to the one before, packed
//! into bytes (seven bits each, the sign in the lowest) and written in base 64; what a piece is, is told by runs.

use super::super::{html, svg};
use super::page::{self, PALETTE};
use super::{Dot, PlotColour, Trail, What};
use std::fmt::Write;

const PAGE: &str = include_str!("page.html");

/// Writes the page.
pub(super) fn write(trail: &Trail, title: &str, colour: PlotColour) -> String {
    let bounds = page::bounds(trail);
    let size = (0..3).map(|k| bounds[1][k] - bounds[0][k]).fold(0.0, f64::max);
    // A micrometre on small things, a hundredth of a millimetre on large ones.
    let unit = if size < 300.0 { 0.001 } else { 0.01 };
    let mut steps = Vec::with_capacity(trail.dots.len() * 6);
    let mut runs = Vec::new();
    let mut at = [0i64; 3];
    let mut feeds: Vec<f32> = Vec::new();
    let mut run: Option<(Dot, u64, usize)> = None;
    for dot in &trail.dots {
        for k in 0..3 {
            let v = (f64::from(dot.at[k]) / unit).round() as i64;
            let d = v - at[k];
            packed((d << 1 ^ d >> 63) as u64, &mut steps);
            at[k] = v;
        }
        let same =
            |r: &Dot| (r.what, r.tool, r.feature, r.feed) == (dot.what, dot.tool, dot.feature, dot.feed);
        match &mut run {
            Some((r, n, _)) if same(r) => *n += 1,
            _ => {
                let feed = feeds.iter().rposition(|f| *f == dot.feed).unwrap_or_else(|| {
                    // Feeds that differ a million times are told apart by the nearest known one.
                    if feeds.len() < 4096 {
                        feeds.push(dot.feed);
                        feeds.len() - 1
                    } else {
                        nearest(&feeds, dot.feed)
                    }
                });
                if let Some((r, n, f)) = run.replace((*dot, 1, feed)) {
                    flush(trail.what(&r), &r, n, f, &mut runs);
                }
            }
        }
    }
    if let Some((r, n, f)) = run {
        flush(trail.what(&r), &r, n, f, &mut runs);
    }
    let mut data = String::with_capacity(steps.len() * 4 / 3 + 4096);
    data.push_str("{\"title\":");
    html::string(title, &mut data);
    let by = match colour {
        PlotColour::Tool => "tool",
        PlotColour::Feed => "feed",
        PlotColour::Feature => "feature",
        PlotColour::Z | PlotColour::Auto => "z",
    };
    let printer = trail.kind == shop_cam::machine::MachineKind::Printer;
    let _ = write!(
        data,
        ",\"count\":{},\"unit\":{unit},\"colour\":\"{by}\",\"printer\":{printer},\"total\":{}",
        trail.dots.len(),
        trail.total_s.map_or("null".to_owned(), |s| format!("{s:.2}")),
    );
    let numbers = |v: &[f64]| v.iter().map(|v| format!("{:.3}", v + 0.0)).collect::<Vec<_>>().join(",");
    let _ = write!(data, ",\"view\":[[{}],[{}]]", numbers(&bounds[0]), numbers(&bounds[1]));
    let _ = write!(data, ",\"bed\":[[{}],[{}]]", numbers(&trail.bed[0]), numbers(&trail.bed[1]));
    if let Some([low, high]) = trail.stock {
        let _ = write!(data, ",\"stock\":[[{}],[{}]]", numbers(&low), numbers(&high));
    }
    let _ = write!(data, ",\"tools\":{:?}", trail.tools);
    data.push_str(",\"features\":[");
    for (i, f) in trail.features.iter().enumerate() {
        data.push_str(if i > 0 { "," } else { "" });
        html::string(f, &mut data);
    }
    let feeds: Vec<String> = feeds.iter().map(|f| format!("{f:.0}")).collect();
    let palette: Vec<String> = PALETTE.iter().map(|[r, g, b]| format!("[{r},{g},{b}]")).collect();
    let _ = write!(data, "],\"feeds\":[{}],\"palette\":[{}]", feeds.join(","), palette.join(","));
    data.push_str(",\"runs\":\"");
    base64(&runs, &mut data);
    data.push_str("\",\"steps\":\"");
    base64(&steps, &mut data);
    data.push_str("\"}");
    let mut escaped = String::new();
    svg::escape(title, &mut escaped);
    html::fill(PAGE, &escaped, &data)
}

fn flush(what: What, r: &Dot, n: u64, feed: usize, runs: &mut Vec<u8>) {
    packed(n, runs);
    runs.extend([what as u8, r.tool]);
    packed(u64::from(r.feature), runs);
    packed(feed as u64, runs);
}

fn nearest(feeds: &[f32], feed: f32) -> usize {
    let off = |i: &usize| (feeds[*i] - feed).abs();
    (0..feeds.len()).min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(0)
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn packed(mut v: u64, out: &mut Vec<u8>) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

fn base64(bytes: &[u8], out: &mut String) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.reserve(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let at = |i: usize| u32::from(part.get(i).copied().unwrap_or(0));
        let all = at(0) << 16 | at(1) << 8 | at(2);
        for k in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * k) & 63) as usize];
            out.push(if k <= part.len() { char::from(letter) } else { '=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_standard() {
        // RFC 4648 §10.
        for (text, want) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            let mut out = String::new();
            base64(text.as_bytes(), &mut out);
            assert_eq!(out, want);
        }
    }
}
