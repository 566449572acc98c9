//! Machines, tools and materials, as a profile describes them.

use crate::Speed;

/// A machine in the shop.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// File name of its profile without the ending.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// What it does.
    pub kind: MachineKind,
    /// Where its figures come from.
    pub source: String,
    /// The three axes: x, y, z.
    pub axes: [Axis; 3],
    /// How the controller rounds corners.
    pub cornering: Cornering,
    /// Where the work zero lies on the bed, machine coordinates, mm: x, y. Programs must fit around it.
    pub work_zero: [f64; 2],
    /// Jerk of the axes where the controller shapes its ramps (S-curve), mm/s³; none where ramps are straight.
    pub s_curve: Option<f64>,
    /// What the process needs.
    pub process: Process,
    /// Nozzle, filament and heaters of a printer.
    pub printer: Option<Printer>,
    /// Tools in its table.
    pub tools: Vec<Tool>,
    /// Materials with their cut charts.
    pub materials: Vec<Material>,
    /// Layer and colour rules, first match wins.
    pub layers: Vec<LayerRule>,
    /// How its controller spells things.
    pub post: Post,
    /// The controller's connection.
    pub controller: Controller,
}

/// What a machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MachineKind {
    /// Plasma table.
    Plasma,
    /// Router or mill.
    Router,
    /// Laser.
    Laser,
    /// Drag knife.
    Knife,
    /// Printer that lays down molten filament.
    Printer,
}

/// What a printer has besides its axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Printer {
    /// Where parts may stand, work coordinates, mm: left, front, right, back; none where nobody has measured it.
    pub bed: Option<[f64; 4]>,
    /// Pictures of the print that its screen wants to find in a program.
    pub thumbnails: Vec<Thumbnail>,
    /// Bore of the nozzle, mm.
    pub nozzle: f64,
    /// Thickness of the filament, mm.
    pub filament: f64,
    /// Fastest that filament is pushed or pulled.
    pub extruder: Speed,
    /// All tools push their filament through one nozzle, which has one heater.
    pub one_nozzle: bool,
    /// Highest acceleration of the filament, mm/s².
    pub extruder_acceleration: f64,
    /// Speed jump allowed to the filament, mm/s (Klipper instantaneous_corner_velocity, Marlin M205 E).
    pub extruder_jerk: f64,
    /// Acceleration of moves that lay filament, mm/s² (Marlin M204 P).
    pub print_acceleration: f64,
    /// Acceleration of moves that do not, mm/s² (Marlin M204 T).
    pub travel_acceleration: f64,
    /// Below this the controller refuses to push filament, and above the second it refuses to heat, °C.
    pub hotend_c: [f64; 2],
    /// Hottest that the bed may be, °C.
    pub bed_most_c: f64,
    /// How fast the nozzle gets warm, °C/s.
    pub hotend_c_per_s: f64,
    /// How fast the bed gets warm, °C/s.
    pub bed_c_per_s: f64,
}

/// A picture of a print, as a printer's screen wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// How it is stored.
    pub format: PictureFormat,
}

/// How a picture is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PictureFormat {
    /// PNG, which hosts and their plugins read.
    #[default]
    Png,
    /// QOI, which Prusa's newer printers read.
    Qoi,
    /// JPEG, on white.
    Jpg,
}

/// Smallest and largest side of a picture, pixels.
const SIDES: std::ops::RangeInclusive<u32> = 8..=1024;

impl std::str::FromStr for Thumbnail {
    type Err = String;

    /// Reads `220x124`, `16x16/QOI` or `16x16 qoi`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || {
            format!(
                "`{}` is no picture: 8x8 to 1024x1024 and one of PNG, QOI, JPG is wanted, as in 16x16/QOI",
                text.trim()
            )
        };
        let (size, format) = text.trim().split_once(['/', ' ']).unwrap_or((text.trim(), "png"));
        let (width, height) = size.split_once(['x', 'X']).ok_or_else(wanted)?;
        let side = |t: &str| t.trim().parse::<u32>().ok().filter(|v| SIDES.contains(v)).ok_or_else(wanted);
        let format = match format.trim().to_ascii_lowercase().as_str() {
            "png" => PictureFormat::Png,
            "qoi" => PictureFormat::Qoi,
            "jpg" | "jpeg" => PictureFormat::Jpg,
            _ => return Err(wanted()),
        };
        Ok(Thumbnail { width: side(width)?, height: side(height)?, format })
    }
}

impl std::fmt::Display for Thumbnail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let format = match self.format {
            PictureFormat::Png => "PNG",
            PictureFormat::Qoi => "QOI",
            PictureFormat::Jpg => "JPG",
        };
        write!(f, "{}x{}/{format}", self.width, self.height)
    }
}

/// One axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Lowest machine coordinate, mm.
    pub min: f64,
    /// Highest machine coordinate, mm.
    pub max: f64,
    /// Fastest it can go.
    pub rapid: Speed,
    /// Acceleration, mm/s².
    pub acceleration: f64,
    /// How fast it looks for its switch, where that is known.
    pub homing: Option<Speed>,
}

/// How the controller goes round a corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cornering {
    /// GRBL $11 and Marlin JUNCTION_DEVIATION_MM: allowed deviation, mm.
    JunctionDeviation {
        /// Allowed deviation, mm.
        deviation: f64,
        /// Moves it looks ahead.
        buffer: u32,
    },
    /// Marlin classic jerk, mm/s per axis.
    Jerk {
        /// Speed jump allowed in x and y, mm/s.
        xy: f64,
        /// Speed jump allowed in z, mm/s.
        z: f64,
        /// Moves it looks ahead.
        buffer: u32,
    },
    /// Klipper: speed round a square corner, and how much of a short move is made at one speed.
    SquareCorner {
        /// Speed round a square corner, mm/s.
        speed: f64,
        /// Fraction of a move that is not spent on speeding up and slowing down at once (minimum_cruise_ratio).
        cruise_ratio: f64,
    },
    /// LinuxCNC G64 P: blends within this distance, mm.
    Blend {
        /// Path tolerance, mm.
        tolerance: f64,
    },
}

/// What the process needs besides motion. All heights are above the stock's top.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Height for travel between cuts.
    pub safe_height: f64,
    /// Height down to which a plunge may be rapid.
    pub retract_height: f64,
    /// Default kerf of a beam, mm; 0 on machines with tools.
    pub kerf: f64,
    /// Feed when neither tool nor material says.
    pub feed: Speed,
    /// Plunge feed when neither tool nor material says.
    pub plunge: Speed,
    /// Spindle speed when the tool says none.
    pub rpm: f64,
    /// Lowest and highest spindle speed.
    pub rpm_range: [f64; 2],
    /// Seconds the spindle needs to come to speed.
    pub spin_up_s: f64,
    /// Seconds that a tool change takes, by hand or by the machine.
    pub tool_change_s: f64,
    /// Torch: who moves z, and how the sheet is found.
    pub torch: TorchControl,
    /// Laser: whether M4 dynamic power is available, and the S word of full power.
    pub laser_dynamic: bool,
    /// S word of full power.
    pub laser_full_s: f64,
    /// Coolant or assist air while cutting.
    pub air_assist: bool,
    /// Contours one width of the cut apart are cut with one line.
    pub common_lines: bool,
}

/// Who looks after the height of the torch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TorchControl {
    /// The program moves z: pierce height, delay, cut height; the sheet is at z = 0.
    Program,
    /// As `Program`, and every pierce probes the sheet first (G38.2).
    Probe {
        /// How far below z = 0 the probe may go, mm.
        reach: f64,
        /// Height of the trip point above the sheet after touch-off (float travel), mm.
        offset: f64,
        /// Probing feed.
        feed: Speed,
    },
    /// The controller does everything at M3 (QtPlasmaC, external THC).
    Controller,
}

/// What a tool looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToolShape {
    /// Flat end mill.
    EndMill,
    /// Ball nose.
    Ball,
    /// V bit with its full angle, radians.
    Vee {
        /// Full angle, radians.
        angle: f64,
    },
    /// Twist drill.
    Drill,
    /// Drag knife with the distance from its axis to the blade's tip, mm.
    Knife {
        /// Blade offset, mm.
        offset: f64,
    },
}

/// A tool in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// T number.
    pub number: u32,
    /// Name for people.
    pub name: String,
    /// What it looks like.
    pub shape: ToolShape,
    /// Cutting diameter, mm.
    pub diameter: f64,
    /// Cutting edges.
    pub flutes: u32,
    /// Longest cut in z, mm.
    pub flute_length: f64,
    /// Feed.
    pub feed: Option<Speed>,
    /// Plunge feed.
    pub plunge: Option<Speed>,
    /// Spindle speed, rpm.
    pub rpm: Option<f64>,
    /// Depth per pass, mm.
    pub step_down: Option<f64>,
    /// Width of a clearing pass as a fraction of the diameter.
    pub step_over: Option<f64>,
}

/// A material with its cut chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    /// Key in the profile, e.g. "mild-steel".
    pub name: String,
    /// Where the figures come from.
    pub source: String,
    /// Price of the sheet per square metre and mm of thickness, if known (any currency).
    pub price_per_m2_mm: Option<f64>,
    /// One line per thickness, thinnest first.
    pub cuts: Vec<Cut>,
}

/// One line of a cut chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Sheet thickness, mm.
    pub thickness: f64,
    /// Number in the controller's own table (QtPlasmaC M190 P).
    pub number: Option<u32>,
    /// Width of the cut, mm.
    pub kerf: f64,
    /// Feed.
    pub feed: Speed,
    /// Height at which the arc is started, mm.
    pub pierce_height: f64,
    /// Wait after the start, s.
    pub pierce_delay: f64,
    /// Height of the cut, mm.
    pub cut_height: f64,
    /// Cutting current, A.
    pub amps: f64,
    /// Arc voltage, V.
    pub volts: f64,
    /// Laser power, fraction of full.
    pub power: f64,
    /// Number of passes (laser, router).
    pub passes: u32,
}

/// What to do with shapes of a layer or colour.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerRule {
    /// Matches layer names, case-insensitive, `*` for any run of characters.
    pub layer: Option<String>,
    /// Matches a colour.
    pub colour: Option<[u8; 3]>,
    /// What to do.
    pub operation: LayerOperation,
    /// Feed in percent of the normal one.
    pub feed_percent: Option<f64>,
    /// Depth, mm.
    pub depth: Option<f64>,
    /// Contours one width of the cut apart are cut with one line, or not, whatever the process says.
    pub common_lines: Option<bool>,
}

/// What a layer rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerOperation {
    /// Cut out, side by nesting depth.
    Profile,
    /// Cut on the outside of every contour.
    Outside,
    /// Cut on the inside of every contour.
    Inside,
    /// Cut through on the line.
    On,
    /// Clear the area.
    Pocket,
    /// Follow the line: marking, engraving.
    Mark,
    /// Drill circles and points.
    Drill,
    /// Leave out.
    Ignore,
}

/// Controller families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// GRBL 1.1.
    Grbl,
    /// grblHAL.
    GrblHal,
    /// FluidNC.
    FluidNc,
    /// LinuxCNC.
    LinuxCnc,
    /// LinuxCNC with QtPlasmaC.
    QtPlasmaC,
    /// Marlin 2.
    Marlin,
    /// Klipper.
    Klipper,
    /// RepRapFirmware 3.
    RepRapFirmware,
    /// Smoothieware.
    Smoothie,
}

/// How the controller spells things.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Controller family.
    pub dialect: Dialect,
    /// Digits after the point, mm.
    pub decimals: u8,
    /// Longest line, characters without the line end.
    pub line_limit: u16,
    /// It runs arcs (G2, G3); else they are written as chords.
    pub arcs: bool,
    /// Every line of a motion repeats its G word.
    pub repeat_motion: bool,
    /// Lines after our own header, verbatim.
    pub header: Vec<String>,
    /// Lines before our own footer, verbatim.
    pub footer: Vec<String>,
    /// File name ending of programs, without the point.
    pub ending: String,
}

/// How the controller is reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Controller {
    /// Serial speed, baud.
    pub baud: Option<u32>,
    /// Port path, `usb:VID:PID:SERIAL` or `tcp://host:port`.
    pub port: Option<String>,
    /// What happens at M0.
    pub stop: Option<Pause>,
    /// What happens at M1.
    pub optional_stop: Option<Pause>,
    /// What happens at M6.
    pub tool_change: Option<Pause>,
    /// What happens at M600.
    pub filament_change: Option<Pause>,
    /// Lines that go to the controller in the place of M6.
    pub tool_change_lines: Vec<String>,
}

/// What happens when a program that is being sent asks for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pause {
    /// The machine comes to rest and waits until the operator says so.
    Prompt,
    /// The word goes to the controller, which knows what to do.
    Pass,
    /// The word is left out.
    Skip,
}

impl Machine {
    /// Returns a plain machine with GRBL and a bed of one metre by one, for tests and documentation: every figure is
    /// ordinary, none is of a real product.
    ///
    /// ```
    /// use shop_cam::machine::{Machine, MachineKind};
    /// let router = Machine::example(MachineKind::Router);
    /// let wide = Machine { name: "wide".into(), ..router };
    /// assert_eq!(wide.axes[0].max, 1000.0);
    /// ```
    pub fn example(kind: MachineKind) -> Machine {
        let speed = Speed::from_mm_per_min;
        let axis = |min, max| Axis { min, max, rapid: speed(5000.0), acceleration: 500.0, homing: None };
        Machine {
            name: "example".into(),
            title: "Example machine".into(),
            kind,
            source: String::new(),
            axes: [axis(0.0, 1000.0), axis(0.0, 1000.0), axis(-100.0, 100.0)],
            cornering: Cornering::JunctionDeviation { deviation: 0.01, buffer: 15 },
            work_zero: [0.0; 2],
            s_curve: None,
            process: Process::example(kind),
            printer: None,
            tools: Vec::new(),
            materials: Vec::new(),
            layers: Vec::new(),
            post: Post {
                dialect: Dialect::Grbl,
                decimals: 4,
                line_limit: 79,
                arcs: true,
                repeat_motion: false,
                header: Vec::new(),
                footer: Vec::new(),
                ending: "nc".into(),
            },
            controller: Controller::default(),
        }
    }
}

impl Process {
    /// Returns the process of [`Machine::example`].
    fn example(kind: MachineKind) -> Process {
        Process {
            safe_height: 5.0,
            retract_height: 1.0,
            kerf: match kind {
                MachineKind::Plasma => 1.5,
                MachineKind::Laser => 0.2,
                MachineKind::Router | MachineKind::Knife | MachineKind::Printer => 0.0,
            },
            feed: Speed::from_mm_per_min(1000.0),
            plunge: Speed::from_mm_per_min(300.0),
            rpm: 10_000.0,
            rpm_range: [1000.0, 24_000.0],
            spin_up_s: 3.0,
            tool_change_s: 0.0,
            torch: TorchControl::Program,
            laser_dynamic: true,
            laser_full_s: 1000.0,
            air_assist: false,
            common_lines: false,
        }
    }
}
