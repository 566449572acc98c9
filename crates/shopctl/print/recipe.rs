//! Settings of a print by name: filament, quality, and what the command line adds.
//!
//! A profile is a TOML file of settings, each under its own name; `extends` lays it over another one. It is looked up as
//! machines are, nearest first: a path; `./profiles/quality/NAME.toml`; the user's settings folder; the program itself.
//! What is said later counts: the settings' own defaults, then the filament, then the quality, then `--set`.

use crate::folders::Folders;
use crate::profile::nearest_names;
use crate::report::Sources;
use shop_print::hooks;
use shop_print::settings::{FIELDS, Settings};
use shop_report::{Diagnostic, SourceId, Span};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a profile is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The filament.
    Filament,
    /// The quality.
    Quality,
}

impl About {
    /// Returns the name of its folder.
    pub fn folder(self) -> &'static str {
        match self {
            About::Filament => "filament",
            About::Quality => "quality",
        }
    }

    fn embedded(self) -> &'static [(&'static str, &'static str)] {
        match self {
            About::Filament => FILAMENTS,
            About::Quality => QUALITIES,
        }
    }
}

macro_rules! embedded {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../profiles/", $folder, "/", $name, ".toml")))),+]
    };
}

/// Filaments built into the program.
pub const FILAMENTS: &[(&str, &str)] =
    embedded!["filament": "abs", "asa", "nylon", "pc", "petg", "pla", "tpu"];
/// Qualities built into the program.
pub const QUALITIES: &[(&str, &str)] =
    embedded!["quality": "draft", "fine", "peers-plain", "peers-support", "peers-tree", "standard", "strong"];

/// A chain of `extends` longer than this is a mistake.
const LONGEST_CHAIN: usize = 8;

/// Lays the settings of a profile, and of all it extends, over `settings`. What is wrong is added to `found`.
pub fn lay(
    about: About,
    name: &str,
    folders: &Folders,
    sources: &mut Sources<'_>,
    settings: &mut Settings,
    found: &mut Vec<Diagnostic>,
) {
    let mut chain: Vec<(SourceId, String)> = Vec::new();
    let mut names: Vec<(String, bool)> = Vec::new();
    let mut wanted = Some((name.to_owned(), None));
    while let Some((name, asked)) = wanted.take() {
        // A profile may extend the built-in one that it shadows.
        let own = names.iter().any(|(n, outside)| *n == name && *outside);
        let ring = names.iter().any(|(n, outside)| *n == name && !*outside) || chain.len() == LONGEST_CHAIN;
        let Some((shown, text, outside)) = (if ring { None } else { read(about, &name, folders, own) })
        else {
            let mut d = unknown(about, &name, ring);
            d.span = asked;
            found.push(d);
            return;
        };
        let id = sources.add(shown, text.clone().into_bytes());
        let (root, _) = DeTable::parse_recoverable(&text);
        wanted = root
            .get_ref()
            .iter()
            .find(|(k, _)| k.get_ref() == "extends")
            .and_then(|(_, v)| Some((v.get_ref().as_str()?.to_owned(), Some(span(id, v)))));
        names.push((name, outside));
        chain.push((id, text));
    }
    for (id, text) in chain.iter().rev() {
        apply(*id, text, settings, found);
    }
}

/// Lays `KEY=VALUE` over the settings. In texts for the program, `\n` is the end of a line, as in other slicers' profiles.
pub fn set(text: &str, settings: &mut Settings) -> Result<(), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(format!("--set {text}: KEY=VALUE is wanted"));
    };
    let key = key.trim();
    let value = value.trim();
    let lines = key.ends_with("_gcode") || key == "at_heights";
    let value = if lines { value.replace("\\n", "\n") } else { value.to_owned() };
    settings.set(key, &value).map_err(|wrong| match meant(key) {
        Some(close) if settings.get(key).is_none() => format!("--set {text}: {wrong}; did you mean {close}?"),
        _ => format!("--set {text}: {wrong}"),
    })
}

/// The settings in which groups begin, and what the groups are about.
const GROUPS: &[(&str, &str)] = &[
    ("layer_height_mm", "Layers, walls and filling"),
    ("brim_mm", "Around the part"),
    ("supports", "Supports"),
    ("outer_wall_mm_per_s", "Speeds"),
    ("acceleration_mm_per_s2", "Accelerations"),
    ("retract_mm", "Travel and retraction"),
    ("flow", "Filament and fan"),
    ("most_flow_mm3_per_s", "Limits and cooling"),
    ("arc_tolerance_mm", "The program, its tools and its report"),
];

/// Returns what there is to say about a setting, or about all of them.
pub fn explain(key: &str, settings: &Settings) -> Result<String, String> {
    use std::fmt::Write as _;
    let mut out = String::new();
    for field in FIELDS.iter().filter(|f| key == "all" || f.name == key) {
        if let Some((_, title)) = GROUPS.iter().find(|(first, _)| key == "all" && *first == field.name) {
            let _ = writeln!(out, "{}{title}\n", if out.is_empty() { "" } else { "\n" });
        }
        let _ = writeln!(out, "{} = {}", field.name, settings.get(field.name).unwrap_or_default());
        let _ = writeln!(out, "   {}", field.doc.trim());
        let _ = write!(out, "   Default {}", Settings::default().get(field.name).unwrap_or_default());
        if let Some([low, high]) = field.range {
            let _ = write!(out, "; {low} to {high}");
        }
        let _ = writeln!(out, ".");
    }
    let texts: Vec<&str> = FIELDS.iter().map(|f| f.name).filter(|n| n.ends_with("_gcode")).collect();
    if key == "all" {
        let _ = writeln!(out, "\nTexts of your own in the program: {}", texts.join(", "));
    }
    if key == "all" || texts.contains(&key) {
        let _ = writeln!(
            out,
            "In it \\n ends a line. What it may name in braces, besides all settings:\n{}",
            hooks::names()
        );
    }
    if out.is_empty() {
        let hint = meant(key).map_or(String::new(), |m| format!("; did you mean {m}?"));
        return Err(format!("there is no setting {key}{hint} (--explain-setting all lists them)"));
    }
    Ok(out)
}

/// Returns the setting that a misspelt key is nearest to.
fn meant(key: &str) -> Option<&'static str> {
    let names: Vec<&str> = FIELDS.iter().map(|f| f.name).collect();
    let near = nearest_names(key, &names, 1);
    near.first().and_then(|n| names.iter().find(|m| *m == n)).copied()
}

fn apply(id: SourceId, text: &str, settings: &mut Settings, found: &mut Vec<Diagnostic>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    for e in &errors {
        let message = e.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let at = e.span().unwrap_or(0..0);
        found.push(
            Diagnostic::error("print/profile-syntax", message)
                .span(Span::new(id, at.start, at.end))
                .hint("a profile is TOML: `key = 1.5` or `key = \"text\"`, one to a line"),
        );
    }
    for (key, value) in root.get_ref() {
        let name: &str = key.get_ref();
        if matches!(name, "title" | "extends") {
            continue;
        }
        let text = match value.get_ref() {
            DeValue::String(s) => s.to_string(),
            DeValue::Integer(i) => i.to_string(),
            DeValue::Float(f) => f.to_string(),
            DeValue::Boolean(b) => b.to_string(),
            _ => "a list or table".to_owned(),
        };
        if settings.get(name).is_none() {
            let at = Span::new(id, key.span().start, key.span().end);
            let d = Diagnostic::error("print/unknown-setting", format!("unknown setting `{name}`")).span(at);
            found.push(match meant(name) {
                Some(close) => d.hint(format!("did you mean `{close}`?")),
                None => d.hint("`shopctl print --explain-setting all` lists them"),
            });
        } else if let Err(wrong) = settings.set(name, &text) {
            let message = format!("`{name}` is {text}: {wrong}");
            found.push(Diagnostic::error("print/bad-setting", message).span(span(id, value)));
        }
    }
}

fn span(id: SourceId, value: &Spanned<DeValue<'_>>) -> Span {
    Span::new(id, value.span().start, value.span().end)
}

/// Returns what the profile is shown as, its text, and whether it lies outside the program.
fn read(about: About, name: &str, folders: &Folders, only_built_in: bool) -> Option<(String, String, bool)> {
    let is_path = name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(|e| e == "toml");
    let places: Vec<PathBuf> = if is_path {
        vec![PathBuf::from(name)]
    } else {
        let file = format!("{}/{name}.toml", about.folder());
        let user = folders.user.as_ref().map(|u| u.join("profiles").join(&file));
        [Some(PathBuf::from("profiles").join(&file)), user].into_iter().flatten().collect()
    };
    if !only_built_in {
        for path in places {
            if let Ok(text) = std::fs::read_to_string(&path) {
                return Some((path.display().to_string(), text, true));
            }
        }
    }
    let (_, text) = about.embedded().iter().find(|(n, _)| *n == name)?;
    Some((format!("profiles/{}/{name}.toml (built in)", about.folder()), (*text).to_owned(), false))
}

fn unknown(about: About, name: &str, ring: bool) -> Diagnostic {
    let what = about.folder();
    if ring {
        return Diagnostic::error("print/profile-extends-itself", format!("{what} `{name}` extends itself"))
            .hint("a profile may extend another one, or the built-in one of its own name");
    }
    let names: Vec<&str> = about.embedded().iter().map(|(n, _)| *n).collect();
    Diagnostic::error("print/unknown-profile", format!("there is no {what} `{name}`"))
        .hint(format!("built in are {}; a name with a slash or an ending is a path", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> Folders {
        Folders { local_machines: PathBuf::from("/nowhere"), user: None }
    }

    #[test]
    fn everything_built_in_is_without_fault_and_listed() {
        for about in [About::Filament, About::Quality] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles").join(about.folder());
            let mut files: Vec<String> = std::fs::read_dir(folder)
                .expect("part of the source")
                .map(|f| {
                    f.expect("readable").path().file_stem().expect("a name").to_string_lossy().into_owned()
                })
                .collect();
            files.sort();
            assert!(about.embedded().iter().map(|(n, _)| *n).eq(files.iter().map(String::as_str)));
            for (name, _) in about.embedded() {
                let mut found = Vec::new();
                lay(about, name, &nowhere(), &mut Sources::new(), &mut Settings::default(), &mut found);
                assert_eq!(found, [], "{name}");
            }
        }
    }

    #[test]
    fn texts_of_the_command_line_have_lines() {
        let mut settings = Settings::default();
        set(r"start_gcode=G28\nM104 S{hotend_c}", &mut settings).expect("sound");
        assert_eq!(settings.get("start_gcode").as_deref(), Some("G28\nM104 S{hotend_c}"));
        set(r"at_heights=1 pause\n2 colour", &mut settings).expect("sound");
        assert_eq!(settings.get("at_heights").as_deref(), Some("1 pause\n2 colour"));
    }

    #[test]
    fn texts_tell_what_they_may_name() {
        let settings = Settings::default();
        for key in ["all", "start_gcode", "tool_change_gcode"] {
            let told = explain(key, &settings).expect("there is such a setting");
            assert!(told.contains("{layer_z}") && told.contains("{next_tool}"), "{key}: {told}");
        }
        assert!(explain("all", &settings).is_ok_and(|t| t.contains("start_gcode, end_gcode")));
        assert!(explain("walls", &settings).is_ok_and(|t| !t.contains("{layer_z}")));
    }

    #[test]
    fn a_file_lays_itself_over_what_it_extends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, "extends = \"fine\"\nwalls = 3\n").unwrap();
        let (mut settings, mut found) = (Settings::default(), Vec::new());
        let name = path.display().to_string();
        lay(About::Quality, &name, &nowhere(), &mut Sources::new(), &mut settings, &mut found);
        assert_eq!(found, []);
        assert_eq!((settings.walls, settings.layer_height_mm, settings.infill_percent), (3, 0.1, 20.0));
    }

    #[test]
    fn faults_are_shown_where_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, "wals = 3\nwalls = 0\nextends = \"nothing\"\n").unwrap();
        let (mut settings, mut found) = (Settings::default(), Vec::new());
        let name = path.display().to_string();
        lay(About::Quality, &name, &nowhere(), &mut Sources::new(), &mut settings, &mut found);
        assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["print/unknown-profile"]);
        std::fs::write(&path, "wals = 3\nwalls = 0\n").unwrap();
        found.clear();
        lay(About::Quality, &name, &nowhere(), &mut Sources::new(), &mut settings, &mut found);
        found.sort_by_key(|d| d.span);
        assert_eq!(
            found.iter().map(|d| d.code).collect::<Vec<_>>(),
            ["print/unknown-setting", "print/bad-setting"]
        );
        assert!(found[0].hint.as_deref().is_some_and(|h| h.contains("walls")));
        assert_eq!(settings.walls, Settings::default().walls);
    }
}
