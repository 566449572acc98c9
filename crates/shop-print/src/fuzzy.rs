//! Rough walls: seen contours are made of short straight pieces whose ends are moved in and out by chance.
//!
//! Chance is a number worked out of the place in the print, so the same print is rough in the same way every time.

use crate::settings::{Fuzzy, Settings};
use shop_geom::planar::{Contours, PER_MM, Spot, twice_area};

/// Returns a number from 0 to 1 in which every bit of what it is made of counts (the finalizer of MurmurHash3).
fn chance(layer: usize, contour: usize, place: u32) -> f64 {
    let mut x = (layer as u64) << 40 ^ (contour as u64) << 20 ^ u64::from(place);
    for by in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        x ^= x >> 33;
        x = x.wrapping_mul(by);
    }
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// Makes walls that are seen rough, as the settings want it.
pub fn roughen(settings: &Settings, layer: usize, walls: &mut Contours) {
    if settings.fuzzy == Fuzzy::Off || layer == 0 {
        return;
    }
    let step = settings.fuzzy_point_mm.max(0.05) * PER_MM;
    let deep = 0.5 * settings.fuzzy_mm * PER_MM;
    let mut out = Contours::default();
    for (number, contour) in walls.iter().enumerate() {
        if settings.fuzzy == Fuzzy::Outside && twice_area(contour) < 0 {
            out.add(contour);
            continue;
        }
        let mut place = 0;
        let mut far = step * chance(layer, number, u32::MAX);
        let mut a = contour[contour.len() - 1];
        for &b in contour {
            let [x, y] = a.to(b);
            let length = (x * x + y * y).sqrt();
            while far < length {
                let by = deep * (2.0 * chance(layer, number, 2 * place) - 1.0);
                let (u, v) = (x / length, y / length);
                let at = |along: f64, across: f64| (along * far + across * by).round() as i32;
                out.push(Spot::new(a.x + at(u, -v), a.y + at(v, u)));
                // Pieces are three quarters to five quarters as long as is said.
                far += step * (0.75 + 0.5 * chance(layer, number, 2 * place + 1));
                place += 1;
            }
            far -= length;
            a = b;
        }
        out.close();
    }
    *walls = out;
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_geom::planar::encloses;

    #[test]
    fn rough_walls_stay_within_their_depth_and_are_the_same_every_time() {
        let mut square = Contours::default();
        square.add(&[(0, 0), (200_000, 0), (200_000, 200_000), (0, 200_000)].map(|(x, y)| Spot::new(x, y)));
        let settings =
            Settings { fuzzy: Fuzzy::All, fuzzy_mm: 0.3, fuzzy_point_mm: 0.8, ..Settings::default() };
        let of = |layer: usize| {
            let mut walls = square.clone();
            roughen(&settings, layer, &mut walls);
            walls
        };
        assert_eq!(of(0), square);
        assert_eq!(of(5), of(5));
        assert_ne!(of(5), of(6));
        let inner = [(1500, 1500), (198_500, 1500), (198_500, 198_500), (1500, 198_500)]
            .map(|(x, y)| Spot::new(x, y));
        let outer = [(-1501, -1501), (201_501, -1501), (201_501, 201_501), (-1501, 201_501)]
            .map(|(x, y)| Spot::new(x, y));
        let rough = of(5);
        assert!((80..=130).contains(&rough.spots().len()), "{}", rough.spots().len());
        assert!(rough.spots().iter().all(|s| encloses(&outer, *s) && !encloses(&inner, *s)));
    }
}
