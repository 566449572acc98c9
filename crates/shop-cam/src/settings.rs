//! The figures of one run, settled once: what the profile, the cut chart, the tool table and the flags say together.
//!
//! Planners and [`crate::toolpath::lower`] read [`Settings`] and nothing else about the machine; every figure that
//! nobody gave is assumed here, aloud.

use crate::Speed;
use crate::machine::{Cut, Machine, MachineKind, Material, Tool, ToolShape, TorchControl};
use shop_report::{Checked, Diagnostic};

/// What the user chose for this run; what is absent comes from the profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Key of a material of the profile.
    pub material: Option<String>,
    /// Sheet thickness, mm.
    pub thickness: Option<f64>,
    /// Number of a tool of the profile.
    pub tool: Option<u32>,
    /// Cutting diameter, mm, when it is not the tool's.
    pub tool_diameter: Option<f64>,
    /// Width of the cut, mm, when it is not the chart's.
    pub kerf: Option<f64>,
    /// Depth of through cuts below the stock's top, mm.
    pub depth: Option<f64>,
    /// Depth of one pass, mm.
    pub step_down: Option<f64>,
    /// Feed.
    pub feed: Option<Speed>,
    /// Laser power, fraction of full.
    pub power: Option<f64>,
    /// Number of laser passes.
    pub passes: Option<u32>,
}

/// The figures of one run. Heights are above the stock's top, which is z = 0; depths are below it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The process.
    pub kind: MachineKind,
    /// T number of the main tool; 0 is a machine without a tool table.
    pub tool: u32,
    /// Width of the cut: kerf or tool diameter, mm.
    pub diameter: f64,
    /// Blade offset of a drag knife, mm; 0 on other machines.
    pub blade_offset: f64,
    /// Cutting feed.
    pub feed: Speed,
    /// Feed straight down.
    pub plunge: Speed,
    /// Spindle speed, rpm.
    pub rpm: f64,
    /// Seconds the spindle needs to come to speed.
    pub spin_up_s: f64,
    /// Height for travel between cuts, mm.
    pub safe_height: f64,
    /// Height down to which a plunge may be rapid, mm.
    pub retract_height: f64,
    /// Sheet thickness, mm, when known.
    pub thickness: Option<f64>,
    /// Key of the material whose cut chart was read.
    pub material: Option<String>,
    /// True when nobody named that material, or the thickness.
    pub material_assumed: bool,
    /// Depth of through cuts, mm.
    pub depth: f64,
    /// Deepest single pass, mm.
    pub step_down: f64,
    /// Distance between clearing passes, mm.
    pub step_over: f64,
    /// Who looks after the torch's height.
    pub torch: TorchControl,
    /// Height at which the arc is started, mm.
    pub pierce_height: f64,
    /// Wait after the start, s.
    pub pierce_delay: f64,
    /// Height of the cut, mm.
    pub cut_height: f64,
    /// Number of the material in the controller's own table.
    pub material_number: Option<u32>,
    /// Cutting current, A, when a chart says one.
    pub amps: Option<f64>,
    /// Arc voltage, V, when a chart says one.
    pub volts: Option<f64>,
    /// Laser power, fraction of full.
    pub power: f64,
    /// How often a laser follows each path.
    pub passes: u32,
    /// True: power follows speed (M4).
    pub laser_dynamic: bool,
    /// Assist air or coolant while cutting.
    pub air_assist: bool,
    /// Drills of the tool table, smallest first.
    pub drills: Vec<Tool>,
    /// Where the machine can go, work coordinates, mm: x, y, z.
    pub envelope: [[f64; 2]; 3],
    /// Fastest travel in x and y.
    pub rapid: Speed,
}

/// Depth of a router cut when nobody says one, mm: the thinnest plywood commonly sold.
const ASSUMED_DEPTH: f64 = 3.0;

/// Settles the figures of one run.
pub fn settle(machine: &Machine, choice: &Choice) -> Checked<Settings> {
    let mut notes = Vec::new();
    let chart = chart_line(machine, choice, &mut notes);
    let cut = chart.as_ref().map(|c| &c.cut);
    let tool = main_tool(machine, choice, &mut notes);
    let is_router = machine.kind == MachineKind::Router;
    let process = &machine.process;
    let thickness = choice.thickness.or(cut.map(|c| c.thickness)).filter(|t| *t > 0.0);
    let depth = choice.depth.or(thickness).map(f64::abs).filter(|d| *d > 0.0);
    if depth.is_none() && is_router {
        let message = format!("no depth given; {ASSUMED_DEPTH} mm assumed");
        notes
            .push(Diagnostic::warning("cut/depth-assumed", message).hint("say --depth-mm or --thickness-mm"));
    }
    let depth = depth.unwrap_or(ASSUMED_DEPTH);
    let diameter = diameter(machine, choice, cut, tool, &mut notes);
    // One diameter deep is the usual start in wood and plastics (facts: am.co.za "start at 1 D depth").
    let step_down = choice.step_down.or(tool.and_then(|t| t.step_down)).unwrap_or(diameter.max(0.1));
    let over = tool.and_then(|t| t.step_over).unwrap_or(0.4).clamp(0.02, 0.5);
    let rpm = tool.and_then(|t| t.rpm).unwrap_or(process.rpm);
    let [low, high] = process.rpm_range;
    let mut drills: Vec<Tool> =
        machine.tools.iter().filter(|t| t.shape == ToolShape::Drill && is_router).cloned().collect();
    drills.sort_by(|a, b| a.diameter.total_cmp(&b.diameter).then(a.number.cmp(&b.number)));
    let feed = positive(choice.feed.or(tool.and_then(|t| t.feed)).or(cut.map(|c| c.feed)), process.feed);
    let feed = within_axes(feed, machine, &mut notes);
    let value = Settings {
        kind: machine.kind,
        tool: tool.map_or(0, |t| t.number),
        diameter,
        blade_offset: match tool.map(|t| t.shape) {
            Some(ToolShape::Knife { offset }) => offset.max(0.0),
            _ => 0.0,
        },
        feed,
        plunge: positive(tool.and_then(|t| t.plunge), process.plunge),
        rpm: if high > low { rpm.clamp(low, high) } else { rpm },
        spin_up_s: process.spin_up_s.max(0.0),
        safe_height: process.safe_height,
        retract_height: process.retract_height.min(process.safe_height),
        thickness,
        material: chart.as_ref().map(|c| c.material.to_owned()),
        material_assumed: chart.as_ref().is_some_and(|c| c.assumed),
        depth,
        step_down: if step_down > 0.0 { step_down } else { diameter.max(0.1) },
        step_over: (over * diameter).max(1e-3),
        torch: process.torch,
        pierce_height: cut.map_or(process.retract_height, |c| c.pierce_height),
        pierce_delay: cut.map_or(0.0, |c| c.pierce_delay).max(0.0),
        cut_height: cut.map_or(process.retract_height, |c| c.cut_height),
        material_number: cut.and_then(|c| c.number),
        amps: cut.map(|c| c.amps).filter(|a| *a > 0.0),
        volts: cut.map(|c| c.volts).filter(|v| *v > 0.0),
        power: choice.power.or(cut.map(|c| c.power).filter(|p| *p > 0.0)).unwrap_or(1.0).clamp(0.0, 1.0),
        passes: choice.passes.or(cut.map(|c| c.passes)).unwrap_or(1).max(1),
        laser_dynamic: process.laser_dynamic,
        air_assist: process.air_assist,
        drills,
        envelope: envelope(machine),
        rapid: Speed::from_mm_per_min(
            machine.axes[0].rapid.mm_per_min().min(machine.axes[1].rapid.mm_per_min()).max(1.0),
        ),
    };
    Checked { value, diagnostics: notes }
}

/// Returns the machine's reach in work coordinates.
fn envelope(machine: &Machine) -> [[f64; 2]; 3] {
    let [x, y, z] = machine.axes;
    let [zero_x, zero_y] = machine.work_zero;
    // The stock's top is set at the machine by touching off, so z is a travel, not a place.
    [[x.min - zero_x, x.max - zero_x], [y.min - zero_y, y.max - zero_y], [z.min - z.max, z.max - z.min]]
}

fn positive(wanted: Option<Speed>, otherwise: Speed) -> Speed {
    let usable = |s: &Speed| s.mm_per_min() > 0.0;
    wanted.filter(usable).or(Some(otherwise).filter(usable)).unwrap_or(Speed::from_mm_per_min(500.0))
}

/// A line of a cut chart, and whose it is.
struct ChartLine<'a> {
    cut: Cut,
    material: &'a str,
    assumed: bool,
}

/// Finds the cut for the chosen material and thickness.
fn chart_line<'a>(
    machine: &'a Machine,
    choice: &Choice,
    notes: &mut Vec<Diagnostic>,
) -> Option<ChartLine<'a>> {
    let material = match &choice.material {
        Some(name) => {
            let found = machine.materials.iter().find(|m| m.name.eq_ignore_ascii_case(name));
            if found.is_none() {
                notes.push(unknown_material(machine, name));
            }
            found?
        }
        None => machine.materials.first().filter(|_| machine.kind != MachineKind::Router)?,
    };
    if material.cuts.is_empty() && machine.kind == MachineKind::Router {
        // A material to be milled has no chart: its feeds are in the tools already.
        return None;
    }
    let thickness = choice.thickness.or(material.cuts.first().map(|c| c.thickness))?;
    let Some(found) = material.cut_for(thickness) else {
        notes.push(beyond_chart(material, thickness));
        return None;
    };
    let assumed = choice.material.is_none() || choice.thickness.is_none();
    if assumed {
        notes.push(assumption(machine, choice, material, thickness));
    }
    if found.interpolated {
        let message = format!("the chart of {} has no line for {thickness} mm; interpolated", material.name);
        notes.push(Diagnostic::info("cut/thickness-interpolated", message));
    }
    Some(ChartLine { cut: found.cut, material: &material.name, assumed })
}

/// Says what sheet the figures are for, when that was not told.
fn assumption(machine: &Machine, choice: &Choice, material: &Material, thickness: f64) -> Diagnostic {
    let (name, range) = (&material.name, material.thickness_range());
    let figures = format!("the figures of the cut are those of {thickness} mm {name}");
    let message = match (&choice.material, choice.thickness) {
        (None, None) => format!(
            "neither material nor thickness was given: {figures}, the first line of the machine's charts, and wrong \
             for any other sheet"
        ),
        (None, Some(_)) => format!("no material was given: {figures}"),
        _ => format!("no thickness was given: {figures}, the thinnest in its chart"),
    };
    let known: Vec<&str> = machine.materials.iter().map(|m| m.name.as_str()).collect();
    let span = match range {
        Some([a, b]) if a < b => format!("; {name} goes from {a} to {b} mm"),
        _ => String::new(),
    };
    let hint = format!("say --material ({}) and --thickness-mm{span}", known.join(", "));
    Diagnostic::warning("cut/material-assumed", message).hint(hint)
}

/// Returns the feed that x and y can both keep in any direction, and says when that is less than what was wanted.
fn within_axes(feed: Speed, machine: &Machine, notes: &mut Vec<Diagnostic>) -> Speed {
    let [x, y, _] = machine.axes;
    let most = if x.rapid < y.rapid { x.rapid } else { y.rapid };
    if feed <= most || most.mm_per_min() <= 0.0 {
        return feed;
    }
    let message = format!(
        "a feed of {:.0} mm/min is wanted, {} reaches {:.0} mm/min",
        feed.mm_per_min(),
        machine.name,
        most.mm_per_min()
    );
    let hint = match machine.kind {
        MachineKind::Plasma => {
            "the cut gets wider and its edge rougher: take less current, or a thicker sheet"
        }
        MachineKind::Laser => "the cut gets wider: take less power",
        MachineKind::Router => "chips get thinner: take a slower spindle or a tool with fewer flutes",
        MachineKind::Knife | MachineKind::Printer => "it only takes longer",
    };
    notes.push(Diagnostic::warning("cut/feed-above-axes", message).hint(hint));
    most
}

fn beyond_chart(material: &Material, thickness: f64) -> Diagnostic {
    let message = format!("the cut chart of {} does not reach {thickness} mm", material.name);
    let hint = match material.thickness_range() {
        Some([thin, thick]) => format!("it goes from {thin} to {thick} mm"),
        None => "it has no lines".to_owned(),
    };
    Diagnostic::error("cut/thickness-not-in-chart", message).hint(hint)
}

fn unknown_material(machine: &Machine, name: &str) -> Diagnostic {
    let known: Vec<&str> = machine.materials.iter().map(|m| m.name.as_str()).collect();
    let hint = if known.is_empty() {
        "the profile has no materials; add a [material.*] table".to_owned()
    } else {
        format!("the profile has: {}", known.join(", "))
    };
    Diagnostic::error("cut/material-unknown", format!("{} has no material \"{name}\"", machine.name))
        .hint(hint)
}

/// Chooses the tool of the run: the one asked for, else the nearest in diameter, else the first that is no drill.
fn main_tool<'a>(machine: &'a Machine, choice: &Choice, notes: &mut Vec<Diagnostic>) -> Option<&'a Tool> {
    if !matches!(machine.kind, MachineKind::Router | MachineKind::Knife) {
        return None;
    }
    if let Some(number) = choice.tool {
        let found = machine.tools.iter().find(|t| t.number == number);
        if found.is_none() {
            notes.push(
                Diagnostic::error("cut/tool-unknown", format!("{} has no tool {number}", machine.name))
                    .hint("see shopctl machine show"),
            );
        }
        return found;
    }
    let mut mills = machine.tools.iter().filter(|t| t.shape != ToolShape::Drill);
    match choice.tool_diameter {
        Some(d) => mills.min_by(|a, b| (a.diameter - d).abs().total_cmp(&(b.diameter - d).abs())),
        None => mills.next(),
    }
}

fn diameter(
    machine: &Machine,
    choice: &Choice,
    cut: Option<&Cut>,
    tool: Option<&Tool>,
    notes: &mut Vec<Diagnostic>,
) -> f64 {
    let chosen = if machine.kind == MachineKind::Router {
        choice.tool_diameter.or(choice.kerf).or(tool.map(|t| t.diameter))
    } else {
        (choice.kerf.or(choice.tool_diameter))
            .or(cut.map(|c| c.kerf).filter(|k| *k > 0.0))
            .or(Some(machine.process.kerf))
    };
    match chosen {
        Some(d) if d > 0.0 => d,
        Some(_) if machine.kind == MachineKind::Knife => 0.0,
        _ => {
            let (what, assumed) = match machine.kind {
                MachineKind::Router => ("tool diameter", 3.0),
                MachineKind::Plasma => ("kerf", 1.5),
                MachineKind::Laser => ("kerf", 0.15),
                MachineKind::Knife | MachineKind::Printer => return 0.0,
            };
            notes.push(
                Diagnostic::warning("cut/width-assumed", format!("no {what} given; {assumed} mm assumed"))
                    .hint("say --tool-diameter-mm or --kerf-mm"),
            );
            assumed
        }
    }
}
