//! What a person may say about a print: one table of typed settings, from which the profiles' keys, `--set` and
//! `--explain-setting` are made.
//!
//! The one idea: a setting is one line below, its words of explanation included. Nothing else has to be touched to add
//! one, and nothing can be said of a setting in one place that another place does not know.

use crate::hooks::{Acts, Hook};
use shop_cam::machine::Thumbnail;
use std::fmt::Display;
use std::sync::Arc;

/// A kind of value that a setting can have.
pub trait Value: Sized + Clone {
    /// Reads a value as people write it, or says what is wanted.
    fn read(text: &str) -> Result<Self, String>;
    /// Writes it as it is read.
    fn show(&self) -> String;
    /// The number to hold against the setting's range; `None` for what has no size.
    fn size(&self) -> Option<f64> {
        None
    }
}

impl Value for f64 {
    fn read(text: &str) -> Result<Self, String> {
        text.trim()
            .parse()
            .ok()
            .filter(|v: &f64| v.is_finite())
            .ok_or_else(|| "a number is wanted".to_owned())
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn size(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Value for u32 {
    fn read(text: &str) -> Result<Self, String> {
        text.trim().parse().map_err(|_| "a whole number is wanted".to_owned())
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn size(&self) -> Option<f64> {
        Some(f64::from(*self))
    }
}

impl Value for bool {
    fn read(text: &str) -> Result<Self, String> {
        match text.trim() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err("true or false is wanted".to_owned()),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

/// The tool for one kind of road, if it is another one than that of the part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnTool(pub Option<u32>);

impl Value for OwnTool {
    fn read(text: &str) -> Result<Self, String> {
        match text.trim() {
            "part" => Ok(OwnTool(None)),
            number => u32::read(number)
                .map(|n| OwnTool(Some(n)))
                .map_err(|_| "part, or the number of a tool, is wanted".to_owned()),
        }
    }
    fn show(&self) -> String {
        self.0.map_or_else(|| "part".to_owned(), |n| n.to_string())
    }
    fn size(&self) -> Option<f64> {
        self.0.map(f64::from)
    }
}

/// The pictures at the head of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pictures {
    /// Those that the machine's profile names.
    #[default]
    OfMachine,
    /// These.
    These(Arc<[Thumbnail]>),
}

impl Value for Pictures {
    fn read(text: &str) -> Result<Self, String> {
        let all = text.split([',', ';']).map(str::trim).filter(|t| !t.is_empty());
        match text.trim() {
            "machine" => Ok(Pictures::OfMachine),
            "none" => Ok(Pictures::These(Arc::default())),
            _ => all.map(str::parse).collect::<Result<Vec<_>, _>>().map(|all| Pictures::These(all.into())),
        }
    }
    fn show(&self) -> String {
        match self {
            Pictures::OfMachine => "machine".to_owned(),
            Pictures::These(all) if all.is_empty() => "none".to_owned(),
            Pictures::These(all) => all.iter().map(Thumbnail::to_string).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Defines an enum whose variants have names in profiles.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl Value for $name {
            fn read(text: &str) -> Result<Self, String> {
                match text.trim() {
                    $($text => Ok($name::$variant),)+
                    _ => Err(format!("one of {} is wanted", [$($text),+].join(", "))),
                }
            }
            fn show(&self) -> String {
                match self { $($name::$variant => $text.to_owned()),+ }
            }
        }
    };
}

choice! {
    /// Where the beginning of a closed wall lies.
    Seam {
        /// Above the seam of the layer below, at a corner where there is one.
        Aligned = "aligned",
        /// At the back of the part.
        Rear = "rear",
        /// Where the nozzle is.
        Nearest = "nearest",
        /// At the sharpest corner.
        Sharpest = "sharpest",
        /// Somewhere else in every layer.
        Random = "random",
    }
}

choice! {
    /// How objects are told apart in the program, so that one can be given up while the others go on.
    Labels {
        /// They are not.
        Off = "off",
        /// Klipper's EXCLUDE_OBJECT.
        ExcludeObject = "exclude-object",
        /// M486 of Marlin, names in lines of their own as Prusa's firmware wants them.
        M486 = "m486",
        /// M486 of RepRapFirmware, which reads names in the line of the number.
        M486Named = "m486-named",
        /// Whatever the printer's firmware knows of these.
        Firmware = "firmware",
        /// Remarks that OctoPrint's plugins read.
        OctoPrint = "octoprint",
    }
}

choice! {
    /// How the inside is filled where it is not solid.
    Pattern {
        /// Lines one way, turned a quarter from layer to layer.
        Rectilinear = "rectilinear",
        /// Lines both ways in every layer.
        Grid = "grid",
        /// Lines three ways in every layer.
        Triangles = "triangles",
        /// Cubes that stand on a corner: lines three ways that wander from layer to layer.
        Cubic = "cubic",
        /// The same, with larger cubes away from the surface.
        AdaptiveCubic = "adaptive-cubic",
        /// A wavy surface without crossings, as stiff in all directions.
        Gyroid = "gyroid",
        /// Trees that carry what is solid from above, and nothing else.
        Lightning = "lightning",
        /// Rings along the walls.
        Concentric = "concentric",
    }
}

choice! {
    /// Where the brim is.
    Brim {
        /// Around everything.
        Outer = "outer",
        /// In holes.
        Inner = "inner",
        /// Around everything and in holes.
        Both = "both",
        /// Discs at sharp corners.
        Ears = "ears",
    }
}

choice! {
    /// What supports are like.
    SupportStyle {
        /// Straight columns of lines under everything that hangs.
        Normal = "normal",
        /// Branches that lean together into trunks.
        Tree = "tree",
    }
}

choice! {
    /// How lines of supports are laid.
    SupportPattern {
        /// Lines one way, each on its own: easiest to take away.
        Lines = "lines",
        /// Lines one way, joined at their ends.
        Zigzag = "zigzag",
        /// Lines both ways, joined at their ends.
        Grid = "grid",
    }
}

choice! {
    /// How solids are filled that are seen.
    SkinPattern {
        /// Lines of which each touches only the one laid before it: no ridges where two fronts meet.
        Monotonic = "monotonic",
        /// Lines wherever the nozzle is.
        Rectilinear = "rectilinear",
        /// Rings along the walls.
        Concentric = "concentric",
    }
}

choice! {
    /// What is gone over once more with the hot nozzle.
    Ironing {
        /// Nothing.
        Off = "off",
        /// Everything that is seen from above.
        Top = "top",
        /// Only layers on which nothing lies at all.
        Topmost = "topmost",
    }
}

choice! {
    /// What is made rough.
    Fuzzy {
        /// Nothing.
        Off = "off",
        /// Outer contours.
        Outside = "outside",
        /// Holes too.
        All = "all",
    }
}

/// One setting, for people.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its key in profiles, with its unit.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Smallest and largest value, for those that have a size.
    pub range: Option<[f64; 2]>,
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $default:expr $(, $low:literal ..= $high:literal)?;)+) => {
        /// Everything that can be said about a print.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings { $($(#[doc = $doc])+ pub $name: $kind),+ }

        impl Default for Settings {
            fn default() -> Self {
                Settings { $($name: $default),+ }
            }
        }

        /// All settings, in the order of the table.
        pub const FIELDS: &[Field] = &[$(Field {
            name: stringify!($name),
            doc: concat!($($doc),+),
            range: range!($($low, $high)?),
        }),+];

        impl Settings {
            /// Sets one by its key; says what is wrong otherwise.
            pub fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
                match key {
                    $(stringify!($name) => {
                        let value = <$kind as Value>::read(text)?;
                        within(value.size(), range!($($low, $high)?))?;
                        self.$name = value;
                    })+
                    _ => return Err("there is no such setting".to_owned()),
                }
                Ok(())
            }

            /// Returns one by its key, as it would be written.
            pub fn get(&self, key: &str) -> Option<String> {
                match key {
                    $(stringify!($name) => Some(self.$name.show()),)+
                    _ => None,
                }
            }
        }
    };
}

macro_rules! range {
    () => {
        None
    };
    ($low:literal, $high:literal) => {
        Some([$low, $high])
    };
}

fn within(size: Option<f64>, range: Option<[f64; 2]>) -> Result<(), String> {
    match (size, range) {
        (Some(v), Some([low, high])) if !(low..=high).contains(&v) => {
            Err(format!("{} to {} is wanted", tidy(low), tidy(high)))
        }
        _ => Ok(()),
    }
}

fn tidy(v: impl Display) -> String {
    v.to_string()
}

settings! {
    /// Height of every layer but the first, mm.
    layer_height_mm: f64 = 0.2, 0.02 ..= 2.0;
    /// Height of the first layer, mm.
    first_layer_height_mm: f64 = 0.2, 0.02 ..= 2.0;
    /// Layers are as high as slopes allow: how far steps may stand off the surface, mm; 0 for layers of one height.
    adaptive_cusp_mm: f64 = 0.0, 0.0 ..= 1.0;
    /// Lowest of such layers, mm.
    adaptive_least_mm: f64 = 0.08, 0.02 ..= 2.0;
    /// Highest of such layers, mm.
    adaptive_most_mm: f64 = 0.28, 0.02 ..= 2.0;
    /// Width of a road, mm: as wide as it lies, its sides round. Roads lie closer than that, by the bead's rounding.
    road_width_mm: f64 = 0.45, 0.1 ..= 5.0;
    /// How many walls follow every contour.
    walls: u32 = 2, 1.0 ..= 50.0;
    /// How many solid layers lie below every surface that is seen from above.
    top_layers: u32 = 4, 0.0 ..= 100.0;
    /// How many solid layers lie above every surface that is seen from below.
    bottom_layers: u32 = 4, 0.0 ..= 100.0;
    /// Solid layers below what is seen from above are at least so thick together, mm, whatever their number; 0 leaves it to
    /// that.
    top_shell_mm: f64 = 0.0, 0.0 ..= 50.0;
    /// The same for those above what is seen from below, mm.
    bottom_shell_mm: f64 = 0.0, 0.0 ..= 50.0;
    /// Walls that are seen are laid before those behind them: sizes are truer, overhangs worse.
    outer_walls_first: bool = false;
    /// How much of the inside is filled where it need not be solid, percent.
    infill_percent: f64 = 20.0, 0.0 ..= 100.0;
    /// How the inside is filled: rectilinear, grid, triangles, cubic, adaptive-cubic (as dense as asked for near the surface,
    /// sparser inside), gyroid, lightning (only under what is solid
    /// above) or concentric.
    infill_pattern: Pattern = Pattern::Grid;
    /// Sparse lines that end at a wall are joined along it where the way is no longer than this, mm; 0 for never. Joined
    /// lines hold better to the wall and need fewer travels.
    infill_link_mm: f64 = 10.0, 0.0 ..= 1000.0;
    /// Sparse filling is laid in every so many layers only, and as much thicker, where it is sparse in all of them; never
    /// thicker than roads are wide, nor with layers of varying height.
    infill_every_layers: u32 = 1, 1.0 ..= 10.0;
    /// Direction of solid lines in even layers, degrees from x; odd layers are at right angles.
    infill_angle_deg: f64 = 45.0, -180.0 ..= 180.0;
    /// How far lines of the filling reach into the innermost wall, percent of the distance of roads.
    infill_overlap_percent: f64 = 10.0, -50.0 ..= 90.0;
    /// How far solid layers reach beyond what must be solid, mm, so that they are held.
    skin_margin_mm: f64 = 0.8, 0.0 ..= 10.0;
    /// How solids are filled that are seen from above: monotonic, rectilinear or concentric.
    top_pattern: SkinPattern = SkinPattern::Monotonic;
    /// How solids are filled that are seen from below: monotonic, rectilinear or concentric.
    bottom_pattern: SkinPattern = SkinPattern::Monotonic;
    /// What is melted smooth by going over it once more: off, top (all that is seen from above) or topmost.
    ironing: Ironing = Ironing::Off;
    /// Distance of the lines of ironing, mm.
    ironing_spacing_mm: f64 = 0.1, 0.02 ..= 2.0;
    /// Filament of ironing, percent of what would fill its lines.
    ironing_flow_percent: f64 = 12.0, 0.0 ..= 100.0;
    /// What hangs between two sides is filled with lines that run from one to the other.
    bridges: bool = true;
    /// How far lines of bridges reach into both sides, mm.
    bridge_anchor_mm: f64 = 1.2, 0.0 ..= 10.0;
    /// Factor on the filament of bridges: less draws lines tighter, more lets them touch one another.
    bridge_flow: f64 = 1.0, 0.1 ..= 3.0;
    /// Solids that lie right on sparse filling are laid as bridges are from line to line of it (internal bridges) where it
    /// fills less than this, percent; 0 never.
    internal_bridge_below_percent: f64 = 50.0, 0.0 ..= 100.0;
    /// Factor on the filament of such bridges.
    internal_bridge_flow: f64 = 1.0, 0.1 ..= 3.0;
    /// Spaces too narrow for another pair of walls are filled with one road of their width.
    gap_fill: bool = true;
    /// Narrowest road that fills a space or makes a thin wall, mm.
    least_road_mm: f64 = 0.15, 0.05 ..= 2.0;
    /// Walls thinner than two roads are made with one road of their width.
    thin_walls: bool = true;
    /// Where walls begin: aligned, rear, nearest, sharpest or random.
    seam: Seam = Seam::Aligned;
    /// Cracks of a mesh up to this wide are closed without a word, mm; wider ones are closed and said.
    close_gaps_mm: f64 = 0.05, 0.0 ..= 1.0;
    /// Cracks and slots up to twice this wide are closed in every layer, mm; 0 for none.
    closing_mm: f64 = 0.0, 0.0 ..= 1.0;
    /// How far all contours are moved outwards, mm, holes becoming narrower; negative inwards. For printers whose parts come
    /// out too small or too large.
    xy_growth_mm: f64 = 0.0, -2.0 ..= 2.0;
    /// How much wider holes are made on all sides, mm, beyond what moves all contours.
    hole_growth_mm: f64 = 0.0, -2.0 ..= 2.0;
    /// How far the first layer is taken in on all sides, mm, as it is squeezed out against the bed; narrow places stay.
    elephant_foot_mm: f64 = 0.0, 0.0 ..= 2.0;
    /// Over how many layers that fades away.
    elephant_foot_layers: u32 = 1, 1.0 ..= 50.0;
    /// Walls that are seen are made rough: off, outside (not in holes) or all.
    fuzzy: Fuzzy = Fuzzy::Off;
    /// How far rough walls go in and out in all, mm.
    fuzzy_mm: f64 = 0.3, 0.0 ..= 2.0;
    /// Distance of the corners of rough walls, mm.
    fuzzy_point_mm: f64 = 0.8, 0.05 ..= 10.0;
    /// How far contours may be straightened, mm.
    resolution_mm: f64 = 0.0035, 0.0 ..= 0.2;

    /// Width of the brim around everything in the first layer, mm; 0 for none.
    brim_mm: f64 = 0.0, 0.0 ..= 100.0;
    /// Where the brim is: outer, inner, both, or ears, which are discs at sharp corners only, as large as it would be wide.
    brim_where: Brim = Brim::Outer;
    /// Corners sharper than this have ears, degrees.
    brim_ear_angle_deg: f64 = 125.0, 1.0 ..= 179.0;
    /// Space between the part and its brim, mm.
    brim_gap_mm: f64 = 0.0, 0.0 ..= 10.0;
    /// How often the nozzle goes around the part before it begins, in the first layer.
    skirt_loops: u32 = 0, 0.0 ..= 50.0;
    /// How many layers high that is; as high as the part it keeps draughts off.
    skirt_layers: u32 = 1, 1.0 ..= 100000.0;
    /// Distance of that from the part and its brim, mm.
    skirt_mm: f64 = 3.0, 0.0 ..= 100.0;

    /// How many layers of raft lie under everything; 0 for none.
    raft_layers: u32 = 0, 0.0 ..= 50.0;
    /// How far the raft reaches beyond the part and its supports, mm.
    raft_margin_mm: f64 = 3.0, 0.0 ..= 50.0;
    /// Air between the raft and the part, mm.
    raft_gap_mm: f64 = 0.2, 0.0 ..= 2.0;
    /// How many layers at the top of the raft are dense.
    raft_top_layers: u32 = 2, 0.0 ..= 50.0;
    /// Distance of the raft's lines in its first layer, mm.
    raft_first_spacing_mm: f64 = 0.6, 0.1 ..= 10.0;
    /// Distance of the raft's lines between that and its dense layers, mm.
    raft_spacing_mm: f64 = 1.2, 0.1 ..= 10.0;

    /// Supports are put under what hangs in the air.
    supports: bool = false;
    /// Surfaces flatter than this are held by supports, degrees from the bed.
    support_below_deg: f64 = 45.0, 1.0 ..= 89.0;
    /// What supports are like: normal or tree.
    support_style: SupportStyle = SupportStyle::Normal;
    /// How lines of supports are laid: lines, zigzag or grid.
    support_pattern: SupportPattern = SupportPattern::Zigzag;
    /// Direction of the lines of supports, degrees from x; those of the interface are at right angles.
    support_angle_deg: f64 = 0.0, -180.0 ..= 180.0;
    /// Distance of the lines of supports, mm.
    support_spacing_mm: f64 = 2.5, 0.2 ..= 20.0;
    /// Distance of the lines of supports in the first layer, mm: closer together they hold on to the bed.
    support_first_spacing_mm: f64 = 1.2, 0.2 ..= 20.0;
    /// How far supports reach beyond what hangs, mm; at least half the distance of their lines.
    support_beyond_mm: f64 = 1.0, 0.0 ..= 20.0;
    /// Supports stand on the bed only, never on the part.
    support_on_bed_only: bool = false;
    /// Air between supports and walls beside them, mm.
    support_xy_mm: f64 = 0.4, 0.0 ..= 10.0;
    /// Air between supports and what lies on them, mm; a whole number of layers is left out.
    support_gap_mm: f64 = 0.2, 0.0 ..= 5.0;
    /// Air between supports and the part they stand on, mm; a whole number of layers is left out.
    support_gap_below_mm: f64 = 0.2, 0.0 ..= 5.0;
    /// How many layers of dense lines lie on supports, right under what is held.
    support_interface_layers: u32 = 2, 0.0 ..= 50.0;
    /// How many layers of dense lines lie under supports that stand on the part.
    support_interface_below_layers: u32 = 2, 0.0 ..= 50.0;
    /// Distance of those lines, mm.
    support_interface_spacing_mm: f64 = 0.6, 0.2 ..= 10.0;

    /// Thickness of the branches of trees, mm.
    support_branch_mm: f64 = 2.0, 0.4 ..= 20.0;
    /// How far branches lean at most, degrees from upright.
    support_branch_angle_deg: f64 = 40.0, 1.0 ..= 80.0;
    /// By how much branches grow thicker downwards, degrees between their side and their middle.
    support_branch_taper_deg: f64 = 2.0, 0.0 ..= 20.0;
    /// Thickness of the tips of branches, mm.
    support_tip_mm: f64 = 0.8, 0.3 ..= 10.0;
    /// Distance of tips, mm; between once and twice that is left between them.
    support_tip_spacing_mm: f64 = 1.5, 0.5 ..= 20.0;
    /// How many walls branches have.
    support_branch_walls: u32 = 1, 1.0 ..= 20.0;

    /// Speed of walls that are seen, mm/s.
    outer_wall_mm_per_s: f64 = 30.0, 0.5 ..= 2000.0;
    /// Speed of other walls, mm/s.
    inner_wall_mm_per_s: f64 = 50.0, 0.5 ..= 2000.0;
    /// Speed of solid filling, mm/s.
    solid_mm_per_s: f64 = 50.0, 0.5 ..= 2000.0;
    /// Speed of filling that is seen from above, mm/s.
    top_mm_per_s: f64 = 40.0, 0.5 ..= 2000.0;
    /// Speed of lines that span air, mm/s.
    bridge_mm_per_s: f64 = 30.0, 0.5 ..= 2000.0;
    /// Speed of solid lines that span sparse filling, mm/s; 0 for that of bridges.
    internal_bridge_mm_per_s: f64 = 0.0, 0.0 ..= 2000.0;
    /// Speed of passes that melt the top smooth, mm/s.
    ironing_mm_per_s: f64 = 20.0, 0.5 ..= 2000.0;
    /// Speed of sparse filling, mm/s.
    infill_mm_per_s: f64 = 60.0, 0.5 ..= 2000.0;
    /// Speed of roads that fill gaps and make thin walls, mm/s.
    gap_mm_per_s: f64 = 30.0, 0.5 ..= 2000.0;
    /// Speed of supports, mm/s.
    support_mm_per_s: f64 = 60.0, 0.5 ..= 2000.0;
    /// Walls that hang over air are laid more slowly and cooled more, the further they hang over.
    overhangs: bool = false;
    /// Part of a wall's width that may hang over before it is laid more slowly, percent.
    overhang_from_percent: f64 = 25.0, 0.0 ..= 99.0;
    /// Speed of walls that lie on nothing at all, mm/s; what hangs over less is laid at a speed between.
    overhang_mm_per_s: f64 = 15.0, 0.5 ..= 2000.0;
    /// Speed of the dense lines of supports, mm/s.
    support_interface_mm_per_s: f64 = 40.0, 0.5 ..= 2000.0;
    /// Speed of everything in the first layer, mm/s, travel excepted.
    first_layer_mm_per_s: f64 = 20.0, 0.5 ..= 2000.0;
    /// Speed of travel, mm/s.
    travel_mm_per_s: f64 = 150.0, 0.5 ..= 2000.0;

    /// Acceleration of all roads that have none of their own, mm/s²; 0 leaves the machine's.
    acceleration_mm_per_s2: f64 = 0.0, 0.0 ..= 100000.0;
    /// Acceleration of walls that are seen, mm/s²; 0 for that of all roads, which must be given to come back to.
    outer_wall_acceleration_mm_per_s2: f64 = 0.0, 0.0 ..= 100000.0;
    /// Acceleration of filling that is seen from above, mm/s²; 0 for that of all roads, which must be given to come back to.
    top_acceleration_mm_per_s2: f64 = 0.0, 0.0 ..= 100000.0;
    /// Acceleration of lines that span air, mm/s²; 0 for that of all roads, which must be given to come back to.
    bridge_acceleration_mm_per_s2: f64 = 0.0, 0.0 ..= 100000.0;
    /// Acceleration of sparse filling, mm/s²; 0 for that of all roads, which must be given to come back to.
    infill_acceleration_mm_per_s2: f64 = 0.0, 0.0 ..= 100000.0;
    /// Acceleration of the whole first layer, mm/s²; 0 for that of other layers.
    first_layer_acceleration_mm_per_s2: f64 = 0.0, 0.0 ..= 100000.0;
    /// Acceleration of travel where the controller has one of its own (Marlin, RepRapFirmware), mm/s²; 0 leaves the
    /// machine's.
    travel_acceleration_mm_per_s2: f64 = 0.0, 0.0 ..= 100000.0;
    /// Speed jump in corners, mm/s: the jerk of Marlin and RepRapFirmware, Klipper's square corner velocity; 0 leaves the
    /// machine's.
    jerk_mm_per_s: f64 = 0.0, 0.0 ..= 1000.0;
    /// The same for walls that are seen, mm/s; 0 for that of all roads.
    outer_wall_jerk_mm_per_s: f64 = 0.0, 0.0 ..= 1000.0;
    /// Pressure advance of the filament, s (Marlin's K, RepRapFirmware's M572, Klipper's SET_PRESSURE_ADVANCE); 0 leaves the
    /// machine's.
    pressure_advance_s: f64 = 0.0, 0.0 ..= 5.0;

    /// How much filament is pulled back before a travel, mm; 0 never.
    retract_mm: f64 = 0.8, 0.0 ..= 30.0;
    /// How fast filament is pulled back and pushed again, mm/s.
    retract_mm_per_s: f64 = 35.0, 0.1 ..= 500.0;
    /// How fast filament is pushed again, mm/s; 0 as fast as it is pulled back.
    recover_mm_per_s: f64 = 0.0, 0.0 ..= 500.0;
    /// Filament pushed beyond what was pulled back, mm.
    recover_extra_mm: f64 = 0.0, -5.0 ..= 5.0;
    /// Filament is pulled back before every new layer, however short the way.
    retract_at_layer: bool = false;
    /// How far the nozzle goes along the road just laid while filament is pulled back, mm; 0 not at all.
    wipe_mm: f64 = 0.0, 0.0 ..= 50.0;
    /// Filament that is pulled back before the nozzle begins to wipe, percent of all.
    retract_before_wipe_percent: f64 = 0.0, 0.0 ..= 100.0;
    /// Material that comes by itself at the end of a road before a retraction, mm³: so much less is pushed.
    coast_mm3: f64 = 0.0, 0.0 ..= 2.0;
    /// How far before its beginning a closed wall ends, mm.
    seam_gap_mm: f64 = 0.0, 0.0 ..= 2.0;
    /// Length over which seen walls begin as a ramp and end above it (a scarf joint), mm; 0 for an abrupt seam.
    scarf_mm: f64 = 0.0, 0.0 ..= 100.0;
    /// Shorter travels are made without pulling back, mm.
    retract_least_travel_mm: f64 = 1.5, 0.0 ..= 100.0;
    /// Ways are led inside the part and round its walls, and filament stays where it is meanwhile.
    comb: bool = true;
    /// How much longer such a way may be than the straight one, mm.
    comb_detour_mm: f64 = 15.0, 0.0 ..= 1000.0;
    /// Ways inside the part that are longer than this are made with pulled-back filament all the same, mm.
    comb_retract_mm: f64 = 30.0, 0.0 ..= 10000.0;
    /// The firmware pulls back by its own settings (G10, G11).
    firmware_retract: bool = false;
    /// How far the nozzle is lifted for travels with pulled-back filament, mm.
    z_hop_mm: f64 = 0.0, 0.0 ..= 10.0;

    /// Factor on the filament that is pushed through.
    flow: f64 = 1.0, 0.1 ..= 5.0;
    /// Nozzle temperature, °C.
    hotend_c: f64 = 210.0, 0.0 ..= 500.0;
    /// Nozzle temperature of the first layer, °C.
    first_layer_hotend_c: f64 = 215.0, 0.0 ..= 500.0;
    /// Bed temperature, °C; 0 leaves it cold.
    bed_c: f64 = 60.0, 0.0 ..= 200.0;
    /// Fan for the part, percent of full speed.
    fan_percent: f64 = 100.0, 0.0 ..= 100.0;
    /// Fan while layers take their time, percent of full speed; never more than fan_percent.
    fan_least_percent: f64 = 100.0, 0.0 ..= 100.0;
    /// From this time of a layer downwards the fan is turned up from fan_least_percent, s; it is at fan_percent where layers
    /// take the least time they may.
    fan_from_s: f64 = 30.0, 0.0 ..= 1000.0;
    /// Fan for lines that span air and for walls that hang over it, percent of full speed; never less than without.
    bridge_fan_percent: f64 = 100.0, 0.0 ..= 100.0;
    /// First layer with the fan at full speed; the first layer of all is 1, and has none.
    fan_full_layer: u32 = 2, 1.0 ..= 1000.0;

    /// Most filament that can be melted, mm³/s; roads that want more are laid more slowly.
    most_flow_mm3_per_s: f64 = 12.0, 0.1 ..= 1000.0;
    /// Layers that would take less time are laid more slowly, s, so that they can cool.
    least_layer_s: f64 = 5.0, 0.0 ..= 600.0;
    /// Walls that are seen are slowed down for cooling only where slowing the rest does not suffice.
    slow_outer_walls_last: bool = true;
    /// But not more slowly than this, mm/s.
    slowest_mm_per_s: f64 = 10.0, 0.5 ..= 500.0;

    /// One wall winds upwards without a seam over the solid bottom, as for a vase: no filling, no top, no supports.
    vase: bool = false;
    /// Chains of short lines become arcs that leave them by at most this, mm (G2 and G3, where the controller has them); 0
    /// leaves lines.
    arc_tolerance_mm: f64 = 0.0, 0.0 ..= 1.0;
    /// Tool (extruder) that makes the part, the first is 0.
    tool: u32 = 0, 0.0 ..= 31.0;
    /// Tool that makes walls; part for the one that makes the part.
    wall_tool: OwnTool = OwnTool(None), 0.0 ..= 31.0;
    /// Tool that makes solid filling, bridges included; part for the one that makes the part.
    solid_tool: OwnTool = OwnTool(None), 0.0 ..= 31.0;
    /// Tool that makes sparse filling; part for the one that makes the part.
    infill_tool: OwnTool = OwnTool(None), 0.0 ..= 31.0;
    /// Tool that makes supports and rafts; part for the one that makes the part.
    support_tool: OwnTool = OwnTool(None), 0.0 ..= 31.0;
    /// Tool that makes the dense lines of supports and rafts, which touch the part, as of a filament that comes off; part
    /// for the one that makes the part.
    support_interface_tool: OwnTool = OwnTool(None), 0.0 ..= 31.0;
    /// All tools push their filament through one nozzle, which has one heater.
    one_nozzle: bool = false;
    /// How much filament is pulled back before another tool comes, and pushed again when a tool comes, mm.
    tool_retract_mm: f64 = 2.0, 0.0 ..= 200.0;
    /// Material that is pushed into a tower after a change of tool until the new one is clean, mm³; 0 makes no tower.
    purge_mm3: f64 = 70.0, 0.0 ..= 2000.0;
    /// Sparse filling is laid with whatever tool comes, right after a change, so that less has to go into the tower.
    purge_into_infill: bool = false;
    /// The whole object is: it may have any colour anywhere.
    purge_into_object: bool = false;
    /// What goes into the tower at least after every change, mm³, so that the filament comes evenly.
    tower_least_mm3: f64 = 15.0, 0.0 ..= 2000.0;
    /// Left edge of that tower, mm.
    tower_x_mm: f64 = 150.0, -10000.0 ..= 10000.0;
    /// Front edge of that tower, mm.
    tower_y_mm: f64 = 160.0, -10000.0 ..= 10000.0;
    /// Width of that tower, mm; its depth is what the material needs.
    tower_width_mm: f64 = 50.0, 5.0 ..= 500.0;
    /// What is written at a change of tool instead of its number: values stand in braces, as in T{next_tool}.
    tool_change_gcode: Hook = Hook::default();
    /// What is written when the tool of this part comes, as for its filament.
    filament_start_gcode: Hook = Hook::default();
    /// What is written before the tool of this part goes.
    filament_end_gcode: Hook = Hook::default();
    /// Objects are made one after another, each whole, instead of all layer by layer.
    sequential: bool = false;
    /// Room that the head needs around the nozzle, mm: objects made one after another are at least so far apart.
    head_radius_mm: f64 = 35.0, 0.0 ..= 500.0;
    /// Height over the nozzle of what the head hangs on, mm: of objects made one after another only the last may be taller.
    gantry_mm: f64 = 25.0, 0.0 ..= 2000.0;
    /// What is written before each object but the first when they are made one after another.
    between_objects_gcode: Hook = Hook::default();
    /// How objects are told apart in the program, so that one can be given up: off, exclude-object (Klipper), m486 (Marlin),
    /// m486-named (RepRapFirmware), octoprint (remarks for its plugins), or firmware for what the printer's knows.
    labels: Labels = Labels::Off;
    /// What is written instead of heating and homing before the first layer; values stand in braces, as in {bed_c}.
    start_gcode: Hook = Hook::default();
    /// What is written instead of switching everything off after the last layer.
    end_gcode: Hook = Hook::default();
    /// What is written before every layer, as before the first: values stand in braces, as in {layer} or {layer_z}.
    before_layer_gcode: Hook = Hook::default();
    /// What is written when every layer has begun.
    layer_gcode: Hook = Hook::default();
    /// What happens at heights, mm, separated by semicolons: 12.5 pause; 20 colour; 30 hotend 205; 30 bed 50; 31 fan 80;
    /// 32 write M117 {layer}.
    at_heights: Acts = Acts::default();
    /// Weight of the filament, g/cm³, for the report.
    filament_g_per_cm3: f64 = 1.24, 0.1 ..= 20.0;
    /// What a kilogram of filament costs, in whatever money, for the report; 0 when it does not matter.
    filament_cost_per_kg: f64 = 0.0, 0.0 ..= 1000000.0;
    /// The program says at every layer and every half minute how far it is and how many minutes are left (M73), where the
    /// firmware knows that and the program goes to a file.
    progress_marks: bool = true;

    /// Pictures of the print (thumbnails) at the head of the program, for the screen of the printer or its host: sizes in
    /// pixels and formats, as in 16x16/QOI, 220x124/PNG (PNG, QOI or JPG); machine for those that its profile names, or none.
    thumbnails: Pictures = Pictures::default();

    /// Where the middle of the parts is put, mm from the left.
    center_x_mm: f64 = 110.0, -10000.0 ..= 10000.0;
    /// Where the middle of the parts is put, mm from the front.
    center_y_mm: f64 = 110.0, -10000.0 ..= 10000.0;
}

impl Settings {
    /// Returns the distance between neighbouring roads, mm: the bead is a rectangle with round sides, and roads lie so
    /// that their material fills the space between them (the model of Slic3r: width less h·(1 − π/4)).
    pub fn pitch_mm(&self) -> f64 {
        pitch_of(self.road_width_mm, self.layer_height_mm)
    }
}

/// Returns the distance of roads of this width from one another in layers of this height, mm.
pub fn pitch_of(width_mm: f64, height_mm: f64) -> f64 {
    width_mm - height_mm * (1.0 - std::f64::consts::FRAC_PI_4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reads_what_it_shows() {
        let defaults = Settings::default();
        for field in FIELDS {
            let mut other = Settings::default();
            let text = defaults.get(field.name).expect(field.name);
            assert_eq!(other.set(field.name, &text), Ok(()), "{}", field.name);
            assert_eq!(other, defaults);
            assert!(field.doc.trim().ends_with('.'), "{}", field.name);
        }
    }

    #[test]
    fn pictures_are_listed() {
        let mut s = Settings::default();
        for (text, wanted) in [
            ("16x16/QOI,220x124", "16x16/QOI, 220x124/PNG"),
            ("32x32 jpg; 8X8/png;", "32x32/JPG, 8x8/PNG"),
            ("none", "none"),
            ("", "none"),
            ("machine", "machine"),
        ] {
            assert_eq!(s.set("thumbnails", text), Ok(()), "{text}");
            assert_eq!(s.get("thumbnails").as_deref(), Some(wanted));
        }
        for text in ["16", "16x", "4x4", "16x16/GIF", "2000x2000", "16x16/QOI/PNG", "-16x16"] {
            assert!(s.set("thumbnails", text).is_err_and(|e| e.contains("16x16/QOI")), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut s = Settings::default();
        assert_eq!(s.set("walls", "0"), Err("1 to 50 is wanted".to_owned()));
        assert_eq!(s.set("walls", "2.5"), Err("a whole number is wanted".to_owned()));
        assert!(s.set("seam", "anywhere").is_err_and(|e| e.contains("aligned")));
        assert!(s.set("wals", "2").is_err());
        assert_eq!(s.set("walls", "3"), Ok(()));
        assert_eq!(s.walls, 3);
    }
}
