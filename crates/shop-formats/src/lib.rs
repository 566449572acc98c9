//! Reads DXF and SVG into drawings, and STL, OBJ, 3MF and AMF into meshes.
//!
//! A reader never fails on content: it returns what it could read and says what it could not, with the place.
//! Nothing is dropped in silence; what is not geometry is counted.

mod drawing;
pub mod dxf;
pub mod facts;
pub mod mesh;
pub mod svg;
pub mod text;

pub use drawing::{Anchor, Drawing, Exclusion, Fit, Ignored, Layer, Level, Rgb, Shape, Text, Units};
