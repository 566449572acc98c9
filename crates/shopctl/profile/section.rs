//! Reading TOML with a finger on the line: every complaint about a settings file names the key, the place and what
//! to write instead, and one run finds them all.
//!
//! A *section* is a stack of TOML tables, the nearest file first: a profile that `extends` another lays its own keys
//! over those of its base, table by table. Lists are not merged; the nearest one counts. serde's derive stops at the first
//! mistake and knows no second file, so the walk over the parsed tree is our own.

use shop_report::{Diagnostic, SourceId, Span};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One table of one file.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'t> {
    /// Its keys.
    pub table: &'t DeTable<'t>,
    /// Which file.
    pub source: SourceId,
    /// Where the table's heading stands.
    pub start: usize,
    /// One past the heading.
    pub end: usize,
}

/// A stack of tables under one heading, and which of their keys were asked for.
#[derive(Debug)]
pub struct Section<'t> {
    /// Heading, e.g. `axes.x`; empty for the top of the file.
    path: String,
    sheets: Vec<Sheet<'t>>,
    known: Vec<&'static str>,
    /// Where the heading stands, or the one above it when no file has this one.
    place: Option<Span>,
    /// That the heading itself is missing is said once.
    absence_told: bool,
}

/// A value with its place.
#[derive(Clone, Copy, Debug)]
pub struct Item<'t> {
    /// What was read.
    pub value: &'t DeValue<'t>,
    /// Where it stands.
    pub span: Span,
}

/// What a number must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Any number.
    Any,
    /// Above zero.
    Positive,
    /// Zero or above.
    NotNegative,
    /// From the first to the second, both included.
    Within(f64, f64),
}

impl Law {
    fn holds(self, v: f64) -> bool {
        match self {
            Law::Any => true,
            Law::Positive => v > 0.0,
            Law::NotNegative => v >= 0.0,
            Law::Within(low, high) => (low..=high).contains(&v),
        }
    }

    fn words(self) -> String {
        match self {
            Law::Any => "must be a number".into(),
            Law::Positive => "must be above 0".into(),
            Law::NotNegative => "must not be below 0".into(),
            Law::Within(low, high) => format!("must be from {low} to {high}"),
        }
    }
}

/// Complaints, in the order found.
pub type Found = Vec<Diagnostic>;

impl<'t> Section<'t> {
    /// Returns the section of these tables, nearest first.
    pub fn new(path: impl Into<String>, sheets: Vec<Sheet<'t>>) -> Self {
        let place = sheets.first().map(|s| Span::new(s.source, s.start, s.end));
        Section { path: path.into(), sheets, known: Vec::new(), place, absence_told: false }
    }

    /// Returns where the nearest file has this heading, or the one above it.
    pub fn place(&self) -> Option<Span> {
        self.place
    }

    /// Returns the nearest value of a key.
    pub fn item(&mut self, key: &'static str) -> Option<Item<'t>> {
        self.known.push(key);
        self.sheets.iter().find_map(|s| {
            let value = get(s.table, key)?;
            Some(Item { value: value.get_ref(), span: span_of(s.source, &value.span()) })
        })
    }

    /// Returns a number under a law.
    pub fn number(&mut self, key: &'static str, law: Law, found: &mut Found) -> Option<f64> {
        self.item(key)?.number(key, law, found)
    }

    /// Returns a number under a law; its absence is an error.
    pub fn need_number(&mut self, key: &'static str, law: Law, found: &mut Found) -> Option<f64> {
        match self.item(key) {
            Some(item) => item.number(key, law, found),
            None => self.missing(key, found),
        }
    }

    /// Returns a whole number between two others.
    pub fn whole(&mut self, key: &'static str, low: u32, high: u32, found: &mut Found) -> Option<u32> {
        let item = self.item(key)?;
        let v = item.number(key, Law::Within(f64::from(low), f64::from(high)), found)?;
        if v.fract() != 0.0 {
            found.push(item.bad(key, &format!("is {v} and must be a whole number")));
            return None;
        }
        Some(v as u32)
    }

    /// Returns a text.
    pub fn text(&mut self, key: &'static str, found: &mut Found) -> Option<&'t str> {
        self.item(key)?.text(key, found)
    }

    /// Returns a text that is not blank; its absence is an error.
    pub fn need_text(&mut self, key: &'static str, found: &mut Found) -> Option<&'t str> {
        let Some(item) = self.item(key) else { return self.missing(key, found) };
        let text = item.text(key, found)?;
        if text.trim().is_empty() {
            found.push(item.bad(key, "is empty"));
            return None;
        }
        Some(text)
    }

    /// Returns one of some words, by what each stands for.
    pub fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        found: &mut Found,
    ) -> Option<T> {
        let item = self.item(key)?;
        item.word(key, words, found)
    }

    /// Returns one of some words; its absence is an error.
    pub fn need_word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        found: &mut Found,
    ) -> Option<T> {
        match self.item(key) {
            Some(item) => item.word(key, words, found),
            None => self.missing(key, found),
        }
    }

    /// Returns yes or no.
    pub fn flag(&mut self, key: &'static str, found: &mut Found) -> Option<bool> {
        let item = self.item(key)?;
        if let DeValue::Boolean(b) = item.value {
            return Some(*b);
        }
        found.push(item.wrong_type(key, "true or false"));
        None
    }

    /// Returns a list of texts with their places.
    pub fn texts(&mut self, key: &'static str, found: &mut Found) -> Option<Vec<(&'t str, Span)>> {
        let item = self.item(key)?;
        let entries = item.entries(key, "a list of texts", found)?;
        Some(entries.into_iter().filter_map(|e| Some((e.text(key, found)?, e.span))).collect())
    }

    /// Returns a list of exactly two numbers.
    pub fn pair(&mut self, key: &'static str, found: &mut Found) -> Option<[f64; 2]> {
        let item = self.item(key)?;
        let entries = item.entries(key, "a list of two numbers", found)?;
        let [a, b] = entries[..] else {
            found.push(item.bad(key, &format!("has {} numbers and must have two", entries.len())));
            return None;
        };
        Some([a.number(key, Law::Any, found)?, b.number(key, Law::Any, found)?])
    }

    /// Returns the section under a heading, from every file that has it.
    pub fn section(&mut self, key: &'static str, found: &mut Found) -> Section<'t> {
        self.known.push(key);
        let mut sheets = Vec::new();
        for sheet in &self.sheets {
            if let Some(value) = get(sheet.table, key) {
                sheets.extend(as_sheet(value, sheet.source, &self.full(key), found));
            }
        }
        let mut section = Section::new(self.full(key), sheets);
        section.place = section.place.or(self.place);
        section
    }

    /// Returns the section under a heading from the nearest file that has it: for headings whose keys exclude one
    /// another.
    pub fn nearest_section(&mut self, key: &'static str, found: &mut Found) -> Section<'t> {
        let mut section = self.section(key, found);
        section.sheets.truncate(1);
        section
    }

    /// Returns the sections whose headings the user names himself (tools, materials), in the order in which they
    /// stand, the nearest file first: the first material of a profile is the one meant when none is named.
    pub fn named_sections(&mut self, key: &'static str, found: &mut Found) -> Vec<(String, Section<'t>)> {
        let parent = self.section(key, found);
        let mut sections: Vec<(String, Section<'t>)> = Vec::new();
        for sheet in &parent.sheets {
            let mut here: Vec<_> = sheet.table.iter().collect();
            here.sort_by_key(|(name, value)| (value.span().start, name.span().start));
            for (name, value) in here {
                let name: &str = name.get_ref();
                let full = format!("{}.{name}", parent.path);
                let Some(sheet) = as_sheet(value, sheet.source, &full, found) else { continue };
                match sections.iter_mut().find(|(n, _)| n == name) {
                    Some((_, section)) => section.sheets.push(sheet),
                    None => sections.push((name.to_owned(), Section::new(full, vec![sheet]))),
                }
            }
        }
        sections
    }

    /// Returns the tables of a list of tables (`[[layers]]`), from the nearest file that has the list.
    pub fn list(&mut self, key: &'static str, found: &mut Found) -> Vec<Section<'t>> {
        self.known.push(key);
        let full = self.full(key);
        let Some((sheet, value)) = self.sheets.iter().find_map(|s| Some((s, get(s.table, key)?))) else {
            return Vec::new();
        };
        let span = span_of(sheet.source, &value.span());
        let DeValue::Array(entries) = value.get_ref() else {
            found.push(
                Item { value: value.get_ref(), span }.wrong_type(key, &format!("a list of `[[{full}]]`")),
            );
            return Vec::new();
        };
        let sheets = entries.iter().filter_map(|e| as_sheet(e, sheet.source, &full, found));
        sheets.map(|s| Section::new(full.clone(), vec![s])).collect()
    }

    /// Complains about a key that must be there; returns nothing.
    pub fn missing<T>(&mut self, key: &str, found: &mut Found) -> Option<T> {
        let absent = self.sheets.is_empty();
        if absent && std::mem::replace(&mut self.absence_told, true) {
            return None;
        }
        let message = if absent { format!("[{}] is missing", self.path) } else { self.missing_message(key) };
        let mut d = Diagnostic::error("machine/missing-key", message);
        d.span = self.place;
        let add = if absent {
            format!("add [{}] and `{key} = ...`", self.path)
        } else {
            format!("add `{key} = ...`")
        };
        found.push(d.hint(format!("{add}{}", unit_hint(key))));
        None
    }

    fn missing_message(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => format!("`{key}` is missing"),
            path => format!("[{path}] has no `{key}`"),
        }
    }

    /// Complains about every key nobody asked for. Call it when all is read. A key that is missing because it is
    /// misspelt is told once, where it stands misspelt.
    pub fn finish(self, found: &mut Found) {
        for sheet in &self.sheets {
            for (key, _) in sheet.table {
                let name: &str = key.get_ref();
                if self.known.contains(&name) {
                    continue;
                }
                if let Some(meant) = nearest(name, &self.known) {
                    let told = self.missing_message(meant);
                    found.retain(|d| d.code != "machine/missing-key" || d.message != told);
                }
                found.push(self.unknown(name, span_of(sheet.source, &key.span())));
            }
        }
    }

    fn unknown(&self, name: &str, span: Span) -> Diagnostic {
        let whose = if self.path.is_empty() { String::new() } else { format!(" in [{}]", self.path) };
        let d = Diagnostic::error("machine/unknown-key", format!("unknown key `{name}`{whose}")).span(span);
        if let Some(close) = nearest(name, &self.known) {
            return d.hint(format!("did you mean `{close}`?"));
        }
        let mut all = self.known.clone();
        all.sort_unstable();
        all.dedup();
        d.hint(format!("known here: {}", all.join(", ")))
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn as_sheet<'t>(
    value: &'t Spanned<DeValue<'t>>,
    source: SourceId,
    path: &str,
    found: &mut Found,
) -> Option<Sheet<'t>> {
    let Range { start, end } = value.span();
    if let DeValue::Table(table) = value.get_ref() {
        return Some(Sheet { table, source, start, end });
    }
    let item = Item { value: value.get_ref(), span: span_of(source, &value.span()) };
    found.push(item.wrong_type(path, &format!("a table `[{path}]`")));
    None
}

impl<'t> Item<'t> {
    /// Returns the number this is.
    pub fn number(self, key: &str, law: Law, found: &mut Found) -> Option<f64> {
        let number = match self.value {
            DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).ok().map(|n| n as f64),
            DeValue::Float(f) => f.as_str().parse().ok(),
            _ => {
                found.push(self.wrong_type(key, "a number"));
                return None;
            }
        };
        let Some(v) = number.filter(|v: &f64| v.is_finite()) else {
            found.push(self.bad(key, "must be a finite number"));
            return None;
        };
        if !law.holds(v) {
            found.push(self.bad(key, &format!("is {v} and {}", law.words())));
            return None;
        }
        Some(v)
    }

    /// Returns the text this is.
    pub fn text(self, key: &str, found: &mut Found) -> Option<&'t str> {
        if let DeValue::String(s) = self.value {
            return Some(s);
        }
        found.push(self.wrong_type(key, "a text in quotes"));
        None
    }

    /// Returns what this word stands for.
    pub fn word<T: Copy>(self, key: &str, words: &[(&'static str, T)], found: &mut Found) -> Option<T> {
        let text = self.text(key, found)?;
        if let Some((_, meaning)) = words.iter().find(|(w, _)| *w == text) {
            return Some(*meaning);
        }
        let all: Vec<&'static str> = words.iter().map(|(w, _)| *w).collect();
        let hint = match nearest(text, &all) {
            Some(close) => format!("did you mean \"{close}\"?"),
            None => format!("one of: {}", all.join(", ")),
        };
        found.push(self.bad(key, &format!("cannot be \"{text}\"")).hint(hint));
        None
    }

    fn entries(self, key: &str, what: &str, found: &mut Found) -> Option<Vec<Item<'t>>> {
        let DeValue::Array(list) = self.value else {
            found.push(self.wrong_type(key, what));
            return None;
        };
        let item = |v: &'t Spanned<DeValue<'t>>| Item {
            value: v.get_ref(),
            span: span_of(self.span.source, &v.span()),
        };
        Some(list.iter().map(item).collect())
    }

    fn wrong_type(self, key: &str, wanted: &str) -> Diagnostic {
        let is = match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{key}` must be {wanted} and is {is}");
        let d = Diagnostic::error("machine/wrong-type", message).span(self.span);
        match self.value {
            DeValue::String(s) if wanted == "a number" && s.trim().parse::<f64>().is_ok() => {
                d.hint(format!("write {} without quotes", s.trim()))
            }
            DeValue::String(_) if wanted == "a number" => {
                d.hint(format!("the unit is in the key{}; write the number alone", unit_hint(key)))
            }
            _ => d,
        }
    }

    /// Returns the complaint that a key's value is impossible.
    pub fn bad(self, key: &str, why: &str) -> Diagnostic {
        Diagnostic::error("machine/bad-value", format!("`{key}` {why}")).span(self.span)
    }
}

/// Complains that two values do not go together, at the one from the nearer file: the farther one was right until
/// then. Each comes with its key and with what is wrong with it in the light of the other.
pub fn conflict(
    one: (&str, Option<Item<'_>>, &str),
    other: (&str, Option<Item<'_>>, &str),
    found: &mut Found,
) {
    // Files are registered nearest first. The first of the two is preferred within one file.
    let near = |item: Option<Item<'_>>| item.map_or(u32::MAX, |i| i.span.source.0);
    let (key, item, why) = if near(other.1) < near(one.1) { other } else { one };
    found.extend(item.map(|i| i.bad(key, why)));
}

/// Returns the value of a key of a table.
pub fn get<'t>(table: &'t DeTable<'t>, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
    table.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v)
}

/// Returns the span of bytes of a source.
pub fn span_of(source: SourceId, range: &Range<usize>) -> Span {
    Span::new(source, range.start, range.end)
}

/// Spells the unit a key ends in.
fn unit_hint(key: &str) -> &'static str {
    // Longest first: `_mm_per_min` ends in none of the others, but `_mm` is its beginning.
    const UNITS: [(&str, &str); 11] = [
        ("_mm_per_min", " (mm/min)"),
        ("_mm_per_s2", " (mm/s²)"),
        ("_mm_per_s", " (mm/s)"),
        ("_m_per_min", " (m/min)"),
        ("_percent", " (percent)"),
        ("_rpm", " (rev/min)"),
        ("_deg", " (degrees)"),
        ("_mm", " (mm)"),
        ("_s", " (seconds)"),
        ("amps", " (A)"),
        ("volts", " (V)"),
    ];
    UNITS.iter().find(|(ending, _)| key.ends_with(ending)).map_or("", |(_, words)| words)
}

/// Returns the one of `names` that was probably meant: the one `wanted` is the beginning or a part of, or else the one
/// the fewest slips of the finger away, if they are few.
pub fn nearest<'n>(wanted: &str, names: &[&'n str]) -> Option<&'n str> {
    nearest_few(wanted, names, 1).first().copied()
}

/// Returns up to `few` names that were probably meant, best first.
pub fn nearest_few<'n>(wanted: &str, names: &[&'n str], few: usize) -> Vec<&'n str> {
    let wanted = wanted.to_lowercase();
    let mut ranked: Vec<(usize, &'n str)> = Vec::new();
    for name in names {
        let lower = name.to_lowercase();
        let slips = slips(&wanted, &lower);
        let close = slips <= lower.chars().count().max(wanted.chars().count()) / 3;
        let part = wanted.chars().count() >= 3 && (lower.contains(&wanted) || wanted.contains(&lower));
        let shared =
            wanted.split(['-', '_']).any(|w| w.len() >= 4 && lower.split(['-', '_']).any(|l| l == w));
        // A beginning is as good as two slips; then come parts of words, then words in common.
        let beginning = part && lower.starts_with(&wanted);
        let rank = match (close, beginning, part, shared) {
            (true, false, _, _) => slips,
            (true, true, _, _) => slips.min(2),
            (false, true, _, _) => 2,
            (false, false, true, _) => 100 + lower.len(),
            (false, false, false, true) => 1000 + slips,
            _ => continue,
        };
        ranked.push((rank, name));
    }
    ranked.sort_unstable();
    ranked.dedup();
    // Beside a word one slip away, words three slips away are noise.
    let best = ranked.first().map_or(0, |(rank, _)| *rank);
    ranked.retain(|(rank, _)| best >= 100 || *rank <= best + 1);
    ranked.into_iter().take(few).map(|(_, n)| n).collect()
}

/// Counts insertions, deletions, replacements and swaps of neighbours between two words (Damerau 1964, in the
/// "optimal string alignment" form). O(mn); words longer than 64 characters are never close.
fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().max(b.len()) > 64 {
        return usize::MAX;
    }
    let mut rows: [Vec<usize>; 3] = [vec![0; b.len() + 1], (0..=b.len()).collect(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        rows[2][0] = i;
        for j in 1..=b.len() {
            let replace = rows[1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[1][j] + 1).min(rows[2][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = best;
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        let cases =
            [("", "", 0), ("kerf", "kerf", 0), ("kref", "kerf", 1), ("ker", "kerf", 1), ("feed", "speed", 2)];
        for (a, b, n) in cases {
            assert_eq!(slips(a, b), n, "{a} {b}");
            assert_eq!(slips(b, a), n, "{b} {a}");
        }
        assert_eq!(slips(&"x".repeat(65), "x"), usize::MAX);
    }

    #[test]
    fn the_nearest_name_is_the_one_meant() {
        let keys = ["kerf_mm", "feed_mm_per_min", "safe_height_mm", "retract_height_mm", "rapid_mm_per_min"];
        assert_eq!(nearest("kerf", &keys), Some("kerf_mm"));
        assert_eq!(nearest("feed_mm_min", &keys), Some("feed_mm_per_min"));
        assert_eq!(nearest("safe_hight_mm", &keys), Some("safe_height_mm"));
        assert_eq!(nearest("colour", &keys), None);
        let machines = ["plasma-grbl", "router-grbl", "shapeoko-3", "shapeoko-5-pro-4x4"];
        assert_eq!(nearest_few("shapeoko", &machines, 3), ["shapeoko-3", "shapeoko-5-pro-4x4"]);
        assert_eq!(nearest("router-gbrl", &machines), Some("router-grbl"));
    }
}
