//! `shopctl print MESH --hold PROGRAM`: holds a program that is already there against the meshes, and slices nothing.
//!
//! What must hold is what the same flags would make: meshes placed, layers and claims of the settings. The program may come
//! from another slicer, or have been changed by hand: it is read as the printer reads it, and every layer of it is drawn
//! like one of ours. Memory holds one layer's commands and a few layers' bits.
//!
//! NOTE: roads are told apart by what `;TYPE:` comments say; where a program has them, what comes before the first one is
//! no part of the print (lines that clean the nozzle).

use super::{PrintArgs, Ready, hold, ready, summary};
use crate::program::{self, Seen};
use crate::report::{self, Sources, Style};
use crate::ticker::Ticker;
use crate::{exit, output};
use anyhow::Result;
use serde_json::json;
use shop_cam::canon::{Command, Position, Role, Section};
use shop_cam::machine::Machine;
use shop_formats::mesh::Setting;
use shop_print::facets::Levels;
use shop_report::{Diagnostic, Progress as _, Severity};
use shop_sim::layers::{Judge, LayerFigures, Layers};
use std::path::Path;

/// Runs it; returns the exit code.
pub fn run(
    args: &PrintArgs,
    foreign: Option<&[Setting]>,
    machine: &Machine,
    path: &Path,
    style: Style,
    mut notes: Vec<Diagnostic>,
) -> Result<u8> {
    let ticker = Ticker::new(args.quiet);
    let all = ready(args, foreign, machine, &args.inputs, &ticker, style, &mut notes)?;
    let Some(Ready { print, .. }) = all else {
        if args.json {
            let told = summary::failed(&args.inputs, &notes);
            output::write_whole("-".as_ref(), format!("{told:#}\n").as_bytes())?;
        }
        return Ok(exit::INPUT);
    };
    let filament = machine.printer.as_ref().map_or(1.75, |p| p.filament);
    let facings = hold::facings(&print);
    let rounds = hold::layers(&print, &facings, filament);
    let held = if let [layers] = rounds.as_slice() {
        let text = program::open(path)?;
        let typed = memchr::memmem::find(&text, b";TYPE:").is_some();
        let mut reading = Reading::new(layers, print.levels(), typed);
        ticker.begin("holding", print.levels().len() as u64);
        let context = program::context(path, &text, machine);
        // What the machine says about the program, `check` tells with its places.
        program::pass(&text, &context, |seen| {
            if let Seen::Command(command, _) = seen {
                reading.command(command);
            }
        });
        let (figures, found) = reading.finish();
        notes.extend(found);
        notes.extend(figures.diagnostics(layers.claims()));
        Some(figures)
    } else {
        let message = "objects made one after another come in layers more than once, and are not held";
        notes.push(Diagnostic::error("print/not-held", message));
        None
    };
    ticker.clear();
    let failed = notes.iter().any(|d| d.severity == Severity::Error);
    if !args.quiet || failed {
        eprint!("{}", report::render(&notes, &Sources::new(), style));
    }
    if args.json {
        let told = json!({
            "program": path.display().to_string(),
            "passed": !failed,
            "proof": held.as_ref().map(summary::proof),
            "diagnostics": summary::diagnostics(&notes),
        });
        output::write_whole("-".as_ref(), format!("{told:#}\n").as_bytes())?;
    } else if let Some(figures) = held.filter(|_| !args.quiet) {
        eprint!("{}\n{}", path.display(), summary::held(&figures));
    }
    Ok(if failed { exit::CHECK } else { exit::DONE })
}

/// Programs say heights to thousandths of a millimetre: half of one, and a hair.
const WRITTEN_Z: f64 = 0.000_501;
/// A climb begins where the layer before it ends, and its first pieces, up to so much of it, mm, may be level when rounded.
const LONGEST_FOOT: f64 = 1.0;

/// A program on its way past the judge.
struct Reading<'a> {
    layers: &'a Layers<'a>,
    levels: &'a Levels,
    judge: Judge<'a>,
    at: Option<Position>,
    /// The last move was a road that climbed, or went on where one had come to.
    climbs: bool,
    /// Roads that are astray, unless a climb begins with them, and how long they are, mm.
    foot: ([usize; 2], f64),
    /// What is in force, to begin the next layer with.
    feature: Option<Command>,
    feed: Option<Command>,
    /// The layer that is being read, its commands, and where it began.
    layer: Option<usize>,
    section: Section,
    from: Option<Position>,
    /// Layers that the judge has had.
    taken: usize,
    /// Roads at heights that no layer has, and those of layers that are over.
    astray: [usize; 2],
}

impl<'a> Reading<'a> {
    fn new(layers: &'a Layers<'a>, levels: &'a Levels, typed: bool) -> Reading<'a> {
        Reading {
            layers,
            levels,
            judge: Judge::new(layers),
            at: None,
            climbs: false,
            foot: ([0; 2], 0.0),
            feature: typed.then(|| Command::Feature("Prime".into())),
            feed: None,
            layer: None,
            section: Section::new(Role::Unknown, ""),
            from: None,
            taken: 0,
            astray: [0; 2],
        }
    }

    fn command(&mut self, command: &Command) {
        let (to, e) = match command {
            Command::Extrude { to, e } => (Some(*to), *e),
            Command::Move(m) => (Some(m.to), m.e),
            Command::Rapid { to }
            | Command::Line { to }
            | Command::Arc { to, .. }
            | Command::Home { to, .. } => (Some(*to), 0.0),
            _ => (None, 0.0),
        };
        if let (Some(to), true) = (to, e > 0.0)
            && self.at.is_none_or(|at| at[0] != to[0] || at[1] != to[1])
        {
            self.road(to);
        } else if let Some(to) = to {
            self.climbs = false;
            // Of a piece that is short enough no filament is written.
            let (rise, length) = self.step(to);
            self.foot.1 += length;
            if rise != 0.0 || self.foot.1 > LONGEST_FOOT {
                self.stray();
            }
        }
        match command {
            Command::Feature(_) => self.feature = Some(command.clone()),
            Command::Feed(_) => self.feed = Some(command.clone()),
            _ => {}
        }
        if self.layer.is_some() {
            self.section.commands.push(command.clone());
        }
        self.at = to.or(self.at);
    }

    /// Sees to it that a road goes to its layer: one that climbs to that to whose top it does, as in vases and scarfs.
    fn road(&mut self, to: Position) {
        let (rise, length) = self.step(to);
        if rise > 0.0 {
            (self.climbs, self.foot) = (true, ([0; 2], 0.0));
        }
        self.climbs &= rise >= 0.0;
        // Of a climb in short pieces some are level, as heights are rounded.
        let layer = if self.climbs { self.layer_of_climb(to[2]) } else { self.layer_at(to[2]) };
        if self.primes() || layer.is_some() && self.layer == layer {
            return;
        }
        let Some(layer) = layer.filter(|l| *l >= self.taken && self.layer.is_none_or(|now| *l > now)) else {
            // Drawn with the layer before it: no better place is known.
            self.foot.0[usize::from(layer.is_some())] += 1;
            self.foot.1 += length;
            if self.climbs || self.foot.1 > LONGEST_FOOT {
                self.stray();
            }
            return;
        };
        self.stray();
        self.turn();
        self.layer = Some(layer);
        self.from = self.at;
        self.section.commands.extend(self.feature.iter().chain(&self.feed).cloned());
    }

    /// Returns how far up a move goes, and how far along the bed.
    fn step(&self, to: Position) -> (f64, f64) {
        self.at.map_or((0.0, 0.0), |at| {
            let [x, y, z] = std::array::from_fn(|i| to[i] - at[i]);
            (z, x.hypot(y))
        })
    }

    /// What might have been the foot of a climb was none.
    fn stray(&mut self) {
        let (foot, _) = std::mem::take(&mut self.foot);
        for (all, more) in self.astray.iter_mut().zip(foot) {
            *all += more;
        }
    }

    /// True before anything of the print is laid.
    fn primes(&self) -> bool {
        matches!(&self.feature, Some(Command::Feature(name)) if &**name == "Prime")
    }

    /// Returns the first layer that `is_below` does not hold for; it must not hold for any above that.
    fn first_not(&self, is_below: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (0, self.levels.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if is_below(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Returns the layer to whose top a road climbs that ends at this height: those of vases and of scarfs do.
    fn layer_of_climb(&self, z: f64) -> Option<usize> {
        let layer = self.first_not(|i| self.levels.top(i) < z - WRITTEN_Z);
        if layer >= self.levels.len() {
            return None;
        }
        // Between two layers it is of the one that is being laid.
        let between = self.levels.top(layer) <= z + WRITTEN_Z && self.layer == Some(layer + 1);
        Some(layer + usize::from(between))
    }

    /// Returns the layer whose top is at this height.
    fn layer_at(&self, z: f64) -> Option<usize> {
        let low = self.first_not(|i| self.levels.top(i) < z - 0.25 * self.levels.height(i));
        let near = |i: &usize| (self.levels.top(*i) - z).abs() <= 0.25 * self.levels.height(*i);
        Some(low).filter(|i| *i < self.levels.len()).filter(near)
    }

    /// Hands the layer that was read to the judge, and empty ones for those that were left out before it.
    fn turn(&mut self) {
        let Some(layer) = self.layer.take() else { return };
        let nothing = Section::new(Role::Unknown, "");
        for missing in self.taken..layer {
            self.judge.take(self.layers.look(missing, &nothing, None));
        }
        self.judge.take(self.layers.look(layer, &self.section, self.from));
        self.taken = layer + 1;
        self.section.commands.clear();
    }

    fn finish(mut self) -> (LayerFigures, Vec<Diagnostic>) {
        self.stray();
        self.turn();
        let mut found = Vec::new();
        let what = ["at heights that no layer has", "of layers that were over already"];
        for (n, what) in self.astray.into_iter().zip(what).filter(|(n, _)| *n > 0) {
            let message = format!("the program lays {n} roads {what}");
            let hint = "the settings must be those that the program was made with";
            found.push(Diagnostic::error("proof/layers-astray", message).hint(hint));
        }
        (self.judge.finish(), found)
    }
}
