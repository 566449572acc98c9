//! Layer names and states. Names are compared without case, as AutoCAD does.

use super::colour::aci;
use super::groups::{Groups, Next, Section};
use super::text::Charset;
use crate::{Layer, Rgb};
use std::collections::{BTreeMap, BTreeSet};

/// What a layer is and whether it shows.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerState {
    pub name: String,
    pub colour: Option<Rgb>,
    pub frozen: bool,
    pub off: bool,
    /// Its line type has gaps.
    pub gaps: bool,
    /// Its line type, as named.
    pub line_type: Vec<u8>,
    /// Shown, and not printed.
    pub not_plotted: bool,
}

/// All layers known so far. Maps are only asked, never walked.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    pub list: Vec<LayerState>,
    by_name: BTreeMap<String, u32>,
    /// Line types without gaps, in lower case.
    whole: BTreeSet<Vec<u8>>,
    /// How many of them the LAYER table holds.
    pub in_table: usize,
}

impl Layers {
    /// Returns the layer of this name, a new one if need be.
    pub fn named(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.by_name.get(&name.to_lowercase()) {
            return id;
        }
        let id = self.list.len() as u32;
        self.by_name.insert(name.to_lowercase(), id);
        self.list.push(LayerState { name: name.to_owned(), ..LayerState::default() });
        id
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(&name.to_lowercase()).copied()
    }

    /// True when lines of this type have gaps. A type that the file does not define has, unless it is CONTINUOUS.
    fn has_gaps(&self, line_type: &[u8]) -> bool {
        let name = line_type.to_ascii_lowercase();
        !matches!(name.as_slice(), b"" | b"continuous" | b"bylayer" | b"byblock")
            && !self.whole.contains(&name)
    }

    /// Reads the LTYPE table: 2 name, 73 number of dashes and gaps.
    pub fn read_line_types(&mut self, bytes: &[u8], section: &Section<'_>, format: super::groups::Format) {
        let mut groups = Groups::new(&bytes[..section.end], section.start, format);
        while let Some(record) = groups.record(|_| {}) {
            if record.text() != b"LTYPE" {
                groups.skip_record();
                continue;
            }
            let (mut name, mut pieces) = (b"".as_slice(), 0);
            while let Next::Group(g) = groups.next() {
                match g.code {
                    2 => name = g.text(),
                    73 => pieces = g.integer().unwrap_or(0),
                    _ => {}
                }
            }
            if pieces == 0 {
                self.whole.insert(name.to_ascii_lowercase());
            }
        }
    }

    /// Reads the LAYER table: 2 name, 6 line type, 62 colour (negative: off), 420 true colour, 70 bit 1 frozen,
    /// 290 printed.
    pub fn read_table(
        &mut self,
        bytes: &[u8],
        section: &Section<'_>,
        format: super::groups::Format,
        charset: &Charset,
    ) {
        let mut groups = Groups::new(&bytes[..section.end], section.start, format);
        while let Some(record) = groups.record(|_| {}) {
            if record.text() != b"LAYER" {
                groups.skip_record();
                continue;
            }
            let mut state = LayerState::default();
            let mut name = None;
            while let Next::Group(g) = groups.next() {
                match g.code {
                    2 => name = Some(g.text()),
                    62 => {
                        let index = g.integer().unwrap_or(7);
                        state.off = index < 0;
                        state.colour = u8::try_from(index.unsigned_abs()).ok().map(aci);
                    }
                    420 => {
                        let [_, r, g, b] = (g.integer().unwrap_or(0) as u32).to_be_bytes();
                        state.colour = Some([r, g, b]);
                    }
                    70 => state.frozen = g.integer().unwrap_or(0) & 1 != 0,
                    6 => state.line_type = g.text().to_vec(),
                    290 => state.not_plotted = g.integer() == Some(0),
                    _ => {}
                }
            }
            if let Some(name) = name {
                state.name = charset.decode(name).into_owned();
                state.gaps = self.has_gaps(&state.line_type);
                let id = self.named(&state.name.clone());
                self.list[id as usize] = state;
            }
        }
        self.in_table = self.list.len();
    }

    /// Returns the layers of the drawing.
    pub fn finish(self) -> Vec<Layer> {
        self.list
            .into_iter()
            .map(|l| Layer { name: l.name, colour: l.colour, hidden: l.frozen || l.off })
            .collect()
    }
}

/// What a line type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineType {
    ByLayer,
    ByBlock,
    Whole,
    Gaps,
}

/// Layers as one part of the file sees them: those known before, and names that nobody declared.
pub(super) struct LayerNames<'a, 'b> {
    known: &'b Layers,
    charset: Charset,
    pub added: Layers,
    seen: BTreeMap<&'a [u8], u32>,
    last: (&'a [u8], u32),
    last_line_type: (&'a [u8], LineType),
    /// Layer 0.
    pub zero: u32,
}

impl<'a, 'b> LayerNames<'a, 'b> {
    pub fn new(known: &'b Layers, charset: Charset) -> Self {
        let mut names = LayerNames {
            known,
            charset,
            added: Layers::default(),
            seen: BTreeMap::new(),
            last: (b"0", 0),
            last_line_type: (b"", LineType::ByLayer),
            zero: 0,
        };
        names.zero = names.look_up(b"0");
        names.last.1 = names.zero;
        names
    }

    /// Returns the layer of this raw name; those not known before count on from the known ones.
    #[inline]
    pub fn id(&mut self, raw: &'a [u8]) -> u32 {
        if raw != self.last.0 {
            self.last = (raw, self.look_up(raw));
        }
        self.last.1
    }

    /// Returns what this name of a line type means.
    #[inline]
    pub fn line_type(&mut self, raw: &'a [u8]) -> LineType {
        if raw != self.last_line_type.0 {
            let kind = if raw.eq_ignore_ascii_case(b"BYBLOCK") {
                LineType::ByBlock
            } else if raw.is_empty() || raw.eq_ignore_ascii_case(b"BYLAYER") {
                LineType::ByLayer
            } else if self.known.has_gaps(raw) {
                LineType::Gaps
            } else {
                LineType::Whole
            };
            self.last_line_type = (raw, kind);
        }
        self.last_line_type.1
    }

    fn look_up(&mut self, raw: &'a [u8]) -> u32 {
        if let Some(&id) = self.seen.get(raw) {
            return id;
        }
        let name = self.charset.decode(raw);
        let id = match self.known.find(&name) {
            Some(id) => id,
            None => self.known.list.len() as u32 + self.added.named(&name),
        };
        self.seen.insert(raw, id);
        id
    }

    pub fn state(&self, id: u32) -> Option<&LayerState> {
        let known = self.known.list.len();
        self.known.list.get(id as usize).or_else(|| self.added.list.get((id as usize).checked_sub(known)?))
    }
}
