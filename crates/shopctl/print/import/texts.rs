//! Texts of other slicers that go into the program, as ours: start, end, layers, changes of tool.
//!
//! What stands in braces is mostly written alike. A name that only the other slicer knows is replaced by the value that its
//! own profile has for it; a line for which that does not do is left out with a remark in its place, and told. Lines between
//! `{if}` and `{endif}` stay together.

use super::{list, unescaped};
use shop_formats::mesh::Setting;
use shop_print::hooks::{Hook, knows};
use shop_print::settings::Value as _;
use std::fmt::Write as _;

/// A text as ours, and the lines of it that are left out, with why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// Ours.
    pub ours: String,
    /// What is left out: the first line of it, and why.
    pub lost: Vec<(String, String)>,
}

/// Translates a text; `foreign` is the profile in which it stands.
pub fn translate(text: &str, foreign: &[Setting]) -> Text {
    let mut out = Text::default();
    for block in blocks(text) {
        let ours = replaced(&block, foreign);
        let wrong = match unknown(&ours) {
            Some(name) => Some(format!("nobody knows what `{name}` is here")),
            None => Hook::read(&ours).err(),
        };
        match wrong {
            None => out.ours += &ours,
            Some(why) => {
                let first = block.lines().next().unwrap_or_default().trim().to_owned();
                // Braces in a remark would be worked out as well.
                let plain = first.replace(['{', '}', '[', ']'], "|");
                let _ = writeln!(out.ours, "; left out: {plain}");
                out.lost.push((first, why));
            }
        }
    }
    out.ours.truncate(out.ours.trim_end().len());
    out
}

/// Says that what a start needs is there: others heat by themselves what their text does not.
pub fn heating(text: &str) -> String {
    let has = |codes: &[&str]| {
        text.lines()
            .any(|l| codes.contains(&l.split_whitespace().next().unwrap_or("").to_uppercase().as_str()))
    };
    let mut out = String::new();
    if !has(&["M140", "M190"]) {
        out += "{if bed_c > 0}M190 S{bed_c}{endif}\n";
    }
    let hot = has(&["M104", "M109"]);
    if !hot {
        out += "M104 S{first_layer_hotend_c}\n";
    }
    out += text;
    if !hot {
        out += "\nM109 S{first_layer_hotend_c}";
    }
    out
}

/// Says that a text for a change of tool changes it: others do so when the text does not.
pub fn changing(text: &str) -> String {
    let changes = |l: &str| {
        let rest = l.trim_start().strip_prefix(['T', 't']);
        rest.is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit() || c == '{' || c == '['))
    };
    if text.lines().any(changes) { text.to_owned() } else { format!("{text}\nT{{next_tool}}") }
}

/// Divides a text into lines, those between `{if}` and `{endif}` together.
fn blocks(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut depth = 0i32;
    for line in text.lines() {
        match out.last_mut().filter(|_| depth > 0) {
            Some(block) => *block += line,
            None => out.push(line.to_owned()),
        }
        if let Some(block) = out.last_mut() {
            block.push('\n');
        }
        let count = |word: &str| line.match_indices(word).count() as i32;
        depth = (depth + count("{if") - count("{endif")).max(0);
    }
    out
}

/// Replaces names that only the other slicer knows by what its profile says.
fn replaced(text: &str, foreign: &[Setting]) -> String {
    let mut out = String::new();
    let mut rest = text;
    // In braces, and between quotes in them.
    let (mut inside, mut quoted) = (false, false);
    while let Some(c) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if inside && !quoted && word > 0 {
            let (name, after) = rest.split_at(word);
            rest = after;
            let value = (!c.is_ascii_digit() && !knows(name)).then(|| value(foreign, name)).flatten();
            match value {
                Some(all) => {
                    let (index, after) = indexed(rest);
                    rest = after;
                    out += &literal(all.get(index).or(all.first()).map_or("", |v| v));
                }
                None => out += name,
            }
            continue;
        }
        if !inside && c == '[' {
            let name = rest[1..].split(']').next().unwrap_or("");
            let known = name.len() + 1 < rest.len() && !name.is_empty() && !knows(name);
            if let Some(all) = known.then(|| value(foreign, name)).flatten() {
                out += all.first().map_or("", |v| v);
                rest = &rest[name.len() + 2..];
                continue;
            }
        }
        inside = match c {
            '{' => true,
            '}' if !quoted => false,
            _ => inside,
        };
        quoted = inside && (quoted != (c == '"'));
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// Returns the values of a foreign setting.
fn value(foreign: &[Setting], name: &str) -> Option<Vec<String>> {
    let (_, value) = foreign.iter().rev().find(|(k, _)| k == name)?;
    Some(list(value).iter().map(|v| unescaped(v)).collect())
}

/// Takes a number in brackets, or a name in them, which stands for the first.
fn indexed(rest: &str) -> (usize, &str) {
    let inside = rest.strip_prefix('[').and_then(|r| r.split_once(']'));
    inside.map_or((0, rest), |(index, after)| (index.trim().parse().unwrap_or(0), after))
}

fn literal(value: &str) -> String {
    match value.trim_end_matches('%').parse::<f64>() {
        Ok(v) if v.is_finite() => v.to_string(),
        _ => format!("\"{}\"", value.replace('"', "'")),
    }
}

/// Returns a name in square brackets that nobody knows: it would stay as it stands.
fn unknown(text: &str) -> Option<&str> {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            '[' if depth == 0 => {
                let name = text[i + 1..].split(']').next().unwrap_or("");
                let word = |b: u8| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit();
                let is_name = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(word);
                if is_name && name.len() + i + 1 < text.len() && !knows(name) {
                    return Some(name);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign() -> Vec<Setting> {
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        vec![
            pair("filament_type", "PETG;PLA"),
            pair("nozzle_diameter", "0.4,0.6"),
            pair("printer_model", "MK3S"),
        ]
    }

    #[test]
    fn texts_are_read_as_ours() {
        for (theirs, ours) in [
            ("G28\nG1 Z5 F5000", "G28\nG1 Z5 F5000"),
            ("M104 S[first_layer_temperature]", "M104 S[first_layer_temperature]"),
            ("M862.3 P \"[printer_model]\"", "M862.3 P \"MK3S\""),
            (
                "{if filament_type[0]==\"PETG\"}M221 S95{else}M221 S100{endif}",
                "{if \"PETG\"==\"PETG\"}M221 S95{else}M221 S100{endif}",
            ),
            ("M862.1 P{nozzle_diameter[1]}", "M862.1 P0.6"),
            (
                "M109 S{first_layer_temperature[initial_extruder] + 5}",
                "M109 S{first_layer_temperature[initial_extruder] + 5}",
            ),
            ("G1 X{first_layer_print_min[0]-3}", "G1 X{first_layer_print_min[0]-3}"),
        ] {
            let text = translate(theirs, &foreign());
            let plain = text.ours.replace("{0.6}", "0.6");
            assert_eq!((plain.as_str(), text.lost.len()), (ours, 0), "{theirs}");
            assert!(Hook::read(&text.ours).is_ok());
        }
    }

    #[test]
    fn what_cannot_be_said_is_left_out_and_told() {
        let theirs =
            "G28\nM300 S[beeps]\n{local x = 3}\n{if chamber_temperature > 20}\nM191 S1\n{endif}\nM84";
        let text = translate(theirs, &foreign());
        assert_eq!(text.lost.len(), 3, "{text:?}");
        assert!(
            text.lost
                .iter()
                .any(|(line, why)| line.contains("chamber") && why.contains("chamber_temperature"))
        );
        let kept: Vec<&str> = text.ours.lines().filter(|l| !l.starts_with("; left out")).collect();
        assert_eq!(kept, ["G28", "M84"]);
        assert!(Hook::read(&text.ours).is_ok(), "{}", text.ours);
    }

    #[test]
    fn what_others_add_by_themselves_is_added() {
        let text = heating("G28");
        assert!(text.starts_with("{if bed_c > 0}M190") && text.ends_with("M109 S{first_layer_hotend_c}"));
        assert_eq!(heating("M140 S60\nM104 S200"), "M140 S60\nM104 S200");
        assert_eq!(changing("G1 X0\nT[next_extruder]"), "G1 X0\nT[next_extruder]");
        assert_eq!(changing("G1 X0"), "G1 X0\nT{next_tool}");
    }
}
