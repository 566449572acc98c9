//! What was drawn, in mm, before anyone decides what it means.

use rayon::prelude::*;
use shop_geom::curve::Curve;
use shop_geom::{Point, Polyline};
use shop_report::Span;

/// A drawing in mm: curves with layer, colour and place in the file.
#[derive(Clone, Debug, Default)]
pub struct Drawing {
    /// The unit of the file.
    pub units: Units,
    /// All layers, by the index that shapes use.
    pub layers: Vec<Layer>,
    /// Every curve of the drawing, blocks expanded, in file order; excluded ones are still here, marked.
    pub shapes: Vec<Shape>,
    /// Text, as text.
    pub texts: Vec<Text>,
    /// Points (drill marks), with layer.
    pub points: Vec<(Point, u32, Span)>,
    /// What is in the file and not here.
    pub ignored: Vec<Ignored>,
}

/// The unit of a file and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    /// Millimetres per drawing unit.
    pub mm_per_unit: f64,
    /// False when the file does not say and millimetres were assumed.
    pub declared: bool,
}

impl Default for Units {
    fn default() -> Self {
        Units { mm_per_unit: 1.0, declared: false }
    }
}

/// A layer, or the group or colour that stands for one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// Its name, decoded.
    pub name: String,
    /// The layer's own colour.
    pub colour: Option<Rgb>,
    /// Switched off or frozen: its shapes are excluded.
    pub hidden: bool,
}

/// A colour.
pub type Rgb = [u8; 3];

/// One curve.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The curve, in mm.
    pub curve: Curve,
    /// Index into [`Drawing::layers`].
    pub layer: u32,
    /// Its colour, with BYLAYER and BYBLOCK resolved, when known.
    pub colour: Option<Rgb>,
    /// Where the entity stands in the file.
    pub span: Span,
    /// Why it is not to be made, if so.
    pub excluded: Option<Exclusion>,
}

/// Why a shape is in the file and not to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exclusion {
    /// Its layer is off or frozen.
    LayerHidden,
    /// It is marked invisible.
    Invisible,
    /// It belongs to paper space.
    PaperSpace,
    /// It bounds a hatch or is another entity's helper.
    Construction,
}

/// A text with its place.
#[derive(Clone, Debug)]
pub struct Text {
    /// The characters, control codes removed.
    pub text: String,
    /// Insertion point, mm.
    pub at: Point,
    /// Height of capitals, mm.
    pub height: f64,
    /// Direction of writing, radians.
    pub angle: f64,
    /// Index into [`Drawing::layers`].
    pub layer: u32,
    /// Where the entity stands in the file.
    pub span: Span,
}

/// Things of one kind that are in the file and not in the drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Ignored {
    /// Entity or element name as in the file.
    pub what: String,
    /// Why, as a short phrase.
    pub why: &'static str,
    /// How many.
    pub count: u32,
    /// Where the first stands.
    pub first: Span,
}

impl Drawing {
    /// Returns the shapes to be made as lines and arcs within `tolerance`, each with its index in `shapes`,
    /// in file order. Shapes are fitted in parallel.
    pub fn paths(&self, tolerance: f64) -> Vec<(u32, Polyline)> {
        (self.shapes.par_iter().enumerate())
            .filter(|(_, s)| s.excluded.is_none())
            .map(|(i, s)| (i as u32, s.curve.to_polyline(tolerance)))
            .collect()
    }
}
