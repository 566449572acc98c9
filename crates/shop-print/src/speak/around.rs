//! What stands around the roads: the beginning and the end of a program, what comes between layers and at heights, and
//! which object is being made.

use super::Speaker;
use crate::Print;
use crate::hooks::{Act, Hook, Scene};
use crate::job::Job;
use crate::roads::{Kind, Road};
use crate::settings::Labels;
use crate::turns::Turn;
use shop_cam::Speed;
use shop_cam::canon::{Command, Heater, Limits, Role, Section, Wait};

impl<'a> Speaker<'a> {
    /// Writes a text of the user's.
    fn hook(&mut self, hook: &Hook, scene: &Scene) {
        self.hook_of(&self.print.job, hook, scene);
    }

    /// Writes a text in which settings of a part stand.
    fn hook_of(&mut self, job: &Job, hook: &Hook, scene: &Scene) {
        if !hook.is_empty() {
            self.verbatim(&hook.write(&job.settings, scene));
        }
    }

    fn verbatim(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.commands.push(Command::Verbatim(text.trim_end().into()));
            self.forget();
        }
    }

    /// Nobody knows what is in force now: everything is said again.
    fn forget(&mut self) {
        (self.feed, self.fan, self.acceleration, self.jerk) = (0.0, f64::NAN, 0.0, 0.0);
    }

    /// Says that a layer begins, and does what is wanted there.
    pub(super) fn begin(&mut self, layer: usize, turn: Turn) {
        let (print, job) = (self.print, &self.print.job);
        let s = &job.settings;
        let scene = job.scene(Some(layer));
        if layer == 0 && turn.over.is_none() {
            self.define(print);
        } else if layer == 0 {
            self.hook(&s.between_objects_gcode, &scene);
            if s.hotend_c != s.first_layer_hotend_c {
                let (heater, target_c) = (Heater::Hotend(0), s.first_layer_hotend_c);
                self.commands.push(Command::Temperature { heater, target_c, wait: Wait::Heat });
            }
        }
        self.hook(&s.before_layer_gcode, &scene);
        self.commands.push(Command::Layer { number: (turn.before + layer) as u32 });
        self.commands.push(Command::Native(";LAYER_CHANGE".into()));
        self.commands.push(Command::Native(format!(";Z:{:.3}", self.z).into()));
        self.commands.push(Command::Native(format!(";HEIGHT:{:.3}", self.height).into()));
        if layer == 1 {
            self.warm();
        }
        self.hook(&s.layer_gcode, &scene);
        for act in s.at_heights.between(self.z - self.height, self.z) {
            self.act(act, &scene);
        }
        self.blow(self.usual_fan);
    }

    /// Leaves the temperatures of the first layer.
    fn warm(&mut self) {
        let print = self.print;
        let of = |tool: u32| print.parts.iter().map(|p| &p.job.settings).find(|s| s.tool == tool);
        for (tool, first) in &print.job.tools {
            let Some(s) = of(*tool) else { continue };
            let heater = Heater::Hotend(if s.one_nozzle { 0 } else { *tool as u16 });
            if s.hotend_c != *first && (!s.one_nozzle || self.tool.unwrap_or(*tool) == *tool) {
                self.commands.push(Command::Temperature { heater, target_c: s.hotend_c, wait: Wait::No });
            }
        }
    }

    fn act(&mut self, act: &Act, scene: &Scene) {
        let heat = |heater, target_c| Command::Temperature { heater, target_c, wait: Wait::No };
        match act {
            Act::Pause => {
                self.commands.push(Command::Pause { optional: false });
                self.forget();
            }
            Act::Colour => {
                self.commands.push(Command::FilamentChange);
                self.forget();
            }
            Act::Hotend(c) => self.commands.push(heat(Heater::Hotend(0), *c)),
            Act::Bed(c) => self.commands.push(heat(Heater::Bed, *c)),
            // The paces of the layers above know it.
            Act::Fan(_) => {}
            Act::Write(hook) => self.hook(hook, scene),
        }
    }

    /// Lets what holds for a part hold, its tool included.
    pub(super) fn take(&mut self, job: &'a Job) {
        let (tool, new) = (self.tool, job.settings.tool);
        let old = std::mem::replace(&mut self.job, job);
        if tool == Some(new) || tool.is_none() && self.print.job.tools.iter().all(|t| t.0 == 0) {
            self.tool = Some(new);
            return;
        }
        self.unlabel();
        self.tool = Some(new);
        let s = &job.settings;
        let mut scene = self.print.job.scene(Some(self.layer));
        scene.0[4] = f64::from(tool.unwrap_or(new));
        scene.0[5] = f64::from(new);
        if tool.is_some() {
            self.feed(old.settings.retract_mm_per_s);
            self.commands.push(Command::Filament { e: -old.settings.tool_retract_mm });
            self.hook_of(old, &old.settings.filament_end_gcode, &scene);
        }
        if s.tool_change_gcode.is_empty() {
            self.commands.push(Command::ToolChange { number: new });
        } else {
            self.hook_of(job, &s.tool_change_gcode, &scene);
        }
        let hot = if self.layer == 0 { s.first_layer_hotend_c } else { s.hotend_c };
        let heater = Heater::Hotend(if s.one_nozzle { 0 } else { new as u16 });
        let same =
            |j: &Job| if self.layer == 0 { j.settings.first_layer_hotend_c } else { j.settings.hotend_c };
        if s.one_nozzle && same(old) != hot {
            self.commands.push(Command::Temperature { heater, target_c: hot, wait: Wait::Heat });
        }
        if s.pressure_advance_s > 0.0 {
            let limits = Limits { pressure_advance: Some(s.pressure_advance_s), ..Limits::default() };
            self.commands.push(Command::Limits(Box::new(limits)));
        }
        self.hook_of(job, &s.filament_start_gcode, &scene);
        self.parked = tool.is_some();
        (self.feed, self.fan, self.kind, self.last) = (0.0, f64::NAN, None, None);
    }

    /// Tells the controller which objects there are.
    fn define(&mut self, print: &Print) {
        match print.job.settings.labels {
            Labels::ExcludeObject => {
                for (i, copy) in print.copies.iter().enumerate() {
                    let [[x0, y0, _], [x1, y1, _]] = copy.bounds;
                    let text = format!(
                        "EXCLUDE_OBJECT_DEFINE NAME={} CENTER={:.3},{:.3} \
                         POLYGON=[[{x0:.3},{y0:.3}],[{x1:.3},{y0:.3}],[{x1:.3},{y1:.3}],[{x0:.3},{y1:.3}]]",
                        named(print, i),
                        0.5 * (x0 + x1),
                        0.5 * (y0 + y1)
                    );
                    self.native(text);
                }
            }
            Labels::M486 | Labels::Firmware => {
                self.native(format!("M486 T{}", print.copies.len()));
                for i in 0..print.copies.len() {
                    self.native(format!("M486 S{i}"));
                    // Marlin without names takes capitals for parameters, C for one that gives an object up.
                    self.native(format!("M486 A{}", named(print, i).to_ascii_lowercase()));
                }
                self.native("M486 S-1".to_owned());
            }
            Labels::M486Named => {
                self.native(format!("M486 T{}", print.copies.len()));
                for i in 0..print.copies.len() {
                    self.native(format!("M486 S{i} A\"{}\"", named(print, i)));
                }
                self.native("M486 S-1".to_owned());
            }
            Labels::Off | Labels::OctoPrint => {}
        }
    }

    /// Says whose the roads are that follow; the way to them is theirs as well. What lies around everything is nobody's.
    pub(super) fn label(&mut self, road: &Road) {
        if self.print.job.settings.labels == Labels::Off {
            return;
        }
        let nobodys = matches!(road.kind, Kind::Skirt | Kind::PrimeTower);
        let copy = (!nobodys).then_some(usize::from(road.copy)).filter(|c| *c < self.print.copies.len());
        if copy != self.labelled {
            self.unlabel();
            self.labelled = copy;
            if let Some(i) = copy {
                let name = named(self.print, i);
                let text = match self.print.job.settings.labels {
                    Labels::ExcludeObject => format!("EXCLUDE_OBJECT_START NAME={name}"),
                    Labels::M486 | Labels::M486Named | Labels::Firmware => format!("M486 S{i}"),
                    _ => format!("; printing object {name}"),
                };
                self.native(text);
            }
        }
    }

    /// Says that the roads that follow are nobody's.
    pub(super) fn unlabel(&mut self) {
        let Some(i) = self.labelled.take() else { return };
        let name = named(self.print, i);
        let text = match self.print.job.settings.labels {
            Labels::ExcludeObject => format!("EXCLUDE_OBJECT_END NAME={name}"),
            Labels::M486 | Labels::M486Named | Labels::Firmware => "M486 S-1".to_owned(),
            _ => format!("; stop printing object {name}"),
        };
        self.native(text);
    }

    fn native(&mut self, text: String) {
        self.commands.push(Command::Native(text.into()));
    }
}

/// Returns the name of a copy as programs have it: one word that no other copy has.
fn named(print: &Print, copy: usize) -> String {
    let name = &print.copies[copy].name;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("{}_id_{copy}", name.chars().map(plain).collect::<String>())
}

/// Returns what stands before the first layer: heat, home.
pub fn prologue(job: &Job) -> Section {
    let s = &job.settings;
    let mut section = Section::new(Role::Unknown, "");
    let temperature = |heater, target_c, wait| Command::Temperature { heater, target_c, wait };
    let c = &mut section.commands;
    c.push(Command::Native("; generated by shopctl".into()));
    c.push(Command::Native("; road_model = round".into()));
    if s.start_gcode.is_empty() {
        if s.bed_c > 0.0 {
            c.push(temperature(Heater::Bed, s.bed_c, Wait::No));
        }
        c.push(Command::Home { axes: [true; 3], to: [0.0; 3], of_printer: true });
        if s.bed_c > 0.0 {
            c.push(temperature(Heater::Bed, s.bed_c, Wait::Heat));
        }
        let all = if s.one_nozzle || job.tools.is_empty() {
            vec![(0, job.tools.first().map_or(s.first_layer_hotend_c, |t| t.1))]
        } else {
            job.tools.clone()
        };
        for (tool, hot) in &all[1..] {
            c.push(temperature(Heater::Hotend(*tool as u16), *hot, Wait::No));
        }
        for (tool, hot) in all {
            c.push(temperature(Heater::Hotend(tool as u16), hot, Wait::Heat));
        }
    } else {
        c.push(Command::Verbatim(s.start_gcode.write(s, &job.scene(None)).trim_end().into()));
    }
    if job.tools.iter().all(|t| t.0 == 0) && !s.filament_start_gcode.is_empty() {
        c.push(Command::Verbatim(s.filament_start_gcode.write(s, &job.scene(None)).trim_end().into()));
    }
    let some = |v: f64| (v > 0.0).then_some(v);
    let limits = Limits {
        travel_acceleration: some(s.travel_acceleration_mm_per_s2),
        pressure_advance: some(s.pressure_advance_s),
        ..Limits::default()
    };
    if limits != Limits::default() {
        c.push(Command::Limits(Box::new(limits)));
    }
    c.push(Command::Fan { number: 0, fraction: 0.0 });
    section
}

/// Returns what stands after the last layer: everything off, and away from the part.
pub fn epilogue(job: &Job) -> Section {
    let s = &job.settings;
    let mut section = Section::new(Role::Unknown, "");
    let c = &mut section.commands;
    let scene = job.scene(job.levels.len().checked_sub(1));
    if job.tools.iter().all(|t| t.0 == 0) && !s.filament_end_gcode.is_empty() {
        c.push(Command::Verbatim(s.filament_end_gcode.write(s, &scene).trim_end().into()));
    }
    if !s.end_gcode.is_empty() {
        c.push(Command::Verbatim(s.end_gcode.write(s, &scene).trim_end().into()));
        return section;
    }
    if s.retract_mm > 0.0 {
        c.push(Command::Feed(Speed::from_mm_per_min(s.retract_mm_per_s * 60.0)));
        c.push(Command::Filament { e: -s.retract_mm });
    }
    let tools: &[(u32, f64)] = if s.one_nozzle || job.tools.is_empty() { &[(0, 0.0)] } else { &job.tools };
    for (tool, _) in tools {
        let heater = Heater::Hotend(*tool as u16);
        c.push(Command::Temperature { heater, target_c: 0.0, wait: Wait::No });
    }
    if s.bed_c > 0.0 {
        c.push(Command::Temperature { heater: Heater::Bed, target_c: 0.0, wait: Wait::No });
    }
    c.push(Command::Fan { number: 0, fraction: 0.0 });
    c.push(Command::Native("M84".into()));
    section
}
