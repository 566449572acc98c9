//! Profiles of other slicers: their settings as ours, and a word about each that has no counterpart.
//!
//! Read are PrusaSlicer's and its relatives' `.ini`, OrcaSlicer's and Bambu Studio's `.json`, and projects (3MF) of both. A
//! setting is *mapped* when ours does the same, *kept* when it asks for what is done in any case, *the machine's* when a
//! machine profile says it, and *lost* otherwise. Nothing is dropped in silence.

mod bundle;
mod keys;
pub mod printer;
mod texts;

use crate::program;
use crate::{Refusal, exit};
use anyhow::{Result, bail};
use keys::{Row, row};
use shop_formats::mesh::{ReadOptions, Setting};
use shop_print::settings::Settings;
use shop_report::{Diagnostic, SourceId};
use std::fmt::Write as _;
use std::path::Path;

/// What became of foreign settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapped {
    /// Ours, key and value.
    pub ours: Vec<(String, String)>,
    /// How many keys they came from.
    pub count: usize,
    /// Keys that ask for what is done in any case.
    pub kept: Vec<String>,
    /// The machine's own, as they are written.
    pub machine: Vec<Setting>,
    /// What has no counterpart: key, value, and why.
    pub lost: Vec<(String, String, String)>,
}

impl Mapped {
    /// Returns what is to be said about it, in one line and a hint.
    pub fn diagnostic(&self, whose: &str) -> Option<Diagnostic> {
        if self.lost.is_empty() {
            return None;
        }
        let few: Vec<String> =
            self.lost.iter().take(6).map(|(k, v, _)| format!("{k} = {}", short(v))).collect();
        let message =
            format!("{whose}: {} settings have no counterpart: {}", self.lost.len(), few.join(", "));
        let d = Diagnostic::warning("print/settings-lost", message).count(self.lost.len());
        Some(d.hint("`shopctl print --import FILE` tells what became of every one"))
    }

    /// Returns everything that became of them, for people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{} mapped, {} as it is done in any case, {} of the machine, {} lost",
            self.count,
            self.kept.len(),
            self.machine.len(),
            self.lost.len()
        );
        for (key, value) in &self.ours {
            let _ = writeln!(out, "  {key} = {}", value.replace('\n', "\n      "));
        }
        for (key, value) in &self.machine {
            let _ = writeln!(out, "  of the machine: {key} = {}", short(value));
        }
        for (key, value, why) in &self.lost {
            let _ = writeln!(out, "  lost: {key} = {} ({why})", short(value));
        }
        out
    }

    /// Lays what was mapped over settings.
    pub fn apply(&self, settings: &mut Settings) {
        for (key, value) in &self.ours {
            // They were read once, when they were mapped.
            let _ = settings.set(key, value);
        }
    }

    /// Returns a profile of it.
    pub fn profile(&self, title: &str) -> String {
        let mut out = format!("title = {}\n", toml::Value::from(title));
        for (key, value) in &self.ours {
            let plain = value.parse::<f64>().is_ok_and(f64::is_finite) || value == "true" || value == "false";
            let value = if plain { value.clone() } else { toml::Value::from(value.as_str()).to_string() };
            let _ = writeln!(out, "{key} = {value}");
        }
        out
    }
}

fn short(value: &str) -> String {
    let line = value.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(40).collect();
    if cut.len() < value.len() { format!("{cut}...") } else { cut }
}

/// Reads the settings in a file; of a bundle those of the profiles that are wanted.
pub fn read(path: &Path, presets: &[String]) -> Result<Vec<Setting>> {
    let bytes = program::open(path)?;
    let refused =
        |message: String| Refusal { code: exit::INPUT, message: format!("{}: {message}", path.display()) };
    if bytes.starts_with(b"PK") {
        let read = shop_formats::mesh::read(SourceId(0), &bytes, &ReadOptions::default());
        if read.value.settings.is_empty() {
            let cura = read.diagnostics.iter().find(|d| d.code == "mesh/cura-project");
            let why = cura.map_or_else(|| "there are no settings in it".to_owned(), |d| d.message.clone());
            bail!(refused(why));
        }
        return Ok(read.value.settings);
    }
    let text = String::from_utf8_lossy(&bytes);
    if text.trim_start().starts_with('{') {
        return json(&text).map(|own| with_parents(own, path)).map_err(|m| refused(m).into());
    }
    if bundle::is_bundle(&text) {
        return bundle::pick(&text, presets).map_err(|m| refused(m).into());
    }
    // A profile that is exported alone says all itself.
    let mut settings = ini(&text);
    settings.retain(|(k, _)| k != "inherits");
    if settings.is_empty() {
        bail!(refused("there are no settings in it".to_owned()));
    }
    Ok(settings)
}

/// Lays settings in JSON over those of the profiles that they extend, as far as these lie beside them.
fn with_parents(own: Vec<Setting>, path: &Path) -> Vec<Setting> {
    let mut all = own;
    // Longer chains extend themselves.
    for _ in 0..32 {
        let Some(i) = all.iter().position(|(k, v)| k == "inherits" && !v.is_empty()) else { break };
        let (_, parent) = all.remove(i);
        // A profile names its neighbours, and no files elsewhere.
        let beside = !parent.contains(['/', '\\']);
        let file = beside.then(|| path.with_file_name(format!("{parent}.json")));
        let found = file.and_then(|f| std::fs::read_to_string(f).ok()).and_then(|text| json(&text).ok());
        let Some(found) = found else {
            all.push(("inherits".to_owned(), parent));
            break;
        };
        let more: Vec<Setting> =
            found.into_iter().filter(|(k, _)| !all.iter().any(|(own, _)| own == k)).collect();
        all.extend(more);
    }
    all
}

/// Reads lines of `key = value`; the configuration at the end of a program begins them with `;`.
fn ini(text: &str) -> Vec<Setting> {
    let lines = text.lines().map(|l| l.trim().trim_start_matches(';'));
    lines.filter_map(ini_line).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// Reads a line of `key = value`.
fn ini_line(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (key, value) = line.split_once('=').filter(|_| !line.starts_with(['#', '[', ';']))?;
    let (key, value) = (key.trim(), value.trim());
    let word = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    word.then_some((key, value))
}

/// Returns a text as it is meant: without its quotes, lines apart.
fn unescaped(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => {}
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some(other)) => out.push(other),
            (c, _) => out.push(c),
        }
    }
    out
}

fn json(text: &str) -> Result<Vec<Setting>, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let serde_json::Value::Object(map) = value else {
        return Err("an object of settings is wanted".to_owned());
    };
    Ok(map.into_iter().map(|(k, v)| (k, json_text(v))).collect())
}

/// Returns a value without the quotes of a text.
fn json_text(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(s) => s,
        other => other.to_string(),
    }
}

/// Returns the values of a list in JSON; nothing when it is none.
fn json_list(value: &str) -> Option<Vec<String>> {
    match serde_json::from_str(value.trim()) {
        Ok(serde_json::Value::Array(all)) => Some(all.into_iter().map(json_text).collect()),
        _ => None,
    }
}

/// Returns the first value of a list: `0.4,0.4`, `["0.4","0.4"]`.
fn first(value: &str) -> String {
    let value = value.trim();
    if let Some(all) = json_list(value) {
        return all.into_iter().next().unwrap_or_default();
    }
    let one = value.split([',', ';']).next().unwrap_or_default().trim();
    let listed = one.len() < value.len() && number(one.trim_end_matches('%')).is_some();
    if listed { one.to_owned() } else { value.trim_matches('"').to_owned() }
}

/// Lists that have a value for every tool: one nozzle may lay several filaments.
const OF_TOOLS: [&str; 4] = ["nozzle_diameter", "filament_type", "filament_settings_id", "filament_diameter"];
/// Profiles with more tools than this are no profiles.
const MOST_TOOLS: usize = 32;

/// Returns how many values the lists of a profile have that say something of every tool.
fn values(foreign: &[Setting]) -> usize {
    let of = |key: &&str| foreign.iter().rev().find(|(k, _)| k == key).map(|(_, v)| list(v).len());
    OF_TOOLS.iter().filter_map(of).max().unwrap_or(1).max(1)
}

/// Returns how many tools a profile is for: as many as it has nozzles, or filaments.
pub fn tools(foreign: &[Setting]) -> usize {
    values(foreign).min(MOST_TOOLS)
}

/// Returns the settings of one tool: of every list that has a value for each tool, its own.
pub fn of_tool(foreign: &[Setting], tool: usize) -> Vec<Setting> {
    let count = values(foreign);
    // The signs between values stand in texts of the program as well, and between the corners of a bed.
    let whole = |key: &str, value: &str| match row(key) {
        Some(Row::Text(..)) => !value.trim_start().starts_with(['"', '[']),
        Some(Row::Plain(_)) => true,
        Some(Row::Machine) => !OF_TOOLS.contains(&key),
        _ => false,
    };
    let own = |key: &str, value: &str| {
        if count == 1 || whole(key, value) {
            return value.to_owned();
        }
        let mut all = list(value);
        if all.len() == count { all.swap_remove(tool.min(count - 1)) } else { value.to_owned() }
    };
    foreign.iter().map(|(k, v)| (k.clone(), own(k, v))).collect()
}

/// Returns the values of a list: `0.4,0.4`, `a;b`, `["0.4","0.4"]`.
fn list(value: &str) -> Vec<String> {
    if let Some(all) = json_list(value) {
        return all;
    }
    // Texts stand in quotes, in which both signs may be.
    let (mut out, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in value.chars() {
        if let (',' | ';', false) = (c, quoted) {
            out.push(String::new());
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out.into_iter().map(|v| v.trim().to_owned()).collect()
}

/// Says in our words what foreign settings say.
pub fn map(foreign: &[Setting]) -> Mapped {
    let mut mapper = Mapper { foreign, out: Mapped::default(), settings: Settings::default(), width: None };
    // What others are a percentage of comes first; then what follows others has something to follow.
    let order = |r: &Row| match r {
        Row::Speed(own, base) if own != base => 1,
        Row::If(_, Row::Follows(_)) | Row::Follows(_) => 3,
        Row::Words("least_layer_s", _) | Row::If(_, Row::Room(_)) | Row::Room(_) => 2,
        // Words of the firmware go before remarks, where both are wanted.
        Row::If("exclude_object", _) => 1,
        _ => 0,
    };
    let mut rows: Vec<(usize, Option<Row>)> =
        foreign.iter().enumerate().map(|(i, (key, _))| (i, row(key))).collect();
    rows.sort_by_key(|(i, r)| (r.as_ref().map_or(0, order), *i));
    for (i, found) in rows {
        let (key, value) = &foreign[i];
        match found {
            Some(row) => mapper.take(key, value, &row),
            None => mapper.lose(key, value, "not known"),
        }
    }
    mapper.settle();
    mapper.out
}

struct Mapper<'a> {
    foreign: &'a [Setting],
    out: Mapped,
    settings: Settings,
    /// Width of all roads so far.
    width: Option<f64>,
}

impl Mapper<'_> {
    /// Says what follows others where nobody names it: the first layer is as hot as the rest then, in other slicers' words
    /// (OrcaSlicer writes both or neither, Cura derives one from the other).
    fn settle(&mut self) {
        let said = |key: &str| self.out.ours.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
        if let (Some(hot), None) = (said("hotend_c"), said("first_layer_hotend_c")) {
            self.out.ours.push(("first_layer_hotend_c".to_owned(), hot));
        }
    }

    fn lose(&mut self, key: &str, value: &str, why: &str) {
        self.out.lost.push((key.to_owned(), value.to_owned(), why.to_owned()));
    }

    fn keep(&mut self, key: &str) {
        self.out.kept.push(key.to_owned());
    }

    fn find(&self, key: &str) -> Option<String> {
        self.foreign.iter().rev().find(|(k, _)| k == key).map(|(_, v)| first(v))
    }

    fn is_off(&self, key: &str) -> bool {
        self.find(key).is_some_and(|v| matches!(v.as_str(), "0" | "false" | "none" | "" | "no ironing"))
    }

    fn take(&mut self, key: &str, whole: &str, row: &Row) {
        let value = first(whole);
        match *row {
            // Programs' texts are lists of lines, of which the first says little.
            Row::Always(known) if known.contains(&value.as_str()) || known.contains(&whole) => self.keep(key),
            Row::Always(_) => self.lose(key, whole, "there is no such setting"),
            Row::Number(ours) => self.give(key, &value, ours, number(&value)),
            Row::Times(ours, by) => self.give(key, &value, ours, number(&value).map(|v| v * by)),
            Row::Room(ours) => {
                let pitch = self.settings.pitch_mm();
                self.give(key, &value, ours, number(&value).map(|v| v + pitch));
            }
            Row::Percent(ours) => {
                let percent = |v: &str| Some(100.0 * number(v)?);
                let wanted = match value.strip_suffix('%') {
                    Some(v) => number(v),
                    None => percent(&value),
                };
                self.give(key, &value, ours, wanted);
            }
            Row::Speed(ours, base) => self.speed(key, &value, ours, base),
            Row::Width => self.road_width(key, &value),
            Row::Flag(ours) => {
                let flag = match value.as_str() {
                    "0" | "false" | "no ironing" => Some("false"),
                    "1" | "true" | "top" | "topmost" | "solid" | "top surfaces" => Some("true"),
                    _ => None,
                };
                self.say(key, &value, ours, flag.map(str::to_owned));
            }
            Row::Words(ours, words) => {
                let word = words.iter().find(|(theirs, _)| *theirs == value).map(|(_, w)| (*w).to_owned());
                // A switch that is on leaves it to the number.
                let nothing = matches!(ours, "least_layer_s" | "purge_mm3") && value == "1";
                if nothing {
                    self.keep(key);
                } else {
                    self.say(key, &value, ours, word);
                }
            }
            Row::Tool(ours) => self.tool(key, &value, ours),
            Row::Plain(_) if whole.trim().is_empty() => self.keep(key),
            Row::Plain(ours) => {
                let text = json_list(whole).map_or_else(|| whole.to_owned(), |all| all.join(", "));
                self.say(key, whole, ours, Some(text));
            }
            Row::Text(_, known) if known.contains(&whole.trim()) => self.keep(key),
            Row::Text(ours, _) => self.text(key, whole, ours),
            Row::Follows(ours) => {
                let own = self.settings.get(ours).and_then(|v| v.parse::<f64>().ok());
                let same = match value.strip_suffix('%') {
                    Some("100") => true,
                    Some(_) => false,
                    None => {
                        number(&value).is_some_and(|v| v == 0.0 || own.is_some_and(|o| (o - v).abs() < 1e-9))
                    }
                };
                if same {
                    self.keep(key);
                } else {
                    self.lose(key, whole, &format!("it goes with {ours} here"));
                }
            }
            Row::If(flag, row) => {
                if self.is_off(flag) {
                    self.keep(key);
                } else {
                    self.take(key, whole, row);
                }
            }
            Row::Machine => self.out.machine.push((key.to_owned(), whole.to_owned())),
            Row::Paper => self.keep(key),
        }
    }

    /// Takes a text of the program over, as far as that can be.
    fn text(&mut self, key: &str, whole: &str, ours: &str) {
        // What is of filaments comes as a list.
        let listed = whole.trim_start().starts_with(['"', '[']);
        let theirs = unescaped(&if listed {
            list(whole).into_iter().next().unwrap_or_default()
        } else {
            whole.to_owned()
        });
        if theirs.trim().is_empty() {
            return self.keep(key);
        }
        let text = texts::translate(&theirs, self.foreign);
        let said = match ours {
            "start_gcode" => texts::heating(&text.ours),
            "tool_change_gcode" => texts::changing(&text.ours),
            _ => text.ours,
        };
        self.say(key, whole, ours, Some(said));
        for (line, why) in text.lost {
            self.lose(key, &line, &why);
        }
    }

    /// What is said of a whole part counts for every kind of road of it; 1 is the tool that all of them have anyway.
    fn tool(&mut self, key: &str, value: &str, ours: &str) {
        let Ok(number) = value.parse::<u32>() else { return self.lose(key, value, "the value is not known") };
        let own = ours == "tool";
        match number.checked_sub(1) {
            None => self.keep(key),
            Some(0) if !own => self.keep(key),
            Some(tool) => {
                self.say(key, value, ours, Some(tool.to_string()));
                for kind in ["wall_tool", "solid_tool", "infill_tool"].into_iter().filter(|_| own) {
                    self.out.ours.retain(|(k, _)| k != kind);
                    self.out.ours.push((kind.to_owned(), "part".to_owned()));
                }
            }
        }
    }

    fn give(&mut self, key: &str, value: &str, ours: &str, number: Option<f64>) {
        self.say(key, value, ours, number.map(tidy));
    }

    /// Sets one of ours; a setting that we do not have is no loss where its value is that of a thing left off.
    fn say(&mut self, key: &str, value: &str, ours: &str, wanted: Option<String>) {
        let Some(wanted) = wanted else { return self.lose(key, value, "the value is not known") };
        if self.settings.get(ours).is_none() {
            let off = matches!(wanted.as_str(), "0" | "false" | "none" | "outer" | "lines");
            let one = ours == "infill_every_layers" && wanted == "1";
            return if off || one {
                self.keep(key);
            } else {
                self.lose(key, value, "there is no such setting");
            };
        }
        match self.settings.set(ours, &wanted) {
            Ok(()) => {
                self.out.count += 1;
                self.out.ours.retain(|(k, _)| k != ours);
                self.out.ours.push((ours.to_owned(), wanted));
            }
            Err(why) => self.lose(key, value, &why),
        }
    }

    fn speed(&mut self, key: &str, value: &str, ours: &str, base: &str) {
        let of = |settings: &Settings, k: &str| settings.get(k).and_then(|v| v.parse::<f64>().ok());
        let wanted = match value.strip_suffix('%') {
            Some(percent) => number(percent).zip(of(&self.settings, base)).map(|(p, b)| 0.01 * p * b),
            None => number(value),
        };
        if wanted == Some(0.0) {
            return self.lose(key, value, "speeds are not left to the program here");
        }
        if self.settings.get(ours).is_none() {
            // It goes with the speed that it is a part of.
            let same = wanted.zip(of(&self.settings, base)).is_some_and(|(w, b)| (w - b).abs() < 1e-9);
            return if same {
                self.keep(key);
            } else {
                self.lose(key, value, &format!("it goes with {base} here"));
            };
        }
        self.give(key, value, ours, wanted);
    }

    /// All roads have one width here: the first that is named, walls before others.
    fn road_width(&mut self, key: &str, value: &str) {
        let nozzle = self.find("nozzle_diameter").and_then(|v| number(&v)).unwrap_or(0.4);
        let wanted = match value.strip_suffix('%') {
            Some(percent) => number(percent).map(|p| 0.01 * p * nozzle),
            None => number(value),
        };
        match (wanted, self.width) {
            (None, _) => self.lose(key, value, "the value is not known"),
            (Some(0.0), _) => self.keep(key),
            (Some(w), Some(width)) if (w - width).abs() < 1e-9 => self.keep(key),
            (Some(_), Some(width)) => {
                self.lose(key, value, &format!("all roads are {width} mm wide here"));
            }
            (Some(w), None) => {
                self.width = Some(w);
                self.give(key, value, "road_width_mm", Some(w));
            }
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|v| v.is_finite())
}

/// Writes a number without what sums leave behind its ninth digit.
fn tidy(v: f64) -> String {
    ((v * 1e9).round() / 1e9).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(text: &str) -> Mapped {
        map(&ini(text))
    }

    fn value<'a>(m: &'a Mapped, key: &str) -> Option<&'a str> {
        m.ours.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    const PLAIN: &str = "\
# a comment
printer_technology = FFF
gcode_flavor = marlin2
bed_shape = 0x0,220x0,220x220,0x220
nozzle_diameter = 0.4
layer_height = 0.2
first_layer_height = 0.25
extrusion_width = 0.443
perimeter_extrusion_width = 0.443
infill_extrusion_width = 0
perimeters = 3
fill_density = 20%
fill_pattern = grid
infill_overlap = 10%
seam_position = aligned
external_perimeter_speed = 50%
perimeter_speed = 60
small_perimeter_speed = 30
slice_closing_radius = 0.025
support_material = 0
support_material_threshold = 33
cooling = 0
slowdown_below_layer_time = 7
temperature = 210,215
bed_temperature = 60
first_layer_bed_temperature = 60
start_gcode = G28
thumbnails =
";

    #[test]
    fn a_plain_profile_maps_without_loss() {
        let m = mapped(PLAIN);
        assert_eq!(m.lost, []);
        for (key, want) in [
            ("layer_height_mm", "0.2"),
            ("first_layer_height_mm", "0.25"),
            ("road_width_mm", "0.443"),
            ("walls", "3"),
            ("infill_percent", "20"),
            ("infill_pattern", "grid"),
            ("infill_overlap_percent", "10"),
            ("outer_wall_mm_per_s", "30"),
            ("inner_wall_mm_per_s", "60"),
            ("close_gaps_mm", "0.05"),
            ("supports", "false"),
            ("least_layer_s", "0"),
            ("hotend_c", "210"),
            ("bed_c", "60"),
        ] {
            assert_eq!(value(&m, key), Some(want), "{key}");
        }
        assert_eq!(value(&m, "support_below_deg"), None, "supports are off");
        assert_eq!(m.machine.len(), 3);
        let lines = PLAIN.lines().filter(|l| l.contains('=')).count();
        assert_eq!(m.count + m.kept.len() + m.machine.len() + m.lost.len(), lines, "every key is told of");
    }

    #[test]
    fn what_has_no_counterpart_is_told() {
        let m = mapped(
            "perimeters = 2\nflux_capacitor = 1.21\nstart_gcode = G28\\nM141 S[chamber]\nbed_temperature = 60\nfirst_layer_bed_temperature = 70\nlayer_height = 99\n",
        );
        let keys: Vec<&str> = m.lost.iter().map(|(k, _, _)| k.as_str()).collect();
        assert_eq!(keys, ["flux_capacitor", "start_gcode", "layer_height", "first_layer_bed_temperature"]);
        let d = m.diagnostic("x.ini").expect("something is lost");
        assert_eq!((d.code, d.count), ("print/settings-lost", 4));
    }

    #[test]
    fn objects_are_told_apart_as_the_profile_has_it() {
        for (text, wanted) in [
            ("exclude_object = 1\ngcode_label_objects = 1\n", Some("firmware")),
            ("exclude_object = 0\ngcode_label_objects = 1\n", Some("octoprint")),
            ("exclude_object = 0\n", None),
            ("gcode_label_objects = firmware\n", Some("firmware")),
        ] {
            let m = mapped(text);
            assert_eq!((value(&m, "labels"), m.lost.len()), (wanted, 0), "{text}");
        }
    }

    #[test]
    fn pictures_are_those_of_the_profile() {
        let m = mapped("nozzle_diameter = 0.4,0.4\nthumbnails = 16x16/QOI, 220x124/PNG\n");
        assert_eq!(value(&m, "thumbnails"), Some("16x16/QOI, 220x124/PNG"));
        let m = mapped("thumbnails =\n");
        assert_eq!((value(&m, "thumbnails"), m.kept.len()), (None, 1));
    }

    #[test]
    fn rough_walls_are_off_where_they_are_off() {
        for (theirs, ours) in [("none", "off"), ("external", "outside"), ("all", "all")] {
            let m = mapped(&format!("fuzzy_skin = {theirs}\n"));
            assert_eq!((m.lost.len(), value(&m, "fuzzy")), (0, Some(ours)), "{theirs}");
        }
    }

    #[test]
    fn profiles_in_json_have_lists() {
        let text = r#"{"type": "process", "layer_height": "0.2", "wall_loops": "4", "nozzle_temperature": ["220", "225"],
            "sparse_infill_density": "15%", "enable_support": "0", "support_threshold_angle": "30"}"#;
        let m = map(&json(text).expect("JSON"));
        assert_eq!(m.lost, []);
        assert_eq!(value(&m, "walls"), Some("4"));
        assert_eq!(value(&m, "hotend_c"), Some("220"));
        assert_eq!(value(&m, "infill_percent"), Some("15"));
    }

    #[test]
    fn the_first_layer_is_as_hot_as_the_rest_where_nobody_names_it() {
        let m = mapped("temperature = 240\n");
        assert_eq!((value(&m, "first_layer_hotend_c"), m.count), (Some("240"), 1));
        let m = mapped("first_layer_temperature = 250\ntemperature = 240\n");
        assert_eq!(value(&m, "first_layer_hotend_c"), Some("250"));
        assert_eq!(value(&mapped("layer_height = 0.2\n"), "first_layer_hotend_c"), None);
    }

    #[test]
    fn tools_have_their_own_of_every_list() {
        let foreign = ini(
            "nozzle_diameter = 0.4,0.6\ntemperature = 210,190\nfill_density = 20%\nbed_shape = 0x0,9x0,9x9,0x9\n",
        );
        assert_eq!(tools(&foreign), 2);
        let second = map(&of_tool(&foreign, 1));
        assert_eq!((value(&second, "hotend_c"), value(&second, "infill_percent")), (Some("190"), Some("20")));
        assert_eq!(value(&map(&foreign), "hotend_c"), Some("210"));
    }

    #[test]
    fn texts_and_beds_are_no_lists_of_tools() {
        let text = "G28 ; home\\nG1 Z5 F3000\\nG92 E0";
        let foreign = ini(&format!(
            "nozzle_diameter = 0.4,0.4,0.4,0.4\nstart_gcode = {text}\nend_gcode = M84,a;b;c\n\
             bed_shape = 0x0,9x0,9x9,0x9\nstart_filament_gcode = \"M900 K1 ; a\";\"M900 K2\";\"\";\"\"\n"
        ));
        for tool in 0..4 {
            let m = map(&of_tool(&foreign, tool));
            let start = value(&m, "start_gcode").unwrap_or_default();
            assert!(start.contains("G28 ; home\nG1 Z5 F3000\nG92 E0"), "{start}");
            assert_eq!(value(&m, "end_gcode"), Some("M84,a;b;c"));
            let own = ["M900 K1 ; a", "M900 K2"].get(tool).copied();
            assert_eq!(value(&m, "filament_start_gcode"), own);
            let bed = m.machine.iter().find(|(k, _)| k == "bed_shape").map(|(_, v)| v.as_str());
            assert_eq!(bed, Some("0x0,9x0,9x9,0x9"));
        }
    }

    #[test]
    fn filaments_of_one_nozzle_are_tools() {
        let text = r#"{"nozzle_diameter": ["0.4"], "filament_type": ["PLA", "PETG"], "nozzle_temperature": ["210", "245"]}"#;
        let foreign = json(text).expect("JSON");
        assert_eq!(tools(&foreign), 2);
        let hot = |tool| map(&of_tool(&foreign, tool)).ours.into_iter().find(|(k, _)| k == "hotend_c");
        assert_eq!([hot(0), hot(1)].map(|h| h.map(|h| h.1)), [Some("210".into()), Some("245".into())]);
        let many = ini(&format!("nozzle_diameter = 0.4{}\n", ",0.4".repeat(99)));
        assert_eq!((tools(&many), of_tool(&many, 99)[0].1.as_str()), (32, "0.4"));
    }

    #[test]
    fn parents_lie_beside_a_profile_and_nowhere_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let own = folder.path().join("own");
        std::fs::create_dir(&own).expect("writable");
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writable");
        write("secret.json", r#"{"wall_loops": "9"}"#);
        write("own/parent.json", r#"{"wall_loops": "3"}"#);
        write("own/child.json", r#"{"inherits": "parent"}"#);
        write("own/thief.json", r#"{"inherits": "../secret"}"#);
        let read = |name: &str| super::read(&own.join(name), &[]).expect("readable");
        assert_eq!(read("child.json"), [("wall_loops".to_owned(), "3".to_owned())]);
        assert_eq!(read("thief.json"), [("inherits".to_owned(), "../secret".to_owned())]);
    }

    #[test]
    fn a_part_s_tool_is_that_of_all_its_roads() {
        let m = mapped("extruder = 2\n");
        assert_eq!((value(&m, "tool"), value(&m, "infill_tool")), (Some("1"), Some("part")));
        let m = mapped(
            "perimeter_extruder = 1\ninfill_extruder = 3\nsupport_material_extruder = 0\nextruder = 0\n",
        );
        assert_eq!((m.lost.len(), m.ours.len(), value(&m, "infill_tool")), (0, 1, Some("2")));
    }

    #[test]
    fn a_saved_profile_says_the_same() {
        let m = mapped(PLAIN);
        let profile = m.profile("from \"elsewhere\"");
        let table: toml::Table = profile.parse().expect("TOML");
        assert_eq!(table.len(), m.ours.len() + 1);
        let mut settings = Settings::default();
        for (key, value) in table.iter().filter(|(k, _)| *k != "title") {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(settings.set(key, &text), Ok(()), "{key}");
        }
        let mut direct = Settings::default();
        m.apply(&mut direct);
        assert_eq!(settings, direct);
    }

    /// The settings at which slicers are compared; the file lies beside the repository where developers have it.
    #[test]
    fn the_profile_of_the_comparison_maps_without_loss() {
        let kit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/peers/slice/profiles");
        for names in [&["prusa.ini"][..], &["prusa.ini", "prusa-support.ini"]] {
            let mut all = String::new();
            for name in names {
                let Ok(text) = std::fs::read_to_string(kit.join(name)) else {
                    eprintln!("skipped: there is no ../shared/peers/slice beside this repository");
                    return;
                };
                all += &text;
            }
            // What is said later counts.
            let mut settings = ini(&all);
            let mut i = 0;
            while i < settings.len() {
                let again = settings[i + 1..].iter().any(|(k, _)| *k == settings[i].0);
                if again { drop(settings.remove(i)) } else { i += 1 }
            }
            let m = map(&settings);
            assert_eq!(m.lost, [], "{names:?}");
        }
    }
}
