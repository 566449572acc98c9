//! HEADER variables, units and block headings.

use super::groups::{Groups, Next, Number};
use super::place::Block;
use super::talk::Talk;
use super::text::Charset;
use crate::Units;
use shop_report::Severity;

/// The header variables that matter here.
#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    pub acadver: Option<String>,
    pub codepage: Option<String>,
    pub insunits: Option<i64>,
    /// `$MEASUREMENT`: 0 inch, 1 metric line types; a hint at best.
    pub measurement: Option<i64>,
}

impl Header {
    /// Reads the variables of a HEADER section; the last of a name counts.
    pub fn read<'a>(&mut self, mut groups: Groups<'a>, talk: &mut Talk<'a>) {
        let mut variable: &[u8] = b"";
        loop {
            match groups.next() {
                Next::Group(g) if g.code == 9 => variable = g.text(),
                Next::Group(g) => {
                    let text = || String::from_utf8_lossy(g.text()).into_owned();
                    match (variable, g.code) {
                        (b"$ACADVER", 1) => self.acadver = Some(text()),
                        (b"$DWGCODEPAGE", 3) => self.codepage = Some(text()),
                        (b"$INSUNITS", 70) => self.insunits = g.integer(),
                        (b"$MEASUREMENT", 70) => self.measurement = g.integer(),
                        _ => {}
                    }
                }
                Next::End => return,
                Next::Broken(at) => {
                    // Variables have no `0` groups to find the way back by; a line that is no code is passed over,
                    // until codes and values are in step again.
                    let span = talk.span(at, at + 1);
                    let message = || "no group code where one must stand, in the header".to_owned();
                    talk.warn("dxf/bad-header", span, message, "check the unit that was read");
                    if !groups.skip_line() {
                        return;
                    }
                }
            }
        }
    }

    /// Returns the unit: what the user says, else what the file says, else millimetres with a warning.
    pub fn units(&self, said: Option<f64>, talk: &mut Talk<'_>) -> Units {
        if let Some(mm_per_unit) = said.filter(|v| v.is_finite() && *v > 0.0) {
            return Units { mm_per_unit, declared: true };
        }
        match self.insunits {
            Some(0) | None => {
                let imperial = self.measurement == Some(0) && self.insunits.is_some();
                let what = if self.insunits.is_some() { "says `unitless`" } else { "names no unit" };
                let hint = if imperial {
                    "its line types are in inches, so perhaps the drawing is too: --units in or --units mm says it"
                } else {
                    "--units mm or --units in says it, and this warning goes"
                };
                let message = || format!("the drawing {what}; millimetres assumed");
                talk.say(Severity::Warning, "dxf/units-missing", None, message, hint);
                Units::default()
            }
            Some(code) => {
                if let Some(mm_per_unit) = mm_per_unit(code) {
                    return Units { mm_per_unit, declared: true };
                }
                let message = || format!("unit {code} ($INSUNITS) is not known; millimetres assumed");
                let hint = "--units mm or --units in says it";
                talk.say(Severity::Warning, "dxf/units-unknown", None, message, hint);
                Units::default()
            }
        }
    }
}

/// `$INSUNITS` codes: name, mm per unit (DXF reference; survey feet: 1200/3937 m, NIST SP 811).
const UNITS: [(&str, f64); 25] = [
    ("unitless", 1.0),
    ("in", 25.4),
    ("ft", 304.8),
    ("mi", 1_609_344.0),
    ("mm", 1.0),
    ("cm", 10.0),
    ("m", 1000.0),
    ("km", 1e6),
    ("µin", 25.4e-6),
    ("mil", 0.0254),
    ("yd", 914.4),
    ("Å", 1e-7),
    ("nm", 1e-6),
    ("µm", 1e-3),
    ("dm", 100.0),
    ("dam", 1e4),
    ("hm", 1e5),
    ("Gm", 1e12),
    ("au", 1.495978707e14),
    ("ly", 9.4607304725808e18),
    ("pc", 3.085677581491367e19),
    ("US ft", 1_200_000.0 / 3937.0),
    ("US in", 100_000.0 / 3937.0),
    ("US yd", 3_600_000.0 / 3937.0),
    ("US mi", 6_336_000_000.0 / 3937.0),
];

/// Returns the short name of a `$INSUNITS` code, `unitless` for those not known.
pub fn unit_name(code: i64) -> &'static str {
    usize::try_from(code).ok().and_then(|i| UNITS.get(i)).unwrap_or(&UNITS[0]).0
}

fn mm_per_unit(code: i64) -> Option<f64> {
    usize::try_from(code).ok().and_then(|i| UNITS.get(i)).map(|u| u.1)
}

/// Reads the heading of a block: 2 name, 10 base point, 70 flags (4, 8, 16, 32: an external reference).
pub(super) fn block<'a>(groups: &mut Groups<'a>, charset: &Charset, talk: &mut Talk<'a>) -> Block<'a> {
    let mut block = Block::default();
    while let Next::Group(g) = groups.next() {
        match g.code {
            2 => block.name = charset.decode(g.text()).into_owned(),
            10 | 20 | 30 => {
                let value = match g.number() {
                    Number::Plain(v) => Some(v),
                    odd => talk.odd_number(&g, odd),
                };
                if let Some(v) = value {
                    block.base[g.code as usize / 10 - 1] = v;
                }
            }
            70 => block.external = g.integer().unwrap_or(0) & (4 | 8) != 0,
            _ => {}
        }
    }
    block
}

/// Returns the program that wrote the file, by the traces that programs leave on top.
pub(super) fn exporter(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(1 << 16)];
    [
        ("dxflib", "dxflib"),
        ("dxfrw", "libdxfrw"),
        ("OpenSCAD", "OpenSCAD"),
        ("ezdxf", "ezdxf"),
        ("EZDXF", "ezdxf"),
        ("QCAD", "QCAD"),
        ("Inkscape", "Inkscape"),
        ("LibreCAD", "LibreCAD"),
        ("FreeCAD", "FreeCAD"),
        ("Makelangelo", "Makelangelo"),
    ]
    .into_iter()
    .find(|(trace, _)| memchr::memmem::find(head, trace.as_bytes()).is_some())
    .map(|(_, name)| name)
}
