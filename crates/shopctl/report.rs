//! How findings look: diagnostics with the line they are about, grouped so that a thousand like ones stay readable,
//! and the same as JSON for scripts.
//!
//! Words: a *source* is a file of this run, registered under a [`SourceId`]; a *place* is where in it something was
//! found, by line and column in text and by byte in binary files. Nothing here prints; the caller owns the streams.

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str, renderer::DecorStyle,
};
use serde_json::{Map, Value, json};
use shop_formats::Ignored;
use shop_report::{Diagnostic, Severity, SourceId, Span};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::OnceLock;

/// The files of this run.
#[derive(Debug, Default)]
pub struct Sources<'a> {
    list: Vec<Source<'a>>,
}

#[derive(Debug)]
struct Source<'a> {
    name: String,
    bytes: Cow<'a, [u8]>,
    /// What lies before each block of [`BLOCK`] bytes; made when someone asks for the first place.
    index: OnceLock<Vec<Before>>,
}

/// What lies before a block.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    /// Line ends.
    line_ends: usize,
    /// Start of the line that the block begins in.
    line_start: usize,
}

/// An index by blocks makes a place cost at most one block, even in a file of a gigabyte or a line of a megabyte.
const BLOCK: usize = 1 << 16;

/// A file whose head has a zero byte is binary: neither DXF nor SVG, TOML or G-code text has one.
const HEAD: usize = 4096;

/// Longer lines are not shown whole: SVG exports put megabytes into one.
const LONGEST_LINE: usize = 400;

/// Where in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Text: line and column, both from 1.
    Text {
        /// Line.
        line: usize,
        /// Column, in characters; in bytes where the line is longer than 64 KiB up to there.
        column: usize,
    },
    /// Binary: offset of the byte.
    Byte(usize),
}

impl<'a> Sources<'a> {
    /// Returns an empty list.
    pub fn new() -> Self {
        Sources::default()
    }

    /// Registers a file by the name the user knows it by; returns its id.
    pub fn add(&mut self, name: impl Into<String>, bytes: impl Into<Cow<'a, [u8]>>) -> SourceId {
        let id = SourceId(u32::try_from(self.list.len()).expect("fewer than 2^32 files in one run"));
        self.list.push(Source { name: name.into(), bytes: bytes.into(), index: OnceLock::new() });
        id
    }

    /// Returns the name of a file.
    pub fn name(&self, id: SourceId) -> Option<&str> {
        self.list.get(id.0 as usize).map(|s| s.name.as_str())
    }

    /// Returns what is in a file.
    pub fn bytes(&self, id: SourceId) -> Option<&[u8]> {
        self.list.get(id.0 as usize).map(|s| &*s.bytes)
    }

    /// Returns where a span starts, in words: `line 12` of a text, `byte 300` of a binary file.
    pub fn place(&self, span: Span) -> Option<String> {
        Some(match self.position(span)? {
            Position::Text { line, .. } => format!("line {line}"),
            Position::Byte(offset) => format!("byte {offset}"),
        })
    }

    /// Returns what was left out as a JSON list: `what`, `why`, `count`, and the `line` or `byte` of the first.
    pub fn ignored_json(&self, ignored: &[Ignored]) -> Value {
        let one = |i: &Ignored| {
            let mut o = json!({ "what": i.what, "why": i.why, "count": i.count });
            match self.position(i.first) {
                Some(Position::Text { line, .. }) => o["line"] = line.into(),
                Some(Position::Byte(offset)) => o["byte"] = offset.into(),
                None => {}
            }
            o
        };
        ignored.iter().map(one).collect()
    }

    /// Returns where the 1-based line `number` of a text lies, its end left out.
    pub fn line(&self, id: SourceId, number: usize) -> Option<std::ops::Range<usize>> {
        let source = self.list.get(id.0 as usize)?;
        let start = source.start_of_line(number)?;
        Some(start..source.line_end(start))
    }

    /// Returns where a span starts.
    pub fn position(&self, span: Span) -> Option<Position> {
        Some(self.list.get(span.source.0 as usize)?.position(span.start as usize))
    }
}

impl Source<'_> {
    fn is_binary(&self) -> bool {
        self.bytes[..self.bytes.len().min(HEAD)].contains(&0)
    }

    fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.bytes.len());
        if self.is_binary() {
            return Position::Byte(offset);
        }
        let start = self.line_start(offset);
        let before = &self.bytes[start..offset];
        let column = if before.len() > BLOCK { before.len() } else { decode(before).chars().count() };
        Position::Text { line: self.line(offset), column: column + 1 }
    }

    /// Returns what lies before the block of an offset, and where that block starts.
    fn before(&self, offset: usize) -> (Before, usize) {
        let index = self.index.get_or_init(|| {
            let mut sum = Before::default();
            let step = |(i, block): (usize, &[u8])| {
                let here = sum;
                sum.line_ends += line_ends_in(block);
                if let Some(last) = block.iter().rposition(|&b| b == b'\n') {
                    sum.line_start = i * BLOCK + last + 1;
                }
                here
            };
            self.bytes.chunks(BLOCK).enumerate().map(step).collect()
        });
        // An offset at the very end may be one block further than there are.
        let block = (offset / BLOCK).min(index.len().saturating_sub(1));
        (index.get(block).copied().unwrap_or_default(), block * BLOCK)
    }

    fn start_of_line(&self, number: usize) -> Option<usize> {
        let ends = number.checked_sub(1)?;
        if ends == 0 {
            return Some(0);
        }
        // The index is made when it is first asked for.
        self.before(0);
        let index = self.index.get()?;
        let block = index.partition_point(|b| b.line_ends < ends).checked_sub(1)?;
        let mut left = ends - index[block].line_ends;
        let part = &self.bytes[block * BLOCK..];
        let end = part.iter().position(|&b| {
            left -= usize::from(b == b'\n');
            left == 0
        })?;
        Some(block * BLOCK + end + 1)
    }

    fn line(&self, offset: usize) -> usize {
        let (before, from) = self.before(offset);
        before.line_ends + line_ends_in(&self.bytes[from..offset]) + 1
    }

    fn line_start(&self, offset: usize) -> usize {
        let (before, from) = self.before(offset);
        let here = self.bytes[from..offset].iter().rposition(|&b| b == b'\n');
        here.map_or(before.line_start, |i| from + i + 1)
    }

    fn line_end(&self, offset: usize) -> usize {
        let end =
            self.bytes[offset..].iter().position(|&b| b == b'\n').map_or(self.bytes.len(), |i| offset + i);
        if end > offset && self.bytes[end - 1] == b'\r' { end - 1 } else { end }
    }
}

#[allow(clippy::naive_bytecount)] // One block at a time; the compiler makes vector code of it.
fn line_ends_in(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&b| b == b'\n').count()
}

/// Reads bytes as UTF-8 or, where they are none, as Latin-1, so that every byte has a column.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // Cut off in the middle of a character: the rest of the text is sound.
        Err(e) if e.error_len().is_none() && e.valid_up_to() > 0 => {
            String::from_utf8_lossy(&bytes[..e.valid_up_to()])
        }
        Err(_) => Cow::Owned(bytes.iter().map(|&b| char::from(b)).collect()),
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How findings are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub colour: bool,
    /// Findings of one code that are shown; the rest is counted.
    pub per_code: usize,
}

impl Style {
    /// Plain text, three of a code.
    pub const PLAIN: Style = Style { colour: false, per_code: 3 };

    /// Returns the style for the error stream: colour as asked for, and by itself only on a terminal and without
    /// `NO_COLOR` (no-color.org: set and not empty).
    pub fn for_stderr(colour: Colour) -> Style {
        let wanted = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && std::io::stderr().is_terminal()
            }
        };
        Style { colour: wanted, ..Style::PLAIN }
    }
}

/// Draws findings as text: what matters least first, so that errors stand last, where the eye is; the first few of a
/// code in the order found, then how many more there are. Empty when there are none.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources<'_>, style: Style) -> String {
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for group in groups(diagnostics) {
        let (shown, hidden) = group.split_at(group.len().min(style.per_code.max(1)));
        for (i, d) in shown.iter().enumerate() {
            let repeated = i > 0 && shown[i - 1].hint == d.hint;
            draw(d, sources, !repeated, &renderer, &mut out);
            out.push_str("\n\n");
        }
        let more: u64 = hidden.iter().map(|d| u64::from(d.count.max(1))).sum();
        if more > 0 {
            let line = format!("and {more} more `{}`", group[0].code);
            out.push_str(&renderer.render(&[Group::with_title(Level::NOTE.secondary_title(line))]));
            out.push_str("\n\n");
        }
    }
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Groups by severity, mildest first, and by code in the order in which the codes first occur.
fn groups(diagnostics: &[Diagnostic]) -> Vec<Vec<&Diagnostic>> {
    let mut groups: Vec<Vec<&Diagnostic>> = Vec::new();
    for d in diagnostics {
        let same = |g: &&mut Vec<&Diagnostic>| g[0].code == d.code && g[0].severity == d.severity;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(d),
            None => groups.push(vec![d]),
        }
    }
    groups.sort_by_key(|g| g[0].severity);
    groups
}

fn draw(d: &Diagnostic, sources: &Sources<'_>, with_hint: bool, renderer: &Renderer, out: &mut String) {
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut group = Group::with_title(level.primary_title(&d.message).id(d.code));
    let source = d.span.and_then(|s| Some((s, sources.list.get(s.source.0 as usize)?)));
    let mut notes = Vec::new();
    if let Some([x, y]) = d.at {
        // Findings of the check speak of a program, those with a place in any other file of a drawing.
        let drawn = source.is_some() && !d.code.starts_with("check/");
        let unit = if drawn { "on the drawing at" } else { "at" };
        notes.push(("note", format!("{unit} X{} Y{} mm", round(x), round(y))));
    }
    if d.count > 1 {
        notes.push(("note", format!("found {} times; this is the first", d.count)));
    }
    if let Some(hint) = d.hint.as_deref().filter(|_| with_hint) {
        notes.push(("hint", normalize_untrusted_str(hint)));
    }
    let Some((span, source)) = source else {
        // The renderer would draw the margin of a source that is not there.
        out.push_str(&renderer.render(&[group]));
        for (name, text) in notes {
            let _ = write!(out, "\n  = {name}: {text}");
        }
        return;
    };
    group = show_place(group, span, source);
    for (name, text) in notes {
        let level = if name == "note" { Level::NOTE } else { Level::HELP };
        group = group.element(level.with_name(name).message(text));
    }
    out.push_str(&renderer.render(&[group]));
}

fn show_place<'r>(group: Group<'r>, span: Span, source: &'r Source<'_>) -> Group<'r> {
    let start = (span.start as usize).min(source.bytes.len());
    match source.position(start) {
        Position::Byte(offset) => {
            let path = format!("{} (byte {offset}, 0x{offset:x})", source.name);
            group.element(Origin::path(path))
        }
        Position::Text { line, column } => {
            let (from, to) = (source.line_start(start), source.line_end(start));
            let end = (span.end as usize).clamp(start, to.max(start));
            if to.saturating_sub(from) > LONGEST_LINE {
                let excerpt = decode(&source.bytes[start..to.min(start + 60)]).into_owned();
                return group
                    .element(Origin::path(source.name.as_str()).line(line).char_column(column))
                    .element(Level::NOTE.message(normalize_untrusted_str(&format!("there: {excerpt}…"))));
            }
            let before = decode(&source.bytes[from..start]);
            let marked = decode(&source.bytes[start..end]);
            let after = decode(&source.bytes[end..to.max(end)]);
            let mark = before.len()..before.len() + marked.len();
            let text = format!("{before}{marked}{after}");
            let snippet = Snippet::source(text).line_start(line).path(source.name.as_str());
            group.element(snippet.annotation(AnnotationKind::Primary.span(mark)))
        }
    }
}

/// Micrometres are enough to find a place.
fn round(v: f64) -> f64 {
    let r = (v * 1000.0).round() / 1000.0;
    if r == 0.0 { 0.0 } else { r }
}

/// Says in one line how much was found, e.g. "2 errors, 1 warning"; empty when nothing was.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for (severity, one) in
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "remark")]
    {
        let of = diagnostics.iter().filter(|d| d.severity == severity);
        let n: u64 = of.map(|d| u64::from(d.count.max(1))).sum();
        if n > 0 {
            let comma = if out.is_empty() { "" } else { ", " };
            let s = if n == 1 { "" } else { "s" };
            let _ = write!(out, "{comma}{n} {one}{s}");
        }
    }
    out
}

/// Returns findings as a JSON list, one object each: `code`, `severity`, `message`, and where known `file`, `line`
/// and `column` (text) or `byte` (binary), `at_mm`, `hint`, `count`. Nothing is left out or grouped.
pub fn to_json(diagnostics: &[Diagnostic], sources: &Sources<'_>) -> Value {
    diagnostics.iter().map(|d| one_json(d, sources)).collect()
}

fn one_json(d: &Diagnostic, sources: &Sources<'_>) -> Value {
    let mut o = Map::new();
    o.insert("code".into(), json!(d.code));
    o.insert("severity".into(), json!(d.severity.to_string()));
    o.insert("message".into(), json!(d.message));
    if let Some(span) = d.span {
        if let Some(name) = sources.name(span.source) {
            o.insert("file".into(), json!(name));
        }
        match sources.position(span) {
            Some(Position::Text { line, column }) => {
                o.insert("line".into(), json!(line));
                o.insert("column".into(), json!(column));
            }
            Some(Position::Byte(offset)) => {
                o.insert("byte".into(), json!(offset));
            }
            None => {}
        }
    }
    if let Some([x, y]) = d.at {
        o.insert("at_mm".into(), json!([round(x), round(y)]));
    }
    if let Some(hint) = &d.hint {
        o.insert("hint".into(), json!(hint));
    }
    o.insert("count".into(), json!(d.count.max(1)));
    Value::Object(o)
}

/// Returns findings as a SARIF 2.1.0 log with one run; `explain` gives the long text of a code.
pub fn to_sarif(
    diagnostics: &[Diagnostic],
    sources: &Sources<'_>,
    explain: impl Fn(&str) -> Option<&'static str>,
) -> Value {
    let codes: std::collections::BTreeSet<&str> = diagnostics.iter().map(|d| d.code).collect();
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| {
            let text = explain(code).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
            json!({ "id": code, "fullDescription": { "text": text } })
        })
        .collect();
    let results: Vec<Value> = diagnostics.iter().map(|d| sarif_result(d, sources)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "shopctl", "version": env!("CARGO_PKG_VERSION"), "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn sarif_result(d: &Diagnostic, sources: &Sources<'_>) -> Value {
    let level = match d.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let hint = d.hint.as_ref().map_or(String::new(), |h| format!("; {h}"));
    let mut result = json!({
        "ruleId": d.code,
        "level": level,
        "message": { "text": format!("{}{hint}", d.message) },
        "occurrenceCount": d.count.max(1),
    });
    let place = d.span.and_then(|s| Some((s, sources.name(s.source)?)));
    if let Some((span, name)) = place {
        let region = match sources.position(span) {
            Some(Position::Text { line, column }) => json!({ "startLine": line, "startColumn": column }),
            _ => json!({ "byteOffset": span.start, "byteLength": span.end.saturating_sub(span.start) }),
        };
        let uri = name.replace('\\', "/").replace('%', "%25").replace(' ', "%20").replace('#', "%23");
        result["locations"] = json!([{ "physicalLocation": {
            "artifactLocation": { "uri": uri }, "region": region,
        } }]);
    }
    result
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, clippy::needless_pass_by_value)] // `expect!` blesses with a hash.
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const DRAWING: &str = "0\nLINE\n8\nHOLES\n10\nabc\n";

    fn check(diagnostics: &[Diagnostic], sources: &Sources<'_>, expected: Expect) {
        expected.assert_eq(&render(diagnostics, sources, Style::PLAIN));
    }

    fn drawing() -> (Sources<'static>, SourceId) {
        let mut sources = Sources::new();
        let id = sources.add("part.dxf", DRAWING.as_bytes());
        (sources, id)
    }

    #[test]
    fn a_finding_shows_its_line() {
        let (sources, id) = drawing();
        let d = Diagnostic::error("test/bad-number", "`abc` is not a number")
            .span(Span::new(id, 18, 21))
            .at(12.5, -0.0001)
            .hint("the entity is left out; mend the drawing");
        check(
            &[d],
            &sources,
            expect![[r#"
                error[test/bad-number]: `abc` is not a number
                 --> part.dxf:6:1
                  |
                6 | abc
                  | ^^^
                  |
                  = note: on the drawing at X12.5 Y0 mm
                  = hint: the entity is left out; mend the drawing
            "#]],
        );
    }

    #[test]
    fn many_of_a_code_are_counted_and_errors_stand_last() {
        let (sources, id) = drawing();
        let mut all = vec![Diagnostic::error("test/truncated", "the file ends in the middle of an entity")];
        for i in 0..40 {
            let d = Diagnostic::warning("test/open-contour", format!("contour {i} is open"));
            all.push(d.span(Span::new(id, 2, 6)).hint("close it"));
        }
        all.push(Diagnostic::warning("test/open-contour", "more contours are open").count(60));
        let style = Style { per_code: 2, ..Style::PLAIN };
        expect![[r#"
            warning[test/open-contour]: contour 0 is open
             --> part.dxf:2:1
              |
            2 | LINE
              | ^^^^
              |
              = hint: close it

            warning[test/open-contour]: contour 1 is open
             --> part.dxf:2:1
              |
            2 | LINE
              | ^^^^

            note: and 98 more `test/open-contour`

            error[test/truncated]: the file ends in the middle of an entity
        "#]]
        .assert_eq(&render(&all, &sources, style));
        assert_eq!(summary(&all), "1 error, 100 warnings");
    }

    #[test]
    fn binary_files_have_bytes_instead_of_lines() {
        let mut sources = Sources::new();
        let id = sources.add("part.dxf", b"AutoCAD Binary DXF\r\n\x1a\0\0\0SECTION\0".to_vec());
        let d = Diagnostic::error("test/truncated", "the file ends here").span(Span::new(id, 24, 31));
        check(
            std::slice::from_ref(&d),
            &sources,
            expect![[r#"
                error[test/truncated]: the file ends here
                --> part.dxf (byte 24, 0x18)
            "#]],
        );
        assert_eq!(to_json(&[d], &sources)[0]["byte"], 24);
    }

    #[test]
    fn latin_1_and_long_lines_are_shown_safely() {
        let mut sources = Sources::new();
        let id = sources.add("alt.dxf", b"8\r\nAu\xdfen\r\n".to_vec());
        let long = sources.add("long.svg", format!("<path d=\"{}\"/>", "M1 2".repeat(500)).into_bytes());
        let umlaut = Diagnostic::info("test/layer", "odd layer").span(Span::new(id, 5, 8));
        let path = Diagnostic::info("test/path", "odd path").span(Span::new(long, 409, 413));
        check(
            &[umlaut, path],
            &sources,
            expect![[r#"
                info[test/layer]: odd layer
                 --> alt.dxf:2:3
                  |
                2 | Außen
                  |   ^^^

                info[test/path]: odd path
                --> long.svg:1:410
                 = note: there: M1 2M1 2M1 2M1 2M1 2M1 2M1 2M1 2M1 2M1 2M1 2M1 2M1 2M1 2M1 2…
            "#]],
        );
    }

    #[test]
    fn no_place_is_beyond_the_end() {
        let (sources, id) = drawing();
        let spans = [(0, 0), (21, 22), (22, 22), (500, 900), (18, 2)].map(|(a, b)| Span::new(id, a, b));
        let stray = Span::new(SourceId(7), 0, 1);
        for span in spans.into_iter().chain([stray]) {
            let d = Diagnostic::error("test/y", "odd place").span(span);
            assert!(
                render(std::slice::from_ref(&d), &sources, Style::PLAIN)
                    .starts_with("error[test/y]: odd place")
            );
            to_json(&[d], &sources);
        }
        let mut empty = Sources::new();
        let id = empty.add("empty.dxf", &b""[..]);
        assert_eq!(empty.position(Span::new(id, 0, 0)), Some(Position::Text { line: 1, column: 1 }));
    }

    #[test]
    fn lines_are_counted_across_blocks() {
        let text = "line\n".repeat(40_000);
        let mut sources = Sources::new();
        let id = sources.add("big.nc", text.as_bytes());
        for line in [1usize, 2, 13_107, 13_108, 26_215, 39_999, 40_000] {
            let span = Span::new(id, (line - 1) * 5 + 2, line * 5);
            assert_eq!(sources.position(span), Some(Position::Text { line, column: 3 }));
            assert_eq!(span.line_in(text.as_bytes()), line);
        }
    }

    #[test]
    fn a_line_of_a_megabyte_costs_a_block_a_place() {
        let text = format!("a\n{}\nend", "x".repeat(3 * BLOCK));
        let mut sources = Sources::new();
        let id = sources.add("long.svg", text.as_bytes());
        for (offset, line, column) in
            [(2, 2, 1), (BLOCK, 2, BLOCK - 1), (2 * BLOCK + 7, 2, 2 * BLOCK + 6), (3 * BLOCK + 3, 3, 1)]
        {
            let span = Span::new(id, offset, offset + 1);
            assert_eq!(sources.position(span), Some(Position::Text { line, column }), "{offset}");
        }
    }

    #[test]
    fn control_characters_of_a_drawing_do_not_reach_the_terminal() {
        let mut sources = Sources::new();
        let id = sources.add("evil.dxf", &b"8\n\x1b[2Jgone\n"[..]);
        let d = Diagnostic::warning("test/layer", "odd layer \x1b[2J")
            .span(Span::new(id, 2, 9))
            .hint("not \x1b[31m");
        assert!(!render(&[d], &sources, Style::PLAIN).contains('\x1b'));
    }

    #[test]
    fn lines_are_found_by_their_number() {
        let text = "line\n".repeat(40_000);
        let mut sources = Sources::new();
        let id = sources.add("big.nc", text.as_bytes());
        for line in [1usize, 2, 13_107, 13_108, 13_109, 26_215, 40_000] {
            assert_eq!(sources.line(id, line), Some((line - 1) * 5..line * 5 - 1), "{line}");
        }
        assert_eq!(sources.line(id, 40_001), Some(200_000..200_000));
        assert_eq!((sources.line(id, 40_002), sources.line(id, 0)), (None, None));
    }

    #[test]
    fn sarif_has_rules_and_regions() {
        let (sources, id) = drawing();
        let d = Diagnostic::error("test/x", "wrong").span(Span::new(id, 18, 21)).hint("mend it");
        let log = to_sarif(&[d.clone(), d], &sources, |_| Some("Why it\nmatters."));
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(1));
        assert_eq!(run["tool"]["driver"]["rules"][0]["fullDescription"]["text"], "Why it matters.");
        let place = &run["results"][1]["locations"][0]["physicalLocation"];
        assert_eq!(place["region"], json!({ "startLine": 6, "startColumn": 1 }));
        assert_eq!(place["artifactLocation"]["uri"], "part.dxf");
    }

    #[test]
    fn json_says_everything() {
        let (sources, id) = drawing();
        let d = Diagnostic::warning("test/duplicate", "drawn twice")
            .span(Span::new(id, 18, 21))
            .at(1.0, 2.0)
            .hint("dropped")
            .count(9);
        expect![[r#"[{"code":"test/duplicate","severity":"warning","message":"drawn twice","file":"part.dxf","line":6,"column":1,"at_mm":[1.0,2.0],"hint":"dropped","count":9}]"#]]
        .assert_eq(&to_json(&[d], &sources).to_string());
    }
}
