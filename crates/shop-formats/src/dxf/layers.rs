//! Layer names and states. Names are compared without case, as AutoCAD does.

use super::colour::aci;
use super::groups::{Groups, Next, Section};
use super::text::Charset;
use crate::{Layer, Rgb};
use std::collections::BTreeMap;

/// What a layer is and whether it shows.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerState {
    pub name: String,
    pub colour: Option<Rgb>,
    pub frozen: bool,
    pub off: bool,
}

/// All layers known so far. Maps are only asked, never walked.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    pub list: Vec<LayerState>,
    by_name: BTreeMap<String, u32>,
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

    /// Reads the LAYER table: 2 name, 62 colour (negative: off), 420 true colour, 70 bit 1 frozen.
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
                    _ => {}
                }
            }
            if let Some(name) = name {
                state.name = charset.decode(name).into_owned();
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

/// Layers as one part of the file sees them: those known before, and names that nobody declared.
pub(super) struct LayerNames<'a, 'b> {
    known: &'b Layers,
    charset: Charset,
    pub added: Layers,
    seen: BTreeMap<&'a [u8], u32>,
    last: (&'a [u8], u32),
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
