//! The printer in another slicer's profile, as a machine profile of ours.

use super::{first, number};
use shop_formats::mesh::Setting;
use std::fmt::Write as _;

/// Returns a machine profile of what a foreign profile says of its printer; nothing when it says too little: the bed must
/// be known.
pub fn profile(settings: &[Setting], title: &str) -> Option<String> {
    let whole = |key: &str| settings.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    let value = |key: &str| whole(key).and_then(|v| number(&first(v)));
    let [left, front, right, back] = bed(whole("bed_shape").or(whole("printable_area"))?)?;
    let klipper = whole("gcode_flavor").is_some_and(|f| f.trim() == "klipper");
    let base = if klipper { "printer-klipper" } else { "printer-marlin" };
    let mut out = format!(
        "[machine]\nextends = \"{base}\"\ntitle = {0}\nsource = {0}\nwork_zero_mm = [0, 0]\n",
        toml::Value::from(title)
    );
    let height = value("max_print_height").or(value("printable_height"));
    let limits = [(left.min(0.0), Some(right)), (front.min(0.0), Some(back)), (0.0, height)];
    for (axis, (low, high)) in ["x", "y", "z"].iter().zip(limits) {
        let _ = write!(out, "\n[axes.{axis}]\n");
        if let Some(high) = high {
            let _ = write!(out, "min_mm = {low}\nmax_mm = {high}\n");
        }
        // PrusaSlicer says feedrate, Orca and Bambu say speed.
        let speed =
            value(&format!("machine_max_feedrate_{axis}")).or(value(&format!("machine_max_speed_{axis}")));
        line(&mut out, "rapid_mm_per_min", speed.map(|v| v * 60.0));
        line(&mut out, "acceleration_mm_per_s2", value(&format!("machine_max_acceleration_{axis}")));
    }
    if !klipper && let Some(jerk) = value("machine_max_jerk_x").filter(|v| *v > 0.0) {
        let _ = write!(out, "\n[cornering]\njerk_xy_mm_per_s = {jerk}\n");
        line(&mut out, "jerk_z_mm_per_s", value("machine_max_jerk_z"));
    }
    let _ = write!(out, "\n[printer]\nbed_mm = [{}, {}]\n", right - left, back - front);
    let _ = writeln!(out, "bed_corner_mm = [{left}, {front}]");
    for (ours, theirs) in [
        ("nozzle_mm", "nozzle_diameter"),
        ("filament_mm", "filament_diameter"),
        ("extruder_mm_per_s", "machine_max_feedrate_e"),
        ("extruder_mm_per_s", "machine_max_speed_e"),
        ("extruder_acceleration_mm_per_s2", "machine_max_acceleration_retracting"),
        ("extruder_jerk_mm_per_s", "machine_max_jerk_e"),
        ("print_acceleration_mm_per_s2", "machine_max_acceleration_extruding"),
        ("travel_acceleration_mm_per_s2", "machine_max_acceleration_travel"),
    ] {
        line(&mut out, ours, value(theirs));
    }
    Some(out)
}

fn line(out: &mut String, key: &str, value: Option<f64>) {
    if let Some(v) = value.filter(|v| *v > 0.0) {
        let _ = writeln!(out, "{key} = {v}");
    }
}

/// Returns the box around corners `0x0,250x0,250x210,0x210`, or the same as a list in JSON.
fn bed(text: &str) -> Option<[f64; 4]> {
    let plain: String = text.chars().filter(|c| !matches!(c, '[' | ']' | '"')).collect();
    let mut all = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for corner in plain.split([',', ';']) {
        let (x, y) = corner.trim().split_once('x')?;
        let (x, y) = (number(x)?, number(y)?);
        all = [all[0].min(x), all[1].min(y), all[2].max(x), all[3].max(y)];
    }
    (all[2] > all[0] && all[3] > all[1]).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folders::Folders;
    use crate::profile;
    use crate::report::Sources;

    #[test]
    fn a_foreign_printer_becomes_a_profile_that_loads() {
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        let settings = [
            pair("gcode_flavor", "marlin2"),
            pair("bed_shape", "0x0,250x0,250x210,0x210"),
            pair("max_print_height", "210"),
            pair("nozzle_diameter", "0.6"),
            pair("machine_max_feedrate_x", "200,100"),
            pair("machine_max_acceleration_x", "[\"1000\", \"960\"]"),
            pair("machine_max_jerk_x", "8,8"),
        ];
        let text = profile(&settings, "from \"mine.ini\"").expect("a profile");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, &text).unwrap();
        let folders = Folders { local_machines: folder.path().to_owned(), user: None };
        let mut found = Vec::new();
        let loaded = profile::load(&path.display().to_string(), &folders, &mut Sources::new(), &mut found);
        assert_eq!(found, [], "{text}");
        let machine = loaded.expect("it loads").machine;
        let printer = machine.printer.expect("it is a printer");
        assert_eq!((printer.nozzle, printer.bed), (0.6, Some([0.0, 0.0, 250.0, 210.0])));
        assert_eq!((machine.axes[0].max, machine.axes[2].max), (250.0, 210.0));
        assert_eq!(machine.axes[0].rapid.mm_per_min(), 12_000.0);
        assert_eq!(profile(&settings[..1], "x"), None, "without a bed");
    }
}
