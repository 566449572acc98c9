//! What is asked of a print against what its printer can do: the bore of its nozzle, the words of its firmware.
//!
//! Bounds are those of other slicers: PrusaSlicer refuses layers higher than the bore, and advises four fifths of it at
//! most (its `max_layer_height`); its own roads are between 0.6 and twice as wide as the bore.

use shop_cam::machine::{Dialect, Machine};

use shop_print::settings::{Labels, Settings, Value as _};
use shop_print::{Print, Summary};
use shop_report::Diagnostic;

/// Layers are no higher than so much of the bore, or what is laid hardly holds.
const HIGHEST: f64 = 0.8;
/// Roads are between these shares of the bore wide.
const WIDTHS: [f64; 2] = [0.6, 2.0];

/// Says where layers and roads do not go with the nozzle, each complaint once.
pub fn nozzle(print: &Print, machine: &Machine) -> Vec<Diagnostic> {
    let Some(bore) = machine.printer.as_ref().map(|p| p.nozzle) else { return Vec::new() };
    let mut found: Vec<Diagnostic> = Vec::new();
    let whole = std::iter::once(&print.job.settings);
    let heights = (0..print.levels().len()).map(|l| print.levels().height(l));
    let highest = heights.fold(0.0, f64::max);
    for s in whole.chain(print.parts.iter().filter(|p| p.used).map(|p| &p.job.settings)) {
        for d in height(highest, bore).into_iter().chain(width(s, bore)) {
            if !found.iter().any(|f| f.code == d.code && f.message == d.message) {
                found.push(d);
            }
        }
    }
    found
}

/// Layers are sums of floating point numbers, mm.
const NEAR_MM: f64 = 1e-6;

fn height(highest: f64, bore: f64) -> Option<Diagnostic> {
    let hint = format!(
        "lower layer_height_mm, first_layer_height_mm or adaptive_most_mm, or name another nozzle: nozzle_mm of the \
         machine is {bore}"
    );
    let told = tidy(highest);
    if highest > bore + NEAR_MM {
        let message = format!("layers of {told} mm cannot be laid with a nozzle of {bore} mm");
        return Some(Diagnostic::error("print/layer-too-high", message).hint(hint));
    }
    (highest > HIGHEST * bore + NEAR_MM).then(|| {
        let message = format!(
            "layers of {told} mm are high for a nozzle of {bore} mm: more than {} mm is hardly pressed on",
            tidy(HIGHEST * bore)
        );
        Diagnostic::warning("print/layer-too-high", message).hint(hint)
    })
}

fn width(s: &Settings, bore: f64) -> Option<Diagnostic> {
    let (wide, [least, most]) = (s.road_width_mm, WIDTHS.map(|w| w * bore));
    let hint = format!("{} to {} mm go with it: road_width_mm", tidy(least), tidy(most));
    if wide <= s.layer_height_mm.max(s.first_layer_height_mm) - NEAR_MM {
        let message = format!(
            "roads of {wide} mm are narrower than layers are high ({} mm): they are not pressed on what lies below",
            s.layer_height_mm.max(s.first_layer_height_mm)
        );
        return Some(Diagnostic::warning("print/road-width", message).hint(hint));
    }
    let apt = wide > least - NEAR_MM && wide < most + NEAR_MM;
    (!apt).then(|| {
        let message = format!(
            "roads of {wide} mm are {} for a nozzle of {bore} mm",
            if wide < least { "narrow" } else { "wide" }
        );
        Diagnostic::warning("print/road-width", message).hint(hint)
    })
}

fn tidy(v: f64) -> f64 {
    (v * 1e4).round() / 1e4
}

/// Says that nothing is laid at all: such a program would only warm the printer up.
pub fn empty(summary: &Summary, print: &Print) -> Option<Diagnostic> {
    let [low, high] = print.job.bounds;
    let size: [f64; 3] = std::array::from_fn(|k| high[k] - low[k]);
    (summary.used.roads == 0).then(|| {
        let message = format!(
            "nothing of the part is laid: it is {} x {} x {} mm, layers are {} mm high and roads {} mm wide",
            tidy(size[0]),
            tidy(size[1]),
            tidy(size[2]),
            print.job.settings.first_layer_height_mm,
            print.job.settings.road_width_mm
        );
        Diagnostic::error("print/nothing-laid", message)
            .hint("--units or --scale make it larger; thin_walls and least_road_mm say what is too thin")
    })
}

/// Says which setting it is that leaves nothing of a layer, where the proof found layers without roads.
pub fn shrunk(notes: &[Diagnostic], print: &Print) -> Option<Diagnostic> {
    let missing = notes.iter().find(|d| d.code == "proof/layers-missing")?;
    let mut all = std::iter::once(&print.job.settings).chain(print.parts.iter().map(|p| &p.job.settings));
    let taken = |s: &Settings| {
        let (outer, hole) = (-s.xy_growth_mm, s.hole_growth_mm - s.xy_growth_mm);
        if outer > 0.0 && outer >= hole {
            Some(("xy_growth_mm", s.xy_growth_mm))
        } else {
            (hole > 0.0).then_some(("hole_growth_mm", s.hole_growth_mm))
        }
    };
    let (key, value) = all.find_map(taken)?;
    let message = format!(
        "{key} = {value} leaves nothing of some layers: the part is narrower there than what is taken off, and would end \
         or break where they are missing"
    );
    Some(
        Diagnostic::error("print/nothing-left", message)
            .count(missing.count as usize)
            .hint("take off less, or print the part without its narrow end"),
    )
}

/// Lets objects be told apart in words that the printer's firmware knows; says so where others were asked for.
pub fn labels(settings: &mut Settings, machine: &Machine) -> Option<Diagnostic> {
    let asked = settings.labels;
    let known = match machine.post.dialect {
        Dialect::Klipper => Labels::ExcludeObject,
        Dialect::Marlin => Labels::M486,
        Dialect::RepRapFirmware => Labels::M486Named,
        // What no firmware reads is there for whoever sends the program.
        _ => Labels::OctoPrint,
    };
    if matches!(asked, Labels::Off | Labels::OctoPrint) || asked == known {
        return None;
    }
    settings.labels = known;
    let m486 = |l| matches!(l, Labels::M486 | Labels::M486Named);
    let same = asked == Labels::Firmware && known != Labels::OctoPrint || m486(asked) && m486(known);
    (!same).then(|| {
        let message = format!(
            "{} does not know labels = {}: objects are told apart by {} instead",
            machine.name,
            asked.show(),
            known.show()
        );
        Diagnostic::warning("print/labels-unknown", message)
            .hint("labels = firmware is whatever the printer's firmware knows")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_cam::machine::MachineKind;

    #[test]
    fn layers_go_with_the_nozzle() {
        let severity = |h: f64| height(h, 0.4).map(|d| d.severity);
        use shop_report::Severity::{Error, Warning};
        for (high, wanted) in [
            (0.2, None),
            (0.32, None),
            (0.321, Some(Warning)),
            (0.4, Some(Warning)),
            (0.401, Some(Error)),
            (0.5, Some(Error)),
        ] {
            assert_eq!(severity(high), wanted, "{high}");
        }
    }

    #[test]
    fn roads_go_with_the_nozzle() {
        let told = |road_width_mm: f64, layer_height_mm: f64| {
            let s = Settings { road_width_mm, layer_height_mm, ..Settings::default() };
            width(&s, 0.4).is_some()
        };
        for (wide, high, wanted) in [
            (0.45, 0.2, false),
            (0.24, 0.1, false),
            (0.8, 0.2, false),
            (0.23, 0.1, true),
            (0.81, 0.2, true),
            (0.3, 0.31, true),
        ] {
            assert_eq!(told(wide, high), wanted, "{wide} {high}");
        }
    }

    #[test]
    fn objects_are_told_apart_in_words_that_the_firmware_knows() {
        let spoken = |dialect: Dialect, labels: &str| {
            let mut machine = Machine::example(MachineKind::Printer);
            machine.post.dialect = dialect;
            let mut settings = Settings::default();
            settings.set("labels", labels).expect("a value of it");
            let said = labels_of(&mut settings, &machine);
            (settings.labels.show(), said)
        };
        for (dialect, asked, wanted, said) in [
            (Dialect::Klipper, "m486", "exclude-object", true),
            (Dialect::Klipper, "firmware", "exclude-object", false),
            (Dialect::Klipper, "octoprint", "octoprint", false),
            (Dialect::Marlin, "exclude-object", "m486", true),
            (Dialect::Marlin, "m486", "m486", false),
            (Dialect::RepRapFirmware, "m486", "m486-named", false),
            (Dialect::RepRapFirmware, "firmware", "m486-named", false),
            (Dialect::Smoothie, "m486", "octoprint", true),
            (Dialect::Smoothie, "firmware", "octoprint", true),
            (Dialect::Smoothie, "off", "off", false),
        ] {
            assert_eq!(spoken(dialect, asked), (wanted.to_owned(), said), "{asked}");
        }
    }

    fn labels_of(settings: &mut Settings, machine: &Machine) -> bool {
        labels(settings, machine).is_some_and(|d| d.code == "print/labels-unknown")
    }
}
