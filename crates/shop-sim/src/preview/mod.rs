//! Pictures of a program: what is cut where, in which order, and how the tool travels between.
//!
//! One scene is laid out in points of a page and drawn three ways: as SVG, as PNG, and as one HTML file in
//! which the path can be played. The same input gives the same bytes.

mod encode;
mod font;
mod html;
mod model;
mod plot;
mod png;
mod scene;
mod svg;
#[cfg(test)]
mod tests;
mod trail;

pub use model::{ModelPicture, model_picture};
pub use plot::{Plot, PlotColour, PlotView};

use crate::estimate::Estimate;
use shop_cam::canon::Section;
use shop_cam::intent::Intent;
use shop_geom::Aabb;

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub struct PreviewInput<'a> {
    /// Title of the picture.
    pub title: &'a str,
    /// The program.
    pub sections: &'a [Section],
    /// What it must make, if known: outlines, kept material, tool widths, the sheet.
    pub intent: Option<&'a Intent>,
    /// Its times, if known.
    pub estimate: Option<&'a Estimate>,
    /// Where the machine can go, work coordinates, if known.
    pub bed: Option<Aabb>,
}

/// Draws the program as SVG.
pub fn preview_svg(input: &PreviewInput<'_>) -> String {
    svg::write(&scene::lay_out(input))
}

/// Draws the program as PNG, 1600 pixels wide.
pub fn preview_png(input: &PreviewInput<'_>) -> Vec<u8> {
    png::write(&scene::lay_out(input))
}

/// Draws the program as one HTML file that needs no network: pan, zoom, play along the time, the order as a list,
/// and a ruler.
pub fn preview_html(input: &PreviewInput<'_>) -> String {
    html::write(input)
}
