//! Machine profiles: finding one, reading it, and what a job asks of it.
//!
//! A profile is a TOML file that says what a machine is, can and is told. It is looked up by name, nearest first:
//!
//! ```text
//! -m ./odd/place.toml            a path is a path
//! -m plasma-grbl                 ./machines/plasma-grbl.toml
//!                                <user settings>/machines/plasma-grbl.toml
//!                                the one built into the program
//! ```
//!
//! so that a shop can shadow a profile with its own, and `extends = "plasma-grbl"` in it lays it over the one it
//! shadows. [`schema`] is the reference of the format.

mod embedded;
mod schema;
mod section;
mod write;

use crate::folders::Folders;
use crate::report::Sources;
use section::{Found, Section, Sheet, get, nearest_few, span_of};
use shop_cam::chart::Milling;
use shop_cam::machine::Machine;
use shop_report::{Diagnostic, Severity, SourceId, Span};
use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use schema::{DIALECTS, KINDS};
pub use section::nearest_few as nearest_names;
pub use write::{to_json, to_toml};

/// Where a profile was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File(PathBuf),
    /// In the program itself.
    Embedded,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Embedded => f.write_str("built in"),
        }
    }
}

/// A machine as a profile describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The machine.
    pub machine: Machine,
    /// How materials want to be milled, by the material's name.
    pub milling: Vec<(String, Milling)>,
    /// Where the profile was found.
    pub origin: Origin,
    /// Names of the profiles it extends, nearest first.
    pub bases: Vec<String>,
}

/// The user's settings (`config.toml`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Machine to use when none is named.
    pub default_machine: Option<String>,
    /// Material to use when none is named.
    pub default_material: Option<String>,
}

/// A profile's text before it is understood.
struct Text {
    name: String,
    origin: Origin,
    source: SourceId,
    body: String,
}

/// Profiles are kilobytes; what is larger is no profile.
const LARGEST_FILE: u64 = 1 << 20;

/// A chain of `extends` longer than this is a mistake.
const LONGEST_CHAIN: usize = 8;

/// Returns the profile of this name or path, or nothing and at least one error among `found`. The files read are
/// registered in `sources`.
pub fn load(name: &str, folders: &Folders, sources: &mut Sources<'_>, found: &mut Found) -> Option<Profile> {
    let before = found.len();
    let chain = read_chain(name, folders, sources, found)?;
    let tables: Vec<Spanned<DeTable<'_>>> = chain.iter().filter_map(|t| parse(t, found)).collect();
    if tables.len() < chain.len() {
        return None;
    }
    let sheet = |(text, table): (&Text, _)| top(table, text.source);
    let sheets = chain.iter().zip(&tables).map(sheet).collect();
    let machine = schema::machine(&chain[0].name, Section::new("", sheets), found);
    found[before..].sort_by_key(|d| d.span);
    let (machine, milling) = machine?;
    let bases = chain[1..].iter().map(|t| t.name.clone()).collect();
    Some(Profile { machine, milling, origin: chain[0].origin.clone(), bases })
}

fn top<'t>(table: &'t Spanned<DeTable<'t>>, source: SourceId) -> Sheet<'t> {
    // What is missing at the top is missing in the first line.
    Sheet { table: table.get_ref(), source, start: 0, end: 0 }
}

fn parse<'t>(text: &'t Text, found: &mut Found) -> Option<Spanned<DeTable<'t>>> {
    let (table, errors) = DeTable::parse_recoverable(&text.body);
    for e in &errors {
        let message = e.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let mut d = Diagnostic::error("machine/syntax", message);
        d.span = Some(e.span().map_or(Span::new(text.source, 0, 0), |s| span_of(text.source, &s)));
        found.push(d.hint("the file is TOML: `key = 1.5`, `key = \"text\"`, `[heading]`; see toml.io"));
    }
    errors.is_empty().then_some(table)
}

/// Reads a profile and the ones it extends, nearest first.
fn read_chain(
    name: &str,
    folders: &Folders,
    sources: &mut Sources<'_>,
    found: &mut Found,
) -> Option<Vec<Text>> {
    let mut chain: Vec<Text> = Vec::new();
    let mut wanted = (name.to_owned(), None);
    loop {
        let (name, asked) = &wanted;
        let text = read_one(name, *asked, &chain, folders, sources, found)?;
        let base = base_of(&text);
        chain.push(text);
        match base {
            None => return Some(chain),
            Some((_, span)) if chain.len() == LONGEST_CHAIN => {
                let message = format!("more than {LONGEST_CHAIN} profiles extend one another");
                found.push(Diagnostic::error("machine/extends-too-deep", message).span(span));
                return None;
            }
            Some((base, span)) => wanted = (base, Some(span)),
        }
    }
}

/// Returns the name in `[machine] extends`, if there is one; what else is wrong with the file is found later.
fn base_of(text: &Text) -> Option<(String, Span)> {
    let (root, _) = DeTable::parse_recoverable(&text.body);
    let DeValue::Table(machine) = get(root.get_ref(), "machine")?.get_ref() else { return None };
    let base = get(machine, "extends")?;
    Some((base.get_ref().as_str()?.to_owned(), span_of(text.source, &base.span())))
}

fn read_one(
    name: &str,
    asked: Option<Span>,
    chain: &[Text],
    folders: &Folders,
    sources: &mut Sources<'_>,
    found: &mut Found,
) -> Option<Text> {
    let used = |origin: &Origin, stem: &str| chain.iter().any(|t| &t.origin == origin && t.name == stem);
    for (stem, origin) in places(name, folders) {
        if used(&origin, &stem) {
            continue;
        }
        match read_origin(&stem, &origin, sources) {
            Ok(text) => return Some(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => {
                let Origin::File(path) = &origin else {
                    unreachable!("embedded profiles are read without error")
                };
                let message = format!("cannot read {}: {e}", path.display());
                let mut d = Diagnostic::error("machine/unreadable", message);
                d.span = asked;
                found.push(d);
                return None;
            }
        }
    }
    let in_a_ring = chain.iter().any(|t| t.name == name);
    let mut d = if in_a_ring {
        Diagnostic::error("machine/extends-itself", format!("`{name}` extends itself"))
            .hint("a profile may extend another one, or the one of the same name that it shadows")
    } else {
        unknown(name, folders)
    };
    d.span = asked;
    found.push(d);
    None
}

fn unknown(name: &str, folders: &Folders) -> Diagnostic {
    if is_path(name) {
        return Diagnostic::error("machine/unknown", format!("there is no profile `{name}`"))
            .hint("a name with a slash or an ending is taken for a path");
    }
    let known: Vec<String> = list(folders).into_iter().map(|(n, _)| n).collect();
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let close = nearest_few(name, &names, 3);
    let hint = if close.is_empty() {
        "`shopctl machine list` shows the machines there are".to_owned()
    } else {
        let quoted: Vec<String> = close.iter().map(|n| format!("`{n}`")).collect();
        format!("did you mean {}? `shopctl machine list` shows all", quoted.join(" or "))
    };
    Diagnostic::error("machine/unknown", format!("there is no machine `{name}`")).hint(hint)
}

/// Returns every place where a profile of this name may be, nearest first, each with the profile's name there.
fn places(name: &str, folders: &Folders) -> Vec<(String, Origin)> {
    if is_path(name) {
        let path = PathBuf::from(name);
        let stem = path.file_stem().map_or_else(|| name.to_owned(), |s| s.to_string_lossy().into_owned());
        return vec![(stem, Origin::File(path))];
    }
    // Names are lower case with hyphens; a person may type them otherwise.
    let usual = name.trim().to_lowercase().replace([' ', '_'], "-");
    let mut stems = vec![name.to_owned()];
    if usual != name {
        stems.push(usual);
    }
    let mut places = Vec::new();
    for folder in folders_of(folders) {
        for stem in &stems {
            places.push((stem.clone(), Origin::File(folder.join(format!("{stem}.toml")))));
        }
    }
    places.extend(stems.into_iter().map(|s| (s, Origin::Embedded)));
    places
}

fn folders_of(folders: &Folders) -> Vec<PathBuf> {
    std::iter::once(folders.local_machines.clone()).chain(folders.user_machines()).collect()
}

fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"))
}

fn read_origin(stem: &str, origin: &Origin, sources: &mut Sources<'_>) -> io::Result<Text> {
    let (shown, text) = match origin {
        Origin::File(path) => (path.display().to_string(), read_text(path)?),
        Origin::Embedded => {
            let text = embedded::text(stem).ok_or(io::ErrorKind::NotFound)?;
            (format!("machines/{stem}.toml (built in)"), text.to_owned())
        }
    };
    let source = sources.add(shown, text.clone().into_bytes());
    Ok(Text { name: stem.to_owned(), origin: origin.clone(), source, body: text })
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
    if read as u64 > LARGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than a megabyte"));
    }
    Ok(text)
}

/// Returns the names of all profiles and where the nearest of each name is, in the order of names.
pub fn list(folders: &Folders) -> Vec<(String, Origin)> {
    let mut all: Vec<(String, Origin)> = Vec::new();
    for folder in folders_of(folders) {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|e| Some(e.ok()?.path())) {
            let toml = path.extension().is_some_and(|e| e == "toml");
            if let Some(stem) = path.file_stem().and_then(|s| s.to_str()).filter(|_| toml && path.is_file()) {
                add_new(&mut all, stem, Origin::File(path.clone()));
            }
        }
    }
    for (name, _) in embedded::PROFILES {
        add_new(&mut all, name, Origin::Embedded);
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn add_new(all: &mut Vec<(String, Origin)>, name: &str, origin: Origin) {
    if !all.iter().any(|(n, _)| n == name) {
        all.push((name.to_owned(), origin));
    }
}

/// Returns the nearest place of a profile, if there is one.
pub fn find(name: &str, folders: &Folders) -> Option<(String, Origin)> {
    places(name, folders).into_iter().find(|(stem, origin)| match origin {
        Origin::File(path) => path.is_file(),
        Origin::Embedded => embedded::text(stem).is_some(),
    })
}

/// Returns the user's settings; none at all are no error.
pub fn settings(folders: &Folders, sources: &mut Sources<'_>, found: &mut Found) -> Settings {
    let Some(path) = folders.settings().filter(|p| p.exists()) else { return Settings::default() };
    let text = match read_text(&path) {
        Ok(text) => text,
        Err(e) => {
            let message = format!("cannot read {}: {e}", path.display());
            found.push(Diagnostic::error("machine/unreadable", message));
            return Settings::default();
        }
    };
    let source = sources.add(path.display().to_string(), text.clone().into_bytes());
    let text = Text { name: "config".into(), origin: Origin::File(path), source, body: text };
    let Some(table) = parse(&text, found) else { return Settings::default() };
    let mut root = Section::new("", vec![top(&table, source)]);
    let settings = Settings {
        default_machine: root.text("default_machine", found).map(str::to_owned),
        default_material: root.text("default_material", found).map(str::to_owned),
    };
    root.finish(found);
    settings
}

impl Profile {
    /// Returns the machine for a job in this material: its tools have the feeds, speeds and depths that the material
    /// wants of them. What a tool's own entry says stands; a material that says nothing of milling changes nothing.
    pub fn machine_for(&self, material: &str) -> Machine {
        let mut machine = self.machine.clone();
        let wanted = material.trim().to_lowercase().replace([' ', '_'], "-");
        let Some((_, milling)) = self.milling.iter().find(|(name, _)| name.to_lowercase() == wanted) else {
            return machine;
        };
        let [x, y, _] = &machine.axes;
        let fastest = if x.rapid < y.rapid { x.rapid } else { y.rapid };
        for tool in &mut machine.tools {
            let feeds = milling.feeds(tool, machine.process.rpm_range, fastest);
            tool.rpm = tool.rpm.or(Some(feeds.rpm));
            tool.feed = tool.feed.or(Some(feeds.feed));
            tool.plunge = tool.plunge.or(Some(feeds.plunge));
            tool.step_down = tool.step_down.or(Some(feeds.step_down));
        }
        machine
    }
}

/// True when something among `found` is an error.
pub fn has_errors(found: &[Diagnostic]) -> bool {
    found.iter().any(|d| d.severity == Severity::Error)
}

#[cfg(test)]
mod tests;
