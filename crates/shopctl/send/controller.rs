//! Before the first byte: what the controller says of itself against the profile and the program.

use shop_cam::Speed;
use shop_cam::machine::{Cornering, Dialect, Machine, MachineKind};
use shop_controller::session::{Identity, Protocol, State, Status};
use shop_report::Diagnostic;
use shop_sim::check::Extents;

/// Settings as the controller listed them.
#[derive(Clone, Debug, Default)]
pub struct Settings(pub Vec<(String, String)>);

impl Settings {
    /// Returns a setting of GRBL as a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        let (_, value) = self.0.iter().rev().find(|(n, _)| n == name)?;
        value.split([' ', '(']).next()?.trim().parse().ok().filter(|v: &f64| v.is_finite())
    }

    fn three(&self, first: u32) -> Option<[f64; 3]> {
        let one = |i: u32| self.number(&format!("${}", first + i));
        Some([one(0)?, one(1)?, one(2)?])
    }

    /// Returns a word of one of Marlin's settings: `M203`, `X`.
    fn word(&self, name: &str, letter: char) -> Option<f64> {
        let (_, value) = self.0.iter().rev().find(|(n, _)| n == name)?;
        let word = value.split_ascii_whitespace().find_map(|w| w.strip_prefix(letter))?;
        word.parse().ok().filter(|v: &f64| v.is_finite())
    }
}

/// Figures that differ by less are the same.
fn differs(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() > 0.01 * ours.abs().max(theirs.abs()).max(1e-6)
}

/// No table is that long: the generic machines have no walls, mm.
const BOUNDLESS: f64 = 30_000.0;

/// Takes over what the controller itself says of its motion, so that times are its own. Returns what differs from the
/// profile, as sentences; the profile of a machine that nobody named is only a guess and differs in silence.
pub fn adopt(machine: &mut Machine, settings: &Settings) -> Vec<String> {
    let mut said = Vec::new();
    let names = ["x", "y", "z"];
    let mut speeds = settings.three(110);
    let mut accelerations = settings.three(120);
    if speeds.is_none() {
        // Marlin: mm/s.
        let three =
            |name| Some([settings.word(name, 'X')?, settings.word(name, 'Y')?, settings.word(name, 'Z')?]);
        speeds = three("M203").map(|v: [f64; 3]| v.map(|v| v * 60.0));
        accelerations = three("M201");
    }
    for i in 0..3 {
        let axis = &mut machine.axes[i];
        if let Some(theirs) = speeds.map(|s| s[i]).filter(|v| *v > 0.0) {
            let ours = axis.rapid.mm_per_min();
            if differs(ours, theirs) {
                said.push(format!(
                    "{} goes at {theirs} mm/min in the controller, {ours} in the profile",
                    names[i]
                ));
                axis.rapid = Speed::from_mm_per_min(theirs);
            }
        }
        if let Some(theirs) = accelerations.map(|s| s[i]).filter(|v| *v > 0.0)
            && differs(axis.acceleration, theirs)
        {
            let ours = axis.acceleration;
            said.push(format!(
                "{} accelerates with {theirs} mm/s² in the controller, {ours} in the profile",
                names[i]
            ));
            axis.acceleration = theirs;
        }
    }
    let theirs = settings.number("$11").or_else(|| settings.word("M205", 'J'));
    if let (Some(theirs), Cornering::JunctionDeviation { deviation, .. }) = (theirs, &mut machine.cornering)
        && theirs > 0.0
        && differs(*deviation, theirs)
    {
        said.push(format!("corners deviate by {theirs} mm in the controller, {deviation} in the profile"));
        *deviation = theirs;
    }
    said
}

/// What is known when the controller has answered.
pub struct Situation<'a> {
    /// The machine of the profile.
    pub machine: &'a Machine,
    /// Whether a person named it.
    pub named: bool,
    /// Who answered.
    pub identity: &'a Identity,
    /// What it last said.
    pub status: &'a Status,
    /// Its settings.
    pub settings: &'a Settings,
    /// Where the program goes, work coordinates.
    pub extents: Option<Extents>,
}

/// Holds the controller against profile and program. Errors keep the program from being sent.
pub fn check(s: &Situation<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    found.extend(wrong_family(s));
    found.extend(not_ready(s));
    found.extend(laser_mode(s));
    found.extend(travel(s));
    found.extend(soft_limits(s));
    found.extend(unseen_buffer(s));
    found
}

/// True when controllers of the two families read the same programs.
fn akin(dialect: Dialect, protocol: Protocol) -> bool {
    let grbl = |d| matches!(d, Dialect::Grbl | Dialect::GrblHal | Dialect::FluidNc);
    match protocol {
        Protocol::Grbl | Protocol::GrblHal | Protocol::FluidNc => grbl(dialect),
        Protocol::Marlin => dialect == Dialect::Marlin,
        // It has a mode for either.
        Protocol::Smoothie => dialect == Dialect::Smoothie || grbl(dialect),
        Protocol::RepRapFirmware => dialect == Dialect::RepRapFirmware,
    }
}

fn wrong_family(s: &Situation<'_>) -> Option<Diagnostic> {
    let protocol = s.identity.protocol?;
    if akin(s.machine.post.dialect, protocol) {
        return None;
    }
    let text =
        format!("{} is no machine for this controller: it says {}", s.machine.name, s.identity.firmware);
    Some(
        Diagnostic::error("send/wrong-controller", text)
            .hint("is it the right port, or the right -m MACHINE?"),
    )
}

fn not_ready(s: &Situation<'_>) -> Option<Diagnostic> {
    let (text, hint) = match s.status.state? {
        State::Alarm => {
            ("the machine is locked", "home it (`--home`, or `shopctl machine home`) or unlock it")
        }
        State::Hold(_) => ("the machine is in feed hold", "let it go on, or reset it, before another job"),
        State::Door(_) => ("the safety door is open", "close it and let the machine go on"),
        State::Run | State::Jog | State::Home => {
            ("the machine is moving", "wait until it has done what it does")
        }
        State::Sleep => ("the machine is asleep", "reset it"),
        State::Check => ("the machine is in check mode", "leave it with $C"),
        State::Tool => ("the machine waits for a tool", "finish the tool change"),
        State::Idle | State::Unknown => return None,
    };
    Some(Diagnostic::error("send/not-ready", text).hint(hint))
}

/// Lost bytes show in the count of the ring, which a GRBL as delivered keeps to itself.
fn unseen_buffer(s: &Situation<'_>) -> Option<Diagnostic> {
    let mask = s.settings.number("$10")?;
    if s.identity.protocol != Some(Protocol::Grbl) || mask.rem_euclid(4.0) >= 2.0 {
        return None;
    }
    let text = "the controller's reports leave out its receive buffer: a byte that is lost on the wire may stay unseen";
    let hint = format!("set $10={} once (`shopctl machine console`)", mask + 2.0);
    Some(Diagnostic::info("send/unseen-buffer", text).hint(hint))
}

fn laser_mode(s: &Situation<'_>) -> Option<Diagnostic> {
    let on = s.settings.number("$32")? != 0.0;
    let laser = s.machine.kind == MachineKind::Laser;
    if !s.named || on == laser || matches!(s.machine.kind, MachineKind::Knife | MachineKind::Printer) {
        return None;
    }
    let text = if laser {
        "laser mode is off ($32=0): the beam would burn while the machine stands and when it moves fast"
    } else {
        "laser mode is on ($32=1): spindle or torch would go off in every rapid"
    };
    Some(
        Diagnostic::error("send/laser-mode", text)
            .hint("set $32 as the machine needs it, or name another one"),
    )
}

fn travel(s: &Situation<'_>) -> Option<Diagnostic> {
    let theirs = s.settings.three(130)?;
    let mut said = Vec::new();
    for (i, name) in ["x", "y", "z"].into_iter().enumerate() {
        let axis = s.machine.axes[i];
        let ours = axis.max - axis.min;
        if s.named && ours < BOUNDLESS && theirs[i] + 1.0 < ours {
            said.push(format!("{name} {} mm in the controller, {ours} in the profile", theirs[i]));
        }
    }
    if said.is_empty() {
        return None;
    }
    let text = format!("the travel differs: {}", said.join("; "));
    Some(Diagnostic::warning("send/settings-differ", text).hint("correct the profile, or $130 to $132"))
}

/// Soft limits stop the machine with an alarm at the line that goes beyond them: better to know now.
fn soft_limits(s: &Situation<'_>) -> Option<Diagnostic> {
    let (extents, offset) = (s.extents?, s.status.work_offset_mm?);
    if s.settings.number("$20")? == 0.0 {
        return None;
    }
    let travel = s.settings.three(130)?;
    // GRBL homes to zero and works below it; grblHAL and FluidNC may be told otherwise, and are believed.
    if s.identity.protocol != Some(Protocol::Grbl) {
        return None;
    }
    let mut said = Vec::new();
    for i in 0..3 {
        let (low, high) = (extents.min[i] + offset[i], extents.max[i] + offset[i]);
        if low < -travel[i] - 1e-3 || high > 1e-3 {
            let name = ["X", "Y", "Z"][i];
            said.push(format!("{name} {low:.3} to {high:.3} of {:.3} to 0 mm", -travel[i]));
        }
    }
    if said.is_empty() {
        return None;
    }
    let text = format!("the program leaves the soft limits at this work zero: {}", said.join("; "));
    Some(
        Diagnostic::error("send/soft-limits", text)
            .hint("set the work zero elsewhere; machine coordinates are shown"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(list: &[(&str, &str)]) -> Settings {
        Settings(list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    fn codes(
        kind: MachineKind,
        list: &[(&str, &str)],
        state: State,
        extents: Option<Extents>,
    ) -> Vec<&'static str> {
        let machine = Machine::example(kind);
        let identity = Identity { protocol: Some(Protocol::Grbl), ..Identity::default() };
        let status = Status {
            state: Some(state),
            machine_position_mm: Some([0.0; 3]),
            work_offset_mm: Some([-100.0, -100.0, -50.0]),
            ..Status::default()
        };
        let settings = settings(list);
        let situation = Situation {
            machine: &machine,
            named: true,
            identity: &identity,
            status: &status,
            settings: &settings,
            extents,
        };
        check(&situation).iter().map(|d| d.code).collect()
    }

    #[test]
    fn a_machine_that_is_ready_passes() {
        let extents = Extents { min: [0.0, 0.0, -5.0], max: [100.0, 100.0, 5.0] };
        let list = [("$20", "1"), ("$32", "0"), ("$130", "1000.000"), ("$131", "1000"), ("$132", "200")];
        assert_eq!(codes(MachineKind::Router, &list, State::Idle, Some(extents)), [""; 0]);
    }

    #[test]
    fn what_stands_against_it_is_named() {
        assert_eq!(codes(MachineKind::Router, &[], State::Alarm, None), ["send/not-ready"]);
        assert_eq!(codes(MachineKind::Laser, &[("$32", "0")], State::Idle, None), ["send/laser-mode"]);
        assert_eq!(codes(MachineKind::Plasma, &[("$32", "1")], State::Idle, None), ["send/laser-mode"]);
        let list = [("$20", "1"), ("$130", "150"), ("$131", "1000"), ("$132", "200")];
        let far = Extents { min: [-60.0, 0.0, -5.0], max: [10.0, 200.0, 5.0] };
        assert_eq!(
            codes(MachineKind::Router, &list, State::Idle, Some(far)),
            ["send/settings-differ", "send/soft-limits"]
        );
    }

    #[test]
    fn the_controllers_own_figures_count() {
        let mut machine = Machine::example(MachineKind::Router);
        let said = adopt(
            &mut machine,
            &settings(&[("$110", "900.000"), ("$111", "5000"), ("$112", "5000"), ("$11", "0.02")]),
        );
        assert_eq!(said.len(), 2);
        assert_eq!(machine.axes[0].rapid.mm_per_min(), 900.0);
        let said = adopt(&mut machine, &settings(&[("M203", "X100.00 Y100.00 Z5.00 E25.00")]));
        assert_eq!(said.len(), 3);
        assert_eq!(machine.axes[2].rapid.mm_per_min(), 300.0);
    }
}
