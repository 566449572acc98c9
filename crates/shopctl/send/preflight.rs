//! Before the first byte: the program against the profile, and the line as it would go over the wire against the
//! controller that reads it.
//!
//! One pass, memory that does not grow with the program: the same interpreter feeds the check, the estimate and the
//! index by time.

use super::index::Index;
use super::lines::Lines;
use crate::check;
use crate::program::Bytes;
use crate::report::Sources;
use shop_cam::canon::Command;
use shop_cam::machine::{Dialect, Machine};
use shop_controller::session::{Protocol, wire};
use shop_gcode::{Context, Step};
use shop_report::{Diagnostic, SourceId, Span};
use shop_sim::Estimator;
use shop_sim::check::{Checker, Extents};

/// What is known of a program before it is sent.
pub struct Checked {
    /// Last line that is sent: the one that ends the program, or the last of the file.
    pub last: u64,
    /// Time by line.
    pub index: Index,
    /// Where it goes, work coordinates, mm.
    pub extents: Option<Extents>,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a person allowed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    /// Lines that write settings may be sent.
    pub settings: bool,
    /// M6 never reaches the controller: something else happens in its place.
    pub tool_change: bool,
}

/// Lines after which the pages of the program are let go.
const FORGET_EVERY: u32 = 1 << 16;

/// Looks at a whole program.
pub fn check(
    program: &Bytes,
    sources: &Sources<'_>,
    id: SourceId,
    machine: &Machine,
    protocol: Option<Protocol>,
    allowed: Allowed,
) -> Checked {
    let mut checker = Checker::new(machine).of_bytes(program.len());
    let mut estimator = Estimator::new(machine).of_bytes(program.len());
    let mut index = Index::default();
    let (mut seen, mut forgotten, mut last) = (0, 0, None);
    let context = Context::of(machine).source(id);
    let mut diagnostics = shop_gcode::visit(program, &context, |step, line| match step {
        Step::Command(command) => {
            checker.command(&command, line);
            estimator.command(&command);
            if line != seen {
                index.note(u64::from(seen), estimator.so_far_s());
                seen = line;
            }
            if command == Command::End {
                last = Some(u64::from(line));
            }
            if line >= forgotten + FORGET_EVERY {
                forgotten = line;
                program.forget(program.len());
            }
        }
        Step::Section { role, label } => estimator.section(role, &label),
    });
    if allowed.tool_change {
        diagnostics
            .retain(|d| d.code != "gcode/unsupported" || !d.span.is_some_and(|s| is_tool_change(program, s)));
    }
    let (findings, extents) = checker.finish();
    let protocol = protocol.or_else(|| protocol_of(machine.post.dialect));
    let lines = look_at_lines(program, id, protocol.unwrap_or(Protocol::Marlin), allowed, &mut diagnostics);
    diagnostics.extend(findings.into_iter().map(|f| check::placed(f, sources, id)));
    let last = last.unwrap_or(lines).min(lines);
    index.finish(last, estimator.finish().total_s);
    program.forget(program.len());
    Checked { last, index, extents, diagnostics }
}

/// Whether the word M6 begins at this place of the program.
fn is_tool_change(program: &[u8], span: Span) -> bool {
    let Some((b'M' | b'm', rest)) = program.get(span.start as usize..).and_then(<[u8]>::split_first) else {
        return false;
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    matches!(&rest[..digits], b"6" | b"06")
}

/// Returns how controllers of this dialect are talked to, where that is known.
pub fn protocol_of(dialect: Dialect) -> Option<Protocol> {
    Some(match dialect {
        Dialect::Grbl => Protocol::Grbl,
        Dialect::GrblHal => Protocol::GrblHal,
        Dialect::FluidNc => Protocol::FluidNc,
        Dialect::Marlin => Protocol::Marlin,
        Dialect::Smoothie => Protocol::Smoothie,
        Dialect::RepRapFirmware => Protocol::RepRapFirmware,
        Dialect::LinuxCnc | Dialect::QtPlasmaC | Dialect::Klipper => return None,
    })
}

/// Looks at every line as it goes over the wire; returns how many there are.
fn look_at_lines(
    program: &Bytes,
    id: SourceId,
    protocol: Protocol,
    allowed: Allowed,
    found: &mut Vec<Diagnostic>,
) -> u64 {
    let mut lines = Lines::new(program);
    let mut text = Vec::new();
    let (mut unclean, mut writes) = (Found::default(), Found::default());
    let mut forgotten = 0;
    loop {
        let (at, _) = lines.place();
        let Some((number, line)) = lines.next() else { break };
        match wire::clean_into(line, protocol, &mut text) {
            Ok(true) if !allowed.settings && writes_settings(&text, protocol) => {
                writes.add(at, line.len(), String::from_utf8_lossy(&text).into_owned());
            }
            Ok(_) => {}
            Err(why) => unclean.add(at, line.len(), why.to_string()),
        }
        if number >= forgotten + u64::from(FORGET_EVERY) {
            forgotten = number;
            program.forget(at);
        }
    }
    if let Some((span, count, why)) = unclean.first(id) {
        let hint =
            "comments and texts for people may say anything; outside of them only plain words are sent";
        let text = format!("this line cannot be sent as it stands: {why}");
        found.push(Diagnostic::error("send/unclean-line", text).span(span).count(count).hint(hint));
    }
    if let Some((span, count, what)) = writes.first(id) {
        let text = format!("`{what}` changes settings of the controller, which stay when the job is over");
        let hint = "send such lines by hand (`shopctl machine console`), or allow them with --allow-settings";
        found.push(Diagnostic::error("send/settings", text).span(span).count(count).hint(hint));
    }
    lines.place().1
}

/// The first place of a finding, and how many there are.
#[derive(Default)]
struct Found {
    first: Option<(usize, usize, String)>,
    count: usize,
}

impl Found {
    fn add(&mut self, at: usize, length: usize, why: String) {
        self.count += 1;
        self.first.get_or_insert((at, length, why));
    }

    fn first(self, id: SourceId) -> Option<(Span, usize, String)> {
        let (at, length, why) = self.first?;
        Some((Span::new(id, at, at + length.max(1)), self.count, why))
    }
}

/// Whether a line changes what the controller remembers when it is switched off. Work offsets (G10, G54) do too, but
/// belong to the work; they are sent, alone.
fn writes_settings(text: &[u8], protocol: Protocol) -> bool {
    let text = text.to_ascii_uppercase();
    if let Some(command) = text.strip_prefix(b"$") {
        // Homing, sleeping and reports change nothing.
        let harmless =
            matches!(command, b"H" | b"HX" | b"HY" | b"HZ" | b"G" | b"#" | b"I" | b"$" | b"" | b"SLP");
        return !harmless && !command.starts_with(b"J=");
    }
    if protocol.is_realtime() {
        return false;
    }
    let word = text.split(|b| *b == b' ').next().unwrap_or_default();
    matches!(word, b"M500" | b"M501" | b"M502" | b"M504" | b"M997")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str, protocol: Protocol) -> Vec<&'static str> {
        let mut found = Vec::new();
        let program = Bytes::Read(text.as_bytes().to_vec());
        look_at_lines(&program, SourceId(0), protocol, Allowed::default(), &mut found);
        found.iter().map(|d| d.code).collect()
    }

    #[test]
    fn comments_may_say_anything() {
        assert_eq!(
            codes("(why? \u{c4}!)\nG1 X1 F100 ; \u{18}\n$H\nG10 L20 P1 X0\n", Protocol::Grbl),
            [""; 0]
        );
        assert_eq!(codes("M117 Fertig! \u{c4}\nG28 X\n", Protocol::Marlin), [""; 0]);
    }

    #[test]
    fn what_would_act_or_stay_is_refused() {
        assert_eq!(codes("G1 X1!\n", Protocol::Grbl), ["send/unclean-line"]);
        assert_eq!(codes("$110=5\n$X\n", Protocol::Grbl), ["send/settings"]);
        assert_eq!(codes("M500\n", Protocol::Marlin), ["send/settings"]);
        let long = format!("G1 X{}\n", "0".repeat(100));
        assert_eq!(codes(&long, Protocol::Grbl), ["send/unclean-line"]);
    }

    #[test]
    fn lines_are_counted_and_the_end_is_found() {
        let machine = shop_gcode::example_machine();
        let text = "G21 G90\nG1 X60 F60\nM30\nG1 X0\n";
        let program = Bytes::Read(text.as_bytes().to_vec());
        let mut sources = Sources::new();
        let id = sources.add("a.nc", text.as_bytes());
        let checked = check(&program, &sources, id, &machine, None, Allowed::default());
        assert_eq!(checked.last, 3);
        assert!((checked.index.total_s() - 60.0).abs() < 1.0, "{}", checked.index.total_s());
        assert_eq!(checked.extents.expect("it moves").max[0], 60.0);
    }
}
