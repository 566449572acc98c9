//! Writes a program while it is sliced, and times it on the way.
//!
//! ```text
//!   layer ─ post ─▶ text ─┐                 many at once
//!     └─ commands ────────┤
//!                         ▼ in order
//!             file ◀─ text ┼─▶ seconds, findings, picture
//!               ▲          ▼
//!               └── blanks filled in: M73, time, filament
//! ```
//!
//! What is only known in the end, the time above all, is left blank where it stands in the text and is written into the
//! blanks of the finished file. Standard output cannot be gone back in: there the same figures stand at the end alone, and
//! no M73 is written. Binary G-code is packed from the finished text.

use super::{hold, stop, thumbs};
use crate::output::Growing;
use crate::ticker::Ticker;
use anyhow::{Context as _, Result};
use rayon::prelude::*;
use shop_cam::canon::{Command, Section};
use shop_cam::machine::{Dialect, Machine};
use shop_gcode::{Posting, bgcode};
use shop_print::settings::{FIELDS, Settings};
use shop_print::speak::{Spoken, epilogue, prologue};
use shop_print::{Print, Summary};
use shop_report::{Checked, Diagnostic, Progress as _};
use shop_sim::layers::{Judge, LayerFigures, Layers, Look};
use shop_sim::{Checker, Estimate, Estimator, Extents, Finding, Plot};
use std::path::Path;
use std::sync::Mutex;

/// What a print came to.
#[derive(Debug)]
pub struct Outcome {
    /// As the slicer counts.
    pub summary: Summary,
    /// As the machine's planner will take it.
    pub estimate: Estimate,
    /// What the machine would refuse or misread.
    pub findings: Vec<Finding>,
    /// How far the nozzle goes.
    pub extents: Option<Extents>,
    /// Complaints of the post.
    pub diagnostics: Vec<Diagnostic>,
    /// Layers held against the mesh, where that was done.
    pub held: Option<LayerFigures>,
    /// Bytes written.
    pub bytes: u64,
}

/// A program that is written and not yet in its place.
pub struct Written<'a> {
    /// What it came to.
    pub outcome: Outcome,
    file: Growing<'a>,
}

impl Written<'_> {
    /// Puts the file in its place.
    pub fn finish(self) -> Result<()> {
        self.file.finish()
    }
}

/// What is to be written.
pub struct Work<'a, 'm> {
    /// What is sliced.
    pub print: &'a Print,
    /// For whom.
    pub machine: &'m Machine,
    /// Pictures of what is printed, as lines of comment and as they are.
    pub pictures: &'a [thumbs::Picture],
    /// Also drawn, if wanted.
    pub plot: Option<&'a mut Plot<'m>>,
    /// Told of layers as they are done.
    pub ticker: &'a Ticker,
}

/// A layer on its way to the file.
struct Page {
    text: Vec<u8>,
    section: Section,
    /// Places of blanks: in the text, and among the commands.
    blanks: Vec<(usize, usize)>,
    /// The layer as it is held against the mesh, and the walk through layers that it is of.
    look: Option<(usize, Look)>,
}

/// A blank for `M73`: percent done and minutes left.
const BLANK: &str = "M73 P000 R000000";
/// Where in it the figures stand.
const FIGURES: usize = "M73 ".len();
/// Long layers have a blank after so many seconds of printing, as they are counted without ramps.
const BLANK_EVERY_S: f64 = 30.0;
/// Head of a file, filled in at the end: seconds as a number, and filament in metres.
const TIME_BLANK: &str = ";TIME:               \n;Filament used:               \n";

/// Slices and writes at the same time; the file waits for its name.
pub fn write<'p>(work: Work<'_, '_>, path: &'p Path) -> Result<Written<'p>> {
    let Work { print, machine, pictures, plot, ticker } = work;
    let binary = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("bgcode"));
    let posting = Posting::new(machine, true);
    let settings = &print.job.settings;
    if path != Path::new("-") {
        stop::listen();
    }
    let mut file = Growing::begin(path)?;
    let marks = settings.progress_marks && file.can_patch() && knows_m73(machine.post.dialect);
    let found = Mutex::new(Vec::new());
    let keep = |text: Checked<Vec<u8>>| {
        if !text.diagnostics.is_empty()
            && let Ok(mut found) = found.lock()
        {
            found.extend(text.diagnostics);
        }
        text.value
    };
    let filament = machine.printer.as_ref().map_or(1.75, |p| p.filament);
    let facings = hold::facings(print);
    let layers = hold::layers(print, &facings, filament);
    // Texts that are written, whose room is used again: fresh memory for every layer costs more than filling it.
    let texts = Mutex::new(Vec::<Vec<u8>>::new());
    let page = |spoken: Spoken| {
        let Spoken { layer, round, mut section, from, .. } = spoken;
        if marks {
            add_blanks(&mut section);
        }
        let room = texts.lock().ok().and_then(|mut t| t.pop()).unwrap_or_default();
        let text = keep(posting.section_in(room, &section, from));
        let blanks = if marks { blanks(&text, &section) } else { Vec::new() };
        let look = layers.get(round).map(|l| (round, l.look(layer, &section, from)));
        Page { text, section, blanks, look }
    };
    let mut teller = Teller {
        file: &mut file,
        // How long the program gets is not known yet; it is ours, and long enough for all its arcs.
        estimator: Estimator::new(machine).of_bytes(usize::MAX >> 8).of_all_layers(),
        checker: Checker::new(machine).of_bytes(usize::MAX >> 8),
        plot,
        bytes: 0,
        line: 1,
        blanks: Vec::new(),
        judges: Judges { layers: &layers, at: None, figures: None, found: Vec::new() },
        wrong: Ok(()),
    };
    let mut head = begin(pictures, teller.file.can_patch() && !binary);
    let time_at = head.len() as u64;
    if teller.file.can_patch() && !binary {
        head.extend_from_slice(TIME_BLANK.as_bytes());
    }
    head.extend(keep(posting.header()));
    teller.text(&head);
    let first = prologue(&print.job);
    let text = keep(posting.section(&first, None));
    teller.page(&mut Page { text, section: first, blanks: Vec::new(), look: None });
    ticker.begin("slicing", print.levels().len() as u64);
    let summary = print.run(page, |mut page| {
        teller.page(&mut page);
        print.give_back(page.section);
        if let Ok(mut texts) = texts.lock() {
            texts.push(page.text);
        }
        let _ = ticker.advance(1);
        teller.wrong.is_ok() && !stop::caught()
    });
    let last = epilogue(&print.job);
    let mut text = keep(posting.section(&last, None));
    text.extend(keep(posting.footer(None)));
    teller.page(&mut Page { text, section: last, blanks: Vec::new(), look: None });
    let Teller { estimator, checker, plot, blanks, judges, wrong, mut bytes, .. } = teller;
    wrong?;
    let summary = summary.context("slicing was ended")?;
    let estimate = estimator.finish();
    if let Some(plot) = plot {
        plot.total_s(estimate.total_s);
    }
    let (findings, extents) = checker.finish();
    let figures = Figures::new(&summary, &estimate, settings, machine);
    let tail = figures.comments(settings);
    file.add(tail.as_bytes())?;
    bytes += tail.len() as u64;
    for (at, so_far) in blanks {
        file.patch(at + FIGURES as u64, marked(so_far, estimate.total_s).as_bytes())?;
    }
    if file.can_patch() && !binary {
        file.patch(time_at, figures.head().as_bytes())?;
    }
    if binary {
        let text = file.read_back()?;
        file = Growing::begin(path)?;
        bytes = pack(&text, &figures, pictures, settings, &mut file)?;
    }
    let mut diagnostics = found.into_inner().unwrap_or_default();
    let (held, said) = judges.finish();
    diagnostics.extend(said);
    let outcome = Outcome { summary, estimate, findings, extents, diagnostics, held, bytes };
    Ok(Written { outcome, file })
}

/// Smoothieware has no M73, and refuses nothing that it does not know; the others show it.
fn knows_m73(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Marlin | Dialect::Klipper | Dialect::RepRapFirmware)
}

/// Adds blanks to a layer: at its beginning, and wherever much time has passed.
fn add_blanks(section: &mut Section) {
    let (mut at, mut feed, mut seconds): (Option<[f64; 3]>, f64, f64) = (None, 0.0, 0.0);
    let (mut open, mut places) = (true, Vec::new());
    for (i, command) in section.commands.iter().enumerate() {
        let to = match command {
            Command::Line { to } | Command::Extrude { to, .. } | Command::Arc { to, .. } => *to,
            Command::Move(m) => m.to,
            Command::Feed(speed) => {
                feed = speed.mm_per_s();
                continue;
            }
            _ => continue,
        };
        if let Some(from) = at {
            let length = (0..3).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt();
            seconds += length / feed.max(0.1);
        }
        at = Some(to);
        if open || seconds > BLANK_EVERY_S {
            (open, seconds) = (false, 0.0);
            places.push(i);
        }
    }
    for i in places.into_iter().rev() {
        section.commands.insert(i, Command::Native(BLANK.into()));
    }
}

/// Returns where the blanks of a layer stand.
fn blanks(text: &[u8], section: &Section) -> Vec<(usize, usize)> {
    let among = section.commands.iter().enumerate();
    let among = among.filter(|(_, c)| matches!(c, Command::Native(n) if **n == *BLANK)).map(|(i, _)| i);
    memchr::memmem::find_iter(text, BLANK.as_bytes()).zip(among).collect()
}

/// Returns what is written into a blank: as long as what stands there.
fn marked(so_far: f64, total: f64) -> String {
    let percent = (100.0 * so_far / total.max(1e-9)).floor().clamp(0.0, 100.0) as u32;
    let minutes = ((total - so_far).max(0.0) / 60.0).round().min(999_999.0) as u32;
    format!("P{percent:<3} R{minutes:<6}")
}

/// Judges of walks through layers, one after the other.
struct Judges<'l> {
    layers: &'l [Layers<'l>],
    /// The walk that is judged, and who does.
    at: Option<(usize, Judge<'l>)>,
    figures: Option<LayerFigures>,
    found: Vec<Diagnostic>,
}

impl Judges<'_> {
    fn take(&mut self, round: usize, look: Look) {
        if self.at.as_ref().is_none_or(|(at, _)| *at != round) {
            self.close();
            self.at = self.layers.get(round).map(|l| (round, Judge::new(l)));
        }
        if let Some((_, judge)) = &mut self.at {
            judge.take(look);
        }
    }

    fn close(&mut self) {
        let Some((round, judge)) = self.at.take() else { return };
        let next = judge.finish();
        let before = self.figures.as_ref().map_or(0, |f| f.layers);
        if let Some(layers) = self.layers.get(round) {
            self.found.extend(next.clone().after(before).diagnostics(layers.claims()));
        }
        match &mut self.figures {
            Some(all) => all.add(&next),
            None => self.figures = Some(next),
        }
    }

    /// Returns the figures of all walks together, and what is to be said of each.
    fn finish(mut self) -> (Option<LayerFigures>, Vec<Diagnostic>) {
        self.close();
        (self.figures, self.found)
    }
}

/// Takes layers in order.
struct Teller<'a, 'f, 'm, 'l> {
    file: &'a mut Growing<'f>,
    estimator: Estimator<'m>,
    checker: Checker<'m>,
    plot: Option<&'a mut Plot<'m>>,
    bytes: u64,
    line: u32,
    /// Places in the file, and seconds until there.
    blanks: Vec<(u64, f64)>,
    judges: Judges<'l>,
    wrong: Result<()>,
}

impl Teller<'_, '_, '_, '_> {
    fn text(&mut self, text: &[u8]) {
        if self.wrong.is_ok() {
            self.wrong = self.file.add(text);
        }
        self.bytes += text.len() as u64;
        self.line += memchr::memchr_iter(b'\n', text).count() as u32;
    }

    fn page(&mut self, page: &mut Page) {
        if let Some((round, look)) = page.look.take() {
            self.judges.take(round, look);
        }
        let mut blanks = page.blanks.iter().peekable();
        for (i, command) in page.section.commands.iter().enumerate() {
            if let Some((place, _)) = blanks.next_if(|(_, among)| *among == i) {
                self.blanks.push((self.bytes + *place as u64, self.estimator.so_far_s()));
            }
            self.estimator.command(command);
            self.checker.command(command, self.line);
            if let Some(plot) = &mut self.plot {
                plot.command(command);
            }
        }
        self.text(&page.text);
    }
}

/// Returns the very beginning of a program.
fn begin(pictures: &[thumbs::Picture], with_pictures: bool) -> Vec<u8> {
    let mut head = format!("; generated by shopctl {}\n", env!("CARGO_PKG_VERSION")).into_bytes();
    if with_pictures {
        for picture in pictures {
            picture.comment(&mut head);
        }
    }
    head
}

/// Time and filament, for people and for printers' screens.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Whole time, s.
    pub seconds: f64,
    /// Filament, mm.
    pub filament_mm: f64,
    /// Filament, cm³.
    pub filament_cm3: f64,
    /// Filament, g.
    pub filament_g: f64,
    /// What it costs; 0 where nobody said.
    pub cost: f64,
    layers: usize,
}

impl Figures {
    /// Works them out.
    pub fn new(summary: &Summary, estimate: &Estimate, settings: &Settings, machine: &Machine) -> Figures {
        let thick = machine.printer.as_ref().map_or(1.75, |p| p.filament);
        let filament_cm3 = summary.used.filament_mm * std::f64::consts::FRAC_PI_4 * thick * thick / 1000.0;
        let filament_g = filament_cm3 * settings.filament_g_per_cm3;
        Figures {
            seconds: estimate.total_s,
            filament_mm: summary.used.filament_mm,
            filament_cm3,
            filament_g,
            cost: filament_g / 1000.0 * settings.filament_cost_per_kg,
            layers: summary.layers,
        }
    }

    /// Returns what is written over [`TIME_BLANK`].
    fn head(&self) -> String {
        let time = format!("{:.0}", self.seconds.min(1e12));
        let filament = format!("{:.5}m", self.filament_mm.min(1e9) / 1000.0);
        format!(";TIME:{time:<15}\n;Filament used: {filament:<14}\n")
    }

    /// Returns the figures and the settings as comments, in the words that hosts look for (PrusaSlicer's).
    fn comments(&self, settings: &Settings) -> String {
        use std::fmt::Write as _;
        let mut out = String::new();
        for (key, value) in self.pairs() {
            let _ = writeln!(out, "; {key} = {value}");
        }
        out.push('\n');
        for field in FIELDS {
            let value = settings.get(field.name).unwrap_or_default();
            // A value of several lines would not be a comment any more.
            let _ = writeln!(out, "; {} = {}", field.name, value.replace(['\r', '\n'], "\\n"));
        }
        out
    }

    fn pairs(&self) -> Vec<(String, String)> {
        let mut out = vec![
            ("filament used [mm]", format!("{:.2}", self.filament_mm)),
            ("filament used [cm3]", format!("{:.2}", self.filament_cm3)),
            ("filament used [g]", format!("{:.2}", self.filament_g)),
        ];
        if self.cost > 0.0 {
            out.push(("filament cost", format!("{:.2}", self.cost)));
        }
        out.push(("total layers count", self.layers.to_string()));
        out.push(("estimated printing time (normal mode)", clock(self.seconds)));
        out.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
    }
}

/// Returns a time as PrusaSlicer writes it: `1d 2h 3m 4s`.
fn clock(seconds: f64) -> String {
    let s = seconds.round() as u64;
    let (d, h, m) = (s / 86_400, s / 3600 % 24, s / 60 % 60);
    let parts = [(d, 'd'), (h, 'h'), (m, 'm'), (s % 60, 's')];
    let first = parts.iter().position(|(v, _)| *v > 0).unwrap_or(3);
    parts[first..].iter().map(|(v, unit)| format!("{v}{unit}")).collect::<Vec<_>>().join(" ")
}

/// Bytes of text that are packed at once.
const CHUNK: usize = 1 << 20;

/// Packs a program; returns how long it is then.
fn pack(
    text: &[u8],
    figures: &Figures,
    pictures: &[thumbs::Picture],
    settings: &Settings,
    file: &mut Growing<'_>,
) -> Result<u64> {
    let own = |k: &str, v: String| (k.to_owned(), v);
    let about = bgcode::About {
        file: vec![own("Producer", format!("shopctl {}", env!("CARGO_PKG_VERSION")))],
        printer: figures.pairs(),
        print: figures.pairs(),
        slicer: FIELDS.iter().map(|f| own(f.name, settings.get(f.name).unwrap_or_default())).collect(),
        thumbnails: pictures.iter().map(|p| p.thumbnail.clone()).collect(),
    };
    let head = bgcode::head(&about);
    file.add(&head)?;
    let mut bytes = head.len() as u64;
    let mut chunks = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let most = rest.len().min(CHUNK);
        let end = memchr::memrchr(b'\n', &rest[..most]).map_or(most, |i| i + 1);
        let (chunk, after) = rest.split_at(end);
        chunks.push(chunk);
        rest = after;
    }
    let packed: Vec<Vec<u8>> = chunks.par_iter().map(|c| bgcode::text_blocks(c)).collect();
    for block in packed {
        file.add(&block)?;
        bytes += block.len() as u64;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_cam::Speed;
    use shop_cam::canon::Role;

    #[test]
    fn blanks_are_filled_to_the_letter() {
        for (so_far, total) in [(0.0, 1.0), (59.0, 60.0), (1e9, 1e9), (0.0, 1e9), (0.0, 0.0)] {
            assert_eq!(marked(so_far, total).len(), BLANK.len() - FIGURES, "{so_far} of {total}");
        }
        assert_eq!(marked(300.0, 900.0).split_whitespace().collect::<Vec<_>>(), ["P33", "R10"]);
        assert_eq!(clock(93_784.4), "1d 2h 3m 4s");
        assert_eq!(clock(0.2), "0s");
    }

    #[test]
    fn long_layers_have_blanks_within() {
        let mut layer = Section::new(Role::Unknown, "");
        layer.commands.push(Command::Feed(Speed::from_mm_per_s(10.0)));
        layer.commands.extend((0..100).map(|i| Command::Line { to: [f64::from(i) * 10.0, 0.0, 0.2] }));
        add_blanks(&mut layer);
        let text: Vec<u8> = layer
            .commands
            .iter()
            .flat_map(|c| match c {
                Command::Native(n) => format!("{n}\n").into_bytes(),
                _ => b"G1 X1\n".to_vec(),
            })
            .collect();
        let found = blanks(&text, &layer);
        // 99 s, a blank at the beginning and one after every 30 s and the move that ends it.
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|(at, _)| text[*at..].starts_with(BLANK.as_bytes())));
        assert!(found.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
    }
}
