//! The AutoCAD Colour Index.

use crate::Rgb;

/// How an entity names its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Colour {
    /// That of its layer.
    #[default]
    ByLayer,
    /// That of the INSERT which shows its block.
    ByBlock,
    /// This one.
    Own(Rgb),
}

impl Colour {
    /// Returns the meaning of group 62.
    pub fn of_index(index: i64) -> Colour {
        match index.unsigned_abs() {
            0 => Colour::ByBlock,
            1..=255 => Colour::Own(aci(index.unsigned_abs() as u8)),
            _ => Colour::ByLayer,
        }
    }

    /// Returns the meaning of group 420, 0x00RRGGBB.
    pub fn of_true_colour(value: i64) -> Colour {
        let [_, r, g, b] = (value as u32).to_be_bytes();
        Colour::Own([r, g, b])
    }
}

/// Returns colour `index` of the palette. Index 7 is "white or black, whichever the background is not": on paper
/// and on a sheet, black.
///
/// 10 to 249 are 24 hues of ten shades: five values (255, 189, 129, 104, 79), each full and pale; read off
/// AutoCAD's palette, where pale means that the low channel has two thirds of the high one.
pub(super) fn aci(index: u8) -> Rgb {
    match index {
        0 | 7 => [0, 0, 0],
        1 => [255, 0, 0],
        2 => [255, 255, 0],
        3 => [0, 255, 0],
        4 => [0, 255, 255],
        5 => [0, 0, 255],
        6 => [255, 0, 255],
        8 => [65; 3],
        9 => [128; 3],
        250..=255 => [[51, 80, 105, 130, 190, 255][usize::from(index) - 250]; 3],
        10..=249 => {
            let high = [255u32, 189, 129, 104, 79][usize::from(index % 10) / 2];
            let low = if index % 2 == 1 { (high * 2 + 1) / 3 } else { 0 };
            let hue = u32::from(index / 10) - 1;
            let (sector, step) = (hue / 4, hue % 4);
            let (up, down) = (low + (high - low) * step / 4, low + (high - low) * (4 - step) / 4);
            let rgb = match sector {
                0 => [high, up, low],
                1 => [down, high, low],
                2 => [low, high, up],
                3 => [low, down, high],
                4 => [up, low, high],
                _ => [high, low, down],
            };
            rgb.map(|c| c as u8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn palette() {
        assert_eq!(aci(1), [255, 0, 0]);
        assert_eq!(aci(10), [255, 0, 0]);
        assert_eq!(aci(11), [255, 170, 170]);
        assert_eq!(aci(30), [255, 127, 0]);
        assert_eq!(aci(90), [0, 255, 0]);
        assert_eq!(aci(170), [0, 0, 255]);
        assert_eq!(aci(18), [79, 0, 0]);
        assert_eq!(Colour::of_index(256), Colour::ByLayer);
        assert_eq!(Colour::of_index(-3), Colour::Own([0, 255, 0]));
        assert_eq!(Colour::of_true_colour(0xff8000), Colour::Own([255, 128, 0]));
    }
}
