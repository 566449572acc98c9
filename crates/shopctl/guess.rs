//! Which machine a program seems to be for, when nobody says: from the words it uses.
//!
//! Comments count for nothing, unless a slicer names its flavour in them. What only one kind of controller knows
//! decides: filament and heaters a printer, macros Klipper, materials QtPlasmaC; formulas, O-words and codes that GRBL
//! refuses LinuxCNC; light that follows the feed a laser; the rest GRBL.

use shop_cam::machine::Dialect;
use shop_gcode::bgcode;
use shop_gcode::dialect::{Rules, rules};
use shop_gcode::parse::{Kind, Syntax, Token, tokens};

/// How much of a program is looked at.
const HEAD: usize = 1 << 18;

/// Reads everything that some dialect can say.
const ALL: Syntax =
    Syntax { text_arguments: true, bare_letters: true, extended: true, polar: true, braces: false };

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    klipper: bool,
    printer: bool,
    plasma: bool,
    /// Something that LinuxCNC knows and GRBL refuses.
    formulas: bool,
    /// S with or after a feed move, M4; and whether z ever moves.
    light: bool,
    z: bool,
}

/// Returns the generic machine that a program seems to be for.
pub fn machine(program: &[u8]) -> &'static str {
    if program.starts_with(bgcode::MAGIC) {
        return "printer-marlin";
    }
    let seen = look(&program[..program.len().min(HEAD)]);
    if seen.klipper {
        "printer-klipper"
    } else if seen.plasma {
        "plasma-qtplasmac"
    } else if seen.printer {
        "printer-marlin"
    } else if seen.formulas {
        "router-linuxcnc"
    } else if seen.light && !seen.z {
        "laser-grbl"
    } else {
        "router-grbl"
    }
}

fn look(head: &[u8]) -> Seen {
    let (mut seen, mut line) = (Seen::default(), Vec::new());
    for token in tokens(head, ALL) {
        match token.kind {
            Kind::Newline => {
                judge(&line, head, &mut seen);
                line.clear();
            }
            Kind::Comment | Kind::Remark => remark(&head[token.start..token.end], &mut seen),
            // Prose is no evidence; a long line says no more than its beginning.
            _ if line.len() < 64 => line.push(token),
            _ => {}
        }
    }
    judge(&line, head, &mut seen);
    seen
}

fn remark(text: &[u8], seen: &mut Seen) {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    seen.klipper |= plain.contains("gcode_flavor=klipper");
    seen.printer |= plain.contains("gcode_flavor=") || plain.starts_with(";flavor:");
    // Comments that LinuxCNC acts on.
    seen.formulas |= ["(debug,", "(print,", "(probeopen", "(logopen,"].iter().any(|w| plain.starts_with(w));
    seen.plasma |= plain.starts_with("(o=0,") || plain.starts_with("(o=1,") || plain.starts_with("(o=2,");
}

/// Judges the tokens of one line.
fn judge(line: &[Token], head: &[u8], seen: &mut Seen) {
    let word = |letter: u8| line.iter().find(|t| t.kind == Kind::Word && t.letter == letter);
    let codes = |letter: u8| {
        let all = line.iter().filter(move |t| t.kind == Kind::Word && t.letter == letter);
        all.filter_map(|t| t.number.fixed(1))
    };
    let code = |letter: u8, tenths: i64| codes(letter).any(|n| n == tenths);
    if let Some(first) = line.first()
        && first.kind == Kind::Extended
    {
        let name = head[first.start..first.end].split(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).next();
        let name = name.unwrap_or_default().to_ascii_uppercase();
        let begins = |with: &str| name.starts_with(with.as_bytes());
        let macros = ["SET_", "START_PRINT", "PRINT_START", "EXCLUDE_OBJECT", "BED_MESH_", "END_PRINT"];
        seen.klipper |= macros.iter().any(|m| begins(m));
        return;
    }
    // A line of prose has words by accident.
    if line.iter().any(|t| matches!(t.kind, Kind::Unknown | Kind::OpenComment | Kind::StrayParenthesis)) {
        return;
    }
    let moves = codes(b'G').any(|n| matches!(n, 0 | 10 | 20 | 30)) || codes(b'G').next().is_none();
    let coordinates = [b'X', b'Y', b'Z'].iter().any(|l| word(*l).is_some());
    let pushes = word(b'E').is_some() && (moves && codes(b'M').next().is_none() || code(b'G', 920));
    let heats = [1040, 1090, 1400, 820, 830].into_iter().any(|m| code(b'M', m));
    seen.printer |= pushes || heats || code(b'M', 1900) && (word(b'S').is_some() || word(b'R').is_some());
    seen.plasma |= code(b'M', 1900) && word(b'P').is_some() || code(b'M', 30) && word(b'$').is_some();
    seen.light |= code(b'M', 40) && word(b'S').is_some() || moves && coordinates && word(b'S').is_some();
    seen.z |= word(b'Z').is_some();
    let text = |t: &Token| &head[t.start..t.end];
    let material = |t: &Token| text(t).to_ascii_lowercase().windows(13).any(|w| w == b"_hal[plasmac.");
    seen.plasma |= line.iter().any(|t| t.kind == Kind::Formula && material(t));
    let formula = |t: &Token| match t.kind {
        Kind::Formula | Kind::Assignment | Kind::Flow => true,
        Kind::Word => matches!(t.letter, b'@' | b'^'),
        _ => false,
    };
    seen.formulas |= line.iter().any(formula) || codes(b'G').any(|g| only_linuxcnc(g, Rules::runs_g));
    seen.formulas |= codes(b'M').any(|m| m % 10 == 0 && only_linuxcnc(m / 10, Rules::runs_m));
}

/// True when LinuxCNC runs a code that GRBL does not.
fn only_linuxcnc(code: i64, runs: impl Fn(&Rules, i64) -> bool) -> bool {
    runs(rules(Dialect::LinuxCnc), code) && !runs(rules(Dialect::Grbl), code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_guessed_from_the_words() {
        let cases = [
            ("G21 G90\nG1 X1 F100\n", "router-grbl"),
            ("G21 (#1 and O<x> in G64)\nG1 Z-1 F100\nM3 S1000\n", "router-grbl"),
            ("M104 S210\nG28\n", "printer-marlin"),
            ("G28\nG1 X1 E2 F100\n", "printer-marlin"),
            (";FLAVOR:Marlin\nG28\n", "printer-marlin"),
            ("START_PRINT BED=60\nG1 X1\n", "printer-klipper"),
            ("; gcode_flavor = klipper\nG1 X1 E1\n", "printer-klipper"),
            ("M190 P1\nM3 $0 S1\n", "plasma-qtplasmac"),
            ("(o=0, kw=1)\nF#<_hal[plasmac.cut-feed-rate]>\n", "plasma-qtplasmac"),
            ("#1=2\nG0 X#1\nM2\n", "router-linuxcnc"),
            ("(cat)\nG61\n#2=-1.5\nG1 Z#2\n", "router-linuxcnc"),
            ("G21\nT1 M6\nG43 H1\n", "router-linuxcnc"),
            ("o<a> sub\no<a> endsub\n", "router-linuxcnc"),
            ("M67 E0 Q128\nG1 X10 F3000\n", "router-linuxcnc"),
            ("G0 X1\nM4 S500\nG1 X2 F900\n", "laser-grbl"),
            ("M3 S0\nG1 X2 S900 F900\nX3 S100\n", "laser-grbl"),
            ("M3 S9000\nG1 X2 Z-1 F900\n", "router-grbl"),
            ("(DEBUG, a = #<_x>)\nG1 X1 F1\n", "router-linuxcnc"),
            ("hello E1 world G64\n", "router-grbl"),
        ];
        for (text, wanted) in cases {
            assert_eq!(machine(text.as_bytes()), wanted, "{text}");
        }
    }
}
