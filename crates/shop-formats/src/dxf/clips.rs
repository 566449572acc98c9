//! Which INSERTs show their block through a clip (XCLIP): found, so that it can be said; the block is read whole.
//!
//! An INSERT does not say so itself. Its extension dictionary, in the OBJECTS section, has an entry `ACAD_FILTER`, a
//! dictionary whose entry `SPATIAL` is the SPATIAL_FILTER that holds the clip (DXF reference, "SPATIAL_FILTER"):
//!
//! ```text
//! INSERT 360 ─▶ DICTIONARY "ACAD_FILTER" ─▶ DICTIONARY "SPATIAL" ─▶ SPATIAL_FILTER 71 (1: on)
//! ```

use super::groups::{Format, Groups, Next, Section};
use std::collections::BTreeSet;

/// Handles of extension dictionaries that lead to a clip.
#[derive(Clone, Debug, Default)]
pub(super) struct Clips(BTreeSet<u64>);

/// (handle of the dictionary, handle of what stands in it under the name looked for).
type Entry = (u64, u64);

impl Clips {
    /// Reads the OBJECTS sections; those of drawings without a clip are only searched for the word.
    pub fn read<'a>(bytes: &[u8], sections: impl Iterator<Item = &'a Section<'a>>, format: Format) -> Clips {
        let mut on: BTreeSet<u64> = BTreeSet::new();
        let (mut filters, mut spatial): (Vec<Entry>, Vec<Entry>) = (Vec::new(), Vec::new());
        for s in sections {
            if memchr::memmem::find(&bytes[s.start..s.end], b"SPATIAL_FILTER").is_none() {
                continue;
            }
            let mut groups = Groups::new(&bytes[..s.end], s.start, format);
            while let Some(record) = groups.record(|_| {}) {
                match record.text() {
                    b"SPATIAL_FILTER" => on.extend(filter(&mut groups)),
                    b"DICTIONARY" => dictionary(&mut groups, &mut filters, &mut spatial),
                    _ => {
                        groups.skip_record();
                    }
                }
            }
        }
        let leads_to = |entries: Vec<Entry>, to: &BTreeSet<u64>| -> BTreeSet<u64> {
            entries.into_iter().filter(|(_, entry)| to.contains(entry)).map(|(own, _)| own).collect()
        };
        let spatial = leads_to(spatial, &on);
        Clips(leads_to(filters, &spatial))
    }

    /// True when the extension dictionary of this handle leads to a clip.
    pub fn contains(&self, dictionary: &[u8]) -> bool {
        !self.0.is_empty() && handle(dictionary).is_some_and(|h| self.0.contains(&h))
    }
}

/// Returns the handle of a filter that is switched on.
fn filter(groups: &mut Groups<'_>) -> Option<u64> {
    let (mut own, mut on) = (None, true);
    while let Next::Group(g) = groups.next() {
        match g.code {
            5 => own = handle(g.text()),
            71 => on = g.integer() != Some(0),
            _ => {}
        }
    }
    own.filter(|_| on)
}

fn dictionary(groups: &mut Groups<'_>, filters: &mut Vec<Entry>, spatial: &mut Vec<Entry>) {
    let (mut own, mut name) = (None, b"".as_slice());
    while let Next::Group(g) = groups.next() {
        match g.code {
            5 => own = handle(g.text()),
            3 => name = g.text(),
            350 | 360 => {
                let list = match name {
                    b"ACAD_FILTER" => &mut *filters,
                    b"SPATIAL" => &mut *spatial,
                    _ => continue,
                };
                list.extend(own.zip(handle(g.text())));
            }
            _ => {}
        }
    }
}

/// Handles are hexadecimal numbers.
fn handle(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}
