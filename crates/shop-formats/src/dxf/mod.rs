//! Reads DXF, R9 to R2018, ASCII and binary, into a drawing in mm.
//!
//! One idea: find the sections first, then read HEADER, TABLES and BLOCKS, then the entities in parts of about a
//! megabyte in parallel, each placed as soon as it is read. Parts begin at a record that cannot be in the middle
//! of something; a part that does not end where the next begins (a damaged file) has the rest read as one. So the
//! result is that of one reader going through the file from top to bottom, for any number of threads.
//!
//! Reading is linear in the size of the file plus the size of what its blocks expand to, which is bounded.
//!
//! Vocabulary: a *group* is a code and a value; a *record* runs from a `0` group to the next; a *block* is a
//! drawing within the drawing, shown by INSERT; *model space* is the drawing, *paper space* its print-outs; *OCS*
//! is the coordinate system of a planar entity, which an extrusion direction tips over.
//!
//! Sources: Autodesk's DXF reference (R12, 2000, 2018); where it is silent, what ezdxf and LibreDWG document.

mod affine;
mod clips;
mod codepages;
mod colour;
mod entity;
mod groups;
mod hatch;
mod header;
mod layers;
mod note;
mod old;
mod place;
mod spline;
mod talk;
mod text;

use crate::{Drawing, Exclusion, Units};
use clips::Clips;
use entity::Parse;
use groups::{BINARY_SENTINEL, Format, Groups, Section, Sections};
use header::Header;
use layers::{LayerNames, Layers};
use place::{Block, Blocks, Budget, Output, Placer};
use rayon::prelude::*;
use shop_report::{Checked, Diagnostic, Severity, SourceId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use talk::Talk;
use text::Charset;

pub use header::unit_name;

/// Entities are read in parts of about this many bytes: small enough to keep all threads busy on a 10 MB file,
/// large enough that starting a part costs nothing.
const PART: usize = 1 << 20;

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// Millimetres per drawing unit, whatever the file says.
    pub mm_per_unit: Option<f64>,
    /// How many points blocks may expand to; the drawing of a whole house has some hundred thousand.
    pub max_points: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions { mm_per_unit: None, max_points: 8_000_000 }
    }
}

/// What the file says about itself and how many of what it holds: what a drawing does not keep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DxfFacts {
    /// Binary instead of ASCII.
    pub binary: bool,
    /// `lf`, `crlf` or `cr`; `None` for a binary file.
    pub newline: Option<&'static str>,
    /// It holds bytes beyond ASCII.
    pub non_ascii: bool,
    /// It begins with a byte order mark.
    pub bom: bool,
    /// `$ACADVER` as written.
    pub acadver: Option<String>,
    /// `$DWGCODEPAGE` as written.
    pub codepage: Option<String>,
    /// It has a HEADER section.
    pub has_header: bool,
    /// It has an end mark.
    pub has_eof: bool,
    /// `$INSUNITS`, when written.
    pub insunits: Option<i64>,
    /// The program that wrote it, when it says so.
    pub exporter: Option<&'static str>,
    /// How many of the layers come from the LAYER table; the others are only used.
    pub layers_in_table: usize,
    /// Entities of model space by name, as stored.
    pub modelspace: BTreeMap<String, u32>,
    /// Entities of paper space by name.
    pub paperspace: BTreeMap<String, u32>,
    /// Block definitions, layouts not counted.
    pub block_definitions: u32,
    /// Entities inside of block definitions by name.
    pub in_block_definitions: BTreeMap<String, u32>,
    /// Entities of model space with all INSERTs expanded, each INSERT counted too.
    pub expanded: BTreeMap<String, u32>,
    /// INSERTs that mirror, at every level.
    pub mirrored_inserts: u32,
    /// INSERTs that stretch x and y differently, at every level.
    pub nonuniform_inserts: u32,
    /// Entities of the expanded model space whose plane points down.
    pub negative_extrusion_entities: u32,
    /// Circles and arcs of radius 0, which make no path.
    pub dots: u32,
    /// Paths by the layer they are stored on (blocks: not the one they are shown on).
    pub geometry_by_layer: BTreeMap<String, u32>,
}

/// Reads a drawing. Never fails: what cannot be read is said.
///
/// ```
/// use shop_formats::dxf::{ReadOptions, read};
/// use shop_report::SourceId;
/// let text = b"0\nSECTION\n2\nENTITIES\n0\nCIRCLE\n8\nHOLES\n10\n1\n20\n2\n40\n3\n0\nENDSEC\n0\nEOF\n";
/// let drawing = read(SourceId(0), text, &ReadOptions::default());
/// assert_eq!(drawing.value.shapes.len(), 1);
/// assert_eq!(drawing.diagnostics[0].code, "dxf/units-missing");
/// ```
pub fn read(source: SourceId, bytes: &[u8], options: &ReadOptions) -> Checked<Drawing> {
    read_with_facts(source, bytes, options).0
}

/// Reads a drawing and what the file says about itself.
pub fn read_with_facts(
    source: SourceId,
    bytes: &[u8],
    options: &ReadOptions,
) -> (Checked<Drawing>, DxfFacts) {
    let refuse = |d: Diagnostic| {
        let empty = Checked { value: Drawing::default(), diagnostics: vec![d] };
        (empty, DxfFacts::default())
    };
    if old::recognised(bytes) {
        return (old::read(source, bytes, options.mm_per_unit), DxfFacts::default());
    }
    let (start, format) = match recognise(source, bytes) {
        Ok(found) => found,
        Err(d) => return refuse(d),
    };
    let sections = groups::sections(bytes, start, format);
    let file = File { source, bytes, start, format, sections, options };
    file.read()
}

/// Returns where the groups begin and how they are written, or why this is no DXF.
fn recognise(source: SourceId, bytes: &[u8]) -> Result<(usize, Format), Diagnostic> {
    let whole = shop_report::Span::new(source, 0, bytes.len().min(32));
    let no = |code, message: &str, hint: &str| Err(Diagnostic::error(code, message).span(whole).hint(hint));
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return no("dxf/empty", "the file is empty", "export the drawing again");
    }
    if u32::try_from(bytes.len()).is_err() {
        return no("dxf/too-large", "the file is larger than 4 GiB", "split the drawing");
    }
    if bytes.starts_with(BINARY_SENTINEL) {
        let at = BINARY_SENTINEL.len();
        // The first group is `0 SECTION` or a comment: 999 in one byte is the escape 255.
        let wide = match bytes.get(at..at + 2) {
            Some([0, second]) => *second == 0,
            Some([255, _]) => false,
            _ => true,
        };
        return Ok((at, Format::Binary { wide }));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return no(
            "dxf/utf-16",
            "the file is text in UTF-16, which no DXF is",
            "save it as UTF-8 or export it again",
        );
    }
    if bytes.len() > 6 && bytes.starts_with(b"AC10") && bytes[4..6].iter().all(u8::is_ascii_digit) {
        return no("dxf/is-dwg", "this is a DWG file, not a DXF", "save it as DXF in your CAD program");
    }
    let start = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let head = &bytes[start..bytes.len().min(start + 4096)];
    let eol = if !head.contains(&b'\n') && head.contains(&b'\r') { b'\r' } else { b'\n' };
    // Blank lines on top happen; after them stands a number or this is something else.
    let mut start = start;
    while start < bytes.len() && bytes[start].is_ascii_whitespace() {
        start += 1;
    }
    let first = bytes[start..].split(|&b| b == eol).next().unwrap_or_default().trim_ascii();
    let digits = first.strip_prefix(b"-").unwrap_or(first);
    if digits.is_empty() || digits.len() > 5 || !digits.iter().all(u8::is_ascii_digit) {
        // Damaged on top, perhaps: a section further down is proof enough.
        let mark = memchr::memmem::find(bytes, b"SECTION").is_some();
        if !mark {
            return no(
                "dxf/not-dxf",
                "this is no DXF file: it does not begin with a group code",
                "check that the file is what its name says",
            );
        }
        start = groups::next_record(bytes, start, eol, |_| true);
    }
    Ok((start, Format::Ascii { eol }))
}

/// A file whose sections are known.
struct File<'a> {
    source: SourceId,
    bytes: &'a [u8],
    start: usize,
    format: Format,
    sections: Sections<'a>,
    options: &'a ReadOptions,
}

/// What was read before the entities.
struct Before<'a> {
    header: Header,
    charset: Charset,
    layers: Layers,
    blocks: Blocks<'a>,
    clips: Clips,
    units: Units,
}

impl<'a> Before<'a> {
    fn placer<'b>(&'b self, budget: Option<&'b Budget>) -> Placer<'a, 'b> {
        Placer {
            blocks: &self.blocks,
            clips: &self.clips,
            charset: self.charset,
            mm_per_unit: self.units.mm_per_unit,
            budget,
            out: Output::default(),
        }
    }
}

/// A part of the entities: its bytes, and what it became.
struct Part<'a> {
    output: Output<'a>,
    added: Layers,
    talk: Talk<'a>,
    end: usize,
}

impl<'a> File<'a> {
    fn read(&self) -> (Checked<Drawing>, DxfFacts) {
        let mut talk = Talk::new(self.source);
        self.structure(&mut talk);
        let (before, block_talk) = self.before(&mut talk);
        talk.merge(block_talk);

        let budget = Budget { limit: self.options.max_points, asked: AtomicU64::new(0) };
        let mut parts = self.entities(&before, Some(&budget));
        let asked = budget.asked.load(Ordering::Relaxed);
        if asked > budget.limit {
            // Which INSERTs came first in time is chance; none of them is the same on every run.
            drop(parts);
            parts = self.entities(&before, None);
            let hint = "explode what you need in your CAD program, or purge the copies";
            let message = || format!("blocks expand to {asked} points; at most {} are made", budget.limit);
            talk.say(Severity::Error, "dxf/expansion-too-large", None, message, hint);
        }
        self.finish(before, parts, talk)
    }

    /// Says what is odd about the file as a whole.
    fn structure(&self, talk: &mut Talk<'a>) {
        let end = self.bytes.len();
        if let Some(at) = self.sections.unclosed {
            let span = talk.span(at, at + 1);
            let message = || "a section is not closed (no ENDSEC)".to_owned();
            talk.warn("dxf/section-not-closed", span, message, "the file may be cut short");
        }
        if !self.sections.has_eof {
            let span = talk.span(end.saturating_sub(1), end);
            let message = || "the file has no end mark (EOF)".to_owned();
            talk.warn("dxf/no-eof", span, message, "it may be cut short; compare it with the original");
        }
        if !self.has(b"ENTITIES") && !self.has(b"BLOCKS") {
            let message = || "the file has no ENTITIES section, so nothing is drawn in it".to_owned();
            talk.error("dxf/no-entities", talk.span(self.start, self.start + 1), message, "export it again");
        }
    }

    fn has(&self, name: &[u8]) -> bool {
        self.sections.list.iter().any(|s| s.name == name)
    }

    fn sections(&self, name: &'static [u8]) -> impl Iterator<Item = &Section<'a>> {
        self.sections.list.iter().filter(move |s| s.name == name)
    }

    fn before(&self, talk: &mut Talk<'a>) -> (Before<'a>, Talk<'a>) {
        let mut header = Header::default();
        for s in self.sections(b"HEADER") {
            header.read(Groups::new(&self.bytes[..s.end], s.start, self.format), talk);
        }
        let (charset, known) = Charset::of(header.acadver.as_deref(), header.codepage.as_deref());
        if !known {
            let page = header.codepage.clone().unwrap_or_default();
            let message = || format!("code page `{page}` is not known; Windows-1252 assumed");
            let hint = "only names and texts can be wrong; rename layers that look odd";
            talk.say(Severity::Warning, "dxf/codepage-unknown", None, message, hint);
        }
        let mut layers = Layers::default();
        for s in self.sections(b"TABLES") {
            layers.read_line_types(self.bytes, s, self.format);
            layers.read_table(self.bytes, s, self.format, &charset);
        }
        layers.named("0");
        let mut parse = Parse { layers: LayerNames::new(&layers, charset), talk: Talk::new(self.source) };
        let mut blocks = Blocks::default();
        for s in self.sections(b"BLOCKS") {
            self.blocks(s, &charset, &mut parse, &mut blocks);
        }
        blocks.weigh(&charset, &mut parse.talk);
        let Parse { layers: names, talk: block_talk } = parse;
        let added = names.added;
        for l in &added.list {
            layers.named(&l.name);
        }
        let units = header.units(self.options.mm_per_unit, talk);
        let clips = Clips::read(self.bytes, self.sections(b"OBJECTS"), self.format);
        (Before { header, charset, layers, blocks, clips, units }, block_talk)
    }

    fn blocks(
        &self,
        section: &Section<'a>,
        charset: &Charset,
        parse: &mut Parse<'a, '_>,
        blocks: &mut Blocks<'a>,
    ) {
        let mut groups = Groups::new(&self.bytes[..section.end], section.start, self.format);
        let mut open: Option<Block<'a>> = None;
        while let Some(record) = next_record(&mut groups, &mut parse.talk) {
            match record.text() {
                b"BLOCK" => {
                    blocks_push(blocks, open.take(), &mut parse.talk, record.at);
                    open = Some(header::block(&mut groups, charset, &mut parse.talk));
                }
                b"ENDBLK" => {
                    groups.skip_record();
                    blocks_push(blocks, open.take(), &mut parse.talk, record.at);
                }
                _ => match (&mut open, parse.entity(&mut groups, record)) {
                    (Some(block), Some(entity)) => block.entities.push(entity),
                    (None, Some(e)) => {
                        let span = parse.talk.span(e.at, e.end);
                        parse.talk.ignore(e.name, "between two blocks", span);
                    }
                    (_, None) => {}
                },
            }
        }
        blocks_push(blocks, open, &mut parse.talk, section.end);
    }

    /// Reads and places all entities, in parts, and returns these in the order of the file.
    fn entities(&self, before: &Before<'a>, budget: Option<&Budget>) -> Vec<Part<'a>> {
        let mut parts = vec![self.layouts(before, budget)];
        for s in self.sections(b"ENTITIES") {
            let starts = self.part_starts(s);
            let bounds: Vec<(usize, usize)> = starts
                .iter()
                .enumerate()
                .map(|(i, &start)| (start, starts.get(i + 1).copied().unwrap_or(s.end)))
                .collect();
            let mut read: Vec<Part<'a>> =
                bounds.par_iter().map(|&(from, to)| self.part(before, budget, from, to, s.end)).collect();
            // A part that overran the next one's start was out of step with it: read on from there as one.
            if let Some(i) = (0..read.len()).find(|&i| read[i].end != bounds[i].1) {
                let from = read[i].end;
                read.truncate(i + 1);
                if from < s.end {
                    read.push(self.part(before, budget, from, s.end, s.end));
                }
            }
            parts.append(&mut read);
        }
        parts
    }

    /// Places what stands in the blocks of the layouts: all paper spaces but the one last looked at, and, in files
    /// of strange origin, model space.
    fn layouts(&self, before: &Before<'a>, budget: Option<&Budget>) -> Part<'a> {
        let mut layers = LayerNames::new(&before.layers, before.charset);
        let mut talk = Talk::new(self.source);
        let mut placer = before.placer(budget);
        for block in before.blocks.list.iter().filter(|b| is_layout(&b.name)) {
            let paper = block.name.to_ascii_lowercase().contains("paper");
            for e in &block.entities {
                placer.top(e, paper, &mut layers, &mut talk);
            }
        }
        Part { output: placer.out, added: layers.added, talk, end: 0 }
    }

    /// Returns where the parts of a section begin. Only records that stand alone begin a part: not what follows a
    /// POLYLINE or an INSERT.
    fn part_starts(&self, s: &Section<'a>) -> Vec<usize> {
        let mut starts = vec![s.start];
        let Format::Ascii { eol } = self.format else { return starts };
        let mut at = s.start + PART;
        while at < s.end {
            let line = memchr::memchr(eol, &self.bytes[at..s.end]).map_or(s.end, |n| at + n + 1);
            let alone = |name: &[u8]| !matches!(name, b"VERTEX" | b"SEQEND" | b"ATTRIB");
            let start = groups::next_record(&self.bytes[..s.end], line, eol, alone);
            if start >= s.end {
                break;
            }
            starts.push(start);
            at = start + PART;
        }
        starts
    }

    /// Reads records from `from` on, until one begins at or behind `to`.
    fn part(
        &self,
        before: &Before<'a>,
        budget: Option<&Budget>,
        from: usize,
        to: usize,
        section_end: usize,
    ) -> Part<'a> {
        let mut groups = Groups::new(&self.bytes[..section_end], from, self.format);
        let mut parse =
            Parse { layers: LayerNames::new(&before.layers, before.charset), talk: Talk::new(self.source) };
        let mut placer = before.placer(budget);
        while groups.pos() < to {
            let Some(record) = next_record(&mut groups, &mut parse.talk) else { break };
            if let Some(entity) = parse.entity(&mut groups, record) {
                placer.top(&entity, false, &mut parse.layers, &mut parse.talk);
            }
        }
        let end = groups.pos();
        Part { output: placer.out, added: parse.layers.added, talk: parse.talk, end }
    }

    /// Joins the parts.
    fn finish(
        &self,
        before: Before<'a>,
        parts: Vec<Part<'a>>,
        mut talk: Talk<'a>,
    ) -> (Checked<Drawing>, DxfFacts) {
        let Before { header, charset, mut layers, blocks, units, .. } = before;
        let known = layers.list.len() as u32;
        let mut all = Output::default();
        all.shapes.reserve_exact(parts.iter().map(|p| p.output.shapes.len()).sum());
        for part in parts {
            let ids: Vec<u32> = part.added.list.iter().map(|l| layers.named(&l.name)).collect();
            let id = |layer: u32| if layer < known { layer } else { ids[(layer - known) as usize] };
            let mut o = part.output;
            if !ids.is_empty() {
                o.shapes.iter_mut().for_each(|s| s.layer = id(s.layer));
                o.texts.iter_mut().for_each(|t| t.layer = id(t.layer));
                o.points.iter_mut().for_each(|p| p.1 = id(p.1));
            }
            all.shapes.append(&mut o.shapes);
            all.texts.append(&mut o.texts);
            all.points.append(&mut o.points);
            all.modelspace.merge(&o.modelspace);
            all.paperspace.merge(&o.paperspace);
            all.expanded.merge(&o.expanded);
            for (layer, n) in o.by_layer.iter().enumerate() {
                let layer = id(layer as u32) as usize;
                if all.by_layer.len() <= layer {
                    all.by_layer.resize(layer + 1, 0);
                }
                all.by_layer[layer] += n;
            }
            all.mirrored_inserts += o.mirrored_inserts;
            all.uneven_inserts += o.uneven_inserts;
            all.negative_extrusions += o.negative_extrusions;
            all.dots += o.dots;
            all.heights = [all.heights[0].min(o.heights[0]), all.heights[1].max(o.heights[1])];
            talk.merge(part.talk);
        }
        say_exclusions(&all, &mut talk);
        say_heights(&all, &mut talk);
        if all.modelspace == place::Counts::default() {
            blocks.say_unused(&mut talk);
        }
        let facts = self.facts(&header, &layers, &blocks, &all);
        let (diagnostics, ignored) = talk.finish(|name| charset.decode(name));
        let drawing = Drawing {
            units,
            layers: layers.finish(),
            shapes: all.shapes,
            texts: all.texts,
            points: all.points,
            ignored,
        };
        (Checked { value: drawing, diagnostics }, facts)
    }

    fn facts(&self, header: &Header, layers: &Layers, blocks: &Blocks<'a>, all: &Output<'a>) -> DxfFacts {
        let binary = matches!(self.format, Format::Binary { .. });
        let head = &self.bytes[..self.bytes.len().min(4096)];
        let newline = match self.format {
            Format::Binary { .. } => None,
            Format::Ascii { eol: b'\r' } => Some("cr"),
            Format::Ascii { .. } if memchr::memmem::find(head, b"\r\n").is_some() => Some("crlf"),
            Format::Ascii { .. } => Some("lf"),
        };
        let mut in_blocks = place::Counts::default();
        let mut block_definitions = 0;
        for block in blocks.list.iter().filter(|b| !is_layout(&b.name)) {
            block_definitions += 1;
            block.entities.iter().for_each(|e| in_blocks.add(e.name));
        }
        let by_layer = all.by_layer.iter().zip(&layers.list).filter(|(n, _)| **n > 0);
        DxfFacts {
            binary,
            newline,
            non_ascii: !binary && !self.bytes.is_ascii(),
            bom: self.bytes.starts_with(b"\xef\xbb\xbf"),
            acadver: header.acadver.clone(),
            codepage: header.codepage.clone(),
            has_header: self.has(b"HEADER"),
            has_eof: self.sections.has_eof,
            insunits: header.insunits,
            exporter: header::exporter(self.bytes),
            layers_in_table: layers.in_table,
            modelspace: all.modelspace.finish(),
            paperspace: all.paperspace.finish(),
            block_definitions,
            in_block_definitions: in_blocks.finish(),
            expanded: all.expanded.finish(),
            mirrored_inserts: all.mirrored_inserts,
            nonuniform_inserts: all.uneven_inserts,
            negative_extrusion_entities: all.negative_extrusions,
            dots: all.dots,
            geometry_by_layer: by_layer.map(|(n, l)| (l.name.clone(), *n)).collect(),
        }
    }
}

/// Adds a block, unless it has no name and nobody could ever show it.
fn blocks_push<'a>(blocks: &mut Blocks<'a>, block: Option<Block<'a>>, talk: &mut Talk<'a>, at: usize) {
    match block {
        Some(block) if block.name.is_empty() => {
            talk.ignore(b"BLOCK", "it has no name", talk.span(at, at + 1));
        }
        Some(block) => {
            let span = talk.span(at, at + 1);
            if let Some(name) = blocks.push(block) {
                let message = || format!("block `{name}` is defined more than once; the first counts");
                talk.warn(
                    "dxf/block-twice",
                    span,
                    message,
                    "look at the preview, and mend it in your CAD program",
                );
            }
        }
        None => {}
    }
}

/// True for the blocks that hold model and paper space themselves.
fn is_layout(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["*model_space", "*paper_space", "$model_space", "$paper_space"].iter().any(|l| name.starts_with(l))
}

/// Returns the next record and says what had to be passed over to reach it.
fn next_record<'a>(groups: &mut Groups<'a>, talk: &mut Talk<'a>) -> Option<groups::Group<'a>> {
    let mut skipped = None;
    let record = groups.record(|at| skipped = skipped.or(Some(at)));
    if let Some(at) = skipped {
        let span = talk.span(at, at + 1);
        let message = || "something that is no group stands between two entities".to_owned();
        talk.error(
            "dxf/bad-group",
            span,
            message,
            "it is passed over; the file is damaged here, export it again",
        );
    }
    record
}

/// Says when flat things lie at different heights, which a plan does not show.
fn say_heights(all: &Output<'_>, talk: &mut Talk<'_>) {
    let [low, high] = all.heights;
    if high - low > note::LEVEL {
        let message = || {
            format!("things lie at heights from {low:.3} to {high:.3} mm; they are read as seen from above")
        };
        let hint = "if parts are stacked in the drawing, choose those of one level, for example by layer";
        talk.say(Severity::Info, "dxf/heights", None, message, hint);
    }
}

/// Says what is in the drawing and not to be made.
fn say_exclusions(all: &Output<'_>, talk: &mut Talk<'_>) {
    for (why, code, what) in [
        (Exclusion::LayerHidden, "dxf/layer-hidden", "on layers that are off or frozen"),
        (Exclusion::Invisible, "dxf/invisible", "marked invisible"),
        (Exclusion::PaperSpace, "dxf/paper-space", "in paper space"),
    ] {
        let mut hidden = all.shapes.iter().filter(|s| s.excluded == Some(why));
        if let Some(first) = hidden.next() {
            let count = hidden.count() + 1;
            let things = if count == 1 { "1 curve is" } else { "curves are" };
            let message = || match count {
                1 => format!("{things} {what} and left out"),
                _ => format!("{count} {things} {what} and left out"),
            };
            talk.say(Severity::Info, code, Some(first.span), message, "");
        }
    }
}
