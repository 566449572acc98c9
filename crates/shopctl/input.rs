//! Reading the user's files: bytes in, drawings out, with a clear refusal of what is no drawing.

use crate::report::Sources;
use anyhow::{Context, Result};
use shop_formats::text::{self, Lettering};
use shop_formats::{Drawing, dxf, svg};
use shop_report::{Checked, Diagnostic, SourceId, Span};
use std::io::Read;
use std::path::Path;

/// Larger files are refused before a byte is read. The largest real drawing seen is 60 MB; a gigabyte of DXF is a
/// mistake or an attack.
pub const LARGEST: u64 = 1 << 30;

/// What the user said about the drawing's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum UnitFlag {
    /// Millimetres.
    Mm,
    /// Centimetres.
    Cm,
    /// Metres.
    M,
    /// Inches.
    In,
    /// Feet.
    Ft,
}

impl UnitFlag {
    /// Returns millimetres per unit.
    pub fn mm(self) -> f64 {
        match self {
            UnitFlag::Mm => 1.0,
            UnitFlag::Cm => 10.0,
            UnitFlag::M => 1000.0,
            UnitFlag::In => 25.4,
            UnitFlag::Ft => 304.8,
        }
    }
}

/// What the user says about the size of drawings, against what is in the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scale {
    /// The unit.
    pub units: Option<UnitFlag>,
    /// Pixels per inch of an SVG.
    pub dpi: Option<f64>,
}

/// Formats we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// AutoCAD interchange, ASCII or binary.
    Dxf,
    /// Scalable vector graphics, also gzipped.
    Svg,
}

/// Reads the file's bytes (`-`: standard input). Errors are about the world: absent, unreadable, too large.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let failed = || format!("failed to read {}", path.display());
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        let mut file = std::fs::File::open(path).with_context(failed)?;
        let meta = file.metadata().with_context(failed)?;
        anyhow::ensure!(!meta.is_dir(), "failed to read {}: it is a folder", path.display());
        anyhow::ensure!(meta.len() <= LARGEST, too_large(path));
        bytes.reserve_exact(meta.len() as usize + 1);
        (&mut file).take(LARGEST + 1).read_to_end(&mut bytes).with_context(failed)?;
    }
    anyhow::ensure!(bytes.len() as u64 <= LARGEST, too_large(path));
    Ok(bytes)
}

fn too_large(path: &Path) -> String {
    format!("failed to read {}: larger than {} MiB, which no drawing is", path.display(), LARGEST >> 20)
}

/// Tells the format by what the file holds, then by its name.
pub fn format_of(path: &Path, bytes: &[u8]) -> Option<Format> {
    let head = &bytes[..bytes.len().min(4096)];
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if bytes.starts_with(&[0x1f, 0x8b]) || text.contains("<svg") || text.starts_with("<?xml") {
        return Some(Format::Svg);
    }
    if bytes.starts_with(b"AutoCAD Binary DXF") {
        return Some(Format::Dxf);
    }
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    match ending.as_str() {
        "dxf" => Some(Format::Dxf),
        "svg" | "svgz" => Some(Format::Svg),
        // A group code alone on the first line is how every ASCII DXF begins.
        _ if text.lines().next().is_some_and(|l| matches!(l.trim(), "0" | "999")) => Some(Format::Dxf),
        _ => None,
    }
}

/// What becomes of texts.
#[derive(Clone, Debug, Default)]
pub enum Texts {
    /// They stay texts, which nothing is made of, and that is said.
    #[default]
    Unsaid,
    /// The same, as asked.
    Ignore,
    /// Single strokes of the built-in alphabet.
    Stroke,
    /// Outlines of the font in this file.
    Outline(Vec<u8>),
}

/// Reads a drawing of either format, its texts drawn as asked.
pub fn read_drawing(
    path: &Path,
    id: SourceId,
    sources: &Sources<'_>,
    scale: Scale,
    texts: &Texts,
) -> Checked<Drawing> {
    let bytes = sources.bytes(id).unwrap_or_default();
    let mut read = read_as(path, id, bytes, scale, texts).0;
    match texts {
        Texts::Ignore => {}
        Texts::Unsaid => read.diagnostics.extend(texts_ignored(&read.value)),
        Texts::Stroke => read.diagnostics.extend(text::draw(&mut read.value, Lettering::Stroke)),
        Texts::Outline(font) => {
            read.diagnostics.extend(text::draw(&mut read.value, Lettering::Outline(font)));
        }
    }
    read
}

fn texts_ignored(drawing: &Drawing) -> Option<Diagnostic> {
    let first = drawing.texts.first()?;
    let n = drawing.texts.len();
    let message = if n == 1 { "a text is not made".to_owned() } else { format!("{n} texts are not made") };
    let hint =
        "--text stroke writes them with single strokes, --text outline --font FILE with a font's outlines";
    Some(Diagnostic::info("cut/text-ignored", message).span(first.span).count(n).hint(hint))
}

/// Reads a drawing and what its file says about itself.
pub fn read_with_facts(
    path: &Path,
    id: SourceId,
    bytes: &[u8],
    scale: Scale,
) -> (Checked<Drawing>, Option<dxf::DxfFacts>) {
    read_as(path, id, bytes, scale, &Texts::Ignore)
}

fn read_as(
    path: &Path,
    id: SourceId,
    bytes: &[u8],
    scale: Scale,
    texts: &Texts,
) -> (Checked<Drawing>, Option<dxf::DxfFacts>) {
    let mm_per_unit = scale.units.map(UnitFlag::mm);
    match format_of(path, bytes) {
        _ if bytes.is_empty() => {
            let d = Diagnostic::error("input/empty", "the file is empty").hint("export the drawing again");
            (refuse(d, id), None)
        }
        Some(Format::Dxf) => {
            let options = dxf::ReadOptions { mm_per_unit, ..dxf::ReadOptions::default() };
            let (drawing, facts) = dxf::read_with_facts(id, bytes, &options);
            (drawing, Some(facts))
        }
        Some(Format::Svg) => {
            // SVG has rules of its own for where letters stand; what they leave is drawn like other texts.
            let fonts = match texts {
                Texts::Outline(font) => Some(svg::fonts([font.clone()])),
                _ => None,
            };
            let options = svg::ReadOptions { dpi: scale.dpi, mm_per_unit, fonts, keep_texts: true };
            (svg::read(id, bytes, &options), None)
        }
        None => {
            let d = Diagnostic::error("input/unknown-format", "this is neither a DXF nor an SVG drawing")
                .hint("export the drawing as DXF (R12 to R2018) or SVG");
            (refuse(d, id), None)
        }
    }
}

fn refuse(diagnostic: Diagnostic, id: SourceId) -> Checked<Drawing> {
    Checked { value: Drawing::default(), diagnostics: vec![diagnostic.span(Span::new(id, 0, 0))] }
}
