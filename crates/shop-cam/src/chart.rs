//! Reading a material's chart: the cut for a thickness, and feeds and speeds for a tool.
//!
//! A chart is a list of thicknesses somebody has tried. Between two of them the cut is interpolated, a little
//! beyond the ends the last line still holds, and further out there is no answer: a guess there costs a nozzle or a
//! tool. Chart, line and regime are used so: a *line* is one tried thickness; two lines are of one *regime* when
//! they are cut with the same current and the same number of passes, and only lines of one regime are mixed.

use crate::Speed;
use crate::machine::{Cut, Material, Tool};
use std::f64::consts::PI;

/// How far beyond its ends a chart still holds, as a fraction of the end line's thickness: the nearest inch or gauge
/// size of a metric sheet is that far away (1/8 in is 3.18 mm, 10 gauge 3.42), and a chart that ends at 3 mm should
/// cut the first.
pub const CHART_MARGIN: f64 = 0.10;

/// Thicknesses that differ by less than this fraction are one thickness: 14 gauge is 1.9 mm to some and 1.897 mm to
/// others.
pub const SAME_THICKNESS: f64 = 0.01;

/// What a chart says about one thickness.
#[derive(Clone, Debug, PartialEq)]
pub struct CutChoice {
    /// The cut, with `thickness` as asked for. Its `number` is kept only where the chart has this very thickness:
    /// a controller's table knows no thickness in between.
    pub cut: Cut,
    /// True when no line of the chart has this thickness.
    pub interpolated: bool,
}

impl Material {
    /// Returns the cut for sheet of `thickness` mm, or nothing when the chart does not reach so far (by more than
    /// [`CHART_MARGIN`]), is empty, or the thickness is not a positive number.
    ///
    /// Between two lines of one regime (same amps, same passes) every figure is linear in the thickness. Between
    /// lines of different regimes the thicker line is taken as it is, with only the kerf interpolated: it cuts
    /// through for certain. Beyond the ends, within the margin, the end line is taken.
    pub fn cut_for(&self, thickness: f64) -> Option<CutChoice> {
        if !(thickness.is_finite() && thickness > 0.0) {
            return None;
        }
        if let Some(line) = self.same_thickness(thickness) {
            return Some(CutChoice { cut: Cut { thickness, ..*line }, interpolated: false });
        }
        let below = (self.cuts.iter()).filter(|c| c.thickness < thickness).max_by(by_thickness);
        let above = (self.cuts.iter()).filter(|c| c.thickness > thickness).min_by(by_thickness);
        let cut = match (below, above) {
            (Some(thin), Some(thick)) => between(thin, thick, thickness),
            (Some(last), None) if thickness <= last.thickness * (1.0 + CHART_MARGIN) => *last,
            (None, Some(first)) if thickness >= first.thickness * (1.0 - CHART_MARGIN) => *first,
            _ => return None,
        };
        Some(CutChoice { cut: Cut { thickness, number: None, ..cut }, interpolated: true })
    }

    /// Returns the thinnest and the thickest line of the chart, mm.
    pub fn thickness_range(&self) -> Option<[f64; 2]> {
        let thin = self.cuts.iter().min_by(by_thickness)?.thickness;
        let thick = self.cuts.iter().max_by(by_thickness)?.thickness;
        Some([thin, thick])
    }

    fn same_thickness(&self, thickness: f64) -> Option<&Cut> {
        let gap = |c: &Cut| (c.thickness - thickness).abs();
        (self.cuts.iter())
            .filter(|c| gap(c) <= SAME_THICKNESS * thickness)
            .min_by(|a, b| gap(a).total_cmp(&gap(b)))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that `min_by` calls")]
fn by_thickness(a: &&Cut, b: &&Cut) -> std::cmp::Ordering {
    a.thickness.total_cmp(&b.thickness)
}

fn between(thin: &Cut, thick: &Cut, thickness: f64) -> Cut {
    let t = (thickness - thin.thickness) / (thick.thickness - thin.thickness);
    let mix = |a: f64, b: f64| a + (b - a) * t;
    let kerf = mix(thin.kerf, thick.kerf);
    if thin.amps != thick.amps || thin.passes != thick.passes {
        return Cut { kerf, ..*thick };
    }
    Cut {
        thickness,
        number: None,
        kerf,
        feed: Speed::from_mm_per_min(mix(thin.feed.mm_per_min(), thick.feed.mm_per_min())),
        pierce_height: mix(thin.pierce_height, thick.pierce_height),
        pierce_delay: mix(thin.pierce_delay, thick.pierce_delay),
        cut_height: mix(thin.cut_height, thick.cut_height),
        amps: thin.amps,
        volts: mix(thin.volts, thick.volts),
        power: mix(thin.power, thick.power),
        passes: thin.passes,
    }
}

/// How a material wants to be milled, whatever the tool: the chip a tooth may take grows with the tool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Milling {
    /// Thickness of the chip one tooth takes, as a fraction of the tool's diameter.
    pub chip_load: f64,
    /// Thickest chip, mm, however large the tool is.
    pub chip_load_max: f64,
    /// Speed of the cutting edge, m/min.
    pub surface_speed_m_per_min: f64,
    /// Depth of a pass, as a fraction of the tool's diameter.
    pub step_down: f64,
    /// Plunge feed, as a fraction of the feed.
    pub plunge: f64,
}

/// Feeds and speeds of one tool in one material.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feeds {
    /// Spindle speed.
    pub rpm: f64,
    /// Feed.
    pub feed: Speed,
    /// Plunge feed.
    pub plunge: Speed,
    /// Depth of a pass, mm.
    pub step_down: f64,
}

impl Milling {
    /// Returns feeds and speeds of `tool` on a spindle that turns between `rpm_range`, on axes that go no faster than
    /// `fastest`.
    ///
    /// rpm = 1000 v / (π d), feed = rpm · teeth · chip: the usual formulas. Where the axes cannot follow, the spindle
    /// turns slower so that the chip keeps its thickness, as far as it can; a chip that is too thin rubs and burns.
    pub fn feeds(&self, tool: &Tool, rpm_range: [f64; 2], fastest: Speed) -> Feeds {
        let diameter = tool.diameter.max(f64::MIN_POSITIVE);
        let chip = (self.chip_load * diameter).min(self.chip_load_max);
        let teeth = f64::from(tool.flutes.max(1));
        let [slowest, quickest] = rpm_range;
        let wanted = 1000.0 * self.surface_speed_m_per_min / (PI * diameter);
        let followed = fastest.mm_per_min() / (teeth * chip).max(f64::MIN_POSITIVE);
        let rpm = wanted.min(quickest).min(followed).max(slowest);
        let feed = (rpm * teeth * chip).min(fastest.mm_per_min());
        Feeds {
            rpm,
            feed: Speed::from_mm_per_min(feed),
            plunge: Speed::from_mm_per_min(feed * self.plunge),
            step_down: (self.step_down * diameter).min(positive_or(tool.flute_length, f64::INFINITY)),
        }
    }
}

fn positive_or(value: f64, otherwise: f64) -> f64 {
    if value > 0.0 { value } else { otherwise }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::ToolShape;
    use proptest::prelude::*;

    fn line(thickness: f64, feed: f64, amps: f64, passes: u32) -> Cut {
        Cut {
            thickness,
            number: Some((thickness * 10.0) as u32),
            kerf: 1.0 + thickness / 10.0,
            feed: Speed::from_mm_per_min(feed),
            pierce_height: 3.8,
            pierce_delay: thickness / 10.0,
            cut_height: 1.5,
            amps,
            volts: 120.0 + thickness,
            power: 1.0,
            passes,
        }
    }

    fn steel() -> Material {
        let cuts = vec![
            line(2.0, 5560.0, 45.0, 1),
            line(4.0, 2800.0, 45.0, 1),
            line(6.0, 1430.0, 45.0, 1),
            line(8.0, 650.0, 40.0, 1),
        ];
        Material { name: "mild-steel".into(), source: String::new(), price_per_m2_mm: None, cuts }
    }

    #[test]
    fn a_thickness_of_the_chart_is_that_line() {
        let choice = steel().cut_for(4.0).expect("in the chart");
        assert!(!choice.interpolated);
        assert_eq!(choice.cut, line(4.0, 2800.0, 45.0, 1));
    }

    #[test]
    fn a_sheet_within_a_percent_is_that_line() {
        let choice = steel().cut_for(1.99).expect("in the chart");
        assert!(!choice.interpolated);
        assert_eq!(choice.cut.number, Some(20));
        assert_eq!(choice.cut.thickness, 1.99);
    }

    #[test]
    fn halfway_is_the_mean_and_has_no_number() {
        let choice = steel().cut_for(3.0).expect("between two lines");
        assert!(choice.interpolated);
        assert_eq!(choice.cut.number, None);
        assert!((choice.cut.feed.mm_per_min() - 4180.0).abs() < 1e-9);
        assert!((choice.cut.kerf - 1.3).abs() < 1e-12);
        assert!((choice.cut.volts - 123.0).abs() < 1e-12);
    }

    #[test]
    fn regimes_are_not_mixed() {
        let choice = steel().cut_for(7.0).expect("between two lines");
        assert_eq!(choice.cut.amps, 40.0);
        assert_eq!(choice.cut.feed.mm_per_min(), 650.0, "the thicker line as it is");
        assert!((choice.cut.kerf - 1.7).abs() < 1e-12, "only the kerf is in between");
    }

    #[test]
    fn the_ends_hold_for_a_tenth_and_no_further() {
        let m = steel();
        assert_eq!(m.cut_for(8.8).map(|c| (c.interpolated, c.cut.feed.mm_per_min())), Some((true, 650.0)));
        assert_eq!(m.cut_for(8.81), None);
        assert_eq!(m.cut_for(1.8).map(|c| c.cut.feed.mm_per_min()), Some(5560.0));
        assert_eq!(m.cut_for(1.79), None);
        assert_eq!(m.thickness_range(), Some([2.0, 8.0]));
    }

    #[test]
    fn nonsense_has_no_cut() {
        for t in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(steel().cut_for(t), None);
        }
        let empty = Material { cuts: Vec::new(), ..steel() };
        assert_eq!(empty.cut_for(2.0), None);
        assert_eq!(empty.thickness_range(), None);
    }

    fn end_mill(diameter: f64, flutes: u32) -> Tool {
        Tool {
            number: 1,
            name: String::new(),
            shape: ToolShape::EndMill,
            diameter,
            flutes,
            flute_length: 20.0,
            feed: None,
            plunge: None,
            rpm: None,
            step_down: None,
            step_over: None,
        }
    }

    const PLYWOOD: Milling = Milling {
        chip_load: 0.016,
        chip_load_max: 0.3,
        surface_speed_m_per_min: 340.0,
        step_down: 1.0,
        plunge: 0.3,
    };

    #[test]
    fn the_textbook_example_comes_out() {
        // Vc 340 m/min on 6 mm is 18,038 rpm; two teeth of 0.096 mm make 3,463 mm/min.
        let f = PLYWOOD.feeds(&end_mill(6.0, 2), [8000.0, 24000.0], Speed::from_mm_per_min(8000.0));
        assert!((f.rpm - 18037.6).abs() < 0.1, "{f:?}");
        assert!((f.feed.mm_per_min() - 3463.2).abs() < 0.1, "{f:?}");
        assert_eq!(f.step_down, 6.0);
    }

    #[test]
    fn slow_axes_slow_the_spindle_so_that_the_chip_stays() {
        let f = PLYWOOD.feeds(&end_mill(6.0, 2), [8000.0, 24000.0], Speed::from_mm_per_min(2000.0));
        assert!((f.feed.mm_per_min() / (f.rpm * 2.0) - 0.096).abs() < 1e-9, "{f:?}");
        let f = PLYWOOD.feeds(&end_mill(6.0, 2), [16000.0, 27000.0], Speed::from_mm_per_min(2000.0));
        assert_eq!((f.rpm, f.feed.mm_per_min()), (16000.0, 2000.0), "a trim router cannot turn slower");
    }

    proptest! {
        #[test]
        fn interpolation_stays_between_its_neighbours(t in 1.8f64..8.8) {
            let m = steel();
            let c = m.cut_for(t).expect("within the chart").cut;
            prop_assert!((650.0..=5560.0).contains(&c.feed.mm_per_min()));
            prop_assert!((1.2..=1.8).contains(&c.kerf));
            prop_assert_eq!(c.thickness, t);
        }

        #[test]
        fn thicker_is_never_faster(a in 1.8f64..8.8, b in 1.8f64..8.8) {
            let m = steel();
            let feed = |t: f64| m.cut_for(t).expect("within the chart").cut.feed.mm_per_min();
            let (thin, thick) = (a.min(b), a.max(b));
            // Snapping to a line within a percent may reorder two thicknesses that are nearly one.
            prop_assume!(thick > thin * (1.0 + 2.5 * SAME_THICKNESS));
            prop_assert!(feed(thick) <= feed(thin) + 1e-9);
        }

        #[test]
        fn feeds_never_leave_the_machine(d in 0.1f64..50.0, z in 0u32..8, lo in 0.0f64..20_000.0, span in 0.0f64..20_000.0, fast in 1.0f64..20_000.0) {
            let f = PLYWOOD.feeds(&end_mill(d, z), [lo, lo + span], Speed::from_mm_per_min(fast));
            prop_assert!(f.rpm >= lo && f.rpm <= lo + span);
            prop_assert!(f.feed.mm_per_min() <= fast && f.plunge <= f.feed);
            prop_assert!(f.step_down <= 20.0 && f.step_down > 0.0);
        }
    }
}
