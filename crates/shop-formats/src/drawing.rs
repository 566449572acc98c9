//! What was drawn, in mm, before anyone decides what it means.

use rayon::prelude::*;
use shop_geom::curve::Curve;
use shop_geom::{Point, Polyline, Vector};
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
///
/// ```text
///      up  ▲ ┌─┐  ┌──┐
///          │ ├─┤  ├─┬┘      a capital is as high as `up` is long; `along` is as long where letters have
///       at ┴─┘ └──┴─┴──▶    their usual width, and shorter or longer where they are squeezed or stretched
///                    along
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The characters, control codes removed; lines are divided by line feeds.
    pub text: String,
    /// The point that the text is hung on, mm.
    pub at: Point,
    /// Direction of writing, as long as capitals are high, mm.
    pub along: Vector,
    /// From the foot of a capital to its head, mm.
    pub up: Vector,
    /// Which place of the text stands at `at`.
    pub anchor: Anchor,
    /// The length its first line is made to have, if any.
    pub fit: Fit,
    /// Index into [`Drawing::layers`].
    pub layer: u32,
    /// Its colour, when known.
    pub colour: Option<Rgb>,
    /// Where the entity stands in the file.
    pub span: Span,
}

/// Which place of a text is put where the text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Anchor {
    /// How much of each line's width lies before the place: 0 left, 0.5 centre, 1 right.
    pub before: f64,
    /// Which height.
    pub level: Level,
}

/// A height of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Where capitals of the first line stand.
    #[default]
    Baseline,
    /// What small letters reach below the last line.
    Bottom,
    /// Halfway between top and the last baseline.
    Middle,
    /// Where capitals of the first line end.
    Top,
}

/// Whether a text is made as long as a given length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fit {
    /// It is as long as its letters.
    #[default]
    Free,
    /// Letters are stretched to this length, mm, their height kept (DXF: FIT).
    Stretched(f64),
    /// Letters are scaled to this length, mm (DXF: ALIGNED).
    Scaled(f64),
}

impl Text {
    /// Returns a text of this height of capitals, mm, from the origin to the right.
    pub fn plain(text: impl Into<String>, height: f64) -> Self {
        Text {
            text: text.into(),
            at: Point::origin(),
            along: Vector::new(height, 0.0),
            up: Vector::new(0.0, height),
            anchor: Anchor::default(),
            fit: Fit::Free,
            layer: 0,
            colour: None,
            span: Span::default(),
        }
    }

    /// Height of capitals, mm.
    pub fn height(&self) -> f64 {
        self.up.norm()
    }

    /// Direction of writing, radians.
    pub fn angle(&self) -> f64 {
        self.along.y.atan2(self.along.x)
    }
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

    /// Does the same and takes the curves out of the shapes, which keep layer, colour and place: the lines and arcs
    /// of a large drawing are moved and not copied.
    pub fn take_paths(&mut self, tolerance: f64) -> Vec<(u32, Polyline)> {
        let taken = |s: &mut Shape| std::mem::replace(&mut s.curve, Curve::Polyline(Polyline::default()));
        (self.shapes.par_iter_mut().enumerate())
            .filter(|(_, s)| s.excluded.is_none())
            .map(|(i, s)| (i as u32, taken(s).into_polyline(tolerance)))
            .collect()
    }
}
