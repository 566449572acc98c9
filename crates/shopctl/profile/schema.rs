//! What a profile may say, and the machine it makes. This file is the reference of the format: one function a heading,
//! one line a key.

use super::section::{Found, Item, Law, Section, conflict};
use shop_cam::Speed;
use shop_cam::chart::Milling;
use shop_cam::machine::{
    Axis, Controller, Cornering, Cut, Dialect, LayerOperation, LayerRule, Machine, MachineKind, Material,
    Pause, Post, Printer, Process, Thumbnail, Tool, ToolShape, TorchControl,
};
use shop_report::{Diagnostic, Span};

/// Spellings of the kinds of machine.
pub const KINDS: [(&str, MachineKind); 5] = [
    ("plasma", MachineKind::Plasma),
    ("router", MachineKind::Router),
    ("laser", MachineKind::Laser),
    ("knife", MachineKind::Knife),
    ("printer", MachineKind::Printer),
];

/// Spellings of the controller families.
pub const DIALECTS: [(&str, Dialect); 9] = [
    ("grbl", Dialect::Grbl),
    ("grblhal", Dialect::GrblHal),
    ("fluidnc", Dialect::FluidNc),
    ("linuxcnc", Dialect::LinuxCnc),
    ("qtplasmac", Dialect::QtPlasmaC),
    ("marlin", Dialect::Marlin),
    ("klipper", Dialect::Klipper),
    ("reprapfirmware", Dialect::RepRapFirmware),
    ("smoothie", Dialect::Smoothie),
];

/// Spellings of what a layer rule asks for.
pub const OPERATIONS: [(&str, LayerOperation); 8] = [
    ("profile", LayerOperation::Profile),
    ("outside", LayerOperation::Outside),
    ("inside", LayerOperation::Inside),
    ("on", LayerOperation::On),
    ("pocket", LayerOperation::Pocket),
    ("mark", LayerOperation::Mark),
    ("drill", LayerOperation::Drill),
    ("ignore", LayerOperation::Ignore),
];

/// S word of full power unless a profile says otherwise: GRBL's $30.
pub const FULL_S: f64 = 1000.0;

/// Who looks after the torch's height.
#[derive(Clone, Copy, Debug)]
enum TorchWord {
    Program,
    Probe,
    Controller,
}

const TORCHES: [(&str, TorchWord); 3] =
    [("program", TorchWord::Program), ("probe", TorchWord::Probe), ("controller", TorchWord::Controller)];

/// What a shape is, before its own measures are known.
#[derive(Clone, Copy, Debug)]
enum ShapeWord {
    EndMill,
    Ball,
    Vee,
    Drill,
    Knife,
}

const SHAPES: [(&str, ShapeWord); 5] = [
    ("end-mill", ShapeWord::EndMill),
    ("ball", ShapeWord::Ball),
    ("vee", ShapeWord::Vee),
    ("drill", ShapeWord::Drill),
    ("knife", ShapeWord::Knife),
];

/// What may happen when a program asks for a person.
pub const PAUSES: [(&str, Pause); 3] =
    [("prompt", Pause::Prompt), ("pass", Pause::Pass), ("skip", Pause::Skip)];

/// What controller families have in common, unless a profile says otherwise.
struct Family {
    line_limit: u16,
    ending: &'static str,
    cornering: Cornering,
    /// M4 laser power that follows the speed.
    dynamic: bool,
}

/// Limits: grbl `protocol.h` LINE_BUFFER_SIZE 80, grblHAL 257, LinuxCNC LINELEN 255, Marlin MAX_CMD_SIZE 96,
/// Smoothieware 132, RepRapFirmware's MaxGCodeLength 201; each less its terminator. Klipper reads any line. Cornering: GRBL $11 and its 16 blocks of look-ahead (15 usable),
/// LinuxCNC's G64 P0.1, Marlin JUNCTION_DEVIATION_MM 0.013, Klipper's square_corner_velocity 5 and
/// minimum_cruise_ratio 0.5, Smoothieware's sample configuration.
fn family(dialect: Dialect) -> Family {
    let junction = |deviation, buffer| Cornering::JunctionDeviation { deviation, buffer };
    let blend = Cornering::Blend { tolerance: 0.1 };
    let (line_limit, ending, cornering, dynamic) = match dialect {
        Dialect::Grbl => (79, "nc", junction(0.01, 15), true),
        Dialect::GrblHal => (255, "nc", junction(0.01, 35), true),
        Dialect::FluidNc => (255, "nc", junction(0.01, 15), true),
        Dialect::LinuxCnc | Dialect::QtPlasmaC => (255, "ngc", blend, false),
        Dialect::Marlin => (95, "gcode", junction(0.013, 15), false),
        Dialect::Klipper => (255, "gcode", Cornering::SquareCorner { speed: 5.0, cruise_ratio: 0.5 }, false),
        Dialect::RepRapFirmware => (200, "gcode", junction(0.01, 40), false),
        Dialect::Smoothie => (131, "gcode", junction(0.05, 31), false),
    };
    Family { line_limit, ending, cornering, dynamic }
}

/// Feeds of materials by name; see [`Milling`].
pub type Millings = Vec<(String, Milling)>;

/// Returns the machine that a profile describes; complaints go to `found`, and with an error among them there may be
/// no machine.
pub fn machine(name: &str, mut root: Section<'_>, found: &mut Found) -> Option<(Machine, Millings)> {
    let before = found.len();
    let mut head = root.section("machine", found);
    let _ = head.item("extends"); // Read when the files were brought together.
    let title = head.need_text("title", found);
    let source = head.need_text("source", found);
    let kind = head.need_word("kind", &KINDS, found);
    let zero = head.pair("work_zero_mm", found);

    let mut post = root.section("post", found);
    let dialect = post.need_word("extends", &DIALECTS, found);
    let family = family(dialect.unwrap_or(Dialect::Grbl));
    let post = dialect.map(|d| (self::post(d, &family, &mut post, found), post));

    let axes = axes(root.section("axes", found), found);
    let (cornering, s_curve) = cornering(root.nearest_section("cornering", found), family.cornering, found);
    // Of a machine of no known kind the least is asked: a knife has neither kerf nor spindle.
    let kind_or = kind.unwrap_or(MachineKind::Knife);
    let process = process(kind_or, &family, root.section("process", found), found);
    let printer = printer(kind, axes.as_ref(), root.section("printer", found), found);
    let tools = tools(&mut root, found);
    let (materials, millings) = materials(kind_or, process.as_ref(), &mut root, found);
    let layers = root.list("layers", found).into_iter().filter_map(|s| layer(s, found)).collect();
    let controller = controller(root.section("controller", found), found);
    let zero_place = head.item("work_zero_mm");
    head.finish(found);
    root.finish(found);

    let (post, post_section) = post?;
    post_section.finish(found);
    let axes = axes?;
    let work_zero = zero.unwrap_or([axes[0].min, axes[1].min]);
    check_zero(work_zero, &axes, zero_place, found);
    let erred = found[before..].iter().any(|d| d.severity == shop_report::Severity::Error);
    if erred {
        return None;
    }
    let machine = Machine {
        name: name.to_owned(),
        title: title?.to_owned(),
        kind: kind?,
        source: source?.to_owned(),
        axes,
        cornering: cornering?,
        work_zero,
        s_curve,
        process: process?,
        printer,
        tools,
        materials,
        layers,
        post,
        controller,
    };
    Some((machine, millings))
}

fn check_zero(zero: [f64; 2], axes: &[Axis; 3], place: Option<Item<'_>>, found: &mut Found) {
    for (i, name) in ["x", "y"].iter().enumerate() {
        if !(axes[i].min..=axes[i].max).contains(&zero[i]) {
            let [low, high] = [axes[i].min, axes[i].max];
            let why =
                format!("lies off the machine: {name} = {} and the axis reaches {low} to {high}", zero[i]);
            found.extend(place.map(|p| p.bad("work_zero_mm", &why)));
        }
    }
}

fn axes(mut s: Section<'_>, found: &mut Found) -> Option<[Axis; 3]> {
    let [x, y, z] = ["x", "y", "z"].map(|name| axis(s.section(name, found), found));
    s.finish(found);
    Some([x?, y?, z?])
}

fn axis(mut s: Section<'_>, found: &mut Found) -> Option<Axis> {
    let min = s.need_number("min_mm", Law::Any, found);
    let max = s.need_number("max_mm", Law::Any, found);
    let rapid = s.need_number("rapid_mm_per_min", Law::Positive, found);
    let acceleration = s.need_number("acceleration_mm_per_s2", Law::Positive, found);
    let homing = s.number("homing_mm_per_min", Law::Positive, found);
    let (min_place, max_place) = (s.item("min_mm"), s.item("max_mm"));
    s.finish(found);
    let (min, max) = (min?, max?);
    if min >= max {
        let low = format!("is {min} and must be below `max_mm`, which is {max}");
        let high = format!("is {max} and must be above `min_mm`, which is {min}");
        conflict(("max_mm", max_place, &high), ("min_mm", min_place, &low), found);
        return None;
    }
    Some(Axis { min, max, rapid: speed(rapid?), acceleration: acceleration?, homing: homing.map(speed) })
}

fn speed(mm_per_min: f64) -> Speed {
    Speed::from_mm_per_min(mm_per_min)
}

/// Returns how corners are passed, and the jerk of an S-curve.
fn cornering(mut s: Section<'_>, usual: Cornering, found: &mut Found) -> (Option<Cornering>, Option<f64>) {
    let s_curve = s.number("s_curve_mm_per_s3", Law::Positive, found);
    (corners(s, usual, found), s_curve)
}

fn corners(mut s: Section<'_>, usual: Cornering, found: &mut Found) -> Option<Cornering> {
    let place = s.place();
    let deviation = s.number("junction_deviation_mm", Law::Positive, found);
    let xy = s.number("jerk_xy_mm_per_s", Law::Positive, found);
    let z = s.number("jerk_z_mm_per_s", Law::Positive, found);
    let tolerance = s.number("blend_mm", Law::Positive, found);
    let square = s.number("square_corner_mm_per_s", Law::NotNegative, found);
    let ratio = s.number("minimum_cruise_ratio", Law::Within(0.0, 0.999), found);
    let buffer = s.whole("buffer_moves", 1, 10_000, found);
    s.finish(found);
    let usual_buffer = match usual {
        Cornering::JunctionDeviation { buffer, .. } | Cornering::Jerk { buffer, .. } => buffer,
        Cornering::Blend { .. } | Cornering::SquareCorner { .. } => 16,
    };
    let buffer_or = buffer.unwrap_or(usual_buffer);
    if square.is_some() || ratio.is_some() {
        let (speed, cruise_ratio) = match usual {
            Cornering::SquareCorner { speed, cruise_ratio } => (speed, cruise_ratio),
            _ => (5.0, 0.5),
        };
        if deviation.or(xy).or(z).or(tolerance).is_none() {
            return Some(Cornering::SquareCorner {
                speed: square.unwrap_or(speed),
                cruise_ratio: ratio.unwrap_or(cruise_ratio),
            });
        }
    }
    match (deviation, xy, z, tolerance) {
        (None, None, None, None) => Some(match (usual, buffer) {
            (Cornering::JunctionDeviation { deviation, .. }, Some(buffer)) => {
                Cornering::JunctionDeviation { deviation, buffer }
            }
            _ => usual,
        }),
        (Some(deviation), None, None, None) => {
            Some(Cornering::JunctionDeviation { deviation, buffer: buffer_or })
        }
        (None, Some(xy), z, None) => Some(Cornering::Jerk { xy, z: z.unwrap_or(xy), buffer: buffer_or }),
        (None, None, None, Some(tolerance)) if square.or(ratio).is_none() => {
            Some(Cornering::Blend { tolerance })
        }
        _ => {
            let message = "[cornering] mixes several ways to go round a corner";
            let mut d = Diagnostic::error("machine/bad-value", message);
            d.span = place;
            let ways = "`junction_deviation_mm`, `jerk_xy_mm_per_s`, `square_corner_mm_per_s` or `blend_mm`";
            found.push(d.hint(format!("keep one of {ways}")));
            None
        }
    }
}

fn process(kind: MachineKind, family: &Family, mut s: Section<'_>, found: &mut Found) -> Option<Process> {
    let beam = matches!(kind, MachineKind::Plasma | MachineKind::Laser);
    let safe = s.need_number("safe_height_mm", Law::NotNegative, found);
    let retract = s.number("retract_height_mm", Law::NotNegative, found);
    let kerf = if beam {
        s.need_number("kerf_mm", Law::Positive, found)
    } else {
        Some(s.number("kerf_mm", Law::NotNegative, found).unwrap_or(0.0))
    };
    let feed = s.need_number("feed_mm_per_min", Law::Positive, found);
    let plunge = s.number("plunge_mm_per_min", Law::Positive, found);
    let rpm = match kind {
        MachineKind::Router => s.need_number("spindle_rpm", Law::Positive, found),
        _ => Some(s.number("spindle_rpm", Law::NotNegative, found).unwrap_or(0.0)),
    };
    let slowest = s.number("spindle_min_rpm", Law::NotNegative, found);
    let fastest = s.number("spindle_max_rpm", Law::NotNegative, found);
    let spin_up = s.number("spin_up_s", Law::Within(0.0, 600.0), found);
    let change = s.number("tool_change_s", Law::Within(0.0, 3600.0), found);
    let torch = torch(kind, &mut s, found);
    let dynamic = s.flag("laser_dynamic", found);
    let full = s.number("laser_full_s", Law::Positive, found);
    let air = s.flag("air_assist", found);
    let common_lines = s.flag("common_lines", found);
    let (retract_place, safe_place) = (s.item("retract_height_mm"), s.item("safe_height_mm"));
    let (rpm_place, slow_place) = (s.item("spindle_rpm"), s.item("spindle_min_rpm"));
    let fast_place = s.item("spindle_max_rpm");
    s.finish(found);

    let (safe, rpm) = (safe?, rpm?);
    let retract = retract.unwrap_or(safe.min(1.0));
    if retract > safe {
        let high = format!("is {retract} and must not be above `safe_height_mm`, which is {safe}");
        let low = format!("is {safe} and must not be below `retract_height_mm`, which is {retract}");
        conflict(("retract_height_mm", retract_place, &high), ("safe_height_mm", safe_place, &low), found);
    }
    let rpm_range = [slowest.unwrap_or(rpm), fastest.unwrap_or(rpm)];
    if rpm < rpm_range[0] {
        let low = format!("is {rpm} and must not be below `spindle_min_rpm`, which is {}", rpm_range[0]);
        let high = format!("is {} and must not be above `spindle_rpm`, which is {rpm}", rpm_range[0]);
        conflict(("spindle_rpm", rpm_place, &low), ("spindle_min_rpm", slow_place, &high), found);
    }
    if rpm > rpm_range[1] {
        let high = format!("is {rpm} and must not be above `spindle_max_rpm`, which is {}", rpm_range[1]);
        let low = format!("is {} and must not be below `spindle_rpm`, which is {rpm}", rpm_range[1]);
        conflict(("spindle_rpm", rpm_place, &high), ("spindle_max_rpm", fast_place, &low), found);
    }
    let feed = feed?;
    Some(Process {
        safe_height: safe,
        retract_height: retract,
        kerf: kerf?,
        feed: speed(feed),
        plunge: speed(plunge.unwrap_or(feed / 3.0)),
        rpm,
        rpm_range,
        spin_up_s: spin_up.unwrap_or(0.0),
        tool_change_s: change.unwrap_or(0.0),
        torch: torch?,
        laser_dynamic: dynamic.unwrap_or(kind == MachineKind::Laser && family.dynamic),
        laser_full_s: full.unwrap_or(FULL_S),
        air_assist: air.unwrap_or(false),
        common_lines: common_lines.unwrap_or(false),
    })
}

/// Nozzle, filament and heaters. Usual values: Klipper's and Marlin's own defaults; heating as measured on common
/// 40 W cartridges and 220 mm beds, which a profile should replace by its own.
fn printer(
    kind: Option<MachineKind>,
    axes: Option<&[Axis; 3]>,
    mut s: Section<'_>,
    found: &mut Found,
) -> Option<Printer> {
    let nozzle = s.number("nozzle_mm", Law::Positive, found);
    let filament = s.number("filament_mm", Law::Positive, found);
    let fastest = s.number("extruder_mm_per_s", Law::Positive, found);
    let one_nozzle = s.flag("one_nozzle", found);
    let acceleration = s.number("extruder_acceleration_mm_per_s2", Law::Positive, found);
    let jerk = s.number("extruder_jerk_mm_per_s", Law::Positive, found);
    let print = s.number("print_acceleration_mm_per_s2", Law::Positive, found);
    let travel = s.number("travel_acceleration_mm_per_s2", Law::Positive, found);
    let coldest = s.number("hotend_min_c", Law::NotNegative, found);
    let hottest = s.number("hotend_max_c", Law::Positive, found);
    let bed = s.number("bed_max_c", Law::NotNegative, found);
    let hotend_rate = s.number("hotend_c_per_s", Law::Positive, found);
    let bed_rate = s.number("bed_c_per_s", Law::Positive, found);
    let size = s.pair("bed_mm", found);
    let corner = s.pair("bed_corner_mm", found).unwrap_or_default();
    let thumbnails = thumbnails(s.texts("thumbnails", found).unwrap_or_default(), found);
    s.finish(found);
    if kind != Some(MachineKind::Printer) {
        return None;
    }
    let xy = axes.map_or(1000.0, |a| a[0].acceleration.min(a[1].acceleration));
    Some(Printer {
        bed: size.map(|[x, y]| [corner[0], corner[1], corner[0] + x, corner[1] + y]),
        thumbnails,
        nozzle: nozzle.unwrap_or(0.4),
        filament: filament.unwrap_or(1.75),
        extruder: Speed::from_mm_per_s(fastest.unwrap_or(50.0)),
        one_nozzle: one_nozzle.unwrap_or(false),
        extruder_acceleration: acceleration.unwrap_or(1000.0),
        extruder_jerk: jerk.unwrap_or(5.0),
        print_acceleration: print.unwrap_or(xy),
        travel_acceleration: travel.or(print).unwrap_or(xy),
        hotend_c: [coldest.unwrap_or(170.0), hottest.unwrap_or(275.0)],
        bed_most_c: bed.unwrap_or(120.0),
        hotend_c_per_s: hotend_rate.unwrap_or(2.5),
        bed_c_per_s: bed_rate.unwrap_or(0.5),
    })
}

/// Reads sizes of pictures, each with its format.
fn thumbnails(texts: Vec<(&str, Span)>, found: &mut Found) -> Vec<Thumbnail> {
    let mut out = Vec::new();
    for (text, span) in texts {
        match text.parse() {
            Ok(t) => out.push(t),
            Err(why) => found.push(Diagnostic::error("machine/bad-value", why).span(span)),
        }
    }
    out
}

fn torch(kind: MachineKind, s: &mut Section<'_>, found: &mut Found) -> Option<TorchControl> {
    let word = match kind {
        MachineKind::Plasma => s.need_word("torch", &TORCHES, found),
        _ => Some(s.word("torch", &TORCHES, found).unwrap_or(TorchWord::Program)),
    };
    let (reach, offset, feed) = if matches!(word, Some(TorchWord::Probe)) {
        let reach = s.need_number("probe_reach_mm", Law::Positive, found);
        let offset = s.need_number("probe_offset_mm", Law::Any, found);
        (reach, offset, s.need_number("probe_feed_mm_per_min", Law::Positive, found))
    } else {
        let reach = s.number("probe_reach_mm", Law::Positive, found);
        let offset = s.number("probe_offset_mm", Law::Any, found);
        (reach, offset, s.number("probe_feed_mm_per_min", Law::Positive, found))
    };
    Some(match word? {
        TorchWord::Program => TorchControl::Program,
        TorchWord::Controller => TorchControl::Controller,
        TorchWord::Probe => TorchControl::Probe { reach: reach?, offset: offset?, feed: speed(feed?) },
    })
}

fn tools(root: &mut Section<'_>, found: &mut Found) -> Vec<Tool> {
    let mut tools: Vec<Tool> = Vec::new();
    for (name, s) in root.named_sections("tool", found) {
        let place = s.place();
        if let Some(number) = name.parse::<u32>().ok().filter(|n| *n <= 99_999 && name == n.to_string()) {
            tools.extend(tool(number, s, found));
        } else {
            let message = format!("[tool.{name}]: a tool is named by its number");
            let mut d = Diagnostic::error("machine/bad-value", message);
            d.span = place;
            found.push(d.hint("write [tool.1] and so on, as in the controller's tool table"));
        }
    }
    tools.sort_by_key(|t| t.number);
    tools
}

fn tool(number: u32, mut s: Section<'_>, found: &mut Found) -> Option<Tool> {
    let name = s.need_text("name", found);
    let word = s.need_word("shape", &SHAPES, found);
    let diameter = s.need_number("diameter_mm", Law::Positive, found);
    let flutes = s.whole("flutes", 1, 100, found);
    let flute_length = s.number("flute_length_mm", Law::Positive, found);
    let angle = match word {
        Some(ShapeWord::Vee) => s.need_number("angle_deg", Law::Within(1.0, 179.0), found),
        _ => Some(s.number("angle_deg", Law::Within(1.0, 179.0), found).unwrap_or(0.0)),
    };
    let offset = match word {
        Some(ShapeWord::Knife) => s.need_number("blade_offset_mm", Law::NotNegative, found),
        _ => Some(s.number("blade_offset_mm", Law::NotNegative, found).unwrap_or(0.0)),
    };
    let feed = s.number("feed_mm_per_min", Law::Positive, found);
    let plunge = s.number("plunge_mm_per_min", Law::Positive, found);
    let rpm = s.number("spindle_rpm", Law::Positive, found);
    let step_down = s.number("step_down_mm", Law::Positive, found);
    let step_over = s.number("step_over_percent", Law::Within(1.0, 100.0), found);
    s.finish(found);
    let shape = match word? {
        ShapeWord::EndMill => ToolShape::EndMill,
        ShapeWord::Ball => ToolShape::Ball,
        ShapeWord::Vee => ToolShape::Vee { angle: angle?.to_radians() },
        ShapeWord::Drill => ToolShape::Drill,
        ShapeWord::Knife => ToolShape::Knife { offset: offset? },
    };
    let diameter = diameter?;
    Some(Tool {
        number,
        name: name?.to_owned(),
        shape,
        diameter,
        flutes: flutes.unwrap_or(2),
        // An end mill of unknown length is taken for a short one.
        flute_length: flute_length.unwrap_or(3.0 * diameter),
        feed: feed.map(speed),
        plunge: plunge.map(speed),
        rpm,
        step_down,
        step_over: step_over.map(|p| p / 100.0),
    })
}

fn materials(
    kind: MachineKind,
    process: Option<&Process>,
    root: &mut Section<'_>,
    found: &mut Found,
) -> (Vec<Material>, Millings) {
    let (mut materials, mut millings) = (Vec::new(), Vec::new());
    for (name, mut s) in root.named_sections("material", found) {
        let source = s.need_text("source", found);
        let price = s.number("price_per_m2_mm", Law::NotNegative, found);
        let lines = s.list("cut", found);
        let cuts = chart(kind, process, lines, found);
        if let Some(milling) = milling(&mut s, found) {
            millings.push((name.clone(), milling));
        }
        s.finish(found);
        if let Some(source) = source {
            materials.push(Material { name, source: source.to_owned(), price_per_m2_mm: price, cuts });
        }
    }
    (materials, millings)
}

fn chart(
    kind: MachineKind,
    process: Option<&Process>,
    lines: Vec<Section<'_>>,
    found: &mut Found,
) -> Vec<Cut> {
    let mut cuts: Vec<(Cut, Option<Span>)> = Vec::new();
    for line in lines {
        let place = line.place();
        if let Some(cut) = cut(kind, process, line, found) {
            cuts.push((cut, place));
        }
    }
    cuts.sort_by(|a, b| a.0.thickness.total_cmp(&b.0.thickness));
    for pair in cuts.windows(2) {
        if pair[0].0.thickness == pair[1].0.thickness {
            let message = format!("the chart has {} mm twice", pair[1].0.thickness);
            let mut d = Diagnostic::error("machine/bad-value", message);
            d.span = pair[1].1;
            found.push(
                d.hint("give the second way to cut it a material of its own, e.g. [material.mild-steel-30a]"),
            );
        }
    }
    cuts.into_iter().map(|(c, _)| c).collect()
}

fn cut(kind: MachineKind, process: Option<&Process>, mut s: Section<'_>, found: &mut Found) -> Option<Cut> {
    let plasma = kind == MachineKind::Plasma;
    let mut height = |key: &'static str, found: &mut Found| {
        if plasma {
            s.need_number(key, Law::NotNegative, found)
        } else {
            Some(s.number(key, Law::NotNegative, found).unwrap_or(0.0))
        }
    };
    let pierce_height = height("pierce_height_mm", found);
    let pierce_delay = height("pierce_delay_s", found);
    let cut_height = height("cut_height_mm", found);
    let thickness = s.need_number("thickness_mm", Law::Positive, found);
    let number = s.whole("number", 0, 999_999, found);
    let kerf = s.number("kerf_mm", Law::Positive, found);
    let feed = s.need_number("feed_mm_per_min", Law::Positive, found);
    let amps = s.number("amps", Law::NotNegative, found);
    let volts = s.number("volts", Law::NotNegative, found);
    let power = s.number("power_percent", Law::Within(0.0, 100.0), found);
    let passes = s.whole("passes", 1, 1000, found);
    let pierce_place = s.item("pierce_height_mm");
    s.finish(found);
    let (pierce_height, cut_height) = (pierce_height?, cut_height?);
    if plasma && pierce_height < cut_height {
        let why = format!("is {pierce_height} and must not be below `cut_height_mm`, which is {cut_height}");
        found.extend(pierce_place.map(|p| p.bad("pierce_height_mm", &why)));
    }
    Some(Cut {
        thickness: thickness?,
        number,
        kerf: kerf.unwrap_or(process.map_or(0.0, |p| p.kerf)),
        feed: speed(feed?),
        pierce_height,
        pierce_delay: pierce_delay?,
        cut_height,
        amps: amps.unwrap_or(0.0),
        volts: volts.unwrap_or(0.0),
        power: power.unwrap_or(100.0) / 100.0,
        passes: passes.unwrap_or(1),
    })
}

fn milling(s: &mut Section<'_>, found: &mut Found) -> Option<Milling> {
    let chip = s.number("chip_load_percent_of_diameter", Law::Within(0.01, 20.0), found);
    let most = s.number("chip_load_max_mm", Law::Positive, found);
    let speed = s.number("surface_speed_m_per_min", Law::Positive, found);
    let down = s.number("step_down_percent_of_diameter", Law::Within(1.0, 1000.0), found);
    let plunge = s.number("plunge_percent_of_feed", Law::Within(1.0, 100.0), found);
    if chip.is_none() && speed.is_none() {
        return None;
    }
    let mut need = |v: Option<f64>, key: &str, found: &mut Found| match v {
        Some(v) => Some(v),
        None => s.missing(key, found),
    };
    let chip = need(chip, "chip_load_percent_of_diameter", found);
    let speed = need(speed, "surface_speed_m_per_min", found);
    let down = need(down, "step_down_percent_of_diameter", found);
    Some(Milling {
        chip_load: chip? / 100.0,
        chip_load_max: most.unwrap_or(0.25),
        surface_speed_m_per_min: speed?,
        step_down: down? / 100.0,
        plunge: plunge.unwrap_or(30.0) / 100.0,
    })
}

fn layer(mut s: Section<'_>, found: &mut Found) -> Option<LayerRule> {
    let layer = s.text("match", found);
    let colour = s.item("colour").map(|item| colour(item, found));
    let operation = s.need_word("operation", &OPERATIONS, found);
    let feed_percent = s.number("feed_percent", Law::Within(1.0, 400.0), found);
    let depth = s.number("depth_mm", Law::Positive, found);
    let common_lines = s.flag("common_lines", found);
    if layer.is_none() && colour.is_none() {
        s.missing::<()>("match", found);
    }
    s.finish(found);
    let colour = match colour {
        Some(c) => Some(c?),
        None => None,
    };
    let (layer, operation) = (layer.map(str::to_owned), operation?);
    Some(LayerRule { layer, colour, operation, feed_percent, depth, common_lines })
}

fn colour(item: Item<'_>, found: &mut Found) -> Option<[u8; 3]> {
    let text = item.text("colour", found)?;
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()));
    let Some(rgb) = digits.and_then(|d| u32::from_str_radix(d, 16).ok()) else {
        found.push(
            item.bad("colour", &format!("cannot be \"{text}\""))
                .hint("write it as in SVG: \"#ff0000\" is red"),
        );
        return None;
    };
    Some([(rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8])
}

fn post(dialect: Dialect, family: &Family, s: &mut Section<'_>, found: &mut Found) -> Post {
    let decimals = s.whole("decimals", 2, 6, found);
    let limit = s.whole("line_limit", 20, 10_000, found);
    let arcs = s.flag("arcs", found).unwrap_or(true);
    let repeat_motion = s.flag("repeat_motion", found).unwrap_or(false);
    let limit = limit.map_or(family.line_limit, |n| u16::try_from(n).unwrap_or(u16::MAX));
    let header = s.texts("header", found).unwrap_or_default();
    let footer = s.texts("footer", found).unwrap_or_default();
    let ending = s.item("ending");
    let ending_text = ending.and_then(|i| i.text("ending", found));
    for (line, span) in header.iter().chain(&footer) {
        if let Some(why) = unfit(line, dialect, limit) {
            found.push(Diagnostic::error("machine/bad-value", format!("this line {why}")).span(*span));
        }
    }
    if let (Some(item), Some(text)) = (ending, ending_text)
        && (text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        found.push(item.bad("ending", "must be letters and digits, without the point"));
    }
    let lines = |list: Vec<(&str, Span)>| list.into_iter().map(|(l, _)| l.to_owned()).collect();
    Post {
        dialect,
        decimals: decimals.unwrap_or(4) as u8,
        line_limit: limit,
        arcs,
        repeat_motion,
        header: lines(header),
        footer: lines(footer),
        ending: ending_text.unwrap_or(family.ending).to_owned(),
    }
}

/// Says why a line cannot be sent as it is: the wire of a GRBL gives some characters a meaning of their own, even in
/// a comment (`?` status, `~` resume, `!` hold, everything from 0x80).
fn unfit(line: &str, dialect: Dialect, limit: u16) -> Option<String> {
    if line.len() > usize::from(limit) {
        return Some(format!("has {} characters and the controller reads {limit}", line.len()));
    }
    if let Some(c) = line.chars().find(|c| !(' '..='~').contains(c)) {
        return Some(format!("has the character {c:?}, which is not plain ASCII"));
    }
    let realtime = matches!(dialect, Dialect::Grbl | Dialect::GrblHal | Dialect::FluidNc);
    let c = line.chars().find(|c| realtime && "?!~".contains(*c))?;
    Some(format!("has a `{c}`, which acts at once on this controller"))
}

fn controller(mut s: Section<'_>, found: &mut Found) -> Controller {
    let baud = s.whole("baud", 300, 12_000_000, found);
    let port = s.text("port", found).map(str::to_owned);
    let [stop, optional_stop, tool_change, filament_change] =
        ["stop", "optional_stop", "tool_change", "filament_change"].map(|key| s.word(key, &PAUSES, found));
    let lines = s.texts("tool_change_lines", found).unwrap_or_default();
    let tool_change_lines = lines.into_iter().map(|(line, _)| line.to_owned()).collect();
    s.finish(found);
    Controller { baud, port, stop, optional_stop, tool_change, filament_change, tool_change_lines }
}
