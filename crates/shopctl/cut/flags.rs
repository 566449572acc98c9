//! The flags of `shopctl cut`, and what they mean.

use super::features::Reading;
use crate::input::{Scale, Texts, UnitFlag, read_bytes};
use crate::report::Colour;
use clap::{Args, ValueEnum};
use shop_cam::Speed;
use shop_cam::canon::Torch;
use shop_cam::feature::{FeatureOptions, Request, SmallHoles, TabRule, Waste};
use shop_cam::lead::LeadStyle;
use shop_cam::settings::{Choice, Settings};
use shop_geom::{Aabb, Point};
use std::path::PathBuf;

/// Plan, prove and write programs that cut drawings
///
/// Several inputs share one sheet when -o names a file, and give one program each when it names a folder or is
/// left out. The program is read back and proven against the drawing before it is written.
#[derive(Args, Clone, Debug, Default)]
pub struct CutArgs {
    /// Drawings: DXF or SVG, - for standard input
    #[arg(required = true, value_name = "DRAWING")]
    pub inputs: Vec<PathBuf>,
    /// Program to write (- for standard output), or a folder for one program per drawing
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Machine profile: a name from `shopctl machine list`, or a TOML file
    #[arg(short, long, value_name = "MACHINE")]
    pub machine: Option<String>,
    /// What to do with the shapes
    #[arg(long, value_enum, default_value_t)]
    pub op: OpFlag,
    /// Side of the cut, when nesting depth is not to decide
    #[arg(long, value_enum)]
    pub side: Option<SideFlag>,
    /// Tool of the profile, by number
    #[arg(long, value_name = "T", help_heading = "Cut")]
    pub tool: Option<u32>,
    /// Diameter of the end mill
    #[arg(long, visible_alias = "tool-dia", value_name = "D", value_parser = positive, help_heading = "Cut")]
    pub tool_diameter_mm: Option<f64>,
    /// Width of the kerf
    #[arg(long, value_name = "K", value_parser = positive, help_heading = "Cut")]
    pub kerf_mm: Option<f64>,
    /// Depth of through cuts below the top of the stock
    #[arg(long, visible_alias = "depth", value_name = "Z", value_parser = positive, help_heading = "Cut")]
    pub depth_mm: Option<f64>,
    /// Depth of one pass
    #[arg(long, value_name = "Z", value_parser = positive, help_heading = "Cut")]
    pub step_down_mm: Option<f64>,
    /// Material of the profile
    #[arg(long, value_name = "M", help_heading = "Cut")]
    pub material: Option<String>,
    /// Thickness of the sheet
    #[arg(long, value_name = "T", value_parser = positive, help_heading = "Cut")]
    pub thickness_mm: Option<f64>,
    /// Cutting feed
    #[arg(long, value_name = "F", value_parser = positive, help_heading = "Cut")]
    pub feed_mm_per_min: Option<f64>,
    /// Laser power in percent of full
    #[arg(long, value_name = "P", value_parser = positive, help_heading = "Cut")]
    pub power_percent: Option<f64>,
    /// How often a laser follows each path
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Cut")]
    pub passes: Option<u32>,
    /// Length of lead-ins (0: none)
    #[arg(long, value_name = "L", value_parser = not_negative, help_heading = "Path")]
    pub lead_in_mm: Option<f64>,
    /// Length cut twice at the end of a contour
    #[arg(long, value_name = "L", value_parser = not_negative, help_heading = "Path")]
    pub overburn_mm: Option<f64>,
    /// Leave tabs: how many per contour
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "3", help_heading = "Path")]
    pub tabs: Option<u32>,
    /// Width of a tab
    #[arg(long, value_name = "W", value_parser = positive, requires = "tabs", help_heading = "Path")]
    pub tab_width_mm: Option<f64>,
    /// Height of a tab
    #[arg(long, value_name = "H", value_parser = positive, requires = "tabs", help_heading = "Path")]
    pub tab_height_mm: Option<f64>,
    /// Outer corners of the path
    #[arg(long, value_enum, default_value_t, help_heading = "Path")]
    pub corners: CornerFlag,
    /// How a plasma table marks; without it marks are left out
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Path")]
    pub mark_with: Option<MarkFlag>,
    /// Cut parts that lie one kerf or tool diameter apart with one line between them
    #[arg(long, help_heading = "Path")]
    pub common_lines: bool,
    /// Route rapids around parts already cut loose
    #[arg(long, help_heading = "Path")]
    pub avoid_loose: bool,
    /// Least distance between one pierce and the next, to spread the heat
    #[arg(long, value_name = "L", value_parser = not_negative, help_heading = "Path")]
    pub pierce_spacing_mm: Option<f64>,
    /// Mill conventionally instead of climbing
    #[arg(long, help_heading = "Path")]
    pub conventional: bool,
    /// Unit of the drawing, when the file is silent or wrong
    #[arg(long, value_enum, help_heading = "Drawing")]
    pub units: Option<UnitFlag>,
    /// Pixels per inch of an SVG without a physical size (default: 96, or what the program that wrote it uses)
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Drawing")]
    pub dpi: Option<f64>,
    /// Join ends at most this far apart
    #[arg(long, value_name = "G", default_value = "0.05", value_parser = positive, help_heading = "Drawing")]
    pub join_mm: f64,
    /// What becomes of texts (default: outline with --font, else ignore)
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Drawing")]
    pub text: Option<TextFlag>,
    /// Font for texts: a .ttf or .otf file
    #[arg(long, value_name = "FILE", required_if_eq("text", "outline"), help_heading = "Drawing")]
    pub font: Option<PathBuf>,
    /// Rebuild contours that cross as the boundary of their even-odd fill
    #[arg(long, help_heading = "Drawing")]
    pub repair: bool,
    /// Holes too small for the tool or kerf
    #[arg(long, value_enum, default_value_t, help_heading = "Drawing")]
    pub small_holes: SmallHoleFlag,
    /// Size of the sheet, from (0, 0); leads must stay on it
    #[arg(long, value_name = "WxH", value_parser = size, help_heading = "Drawing")]
    pub sheet_mm: Option<Size>,
    /// Picture of the job: .svg, .png or .html by the file's ending
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub preview: Vec<PathBuf>,
    /// Report as JSON on standard output
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Say nothing when all is well
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// Write the program although it is not proven
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Threads to use (default: all cores); the result is the same for any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Output")]
    pub threads: Option<u16>,
    /// Colours in messages
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub colour: Colour,
}

/// Values of `--op`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OpFlag {
    /// By layer, colour, shape and nesting depth
    #[default]
    Auto,
    /// Cut out every closed contour
    Profile,
    /// Clear the inside of closed contours, leaving islands
    Pocket,
    /// Follow every line
    Trace,
    /// Drill every circle and point
    Drill,
}

/// Values of `--side`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SideFlag {
    /// The part is inside
    Outside,
    /// The part is outside
    Inside,
    /// Middle of the tool on the line
    On,
}

/// Values of `--small-holes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SmallHoleFlag {
    /// Refuse the drawing
    #[default]
    Refuse,
    /// Mark them
    Mark,
    /// Leave them out
    Skip,
}

/// Values of `--text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextFlag {
    /// Outlines of the letters in the font of --font
    Outline,
    /// Single strokes, to engrave or mark
    Stroke,
    /// Leave them out
    Ignore,
}

/// Values of `--corners`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CornerFlag {
    /// An arc about the corner
    #[default]
    Round,
    /// The sides extended to a point
    Sharp,
    /// A loop outside of the corner (plasma)
    Loop,
}

/// Values of `--mark-with`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MarkFlag {
    /// A scribe on the torch carriage
    Scribe,
    /// Short pulses of the arc
    Spot,
}

/// A width and a height, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size(pub f64, pub f64);

fn number(text: &str) -> Result<f64, String> {
    let v: f64 = text.trim().parse().map_err(|_| "not a number".to_owned())?;
    if v.is_finite() { Ok(v) } else { Err("not a finite number".to_owned()) }
}

fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v > 0.0 { Ok(v) } else { Err("must be greater than 0".to_owned()) })
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v >= 0.0 { Ok(v) } else { Err("must not be negative".to_owned()) })
}

fn size(text: &str) -> Result<Size, String> {
    let (w, h) = text.split_once(['x', 'X', '×']).ok_or("write it as WIDTHxHEIGHT, e.g. 2500x1250")?;
    Ok(Size(positive(w)?, positive(h)?))
}

impl CutArgs {
    /// Returns what the user chose about process and tool.
    pub fn choice(&self, material: Option<String>) -> Choice {
        Choice {
            material,
            thickness: self.thickness_mm,
            tool: self.tool,
            tool_diameter: self.tool_diameter_mm,
            kerf: self.kerf_mm,
            depth: self.depth_mm,
            step_down: self.step_down_mm,
            feed: self.feed_mm_per_min.map(Speed::from_mm_per_min),
            power: self.power_percent.map(|p| p / 100.0),
            passes: self.passes,
        }
    }

    /// Returns how shapes become operations.
    pub fn feature_options(&self, settings: &Settings) -> FeatureOptions {
        let tabs = self.tabs.map(|count| {
            let usual = TabRule::default();
            TabRule {
                count,
                width: self.tab_width_mm.unwrap_or(usual.width),
                height: self.tab_height_mm.unwrap_or(usual.height),
                ..usual
            }
        });
        FeatureOptions {
            request: match self.op {
                OpFlag::Auto => Request::Auto,
                OpFlag::Profile => Request::Profile,
                OpFlag::Pocket => Request::Pocket,
                OpFlag::Trace => Request::Trace,
                OpFlag::Drill => Request::Drill,
            },
            side: self.side.map(|s| match s {
                SideFlag::Outside => Waste::Outside,
                SideFlag::Inside => Waste::Inside,
                SideFlag::On => Waste::On,
            }),
            small_holes: match self.small_holes {
                SmallHoleFlag::Refuse => SmallHoles::Refuse,
                SmallHoleFlag::Mark => SmallHoles::Mark,
                SmallHoleFlag::Skip => SmallHoles::Skip,
            },
            tabs,
            can_mark: self.mark_with.is_some() || FeatureOptions::new(settings.kind).can_mark,
            ..FeatureOptions::new(settings.kind)
        }
    }

    /// Returns the scale of drawings, as said.
    pub fn scale(&self) -> Scale {
        Scale { units: self.units, dpi: self.dpi }
    }

    /// Returns what becomes of texts; reads the font.
    pub fn texts(&self) -> anyhow::Result<Texts> {
        Ok(match (self.text, &self.font) {
            (Some(TextFlag::Outline) | None, Some(font)) => Texts::Outline(read_bytes(font)?),
            (Some(TextFlag::Stroke), _) => Texts::Stroke,
            (Some(_), _) => Texts::Ignore,
            (None, None) => Texts::Unsaid,
        })
    }

    /// Returns how drawings are read. Arcs stay within 0.5 µm of splines, a quarter of what the proof allows.
    pub fn reading(&self) -> Reading {
        Reading { join: self.join_mm, curve_tolerance: 5e-4, repair: self.repair }
    }

    /// Returns the sheet, its corner at the work zero.
    pub fn sheet(&self) -> Option<Aabb> {
        self.sheet_mm.map(|Size(w, h)| Aabb::new(Point::origin(), Point::new(w, h)))
    }

    /// Returns what the beam planner is told.
    pub fn cut_options(&self, settings: &Settings) -> shop_cut::Options {
        let mut o = shop_cut::Options::new(settings);
        match self.lead_in_mm {
            Some(0.0) => o.lead.style = LeadStyle::None,
            Some(length) => o.lead.length = length,
            None => {}
        }
        if let Some(length) = self.overburn_mm {
            o.overburn = length;
        }
        o.corner = match self.corners {
            CornerFlag::Round => shop_cut::CornerStyle::Round,
            CornerFlag::Sharp => shop_cut::CornerStyle::Sharp,
            // Long enough for a torch at cutting speed to turn without slowing: about three kerfs.
            CornerFlag::Loop => shop_cut::CornerStyle::Loop { length: 3.0 * settings.diameter.max(0.5) },
        };
        if let Some(distance) = self.pierce_spacing_mm {
            o.thermal = (distance > 0.0)
                .then(|| shop_cut::ThermalRule { distance, ..shop_cut::ThermalRule::default() });
        }
        if let Some(how) = self.mark_with {
            o.marking = match how {
                MarkFlag::Scribe => Torch::Scribe,
                MarkFlag::Spot => Torch::Spot,
            };
        }
        if self.avoid_loose {
            o.avoid_loose = shop_cut::AvoidLoose::Detour;
        }
        o.sheet = self.sheet();
        o
    }

    /// Returns what the router planner is told.
    pub fn mill_options(&self, settings: &Settings) -> shop_mill::Options {
        let mut o = shop_mill::Options::new(settings);
        if self.conventional {
            o.direction = shop_mill::Direction::Conventional;
        }
        if let Some(length) = self.lead_in_mm {
            o.lead_radius = length;
        }
        o.sheet = self.sheet();
        o
    }
}
